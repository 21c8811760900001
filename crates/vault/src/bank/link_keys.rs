//! The keys of one link, from sign-on to sign-on.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use card::Pan;
use types::Entropy;
use zeroize::Zeroizing;

use super::mac::MacKey;
use super::token::TokenKey;
use super::{
    BankKey, BankKeyError, Exportability, KeyFamily, KeyModes, KeyType, KeyUsage, MacAlgorithm, MacPadding,
    PinBlockFormat, PinError, PinZone, Token, TokenError, TransportKey, WrappedKey, key, translate_pin,
};

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
    /// The PIN key of the latest exchange. Blocks are made under it and never read, so none before it is kept.
    pin: RwLock<Option<BankKey>>,
}

/// What a working key has become.
enum Working {
    Mac(WorkingMac),
    Pin(BankKey),
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
        token: &Arc<Token>,
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
        Ok(Self { transport, algorithm, check_value_len, mac: RwLock::default(), pin: RwLock::default() })
    }

    /// Takes up the working keys of a sign-on answer: all of them, or none when one is refused.
    ///
    /// # Errors
    /// [`BankKeyError`] says which rule failed. The link must stop: with a key that was not verified, every message
    /// would be refused at the other end, or worse, accepted.
    pub fn install_working_keys(&self, wrapped: &[WrappedKey<'_>]) -> Result<(), BankKeyError> {
        let (mut mac, mut pin) = (None, None);
        for (place, key) in wrapped.iter().enumerate() {
            if wrapped[..place].iter().any(|earlier| earlier.usage == key.usage) {
                return Err(BankKeyError::Double { usage: key.usage });
            }
            match self.take_up(key)? {
                Working::Mac(key) => mac = Some(key),
                Working::Pin(key) => pin = Some(key),
            }
        }
        if let Some(pin) = pin {
            *self.pin.write().unwrap_or_else(PoisonError::into_inner) = Some(pin);
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
        *self.pin.write().unwrap_or_else(PoisonError::into_inner) = None;
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

    /// Translates a PIN block from a terminal's key to the link's PIN key.
    ///
    /// # Errors
    /// [`PinError`], as [`translate_pin`] has it; [`BankKeyError::NoPinKey`] before the first sign-on.
    pub fn translate_pin(
        &self,
        encrypted: &[u8],
        pan: &Pan,
        from: PinZone<'_>,
        to: PinBlockFormat,
        entropy: &dyn Entropy,
    ) -> Result<Zeroizing<Vec<u8>>, PinError> {
        let pin = self.pin.read().unwrap_or_else(PoisonError::into_inner);
        let key = pin.as_ref().ok_or(BankKeyError::NoPinKey)?;
        let to = PinZone { key, format: to };
        translate_pin(encrypted, pan, from, to, entropy).map(Zeroizing::new)
    }

    /// The MAC algorithm of the link.
    pub const fn algorithm(&self) -> MacAlgorithm {
        self.algorithm
    }

    /// A working key, checked.
    fn take_up(&self, key: &WrappedKey<'_>) -> Result<Working, BankKeyError> {
        if key.check_value.len() != self.check_value_len {
            let (bytes, wanted) = (key.check_value.len(), self.check_value_len);
            return Err(BankKeyError::CheckValueLength { bytes, wanted });
        }
        if let (Transport::Token(transport), KeyFamily::Aes) = (&self.transport, self.transport.family()) {
            let made = transport.unwrap_working_key(key.bytes, key.usage)?;
            self.compare(key, made.check_value()?)?;
            return Ok(match key.usage {
                KeyUsage::Mac => Working::Mac(WorkingMac::Token(made)),
                KeyUsage::Pin => Working::Pin(BankKey::in_token(KeyType::Zpk, made).for_encryption()),
            });
        }
        let clear = self.unwrap(key)?;
        match key.usage {
            KeyUsage::Mac => Ok(Working::Mac(WorkingMac::Software(MacKey::new(self.algorithm, &clear)?))),
            // What goes to the bank is encrypted under it; nothing that comes from there is decrypted.
            KeyUsage::Pin => {
                let family = self.transport.family();
                let (modes, export) = (KeyModes::ENCRYPT, Exportability::NonExportable);
                Ok(Working::Pin(BankKey::imported(KeyType::Zpk, family, &clear, modes, export)?))
            }
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
