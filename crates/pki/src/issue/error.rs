//! Why a certificate is not issued.

use super::register::RegisterError;
use crate::certificate::CertificateError;
use crate::key::SignError;
use crate::profile::Profile;
use crate::public_key::Curve;

/// A certificate that is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The subject breaks a rule of its profile.
    #[error("subject: {0}")]
    Subject(&'static str),
    /// The profile wants another curve.
    #[error("a {profile:?} certificate needs a {wanted:?} key")]
    Curve {
        /// The profile.
        profile: Profile,
        /// Its curve.
        wanted: Curve,
    },
    /// The issuer is not a CA, or not the one for this profile.
    #[error("issuer: {0}")]
    Issuer(&'static str),
    /// The issuer is not valid now, or ends too soon for a certificate to be of use.
    #[error("the issuer is not valid for long enough")]
    IssuerExpires,
    /// The register refused, so nothing was signed (or the signed certificate isn't handed out).
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The issuer's key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key that was to sign is not the issuer's.
    #[error("the signing key is not the issuer's")]
    WrongKey,
    /// What was built is not what was asked for: a defect of ours, found before signing.
    #[error("the draft does not say what was asked for: {0}")]
    Lint(&'static str),
    /// What was built cannot be read back.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl IssueError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Subject(_) => "issue_subject_invalid",
            Self::Curve { .. } => "issue_key_unsupported",
            Self::Issuer(_) => "issue_wrong_issuer",
            Self::IssuerExpires => "issue_issuer_expires",
            Self::Register(_) => "issue_register_unavailable",
            Self::Sign(_) => "issue_key_unavailable",
            Self::WrongKey => "issue_wrong_key",
            Self::Lint(_) | Self::Certificate(_) => "issue_lint_failed",
        }
    }
}
