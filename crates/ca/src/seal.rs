//! Keys at rest: sealed by whoever holds the key-encrypting key, never written in clear.

use types::Secret;

/// A key could not be sealed or opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealing of keys: {0}")]
pub struct SealError(pub String);

/// Seals the private keys of the authority, for example with the vault.
pub trait KeySealer: Send + Sync {
    /// Seals a PKCS#8 key under a name. The same name must be given to open it, so that two keys cannot be exchanged.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be sealed.
    fn seal(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, SealError>;

    /// Opens what was sealed under this name.
    ///
    /// # Errors
    /// [`SealError`] when it was altered, or sealed under another name or key.
    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError>;
}
