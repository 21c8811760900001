//! The authority at rest: certificates in clear, keys sealed. The root has a file of its own, so that it can be taken away.

use std::collections::BTreeMap;

use pki::{Certificate, CertificateError, IssuingCa};
use serde::{Deserialize, Serialize};

/// The file is not one of an authority.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not JSON of the expected form.
    #[error("line {line}, column {column}: not a file of the authority")]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// Written by another version.
    #[error("the file has version {0}; this program reads version 1")]
    Version(u32),
    /// A certificate in it cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

/// A CA's certificate in clear, its key sealed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedCa {
    /// The certificate, DER.
    #[serde(with = "pki::b64::bytes")]
    pub certificate: Vec<u8>,
    /// The key as PKCS#8, sealed.
    #[serde(with = "pki::b64::bytes")]
    pub sealed_key: Vec<u8>,
}

impl SealedCa {
    /// Reads the certificate.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn read(&self) -> Result<Certificate, CertificateError> {
        Certificate::from_der(&self.certificate)
    }
}

/// The online part: the issuing CAs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityFile {
    /// Version of the form: 1.
    pub version: u32,
    /// The installation.
    pub installation: String,
    /// The instance of the CA: first byte of its serial numbers.
    pub instance: u8,
    /// The root's certificate, DER. Its key is not here.
    #[serde(with = "pki::b64::bytes")]
    pub root: Vec<u8>,
    /// The issuing CAs.
    pub issuing: BTreeMap<IssuingCa, SealedCa>,
}

/// The offline part: the root. Kept away from the machine that issues; needed again in two years, for the next issuing CAs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootFile {
    /// Version of the form: 1.
    pub version: u32,
    /// The installation.
    pub installation: String,
    /// The root.
    pub root: SealedCa,
}

macro_rules! json_file {
    ($file:ty) => {
        impl $file {
            /// Reads the file.
            ///
            /// # Errors
            /// [`FileError`] names line and column, or the version.
            pub fn from_json(text: &str) -> Result<Self, FileError> {
                let file: Self = serde_json::from_str(text)
                    .map_err(|error| FileError::Form { line: error.line(), column: error.column() })?;
                if file.version == 1 { Ok(file) } else { Err(FileError::Version(file.version)) }
            }

            /// Writes the file.
            ///
            /// # Panics
            /// Never: the form holds text, numbers and maps with text keys only.
            pub fn to_json(&self) -> String {
                serde_json::to_string_pretty(self).expect("the form can always be written as JSON")
            }
        }
    };
}
json_file!(AuthorityFile);
json_file!(RootFile);
