//! Block ciphers under the formats of this module: one key taken up, and blocks through it.

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use cmac::Cmac;
use des::{Des, TdesEde2, TdesEde3};
use zeroize::Zeroizing;

use super::{BankKeyError, KeyFamily};

/// A key that passes single blocks, whether its bytes lie in this process or in a token.
pub trait BlockCipher {
    /// Which cipher.
    fn family(&self) -> KeyFamily;
    /// Encrypts one block in place, 8 bytes (Triple DES) or 16 (AES).
    fn encrypt(&self, block: &mut [u8]) -> Result<(), BankKeyError>;
    /// Decrypts one block in place.
    fn decrypt(&self, block: &mut [u8]) -> Result<(), BankKeyError>;
}

impl KeyFamily {
    /// Bytes of a block.
    pub(crate) const fn block_bytes(self) -> usize {
        match self {
            Self::TripleDes => 8,
            Self::Aes => 16,
        }
    }
}

/// A software key's schedule, wiped when dropped. On the heap, so that copies are few.
pub enum SoftwareCipher {
    Des(Box<Des>),
    Tdes2(Box<TdesEde2>),
    Tdes3(Box<TdesEde3>),
    Aes128(Box<Aes128>),
    Aes192(Box<Aes192>),
    Aes256(Box<Aes256>),
}

impl SoftwareCipher {
    /// Takes up a key of 8, 16 or 24 (DES, Triple DES) or 16, 24 or 32 bytes (AES).
    pub fn new(family: KeyFamily, key: &[u8]) -> Result<Self, BankKeyError> {
        let made = match (family, key.len()) {
            (KeyFamily::TripleDes, 8) => take_up(key).map(Self::Des),
            (KeyFamily::TripleDes, 16) => take_up(key).map(Self::Tdes2),
            (KeyFamily::TripleDes, 24) => take_up(key).map(Self::Tdes3),
            (KeyFamily::Aes, 16) => take_up(key).map(Self::Aes128),
            (KeyFamily::Aes, 24) => take_up(key).map(Self::Aes192),
            (KeyFamily::Aes, 32) => take_up(key).map(Self::Aes256),
            _ => None,
        };
        made.ok_or(BankKeyError::Length { bytes: key.len(), wanted: "a bank key" })
    }
}

impl BlockCipher for SoftwareCipher {
    fn family(&self) -> KeyFamily {
        match self {
            Self::Des(_) | Self::Tdes2(_) | Self::Tdes3(_) => KeyFamily::TripleDes,
            Self::Aes128(_) | Self::Aes192(_) | Self::Aes256(_) => KeyFamily::Aes,
        }
    }

    fn encrypt(&self, block: &mut [u8]) -> Result<(), BankKeyError> {
        let wrong = BankKeyError::Length { bytes: block.len(), wanted: "a cipher block" };
        match self {
            Self::Des(key) => key.encrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Tdes2(key) => key.encrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Tdes3(key) => key.encrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Aes128(key) => key.encrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Aes192(key) => key.encrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Aes256(key) => key.encrypt_block(block.try_into().map_err(|_| wrong)?),
        }
        Ok(())
    }

    fn decrypt(&self, block: &mut [u8]) -> Result<(), BankKeyError> {
        let wrong = BankKeyError::Length { bytes: block.len(), wanted: "a cipher block" };
        match self {
            Self::Des(key) => key.decrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Tdes2(key) => key.decrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Tdes3(key) => key.decrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Aes128(key) => key.decrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Aes192(key) => key.decrypt_block(block.try_into().map_err(|_| wrong)?),
            Self::Aes256(key) => key.decrypt_block(block.try_into().map_err(|_| wrong)?),
        }
        Ok(())
    }
}

/// Encrypts whole blocks in CBC mode (NIST SP 800-38A section 6.2), in place.
pub fn cbc_encrypt(key: &dyn BlockCipher, iv: &[u8], data: &mut [u8]) -> Result<(), BankKeyError> {
    let mut before = Zeroizing::new(iv.to_vec());
    for block in data.chunks_mut(key.family().block_bytes()) {
        xor(block, &before);
        key.encrypt(block)?;
        before.copy_from_slice(block);
    }
    Ok(())
}

/// Decrypts whole blocks in CBC mode, in place.
pub fn cbc_decrypt(key: &dyn BlockCipher, iv: &[u8], data: &mut [u8]) -> Result<(), BankKeyError> {
    let mut before = iv.to_vec();
    for block in data.chunks_mut(key.family().block_bytes()) {
        let wire = block.to_vec();
        key.decrypt(block)?;
        xor(block, &before);
        before = wire;
    }
    Ok(())
}

/// The whole CMAC of `input`: 8 bytes (Triple DES) or 16 (AES). Source: NIST SP 800-38B; for AES-128 also RFC 4493.
pub fn cmac(family: KeyFamily, key: &[u8], input: &[u8]) -> Result<Zeroizing<Vec<u8>>, BankKeyError> {
    fn finish<M: cmac::Mac + KeyInit>(key: &[u8], input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
        mac.update(input);
        Some(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
    }
    let made = match (family, key.len()) {
        (KeyFamily::TripleDes, 16) => finish::<Cmac<TdesEde2>>(key, input),
        (KeyFamily::TripleDes, 24) => finish::<Cmac<TdesEde3>>(key, input),
        (KeyFamily::Aes, 16) => finish::<Cmac<Aes128>>(key, input),
        (KeyFamily::Aes, 24) => finish::<Cmac<Aes192>>(key, input),
        (KeyFamily::Aes, 32) => finish::<Cmac<Aes256>>(key, input),
        _ => None,
    };
    made.ok_or(BankKeyError::Length { bytes: key.len(), wanted: "CMAC" })
}

/// Joins `other` into `bytes` by exclusive or.
pub fn xor(bytes: &mut [u8], other: &[u8]) {
    bytes.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}

fn take_up<K: KeyInit>(key: &[u8]) -> Option<Box<K>> {
    K::new_from_slice(key).ok().map(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    /// NIST SP 800-38B appendix D (its example messages are prefixes of one text), and for AES-128 RFC 4493 section 4.
    #[test]
    fn cmac_is_that_of_sp_800_38b_and_rfc_4493() {
        use KeyFamily::{Aes, TripleDes};
        const AES_TEXT: &str = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51\
                                30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";
        let aes128 = "2b7e151628aed2a6abf7158809cf4f3c";
        let aes192 = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
        let aes256 = "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
        let tdes3 = "8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5";
        let tdes2 = "4cf15134a2850dd58a3d10ba80570d38";
        #[rustfmt::skip]
        let vectors = [
            (Aes, aes128, 0, "bb1d6929e95937287fa37d129b756746"),
            (Aes, aes128, 16, "070a16b46b4d4144f79bdd9dd04a287c"),
            (Aes, aes128, 40, "dfa66747de9ae63030ca32611497c827"),
            (Aes, aes128, 64, "51f0bebf7e3b9d92fc49741779363cfe"),
            (Aes, aes192, 0, "d17ddf46adaacde531cac483de7a9367"),
            (Aes, aes192, 16, "9e99a7bf31e710900662f65e617c5184"),
            (Aes, aes192, 40, "8a1de5be2eb31aad089a82e6ee908b0e"),
            (Aes, aes192, 64, "a1d5df0eed790f794d77589659f39a11"),
            (Aes, aes256, 0, "028962f61b7bf89efc6b551f4667d983"),
            (Aes, aes256, 16, "28a7023f452e8f82bd4bf28d8c37c35c"),
            (Aes, aes256, 40, "aaf3d8f1de5640c232f5b169b9c911e6"),
            (Aes, aes256, 64, "e1992190549f6ed5696a2c056c315410"),
            (TripleDes, tdes3, 0, "b7a688e122ffaf95"),
            (TripleDes, tdes3, 8, "8e8f293136283797"),
            (TripleDes, tdes3, 20, "743ddbe0ce2dc2ed"),
            (TripleDes, tdes3, 32, "33e6b1092400eae5"),
            (TripleDes, tdes2, 0, "bd2ebf9a3ba00361"),
            (TripleDes, tdes2, 8, "4ff2ab813c53ce83"),
            (TripleDes, tdes2, 20, "62dd1b471902bd4e"),
            (TripleDes, tdes2, 32, "31b1e431dabc4eb8"),
        ];
        for (family, key, bytes, wanted) in vectors {
            let input = &hex::decode(AES_TEXT).unwrap()[..bytes];
            let mac = cmac(family, &hex::decode(key).unwrap(), input).unwrap();
            assert_eq!(hex::encode(&mac), wanted, "{family:?} {key} {bytes}");
        }
    }

    #[test]
    fn cbc_undoes_itself() {
        for (family, bytes) in [(KeyFamily::TripleDes, 24), (KeyFamily::Aes, 32)] {
            let key =
                SoftwareCipher::new(family, &hex::decode("0123456789abcdef").unwrap().repeat(bytes / 8))
                    .unwrap();
            let iv = vec![7; family.block_bytes()];
            let mut data = (0..48).collect::<Vec<u8>>();
            cbc_encrypt(&key, &iv, &mut data).unwrap();
            assert_ne!(data, (0..48).collect::<Vec<u8>>());
            cbc_decrypt(&key, &iv, &mut data).unwrap();
            assert_eq!(data, (0..48).collect::<Vec<u8>>());
        }
    }
}
