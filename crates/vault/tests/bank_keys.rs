//! The keys of a bank link, from the courier's letter to the MAC of a message.

use std::sync::Arc;

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use des::TdesEde2;
use vault::{
    BankKeyError, BankKeys, KeyFamily, KeyUsage, MacAlgorithm, Record, SystemEntropy, TransportKey, Vault,
    WrappedKey,
};

const TMK: [u8; 16] =
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10];
const MAK: [u8; 16] =
    [0x2c, 0x67, 0x5b, 0xb5, 0x13, 0xd6, 0x4a, 0x8f, 0xe0, 0x3d, 0x92, 0x16, 0xa4, 0x79, 0xc8, 0x34];
const PIK: [u8; 16] =
    [0xd5, 0x68, 0x1a, 0x7f, 0x31, 0xc4, 0x9e, 0x0b, 0x46, 0xf1, 0x8c, 0x57, 0xb9, 0x20, 0xe3, 0x6d];

/// What a bank does: a key under Triple DES, block by block, and its check value.
fn wrap(key: &[u8], under: &[u8]) -> (Vec<u8>, [u8; 4]) {
    let encrypt = |key: &[u8], block: &[u8]| {
        let mut out: [u8; 8] = block.try_into().unwrap();
        TdesEde2::new_from_slice(key).unwrap().encrypt_block((&mut out).into());
        out
    };
    let wrapped = key.chunks(8).flat_map(|block| encrypt(under, block)).collect();
    // A single key twice is a single key.
    let double = if key.len() == 8 { [key, key].concat() } else { key.to_vec() };
    let check = encrypt(&double, &[0; 8]);
    (wrapped, check[..4].try_into().unwrap())
}

fn link(algorithm: MacAlgorithm) -> BankKeys {
    BankKeys::new(TransportKey::from_bytes(KeyFamily::TripleDes, &TMK).unwrap(), algorithm, 4).unwrap()
}

fn install(keys: &BankKeys, usage: KeyUsage, key: &[u8]) -> Result<(), BankKeyError> {
    let (bytes, check) = wrap(key, &TMK);
    keys.install_working_keys(&[WrappedKey { usage, bytes: &bytes, check_value: &check }])
}

#[test]
fn a_transport_key_is_sealed_and_opens_again() {
    let directory = tempfile::tempdir().unwrap();
    let vault = Vault::open_or_create(&directory.path().join("vault.key"), Arc::new(SystemEntropy)).unwrap();
    let record = Record::named("bank/cups-pos/tmk");
    let key = TransportKey::from_bytes(KeyFamily::TripleDes, &TMK).unwrap();
    let sealed = vault.seal_transport_key(&key, record).unwrap();
    assert!(!sealed.windows(4).any(|window| TMK.windows(4).any(|part| part == window)));
    assert_eq!(vault.open_transport_key(&sealed, record).unwrap().check_value(), key.check_value());
    assert!(vault.open_transport_key(&sealed, Record::named("bank/other/tmk")).is_err());
}

#[test]
fn a_mac_of_the_key_before_counts_apart_and_only_until_that_key_is_forgotten() {
    let keys = link(MacAlgorithm::X9_19);
    install(&keys, KeyUsage::Mac, &MAK).unwrap();
    let under_the_old = keys.mac(b"0210").unwrap();
    assert!(!keys.verify_previous(b"0210", &under_the_old), "there is no key before the first");

    install(&keys, KeyUsage::Mac, &PIK).unwrap();
    assert!(!keys.verify(b"0210", &under_the_old));
    assert!(keys.verify_previous(b"0210", &under_the_old) && !keys.verify_previous(b"0211", &under_the_old));
    // A key that is refused changes nothing.
    let (bytes, _) = wrap(&MAK, &TMK);
    let refused = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &[0; 4] };
    keys.install_working_keys(&[refused]).unwrap_err();
    assert!(keys.verify_previous(b"0210", &under_the_old));

    keys.forget_previous_keys();
    assert!(!keys.verify_previous(b"0210", &under_the_old));
    assert!(keys.verify(b"0210", &keys.mac(b"0210").unwrap()));
}

#[test]
fn after_sign_on_messages_carry_a_mac_that_verifies() {
    let keys = link(MacAlgorithm::X9_19);
    assert_eq!(keys.mac(b"0200"), Err(BankKeyError::NoMacKey));
    assert!(!keys.verify(b"0200", &[0; 8]), "without a key nothing verifies");

    let (pik, pik_check) = wrap(&PIK, &TMK);
    let (mak, mak_check) = wrap(&MAK, &TMK);
    keys.install_working_keys(&[
        WrappedKey { usage: KeyUsage::Pin, bytes: &pik, check_value: &pik_check },
        WrappedKey { usage: KeyUsage::Mac, bytes: &mak, check_value: &mak_check },
    ])
    .unwrap();

    let message = b"0200 a message of the usual kind";
    let mac = keys.mac(message).unwrap();
    assert!(keys.verify(message, &mac));
    for bit in 0..message.len() * 8 {
        let mut altered = *message;
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(!keys.verify(&altered, &mac), "bit {bit} of the message");
    }
    for bit in 0..64 {
        let mut altered = mac;
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(!keys.verify(message, &altered), "bit {bit} of the MAC");
    }
    keys.forget_working_keys();
    assert!(!keys.verify(message, &mac));
}

#[test]
fn a_wrong_check_value_stops_the_sign_on_and_leaves_the_old_keys() {
    let keys = link(MacAlgorithm::X9_19);
    install(&keys, KeyUsage::Mac, &MAK).unwrap();
    let before = keys.mac(b"message").unwrap();

    let (mak, mut mak_check) = wrap(&PIK, &TMK);
    let (pik, pik_check) = wrap(&PIK, &TMK);
    mak_check[3] ^= 1;
    let good_pin_key = WrappedKey { usage: KeyUsage::Pin, bytes: &pik, check_value: &pik_check };
    let bad_mac_key = WrappedKey { usage: KeyUsage::Mac, bytes: &mak, check_value: &mak_check };
    assert_eq!(
        keys.install_working_keys(&[good_pin_key, bad_mac_key]),
        Err(BankKeyError::CheckValue { usage: KeyUsage::Mac })
    );
    let good_mac_key = WrappedKey { usage: KeyUsage::Mac, bytes: &pik, check_value: &pik_check };
    let bad_pin_key = WrappedKey { usage: KeyUsage::Pin, bytes: &mak, check_value: &mak_check };
    assert_eq!(
        keys.install_working_keys(&[good_mac_key, bad_pin_key]),
        Err(BankKeyError::CheckValue { usage: KeyUsage::Pin })
    );
    assert_eq!(keys.mac(b"message"), Ok(before), "all of an exchange or nothing");
}

#[test]
fn a_key_under_another_transport_key_is_refused() {
    let keys = link(MacAlgorithm::X9_19);
    let (bytes, check) = wrap(&MAK, &PIK);
    assert_eq!(
        keys.install_working_keys(&[WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &check }]),
        Err(BankKeyError::CheckValue { usage: KeyUsage::Mac })
    );
}

#[test]
fn weak_and_mistaken_keys_are_refused_although_their_check_values_fit() {
    let keys = link(MacAlgorithm::X9_19);
    let mut even = MAK;
    even[3] ^= 1;
    assert_eq!(install(&keys, KeyUsage::Mac, &even), Err(BankKeyError::Parity));
    let equal_halves = [&MAK[..8], &MAK[..8]].concat();
    assert_eq!(install(&keys, KeyUsage::Mac, &equal_halves), Err(BankKeyError::Weak));
    let weak = [[0x01; 8], [0xfe; 8]].concat();
    assert_eq!(install(&keys, KeyUsage::Mac, &weak), Err(BankKeyError::Weak));
    assert!(matches!(install(&keys, KeyUsage::Mac, &MAK[..8]), Err(BankKeyError::Length { bytes: 8, .. })));
    assert!(matches!(install(&keys, KeyUsage::Pin, &MAK[..8]), Err(BankKeyError::Length { bytes: 8, .. })));
    assert_eq!(keys.mac(b"message"), Err(BankKeyError::NoMacKey));

    // Where the dialect has single-length MAC keys, one is taken.
    install(&link(MacAlgorithm::CupsEcb), KeyUsage::Mac, &MAK[..8]).unwrap();
}

#[test]
fn the_form_of_an_exchange_is_checked() {
    let keys = link(MacAlgorithm::X9_19);
    let (bytes, check) = wrap(&MAK, &TMK);
    let key = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &check };
    assert_eq!(keys.install_working_keys(&[key, key]), Err(BankKeyError::Double { usage: KeyUsage::Mac }));
    for check_value in [&check[..3], &[], &[check.as_slice(), &[0]].concat()] {
        let wanted = BankKeyError::CheckValueLength { bytes: check_value.len(), wanted: 4 };
        assert_eq!(keys.install_working_keys(&[WrappedKey { check_value, ..key }]), Err(wanted));
    }
    for length in [0, 1, 7, 15] {
        let bytes = &bytes[..length];
        assert!(matches!(
            keys.install_working_keys(&[WrappedKey { bytes, ..key }]),
            Err(BankKeyError::Length { .. })
        ));
    }
    let transport = TransportKey::from_bytes(KeyFamily::TripleDes, &TMK).unwrap();
    let refused = BankKeys::new(transport, MacAlgorithm::AesCmac, 3).unwrap_err();
    assert_eq!(refused, BankKeyError::Family { algorithm: MacAlgorithm::AesCmac });
}

/// RFC 3394 section 4.1: 128 bits of key data under a 128-bit key.
#[test]
fn an_aes_key_comes_under_rfc_3394() {
    let transport = TransportKey::from_hex(KeyFamily::Aes, "000102030405060708090A0B0C0D0E0F").unwrap();
    let bytes = [
        0x1f, 0xa6, 0x8b, 0x0a, 0x81, 0x12, 0xb4, 0x47, 0xae, 0xf3, 0x4b, 0xd8, 0xfb, 0x5a, 0x7b, 0x82, 0x9d,
        0x3e, 0x86, 0x23, 0x71, 0xd2, 0xcf, 0xe5,
    ];
    let inside = TransportKey::from_hex(KeyFamily::Aes, "00112233445566778899AABBCCDDEEFF").unwrap();
    let keys = BankKeys::new(transport, MacAlgorithm::AesCmac, 3).unwrap();
    let key = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &inside.check_value() };
    keys.install_working_keys(&[key]).unwrap();
    assert!(keys.verify(b"message", &keys.mac(b"message").unwrap()));

    for place in 0..bytes.len() {
        let mut altered = bytes;
        altered[place] ^= 1;
        assert_eq!(
            keys.install_working_keys(&[WrappedKey { bytes: &altered, ..key }]),
            Err(BankKeyError::CheckValue { usage: KeyUsage::Mac })
        );
    }
}

#[test]
fn nothing_that_prints_shows_a_key() {
    let keys = link(MacAlgorithm::X9_19);
    install(&keys, KeyUsage::Mac, &MAK).unwrap();
    let (bytes, check) = wrap(&MAK, &TMK);
    let wrapped = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &check };
    let transport = TransportKey::from_bytes(KeyFamily::TripleDes, &TMK).unwrap();
    assert_eq!(
        format!("{keys:?} / {wrapped:?} / {transport:?}"),
        "BankKeys(x9_19, working keys: true) / WrappedKey(Mac, 16 bytes) / TransportKey(TripleDes, 128 bits)"
    );
}
