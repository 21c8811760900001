//! Triple DES DUKPT. Source: ANSI X9.24-1:2009 annex A.

use zeroize::Zeroizing;

use super::{DukptUsage, TdesKsn};
use crate::bank::cipher::{BlockCipher as _, SoftwareCipher, xor};
use crate::bank::{BankKeyError, KeyFamily};

type DoubleKey = Zeroizing<[u8; 16]>;

/// Makes another key of a double-length key, for the second half of whatever is derived.
const DERIVATION_MASK: [u8; 16] = [0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0, 0xc0, 0xc0, 0xc0, 0xc0, 0, 0, 0, 0];

/// The key of one message and use.
pub fn working_key(base: &[u8; 16], ksn: &TdesKsn, usage: DukptUsage) -> Result<DoubleKey, BankKeyError> {
    let initial = initial_key(base, ksn)?;
    variant(&transaction_key(&initial, ksn)?, usage)
}

/// The key that a device is loaded with: its serial number under the base derivation key, and under its other form.
pub fn initial_key(base: &[u8; 16], ksn: &TdesKsn) -> Result<DoubleKey, BankKeyError> {
    let mut masked = Zeroizing::new(*base);
    xor(&mut *masked, &DERIVATION_MASK);
    let mut key = Zeroizing::new([0; 16]);
    for (half, base) in key.chunks_exact_mut(8).zip([base, &*masked]) {
        half.copy_from_slice(&ksn.initial());
        SoftwareCipher::new(KeyFamily::TripleDes, base)?.encrypt(half)?;
    }
    Ok(key)
}

/// The key of one transaction: one step for each bit of the counter, from the left.
pub fn transaction_key(initial: &[u8; 16], ksn: &TdesKsn) -> Result<DoubleKey, BankKeyError> {
    let mut key = Zeroizing::new(*initial);
    let mut counter = 0;
    for bit in (0..21).rev().map(|place| 1 << place).filter(|bit| ksn.counter() & bit != 0) {
        counter |= bit;
        key = step(&key, &ksn.register(counter))?;
    }
    Ok(key)
}

/// The non-reversible key generation process.
fn step(key: &DoubleKey, register: &[u8; 8]) -> Result<DoubleKey, BankKeyError> {
    let mut masked = key.clone();
    xor(&mut *masked, &DERIVATION_MASK);
    let mut next = Zeroizing::new([0; 16]);
    for (half, key) in next.chunks_exact_mut(8).zip([&masked, key]) {
        half.copy_from_slice(register);
        xor(half, &key[8..]);
        SoftwareCipher::new(KeyFamily::TripleDes, &key[..8])?.encrypt(half)?;
        xor(half, &key[8..]);
    }
    Ok(next)
}

/// The transaction key made fit for one use. A data key goes through itself once more, so that whoever gets hold of it
/// does not have the PIN key too.
fn variant(key: &DoubleKey, usage: DukptUsage) -> Result<DoubleKey, BankKeyError> {
    let place = match usage {
        DukptUsage::Pin => 7,
        DukptUsage::MacRequest => 6,
        DukptUsage::DataRequest => 5,
        DukptUsage::MacResponse => 4,
        DukptUsage::DataResponse => 3,
    };
    let mut made = key.clone();
    made[place] ^= 0xff;
    made[place + 8] ^= 0xff;
    match usage {
        DukptUsage::Pin | DukptUsage::MacRequest | DukptUsage::MacResponse => Ok(made),
        DukptUsage::DataRequest | DukptUsage::DataResponse => {
            let cipher = SoftwareCipher::new(KeyFamily::TripleDes, &*made)?;
            let mut through = made.clone();
            through.chunks_exact_mut(8).try_for_each(|half| cipher.encrypt(half))?;
            Ok(through)
        }
    }
}
