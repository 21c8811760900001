//! AES DUKPT. Source: ANSI X9.24-3:2017, algorithms and tables of derivation data.

use zeroize::Zeroizing;

use super::{AesKeyLength, AesKsn, DukptUsage};
use crate::bank::cipher::{BlockCipher as _, SoftwareCipher};
use crate::bank::{BankKeyError, KeyFamily};

type Key = Zeroizing<Vec<u8>>;

/// What a derived key is for, as derivation data says it.
#[derive(Clone, Copy)]
#[repr(u16)]
enum Indicator {
    Pin = 0x1000,
    MacGeneration = 0x2000,
    MacVerification = 0x2001,
    DataEncryption = 0x3000,
    DataDecryption = 0x3001,
    Derivation = 0x8000,
    InitialKey = 0x8001,
}

/// The key of one message and use.
pub fn working_key(
    base: &[u8],
    ksn: &AesKsn,
    usage: DukptUsage,
    length: AesKeyLength,
) -> Result<Key, BankKeyError> {
    // The names are the device's: what it generates, the host verifies.
    let indicator = match usage {
        DukptUsage::Pin => Indicator::Pin,
        DukptUsage::MacRequest => Indicator::MacGeneration,
        DukptUsage::MacResponse => Indicator::MacVerification,
        DukptUsage::DataRequest => Indicator::DataEncryption,
        DukptUsage::DataResponse => Indicator::DataDecryption,
    };
    let transaction = transaction_key(&initial_key(base, ksn)?, ksn)?;
    derive(&transaction, indicator, length, &context(ksn, ksn.counter()))
}

/// The key that a device is loaded with.
pub fn initial_key(base: &[u8], ksn: &AesKsn) -> Result<Key, BankKeyError> {
    derive(base, Indicator::InitialKey, length(base)?, &ksn.initial_key_id())
}

/// The key from which the working keys of one transaction come: one step for each bit of the counter, from the left.
pub fn transaction_key(initial: &[u8], ksn: &AesKsn) -> Result<Key, BankKeyError> {
    let mut key = Zeroizing::new(initial.to_vec());
    let mut counter = 0;
    for bit in (0..32).rev().map(|place| 1 << place).filter(|bit| ksn.counter() & bit != 0) {
        counter |= bit;
        key = derive(&key, Indicator::Derivation, length(&key)?, &context(ksn, counter))?;
    }
    Ok(key)
}

/// The device's half of the initial key id, and the counter.
fn context(ksn: &AesKsn, counter: u32) -> [u8; 8] {
    let id = ksn.initial_key_id();
    let counter = counter.to_be_bytes();
    [id[4], id[5], id[6], id[7], counter[0], counter[1], counter[2], counter[3]]
}

/// One or two blocks of derivation data under the key, cut to the length.
fn derive(
    key: &[u8],
    indicator: Indicator,
    length: AesKeyLength,
    context: &[u8; 8],
) -> Result<Key, BankKeyError> {
    let cipher = SoftwareCipher::new(KeyFamily::Aes, key)?;
    let algorithm: u16 = match length {
        AesKeyLength::Bits128 => 2,
        AesKeyLength::Bits192 => 3,
        AesKeyLength::Bits256 => 4,
    };
    let mut blocks = Zeroizing::new(vec![0; length.bytes().next_multiple_of(16)]);
    for (number, block) in (1_u8..).zip(blocks.chunks_exact_mut(16)) {
        block[..2].copy_from_slice(&[1, number]);
        block[2..4].copy_from_slice(&(indicator as u16).to_be_bytes());
        block[4..6].copy_from_slice(&algorithm.to_be_bytes());
        block[6..8].copy_from_slice(&(length.bytes() as u16 * 8).to_be_bytes());
        block[8..].copy_from_slice(context);
        cipher.encrypt(block)?;
    }
    Ok(Zeroizing::new(blocks[..length.bytes()].to_vec()))
}

fn length(key: &[u8]) -> Result<AesKeyLength, BankKeyError> {
    AesKeyLength::of(key.len()).ok_or(BankKeyError::Length { bytes: key.len(), wanted: "AES DUKPT" })
}
