//! The keys of a link, as the link sees them: it asks for a MAC, checks a MAC, hands over new keys, and holds none.

use std::fmt;

use card::{Pan, PinFormat};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::card_fields::PinField;

/// What a working key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyUsage {
    /// PIN encryption (PIK).
    Pin,
    /// Message authentication (MAK).
    Mac,
    /// Track data encryption (TDK).
    Track,
}

/// How a bank computes its MACs. The names are those of `mac.algorithm` in `bank.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MacAlgorithm {
    /// ANSI X9.9, ISO/IEC 9797-1 algorithm 1 with single DES, zero padding.
    #[serde(rename = "x9_9")]
    X9_9,
    /// ANSI X9.19, ISO/IEC 9797-1 algorithm 3 ("retail MAC"), zero padding. What our own links use.
    #[serde(rename = "x9_19")]
    X9_19,
    /// UnionPay POS "ECB" MAC: all blocks XORed, then enciphered. Thirty-two bits, and blind to two blocks that change
    /// places: only where the bank insists, and never without TLS or a private line under it.
    CupsEcb,
    /// AES-CMAC (RFC 4493), its first eight bytes.
    AesCmac,
}

/// A working key as the bank sent it: enciphered under the terminal master key, with its check value.
#[derive(Clone)]
pub struct WrappedKey {
    /// What it is for.
    pub usage: KeyUsage,
    /// The enciphered key.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The first bytes of eight zero bytes enciphered under the key: three or four, as the bank sends them.
    pub check_value: Vec<u8>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({:?}, {} bytes)", self.usage, self.bytes.len())
    }
}

/// Why the keys of a link cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// A key's check value is not what the key gives: it was enciphered under another master key, or changed on its
    /// way. The link stops; a person must look.
    #[error("the check value of the {0:?} key does not match: the master keys of the two ends differ")]
    CheckValueMismatch(KeyUsage),
    /// A key is weak, has wrong parity, two equal halves, or a length that does not fit its use.
    #[error("the {0:?} key may not be used: weak, wrong parity or wrong length")]
    KeyUnfit(KeyUsage),
    /// The field that should bring the keys has another form than the profile says.
    #[error("the keys do not have the agreed form")]
    KeysMalformed,
    /// No key for MACs has been installed yet.
    #[error("there is no MAC key yet: the link has not signed on")]
    NoMacKey,
    /// No key for PIN blocks has been installed: the link has not signed on, or its bank gives none.
    #[error("there is no PIN key: the link has not signed on, or its bank gives none")]
    NoPinKey,
    /// A PIN block is none under its key and with the card's number. It is not said which of the three is wrong.
    #[error("the PIN block cannot be read with its key and card number")]
    PinUnreadable,
    /// The terminal's PIN key does not fit the block, or cannot be opened.
    #[error("the terminal's PIN key cannot be used for its PIN block")]
    PinKeyUnfit,
    /// The key module cannot be reached or refuses to work.
    #[error("the key module is not available")]
    Unavailable,
}

impl SecurityError {
    /// A stable code; never renamed, never reused.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CheckValueMismatch(_) => "key_check_value_mismatch",
            Self::KeyUnfit(_) => "key_unfit",
            Self::KeysMalformed => "keys_malformed",
            Self::NoMacKey => "mac_key_missing",
            Self::NoPinKey => "pin_key_missing",
            Self::PinUnreadable => "pin_block_unreadable",
            Self::PinKeyUnfit => "pin_key_unfit",
            Self::Unavailable => "key_module_unavailable",
        }
    }

    /// Whether it is about one PIN, wherever it is sent; all others are about the link.
    pub(crate) const fn is_of_the_pin(self) -> bool {
        matches!(self, Self::PinUnreadable | Self::PinKeyUnfit)
    }
}

/// The keys of one link to one bank. The vault implements it; a link never sees a key.
pub trait LinkSecurity: Send + Sync {
    /// The MAC of a message's bytes, from its message type identifier to the last byte before the MAC.
    ///
    /// # Errors
    /// [`SecurityError::NoMacKey`] before the first sign-on.
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], SecurityError>;

    /// Whether `mac` is the MAC of `input`; compared in constant time.
    fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool;

    /// Whether `mac` is the MAC of `input` under the key before the current one. A message that was under way when keys
    /// changed has such a MAC.
    fn verify_previous(&self, _input: &[u8], _mac: &[u8; 8]) -> bool {
        false
    }

    /// Translates a PIN block from its terminal's key to the link's key for PIN blocks, in the format that the bank takes.
    ///
    /// # Errors
    /// [`SecurityError::NoPinKey`] where the link has none, [`SecurityError::PinUnreadable`] and
    /// [`SecurityError::PinKeyUnfit`] for a block that cannot be translated.
    fn translate_pin(
        &self,
        _pin: &PinField,
        _pan: &Pan,
        _to: PinFormat,
    ) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        Err(SecurityError::NoPinKey)
    }

    /// Replaces the working keys, all of them or none. The keys before them are kept for [`Self::verify_previous`] alone.
    ///
    /// # Errors
    /// [`SecurityError::CheckValueMismatch`] or [`SecurityError::KeyUnfit`] names the key; the old keys stay.
    fn install_working_keys(&self, wrapped: &[WrappedKey]) -> Result<(), SecurityError>;

    /// Lets go of the keys before the current ones: their grace time is over.
    fn forget_previous_keys(&self) {}
}
