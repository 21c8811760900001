//! Keys shared with a bank: the transport key that comes once, by courier, and the working keys that come at sign-on.
//!
//! A transport key (TMK, terminal or zone master key) is imported in components, kept sealed, and only unwraps working
//! keys. A working key (MAK for message authentication, PIK for PIN blocks) lives in memory until the next sign-on.

mod bank_key;
mod cipher;
mod dukpt;
mod error;
mod key;
mod key_block;
mod link_keys;
mod mac;
mod pin;
mod terminal;
mod token;

use std::fmt;

pub use bank_key::{BankKey, Exportability, KeyModes, KeyType};
pub use dukpt::{AesKeyLength, AesKsn, DukptUsage, KsnError, TdesKsn};
pub use error::BankKeyError;
pub use key::{KeyFamily, TransportKey};
pub use key_block::{FirstBlock, KeyBlockError, KeyBlockHeader, KeyBlockKey, KeyBlockVersion, OptionalBlock};
pub use link_keys::{BankKeys, TokenKeysError};
pub use mac::{MacAlgorithm, MacPadding};
pub use pin::{PinBlockFormat, PinError, PinZone, translate_pin};
pub use terminal::{PinKeyKind, SerialNumber, TerminalPinError, TerminalPinKey};
pub use token::{Token, TokenError, TokenReason};

/// What a working key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyUsage {
    /// Message authentication (MAK).
    Mac,
    /// PIN blocks (PIK).
    Pin,
}

/// A working key as it arrives in a sign-on answer.
#[derive(Clone, Copy)]
pub struct WrappedKey<'a> {
    /// What it is for.
    pub usage: KeyUsage,
    /// The key under the transport key: block by block for Triple DES, RFC 3394 for AES.
    pub bytes: &'a [u8],
    /// The check value that came with it.
    pub check_value: &'a [u8],
}

impl fmt::Debug for WrappedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WrappedKey({:?}, {} bytes)", self.usage, self.bytes.len())
    }
}
