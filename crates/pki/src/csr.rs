//! Certificate requests (PKCS #10, RFC 2986), of which we take the public key and nothing else.

use rcgen::{CertificateParams, DistinguishedName, PublicKeyData, SignatureAlgorithm, SigningKey};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use crate::key::{SignError, Signer};
use crate::pem;
use crate::public_key::{Curve, PublicKey, PublicKeyError};

/// No request of ours is larger.
const MAX_LEN: usize = 8 * 1024;

/// A certificate request that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsrError {
    /// Not one PKCS #10 request, or larger than 8 KiB.
    #[error("not a PKCS #10 certificate request")]
    Malformed,
    /// The public key cannot be certified.
    #[error("the request's public key: {0}")]
    PublicKey(#[from] PublicKeyError),
    /// The request is not signed by the key it names, so possession of the key isn't proven.
    #[error("the request is not signed by the key it names")]
    NoPossession,
    /// The key could not sign the request.
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl CsrError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "csr_malformed",
            Self::PublicKey(_) => "csr_key_unsupported",
            Self::NoPossession => "csr_signature_invalid",
            Self::Sign(_) => "csr_not_signed",
        }
    }
}

/// A checked certificate request: a public key whose private half its sender holds. Subject, extensions and attributes
/// are ignored: every other byte of the certificate comes from the enrolment record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    public_key: PublicKey,
}

impl Csr {
    /// Reads a DER request and verifies its proof of possession.
    ///
    /// # Errors
    /// [`CsrError`] names what is wrong.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > MAX_LEN {
            return Err(CsrError::Malformed);
        }
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| CsrError::Malformed)?;
        if !rest.is_empty() {
            return Err(CsrError::Malformed);
        }
        let info = &request.certification_request_info;
        let public_key = PublicKey::from_spki(info.subject_pki.raw)?;
        // The algorithm follows from the key; what the request claims can only make the signature wrong.
        public_key.verify_der(info.raw, &request.signature_value.data).map_err(|_| CsrError::NoPossession)?;
        Ok(Self { public_key })
    }

    /// Reads a PEM request (`CERTIFICATE REQUEST`) and verifies its proof of possession.
    ///
    /// # Errors
    /// [`CsrError`] names what is wrong.
    pub fn from_pem(text: &str) -> Result<Self, CsrError> {
        match &pem::decode_all("CERTIFICATE REQUEST", text).map_err(|_| CsrError::Malformed)?[..] {
            [der] => Self::from_der(der),
            _ => Err(CsrError::Malformed),
        }
    }

    /// The key to certify.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Writes a DER request for `key`, without a subject.
    ///
    /// # Errors
    /// [`CsrError::Sign`] when the key cannot sign.
    pub fn build(key: &dyn Signer) -> Result<Vec<u8>, CsrError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request =
            params.serialize_request(&RcgenKey(key)).map_err(|error| SignError(error.to_string()))?;
        Ok(request.der().to_vec())
    }
}

/// A [`Signer`] as rcgen sees it.
struct RcgenKey<'a>(&'a dyn Signer);

impl PublicKeyData for RcgenKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().point()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        rcgen_algorithm(self.0.public_key().curve())
    }
}

impl SigningKey for RcgenKey<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// The algorithm that rcgen writes for a curve.
pub(crate) fn rcgen_algorithm(curve: Curve) -> &'static SignatureAlgorithm {
    match curve {
        Curve::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        Curve::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
    }
}
