//! Why a passkey's answer is not believed.

/// Why a passkey's answer is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebauthnError {
    /// clientDataJSON is not JSON of the right form, or names a key twice.
    #[error("clientDataJSON is malformed")]
    ClientData,
    /// The ceremony is another one: `webauthn.create` for `webauthn.get`, or something else.
    #[error("clientDataJSON is of another ceremony")]
    Type,
    /// The challenge is not the one that was given.
    #[error("the challenge is not the one that was given")]
    Challenge,
    /// The page is not one of ours.
    #[error("the origin is not one of ours")]
    Origin,
    /// The page was embedded in one of another origin.
    #[error("the page was embedded in one of another origin")]
    CrossOrigin,
    /// The authenticator data is malformed.
    #[error("the authenticator data is malformed")]
    AuthenticatorData,
    /// The authenticator answered another relying party.
    #[error("the authenticator answered another relying party")]
    RelyingParty,
    /// Nobody was present.
    #[error("the user was not present")]
    UserPresence,
    /// The user was not verified by PIN, finger or face.
    #[error("the user was not verified")]
    UserVerification,
    /// The flags contradict each other, or what was registered.
    #[error("the backup flags contradict the registration")]
    Backup,
    /// The attestation object is malformed.
    #[error("the attestation object is malformed")]
    Attestation,
    /// The credential's key is not an ES256 key.
    #[error("the credential's key is not an ES256 key")]
    Key,
    /// The credential id is empty or longer than 1023 bytes, or not the one expected.
    #[error("the credential id is not acceptable")]
    CredentialId,
    /// The signature is wrong.
    #[error("the assertion's signature is wrong")]
    Signature,
}

impl WebauthnError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ClientData => "assertion_invalid_client_data",
            Self::Type => "assertion_invalid_type",
            Self::Challenge => "assertion_invalid_challenge",
            Self::Origin => "assertion_invalid_origin",
            Self::CrossOrigin => "assertion_invalid_cross_origin",
            Self::AuthenticatorData => "assertion_invalid_authenticator_data",
            Self::RelyingParty => "assertion_invalid_relying_party",
            Self::UserPresence => "assertion_invalid_user_presence",
            Self::UserVerification => "assertion_invalid_user_verification",
            Self::Backup => "assertion_invalid_backup_flags",
            Self::Attestation => "assertion_invalid_attestation",
            Self::Key => "assertion_invalid_key",
            Self::CredentialId => "assertion_invalid_credential",
            Self::Signature => "assertion_invalid_signature",
        }
    }
}
