//! The PIN key of a terminal: one key for all its PINs (TPK), or one from which the key of each transaction is derived
//! (DUKPT, BDK).

use std::fmt;

use card::{EncryptedPin, Pan, PinFormat};
use types::Entropy;
use zeroize::Zeroizing;

use super::dukpt::{self, AesKeyLength, KsnError};
use super::{
    AesKsn, BankKey, BankKeyError, BankKeys, DukptUsage, KeyBlockError, KeyBlockKey, KeyFamily, KeyType,
    PinError, PinZone, TdesKsn,
};

/// What kind of PIN key a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinKeyKind {
    /// Terminal PIN key: the same for every PIN.
    Tpk,
    /// Base derivation key: a key serial number comes with every PIN.
    Bdk,
}

impl PinKeyKind {
    const fn key_type(self) -> KeyType {
        match self {
            Self::Tpk => KeyType::Tpk,
            Self::Bdk => KeyType::Bdk,
        }
    }

    /// The usage of its key blocks.
    const fn usage(self) -> &'static str {
        match self {
            Self::Tpk => "P0",
            Self::Bdk => "B0",
        }
    }
}

/// Why a terminal's PIN block was not translated. Never holds a digit of a PIN, a card number or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TerminalPinError {
    /// The terminal's key block does not open: it is another terminal's, or another vault's.
    #[error("the terminal's PIN key cannot be opened: {0}")]
    KeyBlock(#[from] KeyBlockError),
    /// No key serial number, or one where none belongs.
    #[error("a key serial number comes with the PINs of a DUKPT terminal, and with no other's")]
    SerialNumber,
    /// Not a key serial number of a transaction.
    #[error(transparent)]
    Ksn(#[from] KsnError),
    /// The translation was refused.
    #[error(transparent)]
    Pin(#[from] PinError),
}

impl From<BankKeyError> for TerminalPinError {
    fn from(error: BankKeyError) -> Self {
        Self::Pin(error.into())
    }
}

/// A terminal's PIN key, in clear for as long as this lives. Shows nothing of itself; wiped when dropped.
pub struct TerminalPinKey {
    kind: PinKeyKind,
    key: BankKey,
}

impl TerminalPinKey {
    /// Takes the key out of a key block (usage `P0` or `B0`) under a protection key.
    ///
    /// # Errors
    /// [`KeyBlockError`] where [`KeyBlockKey::import`] has it; [`BankKeyError::Mode`] for a key that may not decrypt.
    pub fn import(protection: &KeyBlockKey, block: &str) -> Result<Self, KeyBlockError> {
        let kind = if block.get(5..7) == Some("B0") { PinKeyKind::Bdk } else { PinKeyKind::Tpk };
        let key = protection.import(block, kind.key_type())?;
        if kind == PinKeyKind::Tpk {
            key.need(key.modes().backward, "decrypt a PIN block")?;
        }
        if kind == PinKeyKind::Bdk && key.family() == KeyFamily::TripleDes {
            let bytes = key.software_bytes()?.len();
            if bytes != 16 {
                return Err(BankKeyError::Length { bytes, wanted: "Triple DES DUKPT" }.into());
            }
        }
        Ok(Self { kind, key })
    }

    /// What kind of key it is.
    pub const fn kind(&self) -> PinKeyKind {
        self.kind
    }

    /// Its cipher.
    pub const fn family(&self) -> KeyFamily {
        self.key.family()
    }

    /// Its check value, which tells nothing about the key.
    ///
    /// # Errors
    /// [`BankKeyError`] when it cannot be computed.
    pub fn check_value(&self) -> Result<[u8; 3], BankKeyError> {
        self.key.check_value()
    }

    /// The key in a key block of version D, under a key of the vault's own.
    pub(crate) fn export(
        self,
        protection: &KeyBlockKey,
        entropy: &dyn Entropy,
    ) -> Result<String, KeyBlockError> {
        protection.export(&self.key.kept_inside(), self.kind.usage(), Vec::new(), entropy)
    }

    /// Translates a PIN block that came under this key, or one derived from it, to the PIN key of a bank's link.
    pub(crate) fn translate(
        &self,
        pin: &EncryptedPin,
        pan: &Pan,
        link: &BankKeys,
        to: PinFormat,
        entropy: &dyn Entropy,
    ) -> Result<Zeroizing<Vec<u8>>, TerminalPinError> {
        let key = self.key_of(pin)?;
        let from = PinZone { key: &key, format: pin.format.into() };
        Ok(link.translate_pin(&pin.block, pan, from, to.into(), entropy)?)
    }

    /// The key that the block is under.
    fn key_of(&self, pin: &EncryptedPin) -> Result<Derived<'_>, TerminalPinError> {
        let Some(ksn) = &pin.ksn else {
            return match self.kind {
                PinKeyKind::Tpk => Ok(Derived::Itself(&self.key)),
                PinKeyKind::Bdk => Err(TerminalPinError::SerialNumber),
            };
        };
        if self.kind == PinKeyKind::Tpk {
            return Err(TerminalPinError::SerialNumber);
        }
        let derived = match self.key.family() {
            KeyFamily::TripleDes => {
                let ksn = TdesKsn::from_bytes(dukpt::tdes_bytes(ksn)?)?;
                self.key.derive_tdes_dukpt(&ksn, DukptUsage::Pin)?
            }
            KeyFamily::Aes => {
                let ksn = AesKsn::from_bytes(dukpt::aes_bytes(ksn)?)?;
                // The working key is as long as the base key: what devices do that are not told otherwise.
                let bytes = self.key.software_bytes()?.len();
                let length = AesKeyLength::of(bytes);
                let length = length.ok_or(BankKeyError::Length { bytes, wanted: "AES DUKPT" })?;
                self.key.derive_aes_dukpt(&ksn, DukptUsage::Pin, length)?
            }
        };
        Ok(Derived::Of(derived))
    }
}

/// The terminal's key itself, or the one of a transaction.
enum Derived<'a> {
    Itself(&'a BankKey),
    Of(BankKey),
}

impl std::ops::Deref for Derived<'_> {
    type Target = BankKey;

    fn deref(&self) -> &BankKey {
        match self {
            Self::Itself(key) => key,
            Self::Of(key) => key,
        }
    }
}

impl fmt::Debug for TerminalPinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TerminalPinKey({:?}, {:?})", self.kind, self.key.family())
    }
}

/// Which device, and its how manieth transaction: what a key serial number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SerialNumber {
    /// Key set and device, the counter cleared.
    pub device: [u8; 8],
    /// The transaction counter.
    pub counter: u32,
}

impl SerialNumber {
    /// Of a transaction: ten bytes for Triple DES (eight, where the leading `FFFF` is left out), twelve for AES.
    ///
    /// # Errors
    /// [`KsnError`] for another length, and for a counter that no device uses.
    pub fn read(family: KeyFamily, ksn: &[u8]) -> Result<Self, KsnError> {
        Ok(match family {
            KeyFamily::TripleDes => {
                let ksn = TdesKsn::from_bytes(dukpt::tdes_bytes(ksn)?)?;
                Self { device: ksn.initial(), counter: ksn.counter() }
            }
            KeyFamily::Aes => {
                let ksn = AesKsn::from_bytes(dukpt::aes_bytes(ksn)?)?;
                Self { device: ksn.initial_key_id(), counter: ksn.counter() }
            }
        })
    }

    /// The device of a key serial number with whatever counter, as it is noted when the device is loaded.
    ///
    /// # Errors
    /// [`KsnError::Form`] for another length.
    pub fn device(family: KeyFamily, ksn: &[u8]) -> Result<[u8; 8], KsnError> {
        Ok(match family {
            KeyFamily::TripleDes => TdesKsn::device_of(&dukpt::tdes_bytes(ksn)?),
            KeyFamily::Aes => {
                let ksn = dukpt::aes_bytes(ksn)?;
                std::array::from_fn(|place| ksn[place])
            }
        })
    }
}
