//! What can go wrong in the authority.

use pki::webauthn::WebauthnError;
use pki::{ChainError, IssueError, IssuingCa, KeyError, RegisterError};

use crate::file::FileError;
use crate::seal::SealError;

/// What can go wrong in the authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A certificate is not issued.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A key cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A key cannot be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A file of the authority cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The register cannot be read.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The file lacks an issuing CA.
    #[error("there is no {0} CA in the authority's file")]
    Missing(IssuingCa),
    /// An issuing CA's certificate is not good.
    #[error("the {ca} CA's certificate: {source}")]
    Chain {
        /// Which one.
        ca: IssuingCa,
        /// Why.
        source: ChainError,
    },
    /// An issuing CA's key is not the one that its certificate names.
    #[error("the {0} CA's key and certificate do not belong together")]
    WrongKey(IssuingCa),
    /// The customer did not prove possession of the passkey.
    #[error("proof of possession of the passkey: {0}")]
    Possession(#[from] WebauthnError),
    /// A TLS server's certificate needs a host name.
    #[error("a server's certificate needs at least one host name")]
    NoHostName,
}

impl AuthorityError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Issue(error) => error.code(),
            Self::Key(_) => "authority_key_invalid",
            Self::Seal(_) => "authority_key_sealed",
            Self::File(_) => "authority_file_invalid",
            Self::Register(_) => "issue_register_unavailable",
            Self::Missing(_) => "authority_incomplete",
            Self::Chain { source, .. } => source.code(),
            Self::WrongKey(_) => "authority_key_mismatch",
            Self::Possession(error) => error.code(),
            Self::NoHostName => "issue_subject_invalid",
        }
    }
}
