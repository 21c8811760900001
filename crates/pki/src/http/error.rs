//! Why a signed message is not believed.

/// Why a signed message is not believed. Nothing of the message is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// No `Signature-Input`, no `Signature`, or none with our tag.
    #[error("the message carries no signature for this use")]
    Missing,
    /// `Signature-Input`, `Signature` or `Content-Digest` is not a well-formed structured field.
    #[error("the {0} header is malformed")]
    Malformed(&'static str),
    /// Two signatures carry our tag.
    #[error("the message carries two signatures for this use")]
    Ambiguous,
    /// A component that must be covered is not, or a covered one is not in the message.
    #[error("the component {0} must be in the message and covered by the signature")]
    ComponentMissing(String),
    /// A component that we do not support is covered.
    #[error("the signature covers a component that is not supported here")]
    ComponentUnsupported,
    /// A parameter is missing or has the wrong type.
    #[error("the signature parameter {0} is missing or has the wrong type")]
    Parameter(&'static str),
    /// `alg` contradicts the key.
    #[error("the signature algorithm must be ecdsa-p256-sha256")]
    Algorithm,
    /// `created` lies too far from now.
    #[error("the signature was created at another time than now; check the clock")]
    NotNow,
    /// `expires` has passed, or lies too far behind `created`.
    #[error("the signature has expired or lives for too long")]
    Expired,
    /// `keyid` names no key that may sign here.
    #[error("no key of this name may sign here")]
    KeyUnknown,
    /// The `Content-Digest` is missing, or has no sha-256.
    #[error("the Content-Digest header needs a sha-256 digest")]
    DigestMissing,
    /// The body is not the one that the digest names.
    #[error("the body does not match its Content-Digest")]
    DigestMismatch,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Invalid,
    /// The nonce was used before.
    #[error("the nonce was used before")]
    NonceReplayed,
    /// The key could not sign; only when signing.
    #[error(transparent)]
    Sign(#[from] crate::SignError),
}

impl SignatureError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::Malformed(_) => "signature_malformed",
            Self::Ambiguous => "signature_ambiguous",
            Self::ComponentMissing(_) => "component_missing",
            Self::ComponentUnsupported => "component_unsupported",
            Self::Parameter(_) => "signature_parameter_missing",
            Self::Algorithm => "signature_algorithm_unsupported",
            Self::NotNow => "signature_not_current",
            Self::Expired => "signature_expired",
            Self::KeyUnknown => "key_unknown",
            Self::DigestMissing => "digest_missing",
            Self::DigestMismatch => "digest_mismatch",
            Self::Invalid => "signature_invalid",
            Self::NonceReplayed => "nonce_replayed",
            Self::Sign(_) => "signature_unavailable",
        }
    }
}
