//! One key in a token.

use std::sync::Arc;

use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, KeyType as TokenKeyType, ObjectClass, ObjectHandle};
use zeroize::Zeroizing;

use super::{Token, ask, blocks};
use crate::bank::cipher::BlockCipher;
use crate::bank::mac::{self, MacAlgorithm, MacPadding};
use crate::bank::{BankKeyError, KeyFamily, KeyUsage};

/// A handle of a key; its bytes stay in the token.
pub struct TokenKey {
    token: Arc<Token>,
    handle: ObjectHandle,
    family: KeyFamily,
    /// Working keys are made for a session and destroyed with it, or when this is dropped.
    passing: bool,
    /// Whether it may compute MACs of the token's own mechanisms.
    signs: bool,
}

impl TokenKey {
    pub(super) const fn new(token: Arc<Token>, handle: ObjectHandle, family: KeyFamily) -> Self {
        Self { token, handle, family, passing: false, signs: true }
    }

    /// The leftmost four bytes of the check value.
    pub fn check_value(&self) -> Result<[u8; 4], BankKeyError> {
        match self.family {
            KeyFamily::TripleDes => {
                let mut value = Zeroizing::new(vec![0; 8]);
                self.encrypt(&mut value)?;
                leftmost(&value)
            }
            KeyFamily::Aes if self.signs => leftmost(&self.sign(&Mechanism::AesCMac, &[0; 16])?),
            KeyFamily::Aes => self.cmac_of_zeros(),
        }
    }

    /// The CMAC of a block of zeros, made of encryptions: for a key that does nothing else (RFC 4493 section 2.4).
    fn cmac_of_zeros(&self) -> Result<[u8; 4], BankKeyError> {
        let mut block = Zeroizing::new([0; 16]);
        self.encrypt(&mut *block)?;
        let first = u128::from_be_bytes(*block);
        let doubled = first << 1 ^ if first >> 127 == 1 { 0x87 } else { 0 };
        *block = doubled.to_be_bytes();
        self.encrypt(&mut *block)?;
        leftmost(&*block)
    }

    /// The MAC of `input`, of the algorithms that PKCS#11 has or that are made of its CBC and ECB.
    pub fn mac(
        &self,
        algorithm: MacAlgorithm,
        padding: MacPadding,
        input: &[u8],
    ) -> Result<[u8; 8], BankKeyError> {
        match algorithm {
            MacAlgorithm::AesCmac => leftmost(&self.sign(&Mechanism::AesCMac, input)?),
            MacAlgorithm::TdesCbc => self.tdes_cbc_mac(padding, input),
            MacAlgorithm::CupsEcb => {
                let mut failed = Ok(());
                let mac = mac::cups_ecb(input, |block| {
                    let done = self.encrypt(block);
                    if done.is_err() {
                        failed = done;
                    }
                });
                failed.map(|()| mac)
            }
            // These need one half of the key alone, single DES, or a mechanism that is rarely there.
            MacAlgorithm::X9_9 | MacAlgorithm::X9_19 | MacAlgorithm::TdesCmac => {
                Err(BankKeyError::NotInToken { algorithm })
            }
        }
    }

    /// Unwraps an AES working key (RFC 3394) inside the token, as a key of this session: one for MACs signs and nothing
    /// else, one for PIN blocks encrypts and nothing else.
    pub fn unwrap_working_key(&self, wrapped: &[u8], usage: KeyUsage) -> Result<Self, BankKeyError> {
        let for_macs = usage == KeyUsage::Mac;
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(TokenKeyType::AES),
            Attribute::Token(false),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(for_macs),
            Attribute::Verify(for_macs),
            Attribute::Encrypt(!for_macs),
            Attribute::Decrypt(false),
        ];
        let handle = ask(&self.token, "unwrapping a working key", |session| {
            session.unwrap_key(&Mechanism::AesKeyWrap, self.handle, wrapped, &template)
        })?;
        Ok(Self {
            token: Arc::clone(&self.token),
            handle,
            family: KeyFamily::Aes,
            passing: true,
            signs: for_macs,
        })
    }

    /// CBC under no initial value, of which the last block is the MAC (ISO/IEC 9797-1 algorithm 1).
    fn tdes_cbc_mac(&self, padding: MacPadding, input: &[u8]) -> Result<[u8; 8], BankKeyError> {
        let mut padded = Zeroizing::new(input.to_vec());
        if padding == MacPadding::Method2 {
            padded.push(0x80);
        }
        let whole = padded.len().max(1).next_multiple_of(8);
        padded.resize(whole, 0);
        let chain = ask(&self.token, "computing a MAC", |session| {
            session.encrypt(&Mechanism::Des3Cbc([0; 8]), self.handle, &padded)
        })?;
        // Only the last block leaves: the others would let a shorter message be signed.
        let chain = Zeroizing::new(chain);
        leftmost(chain.rchunks(8).next().unwrap_or(&[]))
    }

    fn sign(&self, mechanism: &Mechanism<'_>, input: &[u8]) -> Result<Vec<u8>, BankKeyError> {
        ask(&self.token, "computing a MAC", |session| session.sign(mechanism, self.handle, input))
    }
}

impl BlockCipher for &TokenKey {
    fn family(&self) -> KeyFamily {
        self.family
    }

    fn encrypt(&self, block: &mut [u8]) -> Result<(), BankKeyError> {
        (**self).encrypt(block)
    }

    fn decrypt(&self, block: &mut [u8]) -> Result<(), BankKeyError> {
        (**self).decrypt(block)
    }
}

impl TokenKey {
    /// The cipher of the key.
    pub const fn family(&self) -> KeyFamily {
        self.family
    }

    /// Encrypts whole blocks, each for itself.
    pub fn encrypt(&self, data: &mut [u8]) -> Result<(), BankKeyError> {
        let out = ask(&self.token, "encrypting", |session| {
            session.encrypt(&blocks(self.family), self.handle, data)
        })?;
        replace(data, out)
    }

    /// Decrypts whole blocks, each for itself.
    pub fn decrypt(&self, data: &mut [u8]) -> Result<(), BankKeyError> {
        let out = ask(&self.token, "decrypting", |session| {
            session.decrypt(&blocks(self.family), self.handle, data)
        })?;
        replace(data, out)
    }
}

impl Drop for TokenKey {
    fn drop(&mut self) {
        if self.passing {
            // When it fails, the key goes with its session.
            let _ = self.token.session().destroy_object(self.handle);
        }
    }
}

fn replace(data: &mut [u8], out: Vec<u8>) -> Result<(), BankKeyError> {
    let out = Zeroizing::new(out);
    if out.len() != data.len() {
        return Err(BankKeyError::Length { bytes: out.len(), wanted: "what the token gave back" });
    }
    data.copy_from_slice(&out);
    Ok(())
}

fn leftmost<const N: usize>(bytes: &[u8]) -> Result<[u8; N], BankKeyError> {
    let wrong = BankKeyError::Length { bytes: bytes.len(), wanted: "what the token gave back" };
    bytes.first_chunk().copied().ok_or(wrong)
}
