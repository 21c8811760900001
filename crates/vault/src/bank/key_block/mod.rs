//! Key blocks: a key under another key, bound to what it may be used for. Source: ASC X9 TR-31:2018 and ANSI X9.143-2021,
//! versions A to D.
//!
//! ```text
//! B0080 P0 T E 00 E 00 00   header, in clear text: version, length, usage, algorithm, mode, key version,
//!                           exportability, number of optional blocks; bound to the key by the MAC
//! KS18 00604B120F9292800000 optional blocks
//! 94B420…A3E4FA             length, key and random bytes, encrypted
//! 4C5F5341176EED7B          MAC: 4 bytes (A, C), 8 (B), 16 (D)
//! ```
//!
//! Versions A and C protect with variants of a key and 32 bits of MAC and are deprecated; they are here to read what old
//! systems send.

mod header;
#[cfg(test)]
mod tests;
mod usage;
mod wrap;

use std::fmt;

use types::Entropy;
use zeroize::Zeroizing;

pub use header::{KeyBlockHeader, KeyBlockVersion, OptionalBlock};

use super::{BankKey, BankKeyError, Exportability, KeyFamily, KeyType, TransportKey, key};

/// Why a key block was refused, or not made. Never holds a byte of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyBlockError {
    /// Not the form of a key block.
    #[error("not a key block: {rule}")]
    Form {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// Altered, or under another key.
    #[error("key block was altered, or is under another key")]
    NotAuthentic,
    /// The usage of the block is not that of the type that was asked for.
    #[error("key block holds no {wanted:?} key")]
    Usage {
        /// The type that was asked for.
        wanted: KeyType,
    },
    /// The key must not leave.
    #[error("key is marked as not exportable")]
    NotExportable,
    /// A key under one that is weaker than itself, or of a cipher that the version does not have.
    #[error("key block protection key does not fit: {rule}")]
    Protection {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The key inside is none.
    #[error(transparent)]
    Key(#[from] BankKeyError),
}

impl KeyBlockError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form { .. } => "key_block_form",
            Self::NotAuthentic => "key_block_not_authentic",
            Self::Usage { .. } => "key_block_usage",
            Self::NotExportable => "key_block_not_exportable",
            Self::Protection { .. } => "key_block_protection",
            Self::Key(error) => error.code(),
        }
    }
}

/// A key block protection key (KBPK), TR-31 usage K1. It is for key blocks alone. Shows nothing of itself; wiped when
/// dropped.
pub struct KeyBlockKey {
    family: KeyFamily,
    bytes: Zeroizing<Vec<u8>>,
}

impl KeyBlockKey {
    /// A protection key in hexadecimal digits, white space is dropped: 16 or 24 bytes of Triple DES (versions A, B, C), or
    /// 16, 24 or 32 of AES (version D).
    ///
    /// # Errors
    /// [`BankKeyError`] for another length, a byte without odd parity, weak keys or equal halves.
    pub fn from_hex(family: KeyFamily, digits: &str) -> Result<Self, BankKeyError> {
        let bytes = key::read_hex(digits)?;
        key::check_strength(family, &bytes)?;
        if bytes.len() == 8 {
            return Err(BankKeyError::Length { bytes: 8, wanted: "a key block protection key" });
        }
        Ok(Self { family, bytes })
    }

    /// A key of version D that the vault has derived.
    pub(crate) fn derived(bytes: &[u8; 32]) -> Self {
        Self { family: KeyFamily::Aes, bytes: Zeroizing::new(bytes.to_vec()) }
    }

    /// The key whose components are given in hexadecimal digits and joined by exclusive or, as
    /// [`TransportKey::from_components`] does it.
    ///
    /// # Errors
    /// As [`KeyBlockKey::from_hex`], also when the components differ in length or there is none.
    pub fn from_components(family: KeyFamily, components: &[&str]) -> Result<Self, BankKeyError> {
        let joined = key::join_components(components)?;
        key::check_strength(family, &joined)?;
        Ok(Self { family, bytes: joined })
    }

    /// Takes a key of the given type out of a key block.
    ///
    /// # Errors
    /// [`KeyBlockError`] when the block is not of that usage, was altered in any place, or is under another key.
    pub fn import(&self, block: &str, key_type: KeyType) -> Result<BankKey, KeyBlockError> {
        let (header, key) = wrap::unwrap(self.family, &self.bytes, block)?;
        usage::typed_key(&header, &key, key_type)
    }

    /// Takes a transport key (usage K0) out of a key block.
    ///
    /// # Errors
    /// As [`KeyBlockKey::import`], and [`BankKeyError`] where [`TransportKey::from_bytes`] has it.
    pub fn import_transport_key(&self, block: &str) -> Result<TransportKey, KeyBlockError> {
        let key = self.import(block, KeyType::Tmk)?;
        key.need(key.modes().backward, "unwrap a working key")?;
        let mut bytes = Zeroizing::new(key.software_bytes()?.to_vec());
        if key.family() == KeyFamily::TripleDes {
            // A key block proves the key by its MAC, and its makers leave parity as it falls.
            key::set_odd_parity(&mut bytes);
        }
        Ok(TransportKey::from_bytes(key.family(), &bytes)?)
    }

    /// Puts a key into a key block of version B (Triple DES protection keys) or D (AES). `usage` is the block's, as `P0` or
    /// `M3`; direction and exportability are those of the key. The length of the key is hidden.
    ///
    /// # Errors
    /// [`KeyBlockError`] when the key must not leave, is stronger than its protection, or is not of that usage.
    pub fn export(
        &self,
        key: &BankKey,
        usage: &str,
        optional: Vec<OptionalBlock>,
        entropy: &dyn Entropy,
    ) -> Result<String, KeyBlockError> {
        match key.exportability() {
            Exportability::NonExportable => Err(KeyBlockError::NotExportable),
            may_leave => self.write(key, usage, may_leave, optional, entropy),
        }
    }

    /// Puts a key that its custodians bring in clear into its first block. Its components, in hexadecimal digits, are joined
    /// by exclusive or; one alone is the key itself. `mode` and `exportability` are what the block says, and bind whoever
    /// takes the key out. Gives the block and the key's check value.
    ///
    /// # Errors
    /// [`KeyBlockError`] for a usage that is none of ours or a mode that it does not have, for a key that is mistyped, weak, or
    /// stronger than its protection.
    pub fn wrap_components(
        &self,
        components: &[&str],
        family: KeyFamily,
        said: FirstBlock<'_>,
        entropy: &dyn Entropy,
    ) -> Result<(String, [u8; 3]), KeyBlockError> {
        let key = usage::first_key(said.usage, family, &key::join_components(components)?, said.mode)?;
        let block = self.write(&key, said.usage, said.exportability, Vec::new(), entropy)?;
        Ok((block, key.check_value()?))
    }

    fn write(
        &self,
        key: &BankKey,
        usage: &str,
        exportability: Exportability,
        optional: Vec<OptionalBlock>,
        entropy: &dyn Entropy,
    ) -> Result<String, KeyBlockError> {
        let version = match self.family {
            KeyFamily::TripleDes => KeyBlockVersion::B,
            KeyFamily::Aes => KeyBlockVersion::D,
        };
        let header = usage::header(version, key, usage, exportability, optional)?;
        wrap::wrap(self.family, &self.bytes, &header, key.software_bytes()?, entropy)
    }
}

/// What the first block of a key says about it, with the letters of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstBlock<'a> {
    /// What the key is for, as `K0`.
    pub usage: &'a str,
    /// Which directions, as `B`.
    pub mode: char,
    /// Whether who takes it out may pass it on.
    pub exportability: Exportability,
}

impl fmt::Debug for KeyBlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyBlockKey({:?}, {} bits)", self.family, self.bytes.len() * 8)
    }
}
