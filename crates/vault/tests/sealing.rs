//! What is sealed opens for whom it was sealed, unchanged, and for nobody else.

use std::sync::Arc;

use card::{Expiry, Pan};
use proptest::prelude::*;
use vault::{Purpose, Record, SystemEntropy, Vault, VaultError};

const SHOP: u128 = 7;
const CARD: Record = Record::of(SHOP, 42);

fn vault() -> (tempfile::TempDir, Vault) {
    let directory = tempfile::tempdir().unwrap();
    let vault = Vault::open_or_create(&directory.path().join("vault.key"), Arc::new(SystemEntropy)).unwrap();
    (directory, vault)
}

fn pan() -> Pan {
    Pan::parse("6222021234567894").unwrap()
}

fn expiry() -> Expiry {
    Expiry::new(2028, 12).unwrap()
}

#[test]
fn a_card_comes_back_whole() {
    let (_directory, vault) = vault();
    let sealed = vault.seal_card(&pan(), expiry(), CARD).unwrap();
    assert_eq!(vault.open_card(&sealed.bytes, CARD).unwrap(), (pan(), expiry()));
}

#[test]
fn what_a_chip_said_opens_for_its_own_payment_and_as_nothing_else() {
    const PAYMENT: Record = Record::of(SHOP, 77);
    let (_directory, vault) = vault();
    let said = [0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x9F, 0x27, 1, 0x40];
    let sealed = vault.seal_bytes(Purpose::ChipData, PAYMENT, &said).unwrap();
    assert!(!sealed.windows(4).any(|part| said.windows(4).any(|plain| plain == part)));
    assert_eq!(vault.open_bytes(Purpose::ChipData, PAYMENT, &sealed).unwrap().expose().as_slice(), said);
    for other in [Record::of(SHOP, 78), Record::of(8, 77), Record::of(0, 77)] {
        assert!(vault.open_bytes(Purpose::ChipData, other, &sealed).is_err(), "{other:?}");
    }
    for purpose in [Purpose::WebhookSecret, Purpose::BankKey, Purpose::NodeKey] {
        assert!(vault.open_bytes(purpose, PAYMENT, &sealed).is_err(), "{purpose:?}");
    }
    assert!(vault.open_card(&sealed, PAYMENT).is_err());
}

#[test]
fn a_sealed_card_tells_neither_digits_nor_their_number() {
    let (_directory, vault) = vault();
    let sealed = vault.seal_card(&pan(), expiry(), CARD).unwrap();
    let again = vault.seal_card(&pan(), expiry(), CARD).unwrap();
    let longer = vault.seal_card(&Pan::parse("6212345678900000003").unwrap(), expiry(), CARD).unwrap();
    assert_ne!(sealed.bytes, again.bytes, "a data key of its own for every sealing");
    assert_eq!(sealed.bytes.len(), longer.bytes.len());
    let digits = pan();
    assert!(
        !sealed.bytes.windows(4).any(|window| digits
            .expose()
            .as_bytes()
            .windows(4)
            .any(|part| part == window))
    );
}

#[test]
fn a_sealed_card_opens_for_its_own_record_and_merchant_only() {
    let (_directory, vault) = vault();
    let sealed = vault.seal_card(&pan(), expiry(), CARD).unwrap().bytes;
    for other in [Record::of(SHOP, 43), Record::of(8, 42), Record::of(42, SHOP), Record::of(0, 42)] {
        let refused = vault.open_card(&sealed, other).unwrap_err();
        assert!(matches!(refused, VaultError::NotAuthentic), "{other:?}: {refused}");
    }
    // Nor does it open as anything but a card, nor anything else as a card.
    assert!(vault.open_bytes(Purpose::WebhookSecret, CARD, &sealed).is_err());
    assert!(vault.open_bytes(Purpose::Card, CARD, &sealed).is_err());
    let secret = vault.seal_bytes(Purpose::WebhookSecret, CARD, b"whsec").unwrap();
    assert!(vault.open_card(&secret, CARD).is_err());
    assert!(vault.seal_bytes(Purpose::Card, CARD, b"6222021234567894").is_err());
}

#[test]
fn every_altered_byte_is_seen() {
    let (_directory, vault) = vault();
    let sealed = vault.seal_card(&pan(), expiry(), CARD).unwrap().bytes;
    for place in 0..sealed.len() {
        for bit in 0..8 {
            let mut altered = sealed.clone();
            altered[place] ^= 1 << bit;
            assert!(vault.open_card(&altered, CARD).is_err(), "byte {place}, bit {bit}");
        }
    }
    for length in 0..sealed.len() {
        assert!(vault.open_card(&sealed[..length], CARD).is_err(), "cut to {length}");
    }
    assert!(vault.open_card(&[sealed.as_slice(), &[0]].concat(), CARD).is_err(), "a byte too many");
}

#[test]
fn the_keys_of_another_vault_open_nothing() {
    let (_directory, vault) = vault();
    let (_other_directory, other) = self::vault();
    let sealed = vault.seal_card(&pan(), expiry(), CARD).unwrap();
    assert!(other.open_card(&sealed.bytes, CARD).is_err());
    assert_ne!(other.card_fingerprint(&pan(), SHOP), sealed.fingerprint);
    assert_ne!(other.api_key_hash("sk_test_1"), vault.api_key_hash("sk_test_1"));
}

#[test]
fn a_card_is_recognised_within_a_merchant_and_not_across() {
    let (_directory, vault) = vault();
    let first = vault.seal_card(&pan(), expiry(), Record::of(SHOP, 1)).unwrap();
    let renewed = vault.seal_card(&pan(), Expiry::new(2031, 1).unwrap(), Record::of(SHOP, 2)).unwrap();
    let elsewhere = vault.seal_card(&pan(), expiry(), Record::of(8, 1)).unwrap();
    assert_eq!(first.fingerprint, renewed.fingerprint);
    assert_ne!(first.fingerprint, elsewhere.fingerprint);
    assert_ne!(vault.gateway_fingerprint(&pan()), first.fingerprint);
    assert_eq!(vault.gateway_fingerprint(&pan()), vault.gateway_fingerprint(&pan()));
    let another = Pan::parse("4000000000000002").unwrap();
    assert_ne!(vault.card_fingerprint(&another, SHOP), first.fingerprint);
}

#[test]
fn rotation_wraps_anew_without_touching_data_and_old_records_stay_readable() {
    let (directory, mut vault) = vault();
    let old = vault.seal_card(&pan(), expiry(), CARD).unwrap();
    assert!(vault.rewrap(&old.bytes).unwrap().is_none(), "nothing to do before a rotation");

    assert_eq!(vault.rotate().unwrap(), 2);
    assert_eq!(vault.open_card(&old.bytes, CARD).unwrap(), (pan(), expiry()));
    let new = vault.rewrap(&old.bytes).unwrap().expect("sealed under version 1");
    assert_eq!((vault.sealed_version(&old.bytes).unwrap(), vault.sealed_version(&new).unwrap()), (1, 2));
    assert_eq!(vault.open_card(&new, CARD).unwrap(), (pan(), expiry()));
    assert_eq!(old.bytes[46..], new[46..], "nonce, data and tag are as they were");
    assert!(vault.rewrap(&new).unwrap().is_none());
    assert_eq!(vault.card_fingerprint(&pan(), SHOP), old.fingerprint, "fingerprints outlive rotation");

    // A version that lies unwraps to nothing.
    let mut lying = old.bytes.clone();
    lying[5] = 2;
    assert!(vault.open_card(&lying, CARD).is_err());
    assert!(vault.rewrap(&lying).is_err());
    lying[5] = 9;
    assert!(matches!(vault.open_card(&lying, CARD), Err(VaultError::UnknownKeyVersion { version: 9 })));

    let reopened = Vault::open(&directory.path().join("vault.key"), Arc::new(SystemEntropy)).unwrap();
    assert_eq!(reopened.key_version(), 2);
    assert_eq!(reopened.open_card(&new, CARD).unwrap(), (pan(), expiry()));
    assert_eq!(reopened.open_card(&old.bytes, CARD).unwrap(), (pan(), expiry()));
}

#[test]
fn named_records_of_the_gateway_are_told_apart() {
    let (_directory, vault) = vault();
    let root = vault.seal_bytes(Purpose::CaKey, Record::named("ca/root"), b"key").unwrap();
    assert_eq!(vault.open_bytes(Purpose::CaKey, Record::named("ca/root"), &root).unwrap().expose(), b"key");
    assert!(vault.open_bytes(Purpose::CaKey, Record::named("ca/node"), &root).is_err());
    assert!(vault.open_bytes(Purpose::NodeKey, Record::named("ca/root"), &root).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_come_back(plain in prop::collection::vec(any::<u8>(), 0..200), owner: u128, id: u128) {
        let (_directory, vault) = vault();
        let record = Record::of(owner, id);
        let sealed = vault.seal_bytes(Purpose::NodeKey, record, &plain).unwrap();
        let opened = vault.open_bytes(Purpose::NodeKey, record, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), &plain);
    }

    #[test]
    fn no_bytes_bring_the_vault_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (_directory, vault) = vault();
        prop_assert!(vault.open_card(&bytes, CARD).is_err());
        prop_assert!(vault.rewrap(&bytes).is_err());
    }

    /// Whatever is printed of a planted card number and its relatives, it holds no more than first six and last four.
    #[test]
    fn nothing_that_prints_shows_a_card_number(payload in "[3-6][1-9]{11,17}", code in "[0-9]{3}") {
        let values: Vec<u8> = payload.bytes().map(|letter| letter - b'0').collect();
        let digits = format!("{payload}{}", card::luhn::check_digit(&values));
        let pan = Pan::parse(&digits).unwrap();
        let (_directory, vault) = vault();
        let sealed = vault.seal_card(&pan, expiry(), CARD).unwrap();
        let security_code = card::SecurityCode::parse(&code).unwrap();
        let opened = vault.open_card(&sealed.bytes, CARD).unwrap();
        let failed = vault.open_card(&sealed.bytes, Record::of(1, 1)).unwrap_err();
        let secret = vault.seal_bytes(Purpose::NodeKey, CARD, digits.as_bytes()).unwrap();
        let secret = vault.open_bytes(Purpose::NodeKey, CARD, &secret).unwrap();
        let wrong = Pan::parse(&format!("{payload}x")).unwrap_err();
        let printed = format!(
            "{pan} {pan:?} {sealed:?} {vault:?} {security_code:?} {opened:?} {failed} {failed:?} {secret:?} {wrong} {wrong:?} {:?}",
            sealed.fingerprint,
        );
        // Any seven digits in a row that include one between the first six and the last four.
        for window in digits.as_bytes().windows(7) {
            prop_assert!(!printed.contains(std::str::from_utf8(window).unwrap()), "{printed}");
        }
        prop_assert!(!card::contains_pan(&printed), "{printed}");
    }
}
