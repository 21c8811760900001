//! PIN blocks: from the key and format they came under to the key and format they go on under, in one step.
//!
//! No function here returns a PIN or a clear block, and none takes one. With software keys both lie in the memory of this
//! process for a moment, which PCI PIN requirement 1 allows only inside a secure cryptographic device: production needs
//! a payment HSM. See `docs/operating/keys.md`.

mod block;
#[cfg(test)]
mod tests;

use card::Pan;
use types::Entropy;
use zeroize::Zeroizing;

use super::cipher::{self, BlockCipher};
use super::{BankKey, BankKeyError, KeyFamily, KeyType};

/// How a PIN is laid out in a block. Source: ISO 9564-1:2017.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinBlockFormat {
    /// Joined with the card number; filled with F. Triple DES.
    Format0,
    /// Not joined with a card number; filled with random digits. Triple DES. It is read, and never made from another.
    Format1,
    /// As format 0, filled with random letters. Triple DES.
    Format3,
    /// Joined with the card number between two passes of AES.
    Format4,
}

impl PinBlockFormat {
    /// The cipher that the format is for.
    pub const fn family(self) -> KeyFamily {
        match self {
            Self::Format0 | Self::Format1 | Self::Format3 => KeyFamily::TripleDes,
            Self::Format4 => KeyFamily::Aes,
        }
    }
}

impl From<card::PinFormat> for PinBlockFormat {
    fn from(format: card::PinFormat) -> Self {
        match format {
            card::PinFormat::Iso0 => Self::Format0,
            card::PinFormat::Iso1 => Self::Format1,
            card::PinFormat::Iso3 => Self::Format3,
            card::PinFormat::Iso4 => Self::Format4,
        }
    }
}

/// A key together with the format of the blocks under it.
#[derive(Clone, Copy, Debug)]
pub struct PinZone<'a> {
    /// A [`KeyType::Tpk`] or [`KeyType::Zpk`], also one that DUKPT derived.
    pub key: &'a BankKey,
    /// The format.
    pub format: PinBlockFormat,
}

/// Why a PIN block was not translated. Never holds a digit of a PIN, a card number or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// A key of another type, of another cipher than the format's, or a token that did not answer.
    #[error(transparent)]
    Key(#[from] BankKeyError),
    /// The format is not for the cipher of the key.
    #[error("{format:?} is not for {family:?} keys")]
    Cipher {
        /// The format.
        format: PinBlockFormat,
        /// The cipher of the key.
        family: KeyFamily,
    },
    /// A translation that ISO 9564-1 forbids.
    #[error("{from:?} must not become {to:?}: {reason}")]
    Forbidden {
        /// The format that came.
        from: PinBlockFormat,
        /// The format that was asked for.
        to: PinBlockFormat,
        /// Why.
        reason: &'static str,
    },
    /// A block of another length than the cipher's.
    #[error("PIN block has {bytes} bytes")]
    Length {
        /// How many it has.
        bytes: usize,
    },
    /// What came out is no PIN block: the key, the card number or the block is wrong. It is not said which, nor where: an
    /// answer that told them apart would tell PIN digits to whoever may ask often enough.
    #[error("PIN block cannot be read with this key and card number")]
    Unreadable,
}

impl PinError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Key(error) => error.code(),
            Self::Cipher { .. } => "pin_cipher",
            Self::Forbidden { .. } => "pin_translation_forbidden",
            Self::Length { .. } => "pin_block_length",
            Self::Unreadable => "pin_block_unreadable",
        }
    }
}

/// Translates an encrypted PIN block from one key and format to another; 8 bytes come out (Triple DES) or 16 (AES).
///
/// There is one card number for both sides: to change it on the way is forbidden (ISO 9564-1:2017, PCI PIN
/// requirement 3-3), because whoever may do so can compare a PIN with that of a card of his own.
///
/// # Errors
/// [`PinError`] says which rule refused it. [`PinError::Forbidden`] when a format that is bound to a card number would
/// become format 1, which is not.
///
/// # Example
/// ```
/// use vault::{BankKey, KeyFamily, KeyType, PinBlockFormat, PinError, PinZone, SystemEntropy, translate_pin};
/// let key = |key_type, digits| BankKey::from_hex(key_type, KeyFamily::TripleDes, digits).unwrap();
/// let terminal = key(KeyType::Tpk, "0123456789ABCDEFFEDCBA9876543210");
/// let bank = key(KeyType::Zpk, "2C675BB513D64A8FE03D9216A479C834");
/// let pan = card::Pan::parse("4012345678909").unwrap();
/// let from = PinZone { key: &terminal, format: PinBlockFormat::Format0 };
/// let to = PinZone { key: &bank, format: PinBlockFormat::Format1 };
/// let refused = translate_pin(&[0; 8], &pan, from, to, &SystemEntropy);
/// assert!(matches!(refused, Err(PinError::Forbidden { .. })));
/// ```
pub fn translate_pin(
    encrypted: &[u8],
    pan: &Pan,
    from: PinZone<'_>,
    to: PinZone<'_>,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, PinError> {
    check_formats(from.format, to.format)?;
    for zone in [from, to] {
        zone.key.need_type(&[KeyType::Tpk, KeyType::Zpk], "a PIN block")?;
        if zone.format.family() != zone.key.family() {
            return Err(PinError::Cipher { format: zone.format, family: zone.key.family() });
        }
    }
    from.key.need(from.key.modes().backward, "decrypt a PIN block")?;
    to.key.need(to.key.modes().forward, "encrypt a PIN block")?;
    let digits = pan.expose().as_bytes();
    let pin = open(&*from.key.cipher()?, from.format, digits, encrypted)?;
    seal(&*to.key.cipher()?, to.format, digits, &pin, entropy)
}

/// The table of ISO 9564-1:2017 and PCI PIN requirement 3-3, for the formats there are here.
fn check_formats(from: PinBlockFormat, to: PinBlockFormat) -> Result<(), PinError> {
    use PinBlockFormat::{Format0, Format1, Format3, Format4};
    match (from, to) {
        (Format0 | Format1 | Format3 | Format4, Format0 | Format3 | Format4) | (Format1, Format1) => Ok(()),
        (Format0 | Format3 | Format4, Format1) => {
            let reason = "a block that is bound to a card number must not lose it";
            Err(PinError::Forbidden { from, to, reason })
        }
    }
}

fn open(
    key: &dyn BlockCipher,
    format: PinBlockFormat,
    pan: &[u8],
    encrypted: &[u8],
) -> Result<block::Pin, PinError> {
    if encrypted.len() != format.family().block_bytes() {
        return Err(PinError::Length { bytes: encrypted.len() });
    }
    let mut clear = Zeroizing::new(encrypted.to_vec());
    key.decrypt(&mut clear)?;
    if format == PinBlockFormat::Format4 {
        cipher::xor(&mut clear, &*block::long_pan_field(pan));
        key.decrypt(&mut clear)?;
    }
    block::parse(format, &clear, pan).ok_or(PinError::Unreadable)
}

fn seal(
    key: &dyn BlockCipher,
    format: PinBlockFormat,
    pan: &[u8],
    pin: &block::Pin,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, PinError> {
    let mut block = block::build(format, pin, pan, entropy);
    key.encrypt(&mut block)?;
    if format == PinBlockFormat::Format4 {
        cipher::xor(&mut block, &*block::long_pan_field(pan));
        key.encrypt(&mut block)?;
    }
    Ok(std::mem::take(&mut *block))
}
