//! A key with its type: what it may do is decided once, when it comes in, and asked at each use.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

use super::cipher::{BlockCipher, SoftwareCipher};
use super::mac::{MacAlgorithm, MacKey, MacPadding};
use super::token::TokenKey;
use super::{BankKeyError, KeyFamily, key};

/// What a key is for. One key has one type, and no function takes a key of another (PCI PIN requirement 19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// Terminal master key: wraps the keys of one terminal.
    Tmk,
    /// Zone master key: wraps the keys between two hosts.
    Zmk,
    /// Terminal authentication key: MACs between a terminal and its host.
    Tak,
    /// Zone authentication key: MACs between two hosts.
    Zak,
    /// Terminal PIN key: PIN blocks as a terminal sends them.
    Tpk,
    /// Zone PIN key: PIN blocks between two hosts.
    Zpk,
    /// Base derivation key: the keys of DUKPT devices are derived from it, and it does nothing else.
    Bdk,
    /// Terminal data encryption key.
    Tdk,
}

/// What the holder of a key may do with it, as a key block says it (X9.143 table "mode of use").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyModes {
    /// Encrypt, or generate a MAC.
    pub forward: bool,
    /// Decrypt, or verify a MAC.
    pub backward: bool,
}

impl KeyModes {
    /// Both directions.
    pub const BOTH: Self = Self { forward: true, backward: true };
    /// Encrypting alone.
    pub(crate) const ENCRYPT: Self = Self { forward: true, backward: false };
}

/// Whether a key may leave again, under another key (X9.143 table "exportability").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exportability {
    /// `E`: in a key block, under a key of X9.143.
    Exportable,
    /// `N`: never.
    NonExportable,
    /// `S`: in whatever form the receiver likes. Treated here as exportable in key blocks.
    Sensitive,
}

enum Material {
    Software(Zeroizing<Vec<u8>>),
    Token(TokenKey),
}

/// A bank key with its type. Shows nothing of itself; wiped when dropped.
pub struct BankKey {
    key_type: KeyType,
    family: KeyFamily,
    modes: KeyModes,
    exportability: Exportability,
    /// The one MAC algorithm that a key block allows; any, where none came with the key.
    algorithm: Option<MacAlgorithm>,
    material: Material,
}

impl BankKey {
    /// A software key: 16 or 24 bytes of Triple DES, 16, 24 or 32 of AES; 8 of single DES for a MAC key alone. It may be
    /// used in both directions and exported in key blocks.
    ///
    /// # Errors
    /// [`BankKeyError`] for another length, a byte without odd parity, weak keys or equal halves.
    pub fn from_bytes(key_type: KeyType, family: KeyFamily, bytes: &[u8]) -> Result<Self, BankKeyError> {
        key::check_strength(family, bytes)?;
        Self::imported(key_type, family, bytes, KeyModes::BOTH, Exportability::Exportable)
    }

    /// A software key in hexadecimal digits; white space is dropped.
    ///
    /// # Errors
    /// As [`BankKey::from_bytes`], and [`BankKeyError::NotHex`].
    pub fn from_hex(key_type: KeyType, family: KeyFamily, digits: &str) -> Result<Self, BankKeyError> {
        Self::from_bytes(key_type, family, &key::read_hex(digits)?)
    }

    /// A key that came out of a key block or a derivation, whose parity says nothing.
    pub(crate) fn imported(
        key_type: KeyType,
        family: KeyFamily,
        bytes: &[u8],
        modes: KeyModes,
        exportability: Exportability,
    ) -> Result<Self, BankKeyError> {
        match (family, bytes.len(), key_type) {
            (KeyFamily::TripleDes, 16 | 24, _)
            | (KeyFamily::Aes, 16 | 24 | 32, _)
            | (KeyFamily::TripleDes, 8, KeyType::Tak | KeyType::Zak) => {}
            (_, bytes, _) => return Err(BankKeyError::Length { bytes, wanted: "a key of this type" }),
        }
        let material = Material::Software(Zeroizing::new(bytes.to_vec()));
        Ok(Self { key_type, family, modes, exportability, algorithm: None, material })
    }

    /// A key in a PKCS#11 token. It never leaves the token.
    pub(crate) fn in_token(key_type: KeyType, key: TokenKey) -> Self {
        Self {
            key_type,
            family: key.family(),
            modes: KeyModes::BOTH,
            exportability: Exportability::NonExportable,
            algorithm: None,
            material: Material::Token(key),
        }
    }

    /// The same key, to encrypt with and for nothing else.
    pub(crate) fn for_encryption(self) -> Self {
        Self { modes: KeyModes::ENCRYPT, ..self }
    }

    /// The same key for one MAC algorithm alone.
    pub(crate) fn bound_to(self, algorithm: MacAlgorithm) -> Self {
        Self { algorithm: Some(algorithm), ..self }
    }

    /// The same key, which the vault may put into a key block of its own whatever its first block said: it does not leave.
    pub(crate) fn kept_inside(self) -> Self {
        Self { exportability: Exportability::Exportable, ..self }
    }

    /// The MAC algorithm it is bound to.
    pub(crate) const fn bound_algorithm(&self) -> Option<MacAlgorithm> {
        self.algorithm
    }

    /// The first three bytes of a block of zeros under the key (Triple DES) or of the CMAC of one (AES). Source: ANSI
    /// X9.24-1:2017 annex A.
    ///
    /// # Errors
    /// [`BankKeyError::Token`] when a token does not answer.
    pub fn check_value(&self) -> Result<[u8; 3], BankKeyError> {
        let [first, second, third, _] = match &self.material {
            Material::Software(bytes) => key::check_value(self.family, bytes)?,
            Material::Token(key) => key.check_value()?,
        };
        Ok([first, second, third])
    }

    /// The MAC of `input`, eight bytes.
    ///
    /// # Errors
    /// [`BankKeyError`] when the key is not a MAC key, may not generate, or is not one that the algorithm or the token
    /// can use; [`BankKeyError::Padding`] for method 2 with an algorithm that has a padding of its own.
    pub fn mac(
        &self,
        algorithm: MacAlgorithm,
        padding: MacPadding,
        input: &[u8],
    ) -> Result<[u8; 8], BankKeyError> {
        self.need(self.modes.forward, "generate a MAC")?;
        self.any_mac(algorithm, padding, input)
    }

    /// Whether `mac` is the MAC of `input`; compared in constant time.
    ///
    /// # Errors
    /// As [`BankKey::mac`], when the key may not verify.
    pub fn verify_mac(
        &self,
        algorithm: MacAlgorithm,
        padding: MacPadding,
        input: &[u8],
        mac: &[u8; 8],
    ) -> Result<bool, BankKeyError> {
        self.need(self.modes.backward, "verify a MAC")?;
        Ok(verify_slices_are_equal(&self.any_mac(algorithm, padding, input)?, mac).is_ok())
    }

    /// What the key is for.
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The cipher it is for.
    pub const fn family(&self) -> KeyFamily {
        self.family
    }

    /// Which directions it may be used in.
    pub const fn modes(&self) -> KeyModes {
        self.modes
    }

    /// Whether it may leave in a key block.
    pub const fn exportability(&self) -> Exportability {
        self.exportability
    }

    fn any_mac(
        &self,
        algorithm: MacAlgorithm,
        padding: MacPadding,
        input: &[u8],
    ) -> Result<[u8; 8], BankKeyError> {
        self.need_type(&[KeyType::Tak, KeyType::Zak], "a MAC")?;
        if algorithm.family() != self.family || self.algorithm.is_some_and(|bound| bound != algorithm) {
            return Err(BankKeyError::Family { algorithm });
        }
        if padding != MacPadding::Method1 && !algorithm.takes_padding() {
            return Err(BankKeyError::Padding { algorithm });
        }
        match &self.material {
            Material::Software(bytes) => Ok(MacKey::new(algorithm, bytes)?.mac(padding, input)),
            Material::Token(key) => key.mac(algorithm, padding, input),
        }
    }

    /// Refuses a key of another type.
    pub(crate) fn need_type(&self, types: &[KeyType], wanted: &'static str) -> Result<(), BankKeyError> {
        if types.contains(&self.key_type) {
            Ok(())
        } else {
            Err(BankKeyError::WrongType { key_type: self.key_type, wanted })
        }
    }

    /// Refuses a direction that the key block forbade.
    pub(crate) fn need(&self, allowed: bool, wanted: &'static str) -> Result<(), BankKeyError> {
        if allowed { Ok(()) } else { Err(BankKeyError::Mode { key_type: self.key_type, wanted }) }
    }

    /// The key as a block cipher, wherever it is.
    pub(crate) fn cipher(&self) -> Result<Box<dyn BlockCipher + '_>, BankKeyError> {
        Ok(match &self.material {
            Material::Software(bytes) => Box::new(SoftwareCipher::new(self.family, bytes)?),
            Material::Token(key) => Box::new(key),
        })
    }

    /// The bytes of a software key.
    pub(crate) fn software_bytes(&self) -> Result<&[u8], BankKeyError> {
        match &self.material {
            Material::Software(bytes) => Ok(bytes),
            Material::Token(_) => Err(BankKeyError::NotExportable),
        }
    }
}

impl fmt::Debug for BankKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.material {
            Material::Software(_) => "software",
            Material::Token(_) => "token",
        };
        write!(f, "BankKey({:?}, {:?}, {place})", self.key_type, self.family)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBLE: &str = "0123456789ABCDEFFEDCBA9876543210";

    #[test]
    fn a_key_does_what_its_type_says_and_nothing_else() {
        for key_type in [KeyType::Tmk, KeyType::Zmk, KeyType::Tpk, KeyType::Zpk, KeyType::Bdk, KeyType::Tdk] {
            let key = BankKey::from_hex(key_type, KeyFamily::TripleDes, DOUBLE).unwrap();
            let refused = key.mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message");
            assert_eq!(refused, Err(BankKeyError::WrongType { key_type, wanted: "a MAC" }));
        }
        let key = BankKey::from_hex(KeyType::Zak, KeyFamily::TripleDes, DOUBLE).unwrap();
        let mac = key.mac(MacAlgorithm::X9_19, MacPadding::Method2, b"message").unwrap();
        assert_eq!(key.verify_mac(MacAlgorithm::X9_19, MacPadding::Method2, b"message", &mac), Ok(true));
        assert_eq!(key.verify_mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message", &mac), Ok(false));
        let refused = key.mac(MacAlgorithm::TdesCmac, MacPadding::Method2, b"message");
        assert_eq!(refused, Err(BankKeyError::Padding { algorithm: MacAlgorithm::TdesCmac }));
        let refused = key.mac(MacAlgorithm::AesCmac, MacPadding::Method1, b"message");
        assert_eq!(refused, Err(BankKeyError::Family { algorithm: MacAlgorithm::AesCmac }));
        assert_eq!(key.check_value(), Ok([0x08, 0xd7, 0xb4]));
        assert_eq!(format!("{key:?}"), "BankKey(Zak, TripleDes, software)");
    }

    #[test]
    fn a_direction_that_was_not_given_is_refused() {
        let bytes = key::read_hex(DOUBLE).unwrap();
        let only = |forward, backward| {
            let modes = KeyModes { forward, backward };
            let (family, export) = (KeyFamily::TripleDes, Exportability::NonExportable);
            BankKey::imported(KeyType::Tak, family, &bytes, modes, export).unwrap()
        };
        let mac = only(true, false).mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message").unwrap();
        let mode = |wanted| BankKeyError::Mode { key_type: KeyType::Tak, wanted };
        assert_eq!(
            only(true, false).verify_mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message", &mac),
            Err(mode("verify a MAC"))
        );
        assert_eq!(
            only(false, true).mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message"),
            Err(mode("generate a MAC"))
        );
    }

    #[test]
    fn single_des_is_for_macs_alone() {
        for key_type in [KeyType::Tmk, KeyType::Tpk, KeyType::Zpk, KeyType::Bdk] {
            let refused = BankKey::from_hex(key_type, KeyFamily::TripleDes, &DOUBLE[..16]).err();
            assert_eq!(refused, Some(BankKeyError::Length { bytes: 8, wanted: "a key of this type" }));
        }
        BankKey::from_hex(KeyType::Tak, KeyFamily::TripleDes, &DOUBLE[..16]).unwrap();
    }
}
