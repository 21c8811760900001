//! Keys shared with a bank: the transport key that comes once, by courier, and the working keys that come at sign-on.
//!
//! A transport key (TMK, terminal or zone master key) is imported in components, kept sealed, and only unwraps working
//! keys. A working key (MAK for message authentication, PIK for PIN blocks) lives in memory until the next sign-on.

mod bank_key;
mod cipher;
mod dukpt;
mod key;
mod key_block;
mod mac;
mod pin;
mod token;

use std::fmt;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use zeroize::Zeroizing;

pub use bank_key::{BankKey, Exportability, KeyModes, KeyType};
pub use dukpt::{AesKeyLength, AesKsn, DukptUsage, KsnError, TdesKsn};
pub use key::{KeyFamily, TransportKey};
pub use key_block::{KeyBlockError, KeyBlockHeader, KeyBlockKey, KeyBlockVersion, OptionalBlock};
use mac::MacKey;
pub use mac::{MacAlgorithm, MacPadding};
pub use pin::{PinBlockFormat, PinError, PinZone, translate_pin};
use token::TokenKey;
pub use token::{Token, TokenError, TokenReason};

/// What a working key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyUsage {
    /// Message authentication (MAK).
    Mac,
    /// PIN blocks (PIK). Checked and let go: this software never opens or makes a PIN block.
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
        }
    }
}

/// Why the keys of a link in a token cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeysError {
    /// The token, or the key in it.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// What the link wants of the key.
    #[error(transparent)]
    Key(#[from] BankKeyError),
}

/// Where the transport key of a link is.
enum Transport {
    Software(TransportKey),
    Token(TokenKey),
}

impl Transport {
    const fn family(&self) -> KeyFamily {
        match self {
            Self::Software(key) => key.family(),
            Self::Token(key) => key.family(),
        }
    }
}

/// A MAC key between two sign-ons.
enum WorkingMac {
    Software(MacKey),
    Token(TokenKey),
}

/// The keys of one bank link. Shared between threads; working keys change under it at each sign-on.
pub struct BankKeys {
    transport: Transport,
    algorithm: MacAlgorithm,
    check_value_len: usize,
    mac: RwLock<MacKeys>,
}

/// The MAC key of the latest exchange, and the one before it for messages that were under way when keys changed.
#[derive(Default)]
struct MacKeys {
    current: Option<WorkingMac>,
    previous: Option<WorkingMac>,
}

impl BankKeys {
    /// Keys of a link that has not signed on. `check_value_len` is 3 (the usual) or 4 bytes (UnionPay POS).
    ///
    /// # Errors
    /// [`BankKeyError::Family`] when the algorithm cannot use keys that come under this transport key, and
    /// [`BankKeyError::CheckValueLength`] for a length other than 3 or 4.
    pub fn new(
        transport: TransportKey,
        algorithm: MacAlgorithm,
        check_value_len: usize,
    ) -> Result<Self, BankKeyError> {
        Self::from_transport(Transport::Software(transport), algorithm, check_value_len)
    }

    /// Keys of a link whose transport key is the one secret key labelled `label` in a token. A Triple DES working key is
    /// decrypted by the token and lies in this process from sign-on to sign-on, since PKCS#11 has no retail MAC; an AES
    /// working key is unwrapped inside the token and stays there.
    ///
    /// # Errors
    /// [`TokenKeysError`]: as [`Token::key`] and [`BankKeys::new`] have them.
    pub fn in_token(
        token: &std::sync::Arc<Token>,
        label: &str,
        algorithm: MacAlgorithm,
        check_value_len: usize,
    ) -> Result<Self, TokenKeysError> {
        let transport = Transport::Token(token.find(label)?);
        Ok(Self::from_transport(transport, algorithm, check_value_len)?)
    }

    fn from_transport(
        transport: Transport,
        algorithm: MacAlgorithm,
        check_value_len: usize,
    ) -> Result<Self, BankKeyError> {
        if algorithm.family() != transport.family() {
            return Err(BankKeyError::Family { algorithm });
        }
        if !matches!(check_value_len, 3 | 4) {
            return Err(BankKeyError::CheckValueLength { bytes: check_value_len, wanted: 3 });
        }
        Ok(Self { transport, algorithm, check_value_len, mac: RwLock::default() })
    }

    /// Takes up the working keys of a sign-on answer: all of them, or none when one is refused.
    ///
    /// # Errors
    /// [`BankKeyError`] says which rule failed. The link must stop: with a key that was not verified, every message
    /// would be refused at the other end, or worse, accepted.
    pub fn install_working_keys(&self, wrapped: &[WrappedKey<'_>]) -> Result<(), BankKeyError> {
        let mut mac = None;
        for (place, key) in wrapped.iter().enumerate() {
            if wrapped[..place].iter().any(|earlier| earlier.usage == key.usage) {
                return Err(BankKeyError::Double { usage: key.usage });
            }
            if let Some(made) = self.take_up(key)? {
                mac = Some(made);
            }
        }
        if let Some(mac) = mac {
            let mut keys = self.mac.write().unwrap_or_else(PoisonError::into_inner);
            keys.previous = keys.current.replace(mac);
        }
        Ok(())
    }

    /// Forgets the working keys, as after a sign-off.
    pub fn forget_working_keys(&self) {
        *self.mac.write().unwrap_or_else(PoisonError::into_inner) = MacKeys::default();
    }

    /// Forgets the keys before the latest exchange: what was sent under them has been answered, or never will be.
    pub fn forget_previous_keys(&self) {
        self.mac.write().unwrap_or_else(PoisonError::into_inner).previous = None;
    }

    /// The MAC of `input`: the eight bytes that travel in DE 64 or DE 128.
    ///
    /// # Errors
    /// [`BankKeyError::NoMacKey`] before the first sign-on.
    pub fn mac(&self, input: &[u8]) -> Result<[u8; 8], BankKeyError> {
        let keys = self.mac.read().unwrap_or_else(PoisonError::into_inner);
        self.mac_with(keys.current.as_ref().ok_or(BankKeyError::NoMacKey)?, input)
    }

    fn mac_with(&self, key: &WorkingMac, input: &[u8]) -> Result<[u8; 8], BankKeyError> {
        match key {
            WorkingMac::Software(key) => Ok(key.mac(MacPadding::Method1, input)),
            WorkingMac::Token(key) => key.mac(self.algorithm, MacPadding::Method1, input),
        }
    }

    /// Whether `mac` is the MAC of `input`; in constant time. Without a MAC key nothing verifies.
    pub fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.mac(input).is_ok_and(|wanted| verify_slices_are_equal(&wanted, mac).is_ok())
    }

    /// Whether `mac` is the MAC of `input` under the key before the latest exchange, as long as that is kept.
    pub fn verify_previous(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        let keys = self.mac.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = keys.previous.as_ref().and_then(|key| self.mac_with(key, input).ok());
        wanted.is_some_and(|wanted| verify_slices_are_equal(&wanted, mac).is_ok())
    }

    /// The MAC algorithm of the link.
    pub const fn algorithm(&self) -> MacAlgorithm {
        self.algorithm
    }

    /// A working key, checked; `None` for one that is not kept.
    fn take_up(&self, key: &WrappedKey<'_>) -> Result<Option<WorkingMac>, BankKeyError> {
        if key.check_value.len() != self.check_value_len {
            let (bytes, wanted) = (key.check_value.len(), self.check_value_len);
            return Err(BankKeyError::CheckValueLength { bytes, wanted });
        }
        if let (Transport::Token(transport), KeyFamily::Aes) = (&self.transport, self.transport.family()) {
            let made = transport.unwrap_mac_key(key.bytes)?;
            self.compare(key, made.check_value()?)?;
            return Ok((key.usage == KeyUsage::Mac).then_some(WorkingMac::Token(made)));
        }
        let clear = self.unwrap(key)?;
        match key.usage {
            KeyUsage::Mac => Ok(Some(WorkingMac::Software(MacKey::new(self.algorithm, &clear)?))),
            KeyUsage::Pin => check_pin_key_length(&clear).map(|()| None),
        }
    }

    fn unwrap(&self, key: &WrappedKey<'_>) -> Result<Zeroizing<Vec<u8>>, BankKeyError> {
        let clear = match &self.transport {
            Transport::Software(transport) => match transport.family() {
                KeyFamily::TripleDes => key::unwrap_ecb(transport.bytes(), key.bytes)?,
                KeyFamily::Aes => unwrap_aes(transport.bytes(), key)?,
            },
            Transport::Token(transport) => {
                key::check_wrapped_length(key.bytes)?;
                let mut clear = Zeroizing::new(key.bytes.to_vec());
                transport.decrypt(&mut clear)?;
                clear
            }
        };
        // The check value first: it tells a wrong transport key from a bad working key.
        self.compare(key, key::check_value(self.transport.family(), &clear)?)?;
        key::check_strength(self.transport.family(), &clear)?;
        Ok(clear)
    }

    fn compare(&self, key: &WrappedKey<'_>, check: [u8; 4]) -> Result<(), BankKeyError> {
        verify_slices_are_equal(&check[..self.check_value_len], key.check_value)
            .map_err(|_| BankKeyError::CheckValue { usage: key.usage })
    }
}

impl fmt::Debug for BankKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed_on = self.mac.read().unwrap_or_else(PoisonError::into_inner).current.is_some();
        write!(f, "BankKeys({}, working keys: {signed_on})", self.algorithm)
    }
}

/// PIN keys are at least double length (PCI PIN: Triple DES or AES), even though we only pass them by.
fn check_pin_key_length(clear: &[u8]) -> Result<(), BankKeyError> {
    match clear.len() {
        16 | 24 | 32 => Ok(()),
        bytes => Err(BankKeyError::Length { bytes, wanted: "a PIN key" }),
    }
}

fn unwrap_aes(transport: &[u8], key: &WrappedKey<'_>) -> Result<Zeroizing<Vec<u8>>, BankKeyError> {
    let length = match key.bytes.len() {
        24 => 16,
        40 => 32,
        bytes => return Err(BankKeyError::Length { bytes, wanted: "an AES key under RFC 3394" }),
    };
    let refused = |_| BankKeyError::CheckValue { usage: key.usage };
    let cipher = if transport.len() == 16 { &AES_128 } else { &AES_256 };
    let mut clear = Zeroizing::new(vec![0; length]);
    // RFC 3394 checks itself; a failure means the same as a wrong check value.
    AesKek::new(cipher, transport).map_err(refused)?.unwrap(key.bytes, &mut clear).map_err(refused)?;
    Ok(clear)
}
