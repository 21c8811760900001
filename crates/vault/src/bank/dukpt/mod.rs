//! DUKPT, derived unique key per transaction, on the side of the host: from a base derivation key and the serial number
//! that came with a message to the key of that one message.
//!
//! The device forgets each key once it is used; the host keeps the base derivation key and derives whichever it is asked
//! for. So that an old message is not taken twice, the host compares transaction counters: [`TdesKsn::follows`] and
//! [`AesKsn::follows`].

mod aes;
mod ksn;
mod tdes;
#[cfg(test)]
mod tests;

pub use ksn::{AesKsn, KsnError, TdesKsn};
pub(crate) use ksn::{aes_bytes, tdes_bytes};

use super::{BankKey, BankKeyError, Exportability, KeyFamily, KeyModes, KeyType};

/// What a derived key is for. Named from the device, as the standards do: a request goes to the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DukptUsage {
    /// PIN blocks.
    Pin,
    /// MACs of requests, which the device generates and the host verifies.
    MacRequest,
    /// MACs of responses, which the host generates.
    MacResponse,
    /// Data of requests. The key is derived and typed; nothing here decrypts data yet.
    DataRequest,
    /// Data of responses.
    DataResponse,
}

impl DukptUsage {
    const fn key_type(self) -> KeyType {
        match self {
            Self::Pin => KeyType::Tpk,
            Self::MacRequest | Self::MacResponse => KeyType::Tak,
            Self::DataRequest | Self::DataResponse => KeyType::Tdk,
        }
    }

    /// What the host does with the key: it reads requests and writes responses.
    const fn modes(self) -> KeyModes {
        match self {
            Self::Pin | Self::MacRequest | Self::DataRequest => KeyModes { forward: false, backward: true },
            Self::MacResponse | Self::DataResponse => KeyModes { forward: true, backward: false },
        }
    }
}

/// Length of a key that AES DUKPT derives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AesKeyLength {
    /// AES-128.
    Bits128,
    /// AES-192.
    Bits192,
    /// AES-256.
    Bits256,
}

impl AesKeyLength {
    const fn bytes(self) -> usize {
        match self {
            Self::Bits128 => 16,
            Self::Bits192 => 24,
            Self::Bits256 => 32,
        }
    }

    pub(super) const fn of(bytes: usize) -> Option<Self> {
        match bytes {
            16 => Some(Self::Bits128),
            24 => Some(Self::Bits192),
            32 => Some(Self::Bits256),
            _ => None,
        }
    }
}

impl BankKey {
    /// The Triple DES key of one message. Source: ANSI X9.24-1:2009 annex A.
    ///
    /// # Errors
    /// [`BankKeyError`] when this is not a double-length Triple DES base derivation key.
    pub fn derive_tdes_dukpt(&self, ksn: &TdesKsn, usage: DukptUsage) -> Result<BankKey, BankKeyError> {
        self.need_type(&[KeyType::Bdk], "DUKPT")?;
        let base = self.software_bytes()?;
        if self.family() != KeyFamily::TripleDes || base.len() != 16 {
            return Err(BankKeyError::Length { bytes: base.len(), wanted: "Triple DES DUKPT" });
        }
        let base = base.try_into().map_err(|_| BankKeyError::NotExportable)?;
        let key = tdes::working_key(base, ksn, usage)?;
        derived(usage, KeyFamily::TripleDes, &*key)
    }

    /// The AES key of one message. Source: ANSI X9.24-3:2017.
    ///
    /// # Errors
    /// [`BankKeyError`] when this is not an AES base derivation key, or when a longer key than itself is asked for.
    pub fn derive_aes_dukpt(
        &self,
        ksn: &AesKsn,
        usage: DukptUsage,
        length: AesKeyLength,
    ) -> Result<BankKey, BankKeyError> {
        self.need_type(&[KeyType::Bdk], "DUKPT")?;
        let base = self.software_bytes()?;
        if self.family() != KeyFamily::Aes || length.bytes() > base.len() {
            return Err(BankKeyError::Length { bytes: base.len(), wanted: "AES DUKPT of that key length" });
        }
        let key = aes::working_key(base, ksn, usage, length)?;
        derived(usage, KeyFamily::Aes, &key)
    }
}

fn derived(usage: DukptUsage, family: KeyFamily, bytes: &[u8]) -> Result<BankKey, BankKeyError> {
    // One message's key has no business outside.
    BankKey::imported(usage.key_type(), family, bytes, usage.modes(), Exportability::NonExportable)
}
