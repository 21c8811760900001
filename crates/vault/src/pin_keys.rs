//! The PIN keys of terminals: kept by the store in key blocks that only this vault opens, and opened for the moment in
//! which a PIN block is translated.

use std::fmt;

use card::{EncryptedPin, Pan, PinFormat};
use zeroize::Zeroizing;

use crate::bank::{BankKeys, KeyBlockError, KeyBlockKey, TerminalPinError, TerminalPinKey};
use crate::{Record, Vault};

/// A terminal's PIN key as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeptPinKey {
    /// A key block of version D (ANSI X9.143), under a key that the vault derives for this one terminal.
    pub block: String,
    /// The version of the vault's root key that it is under.
    pub key_version: u32,
}

impl fmt::Debug for KeptPinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeptPinKey(key version {})", self.key_version)
    }
}

impl Vault {
    /// Puts a terminal's PIN key into a key block for the store.
    ///
    /// # Errors
    /// [`KeyBlockError`] when the block cannot be made.
    pub fn keep_pin_key(&self, key: TerminalPinKey, record: Record) -> Result<KeptPinKey, KeyBlockError> {
        let key_version = self.key_version();
        let block = key.export(&self.protection(record, key_version)?, &*self.entropy)?;
        Ok(KeptPinKey { block, key_version })
    }

    /// Translates a PIN block from a terminal's key to the PIN key of a bank's link. The clear PIN exists in here alone, and
    /// only for that long.
    ///
    /// # Errors
    /// [`TerminalPinError`] says which rule refused it.
    pub fn translate_pin(
        &self,
        pin: &EncryptedPin,
        kept: &KeptPinKey,
        record: Record,
        pan: &Pan,
        link: &BankKeys,
        to: PinFormat,
    ) -> Result<Zeroizing<Vec<u8>>, TerminalPinError> {
        let protection = self.protection(record, kept.key_version)?;
        let key = TerminalPinKey::import(&protection, &kept.block)?;
        key.translate(pin, pan, link, to, &*self.entropy)
    }

    fn protection(&self, record: Record, version: u32) -> Result<KeyBlockKey, KeyBlockError> {
        let key = self.keys.key_block_key(record, version);
        key.map(|key| KeyBlockKey::derived(&key)).ok_or(KeyBlockError::NotAuthentic)
    }
}
