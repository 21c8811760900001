//! To whom an envelope is sealed.

use pki::{Anchor, Certificate, ChainError, KeyId, PublicKey, Purpose, Refused};
use types::Timestamp;

/// The PCS's key, known to be the PCS's: there is no other way to make one than from a certificate that the node CA issued
/// for this purpose, so a page or a proxy cannot slip in a key of its own.
#[derive(Clone, Debug)]
pub struct Recipient {
    key: PublicKey,
}

impl Recipient {
    /// Checks the certificate: issued by the node CA, for receiving payment instructions, valid at `now`, not revoked.
    ///
    /// # Errors
    /// [`ChainError`] names the first rule that is broken.
    pub fn new(
        certificate: &Certificate,
        node_ca: &Anchor,
        now: Timestamp,
        refused: &dyn Refused,
    ) -> Result<Self, ChainError> {
        node_ca.verify(certificate, Purpose::InstructionRecipient, now, refused)?;
        Ok(Self { key: certificate.public_key().clone() })
    }

    /// The name of the key, which LINK and the envelope carry.
    pub fn id(&self) -> KeyId {
        self.key.id()
    }

    pub(super) const fn key(&self) -> &PublicKey {
        &self.key
    }

    #[cfg(test)]
    pub(crate) const fn unchecked(key: PublicKey) -> Self {
        Self { key }
    }
}
