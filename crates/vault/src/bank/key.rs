//! Transport keys: how they come in, what is refused, and what they unwrap.

use std::fmt;

use zeroize::Zeroizing;

use super::BankKeyError;
use super::cipher::{self, BlockCipher as _, SoftwareCipher};
use crate::hex;

/// Which cipher a transport key and the working keys under it are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFamily {
    /// Triple DES with two or three keys (and single DES working keys, where a bank still has them).
    TripleDes,
    /// AES-128 or AES-256.
    Aes,
}

impl KeyFamily {
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::TripleDes => 1,
            Self::Aes => 2,
        }
    }

    pub(crate) fn from_tag(tag: u8) -> Option<Self> {
        [Self::TripleDes, Self::Aes].into_iter().find(|family| family.tag() == tag)
    }
}

/// A key that wraps working keys (TMK or ZMK). Shows nothing of itself; wiped when dropped.
#[derive(Clone)]
pub struct TransportKey {
    family: KeyFamily,
    bytes: Zeroizing<Vec<u8>>,
}

impl TransportKey {
    /// A transport key of 16 or 24 (Triple DES) or 16 or 32 (AES) bytes.
    ///
    /// # Errors
    /// [`BankKeyError`] for another length, a byte without odd parity, weak keys or equal halves.
    pub fn from_bytes(family: KeyFamily, bytes: &[u8]) -> Result<Self, BankKeyError> {
        match (family, bytes.len()) {
            (KeyFamily::TripleDes, 16 | 24) | (KeyFamily::Aes, 16 | 32) => {}
            (_, bytes) => return Err(BankKeyError::Length { bytes, wanted: "a transport key" }),
        }
        check_strength(family, bytes)?;
        Ok(Self { family, bytes: Zeroizing::new(bytes.to_vec()) })
    }

    /// A transport key in hexadecimal digits; white space is dropped.
    ///
    /// # Errors
    /// As [`TransportKey::from_bytes`], and [`BankKeyError::NotHex`].
    pub fn from_hex(family: KeyFamily, digits: &str) -> Result<Self, BankKeyError> {
        Self::from_bytes(family, &read_hex(digits)?)
    }

    /// The key whose components are given in hexadecimal digits and joined by exclusive or. Each component comes to
    /// another person, so that nobody alone knows the key (PCI PIN requirement 6: split knowledge, dual control).
    /// With one component it is the key itself.
    ///
    /// # Errors
    /// As [`TransportKey::from_hex`], also when the components differ in length or there is none.
    pub fn from_components(family: KeyFamily, components: &[&str]) -> Result<Self, BankKeyError> {
        Self::from_bytes(family, &join_components(components)?)
    }

    /// The check value, three bytes: what the bank's letter says beside the key. It tells nothing about the key.
    pub fn check_value(&self) -> [u8; 3] {
        // The constructor admits only lengths that have a check value.
        let full = check_value(self.family, &self.bytes).unwrap_or_default();
        [full[0], full[1], full[2]]
    }

    /// The cipher the key is for.
    pub const fn family(&self) -> KeyFamily {
        self.family
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransportKey({:?}, {} bits)", self.family, self.bytes.len() * 8)
    }
}

/// The key that components in hexadecimal digits make by exclusive or.
pub fn join_components(components: &[&str]) -> Result<Zeroizing<Vec<u8>>, BankKeyError> {
    let (first, others) =
        components.split_first().ok_or(BankKeyError::Length { bytes: 0, wanted: "a transport key" })?;
    let mut key = read_hex(first)?;
    for component in others {
        let component = read_hex(component)?;
        if component.len() != key.len() {
            return Err(BankKeyError::Length { bytes: component.len(), wanted: "the first component" });
        }
        cipher::xor(&mut key, &component);
    }
    Ok(key)
}

/// Sets the lowest bit of each byte so that the number of its bits is odd, as DES keys have it (FIPS 46-3). The cipher
/// does not look at that bit.
pub fn set_odd_parity(key: &mut [u8]) {
    key.iter_mut().filter(|byte| byte.count_ones() % 2 == 0).for_each(|byte| *byte ^= 1);
}

/// Bytes from hexadecimal digits and white space.
pub fn read_hex(digits: &str) -> Result<Zeroizing<Vec<u8>>, BankKeyError> {
    let mut plain = Zeroizing::new(String::with_capacity(digits.len()));
    plain.extend(digits.chars().filter(|letter| !letter.is_whitespace()));
    hex::decode(&plain).ok_or(BankKeyError::NotHex)
}

/// Refuses keys that are mistyped or weaker than they look.
pub fn check_strength(family: KeyFamily, key: &[u8]) -> Result<(), BankKeyError> {
    match (family, key.len()) {
        (KeyFamily::TripleDes, 8 | 16 | 24) => {
            if key.iter().any(|byte| byte.count_ones() % 2 == 0) {
                return Err(BankKeyError::Parity);
            }
            des::weak_key_test(key).map_err(|_| BankKeyError::Weak)
        }
        (KeyFamily::Aes, 16 | 24 | 32) => {
            // The only AES keys that are surely a mistake.
            if key.iter().all(|byte| *byte == key[0]) { Err(BankKeyError::Weak) } else { Ok(()) }
        }
        (_, bytes) => Err(BankKeyError::Length { bytes, wanted: "a bank key" }),
    }
}

/// The leftmost four bytes of the check value: a block of zeros under the key (Triple DES), or the CMAC of one (AES).
/// Source: ANSI X9.24-1:2017 annex A.
pub fn check_value(family: KeyFamily, key: &[u8]) -> Result<[u8; 4], BankKeyError> {
    match family {
        KeyFamily::TripleDes => {
            let mut block = [0; 8];
            SoftwareCipher::new(family, key)?.encrypt(&mut block)?;
            Ok([block[0], block[1], block[2], block[3]])
        }
        KeyFamily::Aes => {
            let mac = cipher::cmac(family, key, &[0; 16])?;
            Ok([mac[0], mac[1], mac[2], mac[3]])
        }
    }
}

/// Refuses what no Triple DES working key can be.
pub fn check_wrapped_length(wrapped: &[u8]) -> Result<(), BankKeyError> {
    match wrapped.len() {
        8 | 16 | 24 => Ok(()),
        bytes => Err(BankKeyError::Length { bytes, wanted: "a working key" }),
    }
}

/// Decrypts a working key block by block under a Triple DES transport key: the old form without key blocks, which
/// check value and parity have to stand in for.
pub fn unwrap_ecb(transport: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, BankKeyError> {
    check_wrapped_length(wrapped)?;
    let transport = SoftwareCipher::new(KeyFamily::TripleDes, transport)?;
    let mut clear = Zeroizing::new(wrapped.to_vec());
    clear.chunks_exact_mut(8).try_for_each(|block| transport.decrypt(block))?;
    Ok(clear)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBLE: &str = "0123456789ABCDEFFEDCBA9876543210";

    #[test]
    fn a_key_says_its_check_value_and_nothing_else() {
        let key =
            TransportKey::from_hex(KeyFamily::TripleDes, "01234567 89ABCDEF FEDCBA98 76543210").unwrap();
        // The same as psec (Python) 1.3.0 gives, `des.generate_kcv`.
        assert_eq!(key.check_value(), [0x08, 0xd7, 0xb4]);
        assert_eq!(format!("{key:?}"), "TransportKey(TripleDes, 128 bits)");
        // The same as pyca/cryptography gives for the CMAC of sixteen zeros.
        let key = TransportKey::from_hex(KeyFamily::Aes, "00112233445566778899AABBCCDDEEFF").unwrap();
        assert_eq!(key.check_value(), [0x53, 0xe1, 0x07]);
    }

    #[test]
    fn components_join_into_the_key() {
        let other = "FFFFFFFFFFFFFFFF0000000000000000";
        let masked = "FEDCBA9876543210FEDCBA9876543210";
        let key = TransportKey::from_components(KeyFamily::TripleDes, &[masked, other]).unwrap();
        assert_eq!(key.bytes(), TransportKey::from_hex(KeyFamily::TripleDes, DOUBLE).unwrap().bytes());
        assert_eq!(
            TransportKey::from_components(KeyFamily::TripleDes, &[masked, "FF"]).unwrap_err(),
            BankKeyError::Length { bytes: 1, wanted: "the first component" }
        );
    }

    #[test]
    fn bad_keys_are_refused() {
        for (digits, error) in [
            ("0123", BankKeyError::Length { bytes: 2, wanted: "a transport key" }),
            ("0123456789ABCDEF", BankKeyError::Length { bytes: 8, wanted: "a transport key" }),
            ("0123456789ABCDEFFEDCBA987654321", BankKeyError::NotHex),
            ("0123456789ABCDEFFEDCBA98765432+0", BankKeyError::NotHex),
            ("0023456789ABCDEFFEDCBA9876543210", BankKeyError::Parity),
            ("0123456789ABCDEF0123456789ABCDEF", BankKeyError::Weak),
            ("0101010101010101FEDCBA9876543210", BankKeyError::Weak),
            ("0123456789ABCDEF01FE01FE01FE01FE", BankKeyError::Weak),
        ] {
            assert_eq!(TransportKey::from_hex(KeyFamily::TripleDes, digits).err(), Some(error), "{digits}");
        }
        let zeros = "0".repeat(64);
        assert_eq!(TransportKey::from_hex(KeyFamily::Aes, &zeros).err(), Some(BankKeyError::Weak));
    }
}
