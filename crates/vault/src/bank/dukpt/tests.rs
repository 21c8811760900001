//! The published vectors, and what a host must refuse.

use super::*;
use crate::bank::cipher::{SoftwareCipher, cbc_encrypt};
use crate::bank::mac::{MacAlgorithm, MacPadding};
use crate::{PinBlockFormat, PinZone, SystemEntropy, hex, translate_pin};

const TDES: &str = include_str!("vectors/tdes.txt");
const AES_128: &str = include_str!("vectors/aes128.txt");
const AES_256: &str = include_str!("vectors/aes256.txt");

fn rows(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('|').collect())
}

fn upper(bytes: &[u8]) -> String {
    hex::encode(bytes).to_uppercase()
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().as_slice().try_into().unwrap()
}

/// A block of the PIN 1234 under another key: what the key of a row must be able to open.
fn opens(pin_key: &BankKey, format: PinBlockFormat, block: &str, pan: &str) {
    let pan = card::Pan::parse(pan).unwrap();
    let bank =
        BankKey::from_hex(KeyType::Zpk, KeyFamily::TripleDes, "2C675BB513D64A8FE03D9216A479C834").unwrap();
    let to = PinZone { key: &bank, format: PinBlockFormat::Format0 };
    let from = PinZone { key: pin_key, format };
    let mut made = translate_pin(&hex::decode(block).unwrap(), &pan, from, to, &SystemEntropy).unwrap();
    bank.cipher().unwrap().decrypt(&mut made).unwrap();
    assert_eq!(made[..2], [0x04, 0x12], "PIN 1234 begins so");
}

#[test]
fn triple_des_is_that_of_x9_24_1() {
    let base = bytes::<16>("0123456789ABCDEFFEDCBA9876543210");
    let bdk = BankKey::from_bytes(KeyType::Bdk, KeyFamily::TripleDes, &base).unwrap();
    let data = b"4012345678909D987";
    let mut seen = 0;
    for row in rows(TDES) {
        let ksn = TdesKsn::parse(row[0]).unwrap();
        let initial = tdes::initial_key(&base, &ksn).unwrap();
        // The last row's counter has run over into the number of the next device.
        let last = row[0].ends_with("F00000");
        assert!(last || upper(&*initial) == "6AC292FAA1315B4D858AB3A3D7D5933A", "{row:?}");
        assert_eq!(upper(&*tdes::transaction_key(&initial, &ksn).unwrap()), row[1]);
        let derived = |usage| bdk.derive_tdes_dukpt(&ksn, usage).unwrap();
        opens(&derived(DukptUsage::Pin), PinBlockFormat::Format0, row[2], "4012345678909");
        let mac = |usage| {
            let key = derived(usage);
            let bytes = key.software_bytes().unwrap();
            let mac = crate::bank::mac::MacKey::new(MacAlgorithm::X9_19, bytes).unwrap();
            upper(&mac.mac(MacPadding::Method1, data)[..4])
        };
        assert_eq!(mac(DukptUsage::MacRequest), row[3]);
        assert_eq!(mac(DukptUsage::MacResponse), row[4]);
        let key = derived(DukptUsage::DataRequest);
        let mut encrypted = [data.as_slice(), &[0; 7]].concat();
        let cipher = SoftwareCipher::new(KeyFamily::TripleDes, key.software_bytes().unwrap()).unwrap();
        cbc_encrypt(&cipher, &[0; 8], &mut encrypted).unwrap();
        assert_eq!(upper(&encrypted), row[5]);
        seen += 1;
    }
    assert_eq!(seen, 34);
}

#[test]
fn aes_is_that_of_x9_24_3() {
    for (text, base, initial) in [
        (AES_128, "FEDCBA9876543210F1F1F1F1F1F1F1F1", "1273671EA26AC29AFA4D1084127652A1"),
        (
            AES_256,
            "FEDCBA9876543210F1F1F1F1F1F1F1F1FEDCBA9876543210F1F1F1F1F1F1F1F1",
            "CE9CE0C101D1138F97FB6CAD4DF045A7083D4EAE2D35A31789D01CCF0949550F",
        ),
    ] {
        let bdk = BankKey::from_hex(KeyType::Bdk, KeyFamily::Aes, base).unwrap();
        let base = hex::decode(base).unwrap();
        let mut seen = 0;
        for row in rows(text) {
            let ksn = AesKsn::parse(row[0]).unwrap();
            let made = aes::initial_key(&base, &ksn).unwrap();
            assert_eq!(upper(&made), initial);
            assert_eq!(upper(&aes::transaction_key(&made, &ksn).unwrap()), row[1], "{row:?}");
            for (place, usage) in
                [(2, DukptUsage::Pin), (4, DukptUsage::MacRequest), (6, DukptUsage::DataRequest)]
            {
                for (place, length) in [(place, AesKeyLength::Bits128), (place + 1, AesKeyLength::Bits256)] {
                    if !row[place].is_empty() {
                        let key = bdk.derive_aes_dukpt(&ksn, usage, length).unwrap();
                        assert_eq!(upper(key.software_bytes().unwrap()), row[place], "{row:?} {usage:?}");
                    }
                }
            }
            if !row[8].is_empty() {
                let length = AesKeyLength::of(base.len()).unwrap();
                let key = bdk.derive_aes_dukpt(&ksn, DukptUsage::Pin, length).unwrap();
                opens(&key, PinBlockFormat::Format4, row[8], "4111111111111111");
            }
            seen += 1;
        }
        assert_eq!(seen, 15);
    }
}

#[test]
fn what_a_derived_key_may_do_is_the_hosts_part() {
    let bdk =
        BankKey::from_hex(KeyType::Bdk, KeyFamily::TripleDes, "0123456789ABCDEFFEDCBA9876543210").unwrap();
    let ksn = TdesKsn::parse("FFFF9876543210E00001").unwrap();
    let request = bdk.derive_tdes_dukpt(&ksn, DukptUsage::MacRequest).unwrap();
    let response = bdk.derive_tdes_dukpt(&ksn, DukptUsage::MacResponse).unwrap();
    let retail = (MacAlgorithm::X9_19, MacPadding::Method1);
    assert!(matches!(request.mac(retail.0, retail.1, b"request"), Err(BankKeyError::Mode { .. })));
    let mac = response.mac(retail.0, retail.1, b"response").unwrap();
    assert!(matches!(
        response.verify_mac(retail.0, retail.1, b"response", &mac),
        Err(BankKeyError::Mode { .. })
    ));
    for key_type in [KeyType::Tmk, KeyType::Zpk, KeyType::Tak] {
        let other =
            BankKey::from_hex(key_type, KeyFamily::TripleDes, "0123456789ABCDEFFEDCBA9876543210").unwrap();
        let refused = other.derive_tdes_dukpt(&ksn, DukptUsage::Pin).err();
        assert_eq!(refused, Some(BankKeyError::WrongType { key_type, wanted: "DUKPT" }));
    }
    let short = BankKey::from_hex(KeyType::Bdk, KeyFamily::Aes, "FEDCBA9876543210F1F1F1F1F1F1F1F1").unwrap();
    let ksn = AesKsn::parse("123456789012345600000001").unwrap();
    let refused = short.derive_aes_dukpt(&ksn, DukptUsage::Pin, AesKeyLength::Bits256).err();
    assert!(matches!(refused, Some(BankKeyError::Length { .. })), "no key longer than its base");
}

#[test]
fn serial_numbers_that_no_device_sends_are_refused() {
    assert_eq!(TdesKsn::parse("FFFF9876543210E00000"), Err(KsnError::Zero));
    let many = KsnError::TooManyBits { bits: 11, most: 10 };
    assert_eq!(TdesKsn::parse("FFFF9876543210E007FF"), Err(many));
    assert_eq!(TdesKsn::parse("9876543210E00001"), TdesKsn::parse("FFFF9876543210E00001"));
    for form in
        ["", "FFFF9876543210E0000", "FFFF9876543210E0000G", "FFFF9876543210E0000100", "+FFF9876543210E00001"]
    {
        assert_eq!(TdesKsn::parse(form), Err(KsnError::Form { digits: form_digits(form) }), "{form}");
    }
    assert_eq!(AesKsn::parse("123456789012345600000000"), Err(KsnError::Zero));
    // The vectors of X9.24-3 list a key for this counter, and no device gets to it.
    let many = KsnError::TooManyBits { bits: 17, most: 16 };
    assert_eq!(AesKsn::parse("12345678901234560001FFFF"), Err(many));
    assert_eq!(AesKsn::parse("1234"), Err(KsnError::Form { digits: 24 }));
}

fn form_digits(form: &str) -> usize {
    if form.len() == 16 { 16 } else { 20 }
}

#[test]
fn a_replayed_counter_does_not_follow() {
    let tdes = |text| TdesKsn::parse(text).unwrap();
    let first = tdes("FFFF9876543210E00001");
    assert!(tdes("FFFF9876543210E00002").follows(&first));
    assert!(!first.follows(&first));
    assert!(!tdes("FFFF9876543220E00002").follows(&first), "another device");
    let aes = |text| AesKsn::parse(text).unwrap();
    let first = aes("123456789012345600000001");
    assert!(aes("123456789012345600000002").follows(&first));
    assert!(!first.follows(&aes("123456789012345600000002")));
    assert!(!aes("123456789012345700000002").follows(&first), "another device");
}
