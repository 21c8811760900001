//! Joins the vault's keys to a link: the link asks for a MAC or a PIN block and never sees a key.

use std::sync::Arc;

use card::{Pan, PinFormat};
use hostlink::{KeyUsage, LinkSecurity, MacAlgorithm, PinField, SecurityError, WrappedKey};
use vault::{BankKeyError, BankKeys, KeptPinKey, PinError, Record, TerminalPinError, Vault};
use zeroize::Zeroizing;

/// The keys of one link, held by the vault.
pub struct LinkKeys {
    keys: BankKeys,
    vault: Arc<Vault>,
}

impl LinkKeys {
    /// The working keys of a link, and the vault that opens the PIN keys of terminals.
    pub const fn new(keys: BankKeys, vault: Arc<Vault>) -> Self {
        Self { keys, vault }
    }
}

impl LinkSecurity for LinkKeys {
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], SecurityError> {
        self.keys.mac(input).map_err(|_| SecurityError::NoMacKey)
    }

    fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.keys.verify(input, mac)
    }

    fn verify_previous(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.keys.verify_previous(input, mac)
    }

    fn forget_previous_keys(&self) {
        self.keys.forget_previous_keys();
    }

    fn translate_pin(
        &self,
        pin: &PinField,
        pan: &Pan,
        to: PinFormat,
    ) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        let key = &*pin.key;
        let kept = KeptPinKey { block: key.block.clone(), key_version: key.key_version };
        let terminal = Record::of(key.merchant, key.terminal);
        let made = self.vault.translate_pin(&pin.sent, &kept, terminal, pan, &self.keys, to);
        made.map_err(|error| match error {
            TerminalPinError::Pin(PinError::Unreadable) => SecurityError::PinUnreadable,
            TerminalPinError::Pin(PinError::Key(BankKeyError::NoPinKey)) => SecurityError::NoPinKey,
            TerminalPinError::Pin(PinError::Key(BankKeyError::Token { .. })) => SecurityError::Unavailable,
            _ => SecurityError::PinKeyUnfit,
        })
    }

    fn install_working_keys(&self, wrapped: &[WrappedKey]) -> Result<(), SecurityError> {
        // Track data never passes this gateway, so a track key is not kept.
        let keys: Vec<_> = wrapped
            .iter()
            .filter_map(|key| {
                let usage = match key.usage {
                    KeyUsage::Mac => vault::KeyUsage::Mac,
                    KeyUsage::Pin => vault::KeyUsage::Pin,
                    KeyUsage::Track => return None,
                };
                Some(vault::WrappedKey { usage, bytes: &key.bytes, check_value: &key.check_value })
            })
            .collect();
        self.keys.install_working_keys(&keys).map_err(|error| security_error(&error))
    }
}

/// The vault's name of a MAC algorithm.
pub const fn mac_algorithm(algorithm: MacAlgorithm) -> vault::MacAlgorithm {
    match algorithm {
        MacAlgorithm::X9_9 => vault::MacAlgorithm::X9_9,
        MacAlgorithm::X9_19 => vault::MacAlgorithm::X9_19,
        MacAlgorithm::CupsEcb => vault::MacAlgorithm::CupsEcb,
        MacAlgorithm::AesCmac => vault::MacAlgorithm::AesCmac,
    }
}

fn security_error(error: &BankKeyError) -> SecurityError {
    match error {
        BankKeyError::CheckValue { usage } => SecurityError::CheckValueMismatch(link_usage(*usage)),
        BankKeyError::NoMacKey => SecurityError::NoMacKey,
        BankKeyError::Double { usage } => SecurityError::KeyUnfit(link_usage(*usage)),
        _ => SecurityError::KeyUnfit(KeyUsage::Mac),
    }
}

fn link_usage(usage: vault::KeyUsage) -> KeyUsage {
    match usage {
        vault::KeyUsage::Mac => KeyUsage::Mac,
        vault::KeyUsage::Pin => KeyUsage::Pin,
    }
}
