//! Published key blocks, the law of wrapping, and what tampering does.

use proptest::prelude::*;

use super::*;
use crate::bank::{Exportability, KeyModes, MacAlgorithm, MacPadding};
use crate::{SystemEntropy, hex};

const TDES: &str = "0123456789ABCDEFFEDCBA9876543210";
const TDES_PROTECTION: &str = "89E98CF7921545F234BC7546FD3E380D";
const AES_PROTECTION: &str = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";

#[test]
fn published_blocks_open_to_the_published_keys() {
    let mut seen = 0;
    for line in include_str!("vectors.txt").lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('|').collect();
        let [source, protection, block, wanted] = parts[..] else { panic!("{line}") };
        let family = if block.starts_with('D') { KeyFamily::Aes } else { KeyFamily::TripleDes };
        let protection = hex::decode(protection).unwrap();
        let (header, key) = wrap::unwrap(family, &protection, block).unwrap();
        assert_eq!(hex::encode(&key).to_uppercase(), wanted, "{source}");
        // The same header written again is the same text: what was read was read whole.
        let (_, end) = header::parse(block).unwrap();
        if header.optional.iter().all(|block| block.id == "KS") {
            assert_eq!(header::render(&header, block.len() - end).unwrap(), block[..end], "{source}");
        }
        seen += 1;
    }
    assert_eq!(seen, 16);
}

#[test]
fn optional_blocks_are_read() {
    let block = "B0104B0TX12S0100KS1800604B120F9292800000BB68BE8680A400D9191AD4ECE45B6E6C0D21C4738A52190E248719E24B433627";
    let (header, end) = header::parse(block).unwrap();
    assert_eq!(end, 40);
    assert_eq!((header.usage.as_str(), header.mode, header.key_version.as_str()), ("B0", 'X', "12"));
    assert_eq!(
        header.optional,
        [OptionalBlock { id: "KS".to_owned(), data: "00604B120F9292800000".to_owned() }]
    );
}

/// One block of each version, as we or an old system would make it.
fn blocks() -> Vec<(KeyBlockKey, String)> {
    let make = |version: KeyBlockVersion, protection| {
        let protection = KeyBlockKey::from_hex(version.family(), protection).unwrap();
        let header = KeyBlockHeader {
            version,
            usage: "P0".to_owned(),
            algorithm: 'T',
            mode: 'B',
            key_version: "00".to_owned(),
            exportability: 'E',
            optional: vec![OptionalBlock { id: "TS".to_owned(), data: "2026-11-27T10:00:00Z".to_owned() }],
        };
        let key = hex::decode(TDES).unwrap();
        let block = wrap::wrap(version.family(), &protection.bytes, &header, &key, &SystemEntropy).unwrap();
        (protection, block)
    };
    vec![
        make(KeyBlockVersion::A, TDES_PROTECTION),
        make(KeyBlockVersion::B, TDES_PROTECTION),
        make(KeyBlockVersion::C, TDES_PROTECTION),
        make(KeyBlockVersion::D, AES_PROTECTION),
    ]
}

#[test]
fn every_flipped_bit_in_every_byte_is_refused() {
    for (protection, block) in blocks() {
        protection.import(&block, KeyType::Zpk).unwrap();
        for bit in 0..block.len() * 8 {
            let mut altered = block.clone().into_bytes();
            altered[bit / 8] ^= 1 << (bit % 8);
            // Eighth bits make bytes that are no text at all.
            let Ok(altered) = String::from_utf8(altered) else { continue };
            assert!(protection.import(&altered, KeyType::Zpk).is_err(), "bit {bit} of {block}");
        }
    }
}

#[test]
fn what_is_cut_off_added_or_under_another_key_is_refused() {
    let other = KeyBlockKey::from_hex(KeyFamily::TripleDes, TDES).unwrap();
    for (protection, block) in blocks() {
        for length in 0..block.len() {
            assert!(protection.import(&block[..length], KeyType::Zpk).is_err());
            // Also with a length that says the truth.
            if length >= 16 {
                let honest = format!("{}{length:04}{}", &block[..1], &block[5..length]);
                assert!(protection.import(&honest, KeyType::Zpk).is_err());
            }
        }
        assert!(protection.import(&format!("{block}00"), KeyType::Zpk).is_err());
        assert!(protection.import(&block.to_lowercase(), KeyType::Zpk).is_err());
        let refused = other.import(&block, KeyType::Zpk).unwrap_err();
        let other_cipher = matches!(refused, KeyBlockError::Protection { .. });
        assert!(other_cipher || refused == KeyBlockError::NotAuthentic, "{refused}");
    }
}

#[test]
fn a_block_gives_a_key_of_its_own_usage_alone() {
    for (protection, block) in blocks() {
        for wanted in [KeyType::Tmk, KeyType::Zmk, KeyType::Tak, KeyType::Zak, KeyType::Bdk, KeyType::Tdk] {
            assert_eq!(protection.import(&block, wanted).unwrap_err(), KeyBlockError::Usage { wanted });
        }
    }
}

fn protection() -> KeyBlockKey {
    KeyBlockKey::from_hex(KeyFamily::Aes, AES_PROTECTION).unwrap()
}

#[test]
fn a_mac_key_is_bound_to_the_algorithm_of_its_usage() {
    let key = BankKey::from_hex(KeyType::Zak, KeyFamily::TripleDes, TDES).unwrap();
    let block = protection().export(&key, "M3", vec![], &SystemEntropy).unwrap();
    let again = protection().import(&block, KeyType::Zak).unwrap();
    again.mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message").unwrap();
    let algorithm = MacAlgorithm::TdesCbc;
    let refused = again.mac(algorithm, MacPadding::Method1, b"message");
    assert_eq!(refused, Err(BankKeyError::Family { algorithm }));
    assert!(matches!(
        protection().export(&again, "M0", vec![], &SystemEntropy),
        Err(KeyBlockError::Form { .. })
    ));
}

#[test]
fn what_must_not_leave_does_not() {
    let bytes = hex::decode(TDES).unwrap();
    let (family, modes) = (KeyFamily::TripleDes, KeyModes::BOTH);
    let key = BankKey::imported(KeyType::Zpk, family, &bytes, modes, Exportability::NonExportable).unwrap();
    assert_eq!(protection().export(&key, "P0", vec![], &SystemEntropy), Err(KeyBlockError::NotExportable));
    let key = BankKey::from_hex(KeyType::Zpk, family, TDES).unwrap();
    let refused = protection().export(&key, "M3", vec![], &SystemEntropy);
    assert_eq!(refused, Err(KeyBlockError::Usage { wanted: KeyType::Zpk }));
    let weak = KeyBlockKey::from_hex(family, TDES_PROTECTION).unwrap();
    let strong = BankKey::from_hex(KeyType::Zpk, KeyFamily::Aes, "000102030405060708090A0B0C0D0E0F").unwrap();
    let refused = weak.export(&strong, "P0", vec![], &SystemEntropy);
    assert!(matches!(refused, Err(KeyBlockError::Protection { .. })), "AES under Triple DES");
}

#[test]
fn a_first_block_is_refused_where_its_key_or_its_letters_are_wrong() {
    let (double, half) = ("0123456789ABCDEFFEDCBA9876543210", "0123456789ABCDEF");
    let said = |usage, mode| FirstBlock { usage, mode, exportability: Exportability::NonExportable };
    let wrap = |components: &[&str], said| {
        protection().wrap_components(components, KeyFamily::TripleDes, said, &SystemEntropy)
    };
    let (block, check_value) = wrap(&[double], said("K0", 'D')).unwrap();
    assert_eq!((&block[5..12], check_value), ("K0TD00N", [0x08, 0xd7, 0xb4]));
    assert_eq!(protection().import_transport_key(&block).unwrap().check_value(), check_value);

    let form = |rule| Err(KeyBlockError::Form { rule });
    assert_eq!(wrap(&[double], said("K1", 'B')), form("a usage that no key here has"));
    for (usage, mode) in [("B0", 'B'), ("K0", 'X'), ("K0", 'N'), ("P0", 'C'), ("M3", 'B')] {
        assert_eq!(
            wrap(&[double], said(usage, mode)),
            form("a mode that its usage does not have"),
            "{usage}"
        );
    }
    for components in
        [&[][..], &[half], &[double, half], &[double, double], &["0123456789ABCDEFFEDCBA987654321X"]]
    {
        assert!(matches!(wrap(components, said("K0", 'B')), Err(KeyBlockError::Key(_))), "{components:?}");
    }
}

#[test]
fn a_transport_key_comes_in_a_block() {
    let key = BankKey::from_hex(KeyType::Tmk, KeyFamily::TripleDes, TDES).unwrap();
    let block = protection().export(&key, "K0", vec![], &SystemEntropy).unwrap();
    assert_eq!(protection().import_transport_key(&block).unwrap().check_value(), [0x08, 0xd7, 0xb4]);
    assert_eq!(format!("{:?}", protection()), "KeyBlockKey(Aes, 256 bits)");
}

#[test]
fn odd_forms_are_refused_by_their_rule() {
    let digits = "0".repeat(96);
    for (block, rule) in [
        ("".to_owned(), "shorter than its header"),
        (format!("E0112P0TE00E0000{digits}"), "a version other than A, B, C or D"),
        (format!("D0111P0TE00E0000{digits}"), "its length is not what it says"),
        (format!("D0112p0TE00E0000{digits}"), "a letter of its header is none"),
        (format!("D0112P0TE00E0001{digits}"), "a reserved place of its header is not zero"),
        (format!("D0112P0TE00E0A00{digits}"), "no number of optional blocks"),
        (format!("D0112P0TE00E0100KSFF{}", &digits[4..]), "an optional block that does not fit"),
        (format!("D0112P0TE00E0100KS03{}", &digits[4..]), "an optional block that does not fit"),
        (
            format!("D0112P0TE00E0200PB100000000000000000{}", &digits[20..]),
            "a block that fills up and is not the last",
        ),
        (
            format!("D0112P0TE00E0100KS08{}", &digits[4..]),
            "its optional blocks do not fill whole cipher blocks",
        ),
        (format!("D0048P0TE00E0000{}", &digits[..32]), "no whole cipher blocks before its MAC"),
        (format!("D0112P0TE00E000\u{e9}{}", &digits[1..]), "a character that is not printable ASCII"),
    ] {
        assert_eq!(
            protection().import(&block, KeyType::Zpk).err(),
            Some(KeyBlockError::Form { rule }),
            "{block}"
        );
    }
}

proptest! {
    /// Whatever key goes into a block comes out of it, and no two blocks of it are the same.
    #[test]
    fn what_is_wrapped_unwraps(
        bytes in prop::collection::vec(any::<u8>(), 32),
        length in prop::sample::select(vec![16_usize, 24, 32]),
        text in "[ -~]{0,300}",
    ) {
        let key = BankKey::imported(
            KeyType::Zpk, KeyFamily::Aes, &bytes[..length], KeyModes::BOTH, Exportability::Exportable,
        ).unwrap();
        let optional = vec![OptionalBlock { id: "LB".to_owned(), data: text }];
        let block = protection().export(&key, "P0", optional.clone(), &SystemEntropy).unwrap();
        prop_assert_ne!(&block, &protection().export(&key, "P0", optional.clone(), &SystemEntropy).unwrap());
        prop_assert_eq!(header::parse(&block).unwrap().0.optional, optional);
        let again = protection().import(&block, KeyType::Zpk).unwrap();
        prop_assert_eq!(again.software_bytes().unwrap(), key.software_bytes().unwrap());
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_can_be_read(text in "[ABCD][0-9]{4}[A-Z0-9]{11}[ -~]{0,80}", honest in any::<bool>()) {
        let text = if honest { format!("{}{:04}{}", &text[..1], text.len(), &text[5..]) } else { text };
        let _ = protection().import(&text, KeyType::Zpk);
    }
}
