//! Key serial numbers: which device, and its how manieth transaction.

use std::fmt;

/// Why bytes are no key serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KsnError {
    /// Another length, or no hexadecimal digits.
    #[error("key serial number must be {digits} hexadecimal digits")]
    Form {
        /// How many.
        digits: usize,
    },
    /// A counter of zero, which is the initial key's and no transaction's.
    #[error("transaction counter is zero")]
    Zero,
    /// More bits than the device derives keys for: no device sends such a number.
    #[error("transaction counter has {bits} bits set; at most {most} are used")]
    TooManyBits {
        /// How many it has.
        bits: u32,
        /// How many it may have.
        most: u32,
    },
}

/// A key serial number of Triple DES DUKPT: 59 bits of key set and device, 21 bits of transaction counter. Source: ANSI
/// X9.24-1:2009.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TdesKsn([u8; 10]);

impl TdesKsn {
    const COUNTER: u32 = 0x1f_ffff;

    /// A key serial number from its ten bytes.
    ///
    /// # Errors
    /// [`KsnError`] for a counter that no device uses: zero, or more than ten bits set.
    pub fn from_bytes(bytes: [u8; 10]) -> Result<Self, KsnError> {
        let ksn = Self(bytes);
        check(ksn.counter(), 10)?;
        Ok(ksn)
    }

    /// A key serial number from 20 hexadecimal digits, or 16, where the leading `FFFF` is left out.
    ///
    /// # Errors
    /// [`KsnError`] as above, and for another form.
    pub fn parse(text: &str) -> Result<Self, KsnError> {
        let mut bytes = [0xff; 10];
        let from = if text.len() == 16 { 2 } else { 0 };
        read(text, &mut bytes[from..])?;
        Self::from_bytes(bytes)
    }

    /// The transaction counter, 1 to 0x1ff800.
    pub fn counter(&self) -> u32 {
        u32::from_be_bytes([0, self.0[7], self.0[8], self.0[9]]) & Self::COUNTER
    }

    /// Whether this is a later transaction of the same device, so that it is no replay of `earlier`.
    pub fn follows(&self, earlier: &Self) -> bool {
        self.initial() == earlier.initial() && self.counter() > earlier.counter()
    }

    /// The rightmost eight bytes with the counter set to `counter`: the input of the derivation.
    pub(super) fn register(&self, counter: u32) -> [u8; 8] {
        let mut right = [0; 8];
        right.copy_from_slice(&self.0[2..]);
        let whole = u64::from_be_bytes(right) & !u64::from(Self::COUNTER) | u64::from(counter);
        whole.to_be_bytes()
    }

    /// The leftmost eight bytes with the counter cleared, from which the initial key is made.
    pub(crate) fn initial(&self) -> [u8; 8] {
        Self::device_of(&self.0)
    }

    /// The same of the bytes of a key serial number whose counter says nothing.
    pub(crate) fn device_of(bytes: &[u8; 10]) -> [u8; 8] {
        let mut left: [u8; 8] = std::array::from_fn(|place| bytes[place]);
        left[7] &= 0xe0;
        left
    }
}

/// A key serial number of AES DUKPT: 32 bits of key set, 32 bits of device, 32 bits of transaction counter. Source: ANSI
/// X9.24-3:2017.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AesKsn([u8; 12]);

impl AesKsn {
    /// A key serial number from its twelve bytes.
    ///
    /// # Errors
    /// [`KsnError`] for a counter that no device uses: zero, or more than sixteen bits set.
    pub fn from_bytes(bytes: [u8; 12]) -> Result<Self, KsnError> {
        let ksn = Self(bytes);
        check(ksn.counter(), 16)?;
        Ok(ksn)
    }

    /// A key serial number from 24 hexadecimal digits.
    ///
    /// # Errors
    /// [`KsnError`] as above, and for another form.
    pub fn parse(text: &str) -> Result<Self, KsnError> {
        let mut bytes = [0; 12];
        read(text, &mut bytes)?;
        Self::from_bytes(bytes)
    }

    /// The transaction counter, 1 to 0xffff0000.
    pub fn counter(&self) -> u32 {
        u32::from_be_bytes([self.0[8], self.0[9], self.0[10], self.0[11]])
    }

    /// Whether this is a later transaction of the same device, so that it is no replay of `earlier`.
    pub fn follows(&self, earlier: &Self) -> bool {
        self.initial_key_id() == earlier.initial_key_id() && self.counter() > earlier.counter()
    }

    /// Key set and device.
    pub(crate) fn initial_key_id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        id.copy_from_slice(&self.0[..8]);
        id
    }
}

impl fmt::Debug for TdesKsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TdesKsn({})", crate::hex::encode(&self.0))
    }
}

impl fmt::Debug for AesKsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AesKsn({})", crate::hex::encode(&self.0))
    }
}

/// The ten bytes of a Triple DES key serial number; the leading `FFFF` may be left out.
pub(crate) fn tdes_bytes(given: &[u8]) -> Result<[u8; 10], KsnError> {
    let mut bytes = [0xff; 10];
    match given.len() {
        8 => bytes[2..].copy_from_slice(given),
        10 => bytes.copy_from_slice(given),
        _ => return Err(KsnError::Form { digits: 20 }),
    }
    Ok(bytes)
}

/// The twelve bytes of an AES key serial number.
pub(crate) fn aes_bytes(given: &[u8]) -> Result<[u8; 12], KsnError> {
    given.try_into().map_err(|_| KsnError::Form { digits: 24 })
}

fn check(counter: u32, most: u32) -> Result<(), KsnError> {
    match counter.count_ones() {
        0 => Err(KsnError::Zero),
        bits if bits > most => Err(KsnError::TooManyBits { bits, most }),
        _ => Ok(()),
    }
}

fn read(text: &str, into: &mut [u8]) -> Result<(), KsnError> {
    let wrong = KsnError::Form { digits: into.len() * 2 };
    let bytes = crate::hex::decode(text).ok_or(wrong)?;
    if bytes.len() != into.len() {
        return Err(wrong);
    }
    into.copy_from_slice(&bytes);
    Ok(())
}
