//! Published PIN blocks, the rules of translation, and its law.

use proptest::prelude::*;

use super::block::{self, Pin};
use super::*;
use crate::{SystemEntropy, hex};

use PinBlockFormat::{Format0, Format1, Format3, Format4};

/// Gives the same bytes over and over.
struct Given(&'static [u8]);

impl Entropy for Given {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.iter_mut().zip(self.0.iter().cycle()).for_each(|(byte, given)| *byte = *given);
    }
}

fn digits(text: &str) -> Vec<u8> {
    text.bytes().map(|digit| digit - b'0').collect()
}

fn pin(text: &str) -> Pin {
    Pin::new(&digits(text)).unwrap()
}

fn key(key_type: KeyType, family: KeyFamily, text: &str) -> BankKey {
    BankKey::from_hex(key_type, family, text).unwrap()
}

/// The sources: ANSI X9.24-1:2009 A.4; `tests/test_pinblock.py` of psec 1.3.0; `test/pinblock_format0_test.c`,
/// `test/pinblock_format1_test.c` and `test/pinblock_format4_test.c` of openemv/pinblock.
#[test]
fn clear_blocks_are_the_published_ones() {
    for (format, digits, pan, wanted) in [
        (Format0, "1234", "4012345678909", "041274edcba9876f"),
        (Format0, "1234", "5555555551234567", "041261aaaaedcba9"),
        (Format0, "123456789012", "5555555551234567", "0c1261032d8226a9"),
        (Format0, "1234", "6222021234567894", "041214dedcba9876"),
    ] {
        let made = block::build(format, &pin(digits), pan.as_bytes(), &SystemEntropy);
        assert_eq!(hex::encode(&made), wanted);
        assert_eq!(block::parse(format, &made, pan.as_bytes()).unwrap().digits(), self::digits(digits));
    }
    let format_1 = hex::decode("1512345EDCBA9876").unwrap();
    assert_eq!(block::parse(Format1, &format_1, b"").unwrap().digits(), [1, 2, 3, 4, 5]);
    for (digits, wanted) in [("1234", "441234aaaaaaaaaa"), ("12345", "4512345aaaaaaaaa")] {
        let made = block::build(Format4, &pin(digits), b"", &SystemEntropy);
        assert_eq!(hex::encode(&made[..8]), wanted);
    }
    for (pan, wanted) in [
        ("4111111111111111", "44111111111111111000000000000000"),
        ("411111111111111", "34111111111111110000000000000000"),
        ("123456789", "00001234567890000000000000000000"),
    ] {
        assert_eq!(hex::encode(&*block::long_pan_field(pan.as_bytes())), wanted, "{pan}");
    }
}

/// ANSI X9.24-3:2017 supplement, AES-128, the first PIN key: the random half of the PIN field is the vector's.
#[test]
fn an_encrypted_block_of_format_4_is_the_published_one() {
    let key = SoftwareKey::aes("AF8CB133A78F8DC2D1359F18527593FB");
    let given = Given(&[0x2f, 0x69, 0xad, 0xde, 0x2e, 0x9e, 0x7a, 0xce]);
    let sealed = seal(&key, Format4, b"4111111111111111", &pin("1234"), &given).unwrap();
    assert_eq!(hex::encode(&sealed), "a912150391ab65a67e52883d81ce2d15");
    let opened = open(&key, Format4, b"4111111111111111", &sealed).unwrap();
    assert_eq!(opened.digits(), [1, 2, 3, 4]);
    assert!(matches!(open(&key, Format4, b"4111111111111112", &sealed), Err(PinError::Unreadable)));
}

struct SoftwareKey;

impl SoftwareKey {
    fn aes(text: &str) -> crate::bank::cipher::SoftwareCipher {
        crate::bank::cipher::SoftwareCipher::new(KeyFamily::Aes, &hex::decode(text).unwrap()).unwrap()
    }
}

#[test]
fn blocks_that_are_none_are_refused() {
    let pan = b"4012345678909";
    for (format, broken, why) in [
        (Format0, "141274EDCBA9876F", "another control digit"),
        (Format0, "031274EDCBA9876F", "a PIN of three digits"),
        (Format0, "0D1274EDCBA9876F", "a PIN of thirteen"),
        (Format0, "0412A4EDCBA9876F", "a digit above nine"),
        (Format0, "041274EDCBA9870F", "a fill that is not F"),
        (Format3, "341274DDCBA98766", "a fill below A"),
        (Format1, "131234FFFFFFFFFF", "a PIN of three digits"),
        (Format4, "441234AAAAAAAAAB0000000000000000", "a fill that is not A"),
        (Format4, "441234AAAAAAAAAA00000000000000", "too short"),
    ] {
        assert!(block::parse(format, &hex::decode(broken).unwrap(), pan).is_none(), "{why}");
    }
}

const TDES: &str = "0123456789ABCDEFFEDCBA9876543210";
const OTHER: &str = "2C675BB513D64A8FE03D9216A479C834";
const AES: &str = "000102030405060708090A0B0C0D0E0F";

fn keys() -> [BankKey; 4] {
    [
        key(KeyType::Tpk, KeyFamily::TripleDes, TDES),
        key(KeyType::Zpk, KeyFamily::TripleDes, OTHER),
        key(KeyType::Tpk, KeyFamily::Aes, AES),
        key(KeyType::Zpk, KeyFamily::Aes, "F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF"),
    ]
}

fn zone(keys: &[BankKey; 4], format: PinBlockFormat, far: bool) -> PinZone<'_> {
    let place = usize::from(far) + if format.family() == KeyFamily::Aes { 2 } else { 0 };
    PinZone { key: &keys[place], format }
}

#[test]
fn what_iso_9564_forbids_is_refused_with_its_reason() {
    let keys = keys();
    let pan = Pan::parse("4012345678909").unwrap();
    for from in [Format0, Format3, Format4] {
        let refused = translate_pin(
            &[0; 16],
            &pan,
            zone(&keys, from, false),
            zone(&keys, Format1, true),
            &SystemEntropy,
        );
        let reason = "a block that is bound to a card number must not lose it";
        assert_eq!(refused, Err(PinError::Forbidden { from, to: Format1, reason }));
    }
}

#[test]
fn keys_of_another_type_or_cipher_are_refused() {
    let keys = keys();
    let pan = Pan::parse("4012345678909").unwrap();
    let good = zone(&keys, Format0, true);
    for key_type in [KeyType::Tak, KeyType::Zak, KeyType::Tmk, KeyType::Zmk, KeyType::Bdk, KeyType::Tdk] {
        let other = key(key_type, KeyFamily::TripleDes, TDES);
        let bad = PinZone { key: &other, format: Format0 };
        let wrong = PinError::Key(BankKeyError::WrongType { key_type, wanted: "a PIN block" });
        assert_eq!(translate_pin(&[0; 8], &pan, bad, good, &SystemEntropy), Err(wrong));
        assert_eq!(translate_pin(&[0; 8], &pan, good, bad, &SystemEntropy), Err(wrong));
    }
    let bad = PinZone { key: &keys[0], format: Format4 };
    let wrong = PinError::Cipher { format: Format4, family: KeyFamily::TripleDes };
    assert_eq!(translate_pin(&[0; 8], &pan, bad, good, &SystemEntropy), Err(wrong));
    for bytes in [0, 7, 9, 16] {
        let refused = translate_pin(&vec![0; bytes], &pan, good, good, &SystemEntropy);
        assert_eq!(refused, Err(PinError::Length { bytes }));
    }
}

fn format() -> impl Strategy<Value = PinBlockFormat> {
    prop::sample::select(vec![Format0, Format1, Format3, Format4])
}

proptest! {
    /// However often a block is translated, over whichever formats that are allowed, the PIN under it stays the same.
    #[test]
    fn a_translation_keeps_the_pin(
        digits in prop::collection::vec(0_u8..10, 4..=12),
        first in format(),
        way in prop::collection::vec(format(), 0..5),
    ) {
        let keys = keys();
        let pan = Pan::parse("6222021234567894").unwrap();
        let digits_of_pan = pan.expose().as_bytes();
        let pin = Pin::new(&digits).unwrap();
        let mut at = zone(&keys, first, false);
        let mut block = seal(&*at.key.cipher().unwrap(), first, digits_of_pan, &pin, &SystemEntropy).unwrap();
        for (step, format) in way.into_iter().enumerate() {
            let to = zone(&keys, format, step % 2 == 0);
            match translate_pin(&block, &pan, at, to, &SystemEntropy) {
                Ok(next) => (block, at) = (next, to),
                Err(PinError::Forbidden { .. }) => prop_assert!(format == Format1 && at.format != Format1),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        let opened = open(&*at.key.cipher().unwrap(), at.format, digits_of_pan, &block).unwrap();
        prop_assert_eq!(opened.digits(), digits);
    }

    /// No bytes make the reader panic, and what it accepts it builds again.
    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..20), format in format()) {
        if let Some(pin) = block::parse(format, &bytes, b"4012345678909") {
            let again = block::build(format, &pin, b"4012345678909", &SystemEntropy);
            let again = block::parse(format, &again, b"4012345678909").unwrap();
            prop_assert_eq!(again.digits(), pin.digits());
        }
    }
}
