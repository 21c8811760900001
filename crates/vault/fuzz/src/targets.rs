//! What the fuzzer feeds, and what must hold. The crate's own tests run the corpus through the same functions.
//!
//! ```text
//! cd crates/vault && cargo +nightly fuzz run key_block
//! ```

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use vault::{
    AesKeyLength, AesKsn, BankKey, DukptUsage, KeyBlockKey, KeyFamily, KeyType, PinBlockFormat, PinError,
    PinZone, TdesKsn, translate_pin,
};

const TDES: &str = "0123456789ABCDEFFEDCBA9876543210";
const AES: &str = "000102030405060708090A0B0C0D0E0F";

/// Every bank key that a block may hold.
const TYPES: [KeyType; 8] = [
    KeyType::Tmk,
    KeyType::Zmk,
    KeyType::Tak,
    KeyType::Zak,
    KeyType::Tpk,
    KeyType::Zpk,
    KeyType::Bdk,
    KeyType::Tdk,
];

/// Draws nothing but one byte, so that a run is the same each time.
struct Fixed;

impl types::Entropy for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

/// No text panics; an accepted block gives a key of one usage, and with each character altered it gives none.
pub fn key_block(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for (family, protection) in [(KeyFamily::TripleDes, TDES), (KeyFamily::Aes, AES)] {
        let protection = KeyBlockKey::from_hex(family, protection).unwrap();
        for key_type in TYPES {
            let Ok(key) = protection.import(text, key_type) else { continue };
            assert_eq!(key.key_type(), key_type);
            // A and C have 32 bits of MAC, which a fuzzer that runs for days may meet by chance.
            if text.starts_with(['A', 'C']) {
                continue;
            }
            for place in 0..text.len() {
                let mut altered = text.to_owned().into_bytes();
                altered[place] = if altered[place] == b'1' { b'2' } else { b'1' };
                let altered = String::from_utf8(altered).unwrap();
                assert!(altered == text || protection.import(&altered, key_type).is_err());
            }
        }
    }
}

/// No clear block panics, in any format. What is read is written so that it reads the same again.
pub fn pin_block(data: &[u8]) {
    let pan = card::Pan::parse("4012345678909").unwrap();
    let tdes = BankKey::from_hex(KeyType::Tpk, KeyFamily::TripleDes, TDES).unwrap();
    let aes = BankKey::from_hex(KeyType::Tpk, KeyFamily::Aes, AES).unwrap();
    let zone = |format: PinBlockFormat| PinZone {
        key: if format.family() == KeyFamily::Aes { &aes } else { &tdes },
        format,
    };
    let formats =
        [PinBlockFormat::Format0, PinBlockFormat::Format1, PinBlockFormat::Format3, PinBlockFormat::Format4];
    for from in formats {
        let encrypted = encrypt(from, data);
        for to in formats {
            match translate_pin(&encrypted, &pan, zone(from), zone(to), &Fixed) {
                Ok(there) => {
                    let again = translate_pin(&there, &pan, zone(to), zone(to), &Fixed);
                    assert_eq!(again, Ok(there), "the same digits give the same block");
                }
                Err(PinError::Key(_) | PinError::Cipher { .. }) => panic!("the keys are good"),
                Err(PinError::Forbidden { .. } | PinError::Length { .. } | PinError::Unreadable) => {}
            }
        }
    }
}

/// The clear bytes under the key that the target holds, so that they are what the decoder sees.
fn encrypt(format: PinBlockFormat, clear: &[u8]) -> Vec<u8> {
    let mut block = clear.to_vec();
    match format.family() {
        KeyFamily::TripleDes => {
            let key = des::TdesEde2::new_from_slice(&bytes(TDES)).unwrap();
            if let Ok(block) = block.as_mut_slice().try_into() {
                key.encrypt_block(block);
            }
        }
        KeyFamily::Aes => {
            let key = aes::Aes128::new_from_slice(&bytes(AES)).unwrap();
            if let Ok(block) = <&mut [u8; 16]>::try_from(block.as_mut_slice()) {
                key.encrypt_block(block.into());
                // The card number 4012345678909 of ISO 9564-1: one digit above twelve, then all of it.
                let pan = bytes("14012345678909000000000000000000");
                block.iter_mut().zip(pan).for_each(|(byte, other)| *byte ^= other);
                key.encrypt_block(block.into());
            }
        }
    }
    block
}

fn bytes(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// No text panics; whatever number is taken has a key, and is no later than itself.
pub fn ksn(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(ksn) = TdesKsn::parse(text) {
        assert!((1..=10).contains(&ksn.counter().count_ones()) && !ksn.follows(&ksn));
        let base = BankKey::from_hex(KeyType::Bdk, KeyFamily::TripleDes, TDES).unwrap();
        assert!(base.derive_tdes_dukpt(&ksn, DukptUsage::Pin).is_ok());
    }
    if let Ok(ksn) = AesKsn::parse(text) {
        assert!((1..=16).contains(&ksn.counter().count_ones()) && !ksn.follows(&ksn));
        let base = BankKey::from_hex(KeyType::Bdk, KeyFamily::Aes, AES).unwrap();
        assert!(base.derive_aes_dukpt(&ksn, DukptUsage::Pin, AesKeyLength::Bits128).is_ok());
    }
}
