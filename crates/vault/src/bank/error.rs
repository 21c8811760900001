//! What can be wrong with a bank key.

use super::{KeyType, KeyUsage, MacAlgorithm, TokenReason};

/// Why a bank key was refused, or cannot be used. Never holds a byte of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BankKeyError {
    /// Not hexadecimal digits.
    #[error("bank key must be an even number of hexadecimal digits")]
    NotHex,
    /// A length that the algorithm has no key of.
    #[error("bank key has {bytes} bytes, which {wanted} does not allow")]
    Length {
        /// How many bytes the key has.
        bytes: usize,
        /// What the key was meant for.
        wanted: &'static str,
    },
    /// A DES key byte without odd parity (FIPS 46-3): the key was mistyped or is not a DES key.
    #[error("DES key does not have odd parity")]
    Parity,
    /// A weak or semi-weak DES key, or halves that are equal, which makes Triple DES single DES.
    #[error("DES key is weak, or two of its parts are equal")]
    Weak,
    /// The check value does not match: the key is wrapped under another transport key, or was altered.
    #[error("check value of the {usage:?} key does not match")]
    CheckValue {
        /// Which working key.
        usage: KeyUsage,
    },
    /// A check value of another length than the bank profile says.
    #[error("check value has {bytes} bytes instead of {wanted}")]
    CheckValueLength {
        /// How many bytes it has.
        bytes: usize,
        /// How many it should have.
        wanted: usize,
    },
    /// The same usage twice in one exchange.
    #[error("key exchange holds two {usage:?} keys")]
    Double {
        /// Which working key.
        usage: KeyUsage,
    },
    /// The MAC algorithm and the transport key are of different families.
    #[error("MAC algorithm {algorithm} cannot use keys that come under this family of transport key")]
    Family {
        /// The algorithm.
        algorithm: MacAlgorithm,
    },
    /// A key of another type than the operation takes.
    #[error("a {key_type:?} key is not for {wanted}")]
    WrongType {
        /// The type of the key.
        key_type: KeyType,
        /// What it should have done.
        wanted: &'static str,
    },
    /// A direction that the key block of the key does not allow.
    #[error("this {key_type:?} key must not {wanted}")]
    Mode {
        /// The type of the key.
        key_type: KeyType,
        /// What it should have done.
        wanted: &'static str,
    },
    /// Padding method 2 with an algorithm that has a padding of its own.
    #[error("MAC algorithm {algorithm} has a padding of its own")]
    Padding {
        /// The algorithm.
        algorithm: MacAlgorithm,
    },
    /// The bytes of the key were asked for, and it is in a token, or must not leave.
    #[error("key does not leave its place")]
    NotExportable,
    /// PKCS#11 has no mechanism for the algorithm.
    #[error("MAC algorithm {algorithm} cannot be computed in a token")]
    NotInToken {
        /// The algorithm.
        algorithm: MacAlgorithm,
    },
    /// A token refused or did not answer.
    #[error("token failed while {doing}: {reason}")]
    Token {
        /// What was being done.
        doing: &'static str,
        /// The return value of PKCS#11.
        reason: TokenReason,
    },
    /// No MAC key yet: the link has not signed on.
    #[error("no MAC key is installed; the link has to sign on first")]
    NoMacKey,
    /// No key for PIN blocks: the link has not signed on, or its bank gives none.
    #[error("no PIN key is installed: the link has not signed on, or its bank gives none")]
    NoPinKey,
}

impl BankKeyError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotHex => "bank_key_not_hex",
            Self::Length { .. } => "bank_key_length",
            Self::Parity => "bank_key_parity",
            Self::Weak => "bank_key_weak",
            Self::CheckValue { .. } => "bank_key_check_value",
            Self::CheckValueLength { .. } => "bank_key_check_value_length",
            Self::Double { .. } => "bank_key_double",
            Self::Family { .. } => "bank_key_family",
            Self::WrongType { .. } => "bank_key_wrong_type",
            Self::Mode { .. } => "bank_key_mode",
            Self::Padding { .. } => "bank_key_padding",
            Self::NotExportable => "bank_key_not_exportable",
            Self::NotInToken { .. } => "bank_key_not_in_token",
            Self::Token { .. } => "bank_key_token_failed",
            Self::NoMacKey => "bank_key_missing",
            Self::NoPinKey => "bank_pin_key_missing",
        }
    }
}
