//! Joins the vault's bank keys to a link: the link asks for a MAC and never sees a key.

use hostlink::{KeyUsage, LinkSecurity, MacAlgorithm, SecurityError, WrappedKey};
use vault::{BankKeyError, BankKeys};

/// The keys of one link, held by the vault.
pub struct VaultSecurity(pub BankKeys);

impl LinkSecurity for VaultSecurity {
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], SecurityError> {
        self.0.mac(input).map_err(|_| SecurityError::NoMacKey)
    }

    fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.0.verify(input, mac)
    }

    fn verify_previous(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.0.verify_previous(input, mac)
    }

    fn forget_previous_keys(&self) {
        self.0.forget_previous_keys();
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
        self.0.install_working_keys(&keys).map_err(|error| security_error(&error))
    }
}

/// The vault's name of an algorithm.
pub fn algorithm(algorithm: MacAlgorithm) -> vault::MacAlgorithm {
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
