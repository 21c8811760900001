//! A terminal's PIN key, kept in a key block, and PIN blocks on their way from it to a bank's link. Blocks were made with
//! pyca/cryptography, after derivations that give the examples of ANSI X9.24-1:2009 and X9.24-3:2017.

use std::sync::Arc;

use card::{EncryptedPin, Pan, PinFormat};
use vault::{
    BankKey, BankKeyError, BankKeys, KeptPinKey, KeyBlockKey, KeyFamily, KeyType, KeyUsage, MacAlgorithm,
    PinError, PinKeyKind, Record, SerialNumber, SystemEntropy, TerminalPinError, TerminalPinKey,
    TransportKey, Vault, WrappedKey,
};
use zeroize::Zeroizing;

const PAN: &str = "4242424242424242";
const TERMINAL: Record = Record::of(7, 11);
const TPK: &str = "C8A2B5D9F2610BE3D94683A7161FCE57";
const AES_TPK: &str = "3A91C04FE25D7786B01C9E5D4428F3A7";
const BDK: &str = "0123456789ABCDEFFEDCBA9876543210";
const AES_BDK: &str = "FEDCBA9876543210F1F1F1F1F1F1F1F1";
/// PIN 1234, format 0, for that card, under the link's PIN key 2C675BB5…C834.
const AT_THE_BANK: &str = "000b1a4a075b79a6";

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect()
}

struct World {
    vault: Vault,
    protection: KeyBlockKey,
    link: BankKeys,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::open_or_create(&dir.path().join("vault.key"), Arc::new(SystemEntropy)).unwrap();
        let protection = "88E0AB2A2F3DD38C1FA138A437510DC8A87AB9D62CC82C01048FA79E45647CE6";
        let protection = KeyBlockKey::from_hex(KeyFamily::Aes, protection).unwrap();
        let transport = TransportKey::from_hex(KeyFamily::TripleDes, BDK).unwrap();
        let link = BankKeys::new(transport, MacAlgorithm::X9_19, 3).unwrap();
        Self { vault, protection, link, _dir: dir }
    }

    fn sign_on(&self) {
        let wrapped = hex("a1f4a34d5ddb6ab097dcafb7da7cf87f");
        let check = hex("13f833");
        let key = WrappedKey { usage: KeyUsage::Pin, bytes: &wrapped, check_value: &check };
        self.link.install_working_keys(&[key]).unwrap();
    }

    /// What the operator does: the key comes in a block, and the vault gives another one to be kept.
    fn keep(&self, key_type: KeyType, family: KeyFamily, digits: &str) -> (PinKeyKind, KeptPinKey) {
        let key = BankKey::from_hex(key_type, family, digits).unwrap();
        let usage = if key_type == KeyType::Bdk { "B0" } else { "P0" };
        let block = self.protection.export(&key, usage, Vec::new(), &SystemEntropy).unwrap();
        let key = TerminalPinKey::import(&self.protection, &block).unwrap();
        let kind = key.kind();
        (kind, self.vault.keep_pin_key(key, TERMINAL).unwrap())
    }

    fn translate(
        &self,
        kept: &KeptPinKey,
        (format, block, ksn): (PinFormat, &str, Option<&str>),
    ) -> Result<Vec<u8>, TerminalPinError> {
        let pin = EncryptedPin { block: Zeroizing::new(hex(block)), format, ksn: ksn.map(hex) };
        let pan = Pan::parse(PAN).unwrap();
        let made = self.vault.translate_pin(&pin, kept, TERMINAL, &pan, &self.link, PinFormat::Iso0)?;
        Ok(made.to_vec())
    }
}

#[test]
fn a_pin_of_every_kind_of_terminal_comes_out_as_the_banks() {
    use KeyFamily::{Aes, TripleDes};
    let world = World::new();
    world.sign_on();
    // The bank's block with another implementation: 041216DBDBDBDBDB under 2C675BB5…C834.
    let (_, kept) = world.keep(KeyType::Tpk, TripleDes, TPK);
    let wanted = world.translate(&kept, (PinFormat::Iso0, "461B58D6D9982A64", None)).unwrap();
    assert_eq!(wanted.len(), 8);
    for (key_type, family, digits, sent) in [
        (KeyType::Tpk, TripleDes, TPK, (PinFormat::Iso3, "0775358342EEE300", None)),
        (KeyType::Tpk, TripleDes, TPK, (PinFormat::Iso1, "FAA2105670DB5820", None)),
        (KeyType::Tpk, Aes, AES_TPK, (PinFormat::Iso4, "7369E5A5B80B808BC1F24D18B3E04F33", None)),
        (KeyType::Bdk, TripleDes, BDK, (PinFormat::Iso0, "A07969614EC17ECC", Some("FFFF9876543210E00001"))),
        (KeyType::Bdk, TripleDes, BDK, (PinFormat::Iso0, "D035D2D11A3FB870", Some("9876543210E00003"))),
        (
            KeyType::Bdk,
            Aes,
            AES_BDK,
            (PinFormat::Iso4, "0DDC718F3B781813AE1E9FB751EBC041", Some("123456789012345600000001")),
        ),
    ] {
        let (kind, kept) = world.keep(key_type, family, digits);
        assert_eq!(kind == PinKeyKind::Bdk, key_type == KeyType::Bdk);
        assert_eq!(world.translate(&kept, sent).unwrap(), wanted, "{key_type:?} {family:?} {:?}", sent.0);
    }
}

#[test]
fn the_block_of_the_standards_example_comes_out_as_another_implementation_has_it() {
    let world = World::new();
    world.sign_on();
    let (_, kept) = world.keep(KeyType::Bdk, KeyFamily::TripleDes, BDK);
    let (block, ksn) = (hex("1B9C1845EB993A7A"), Some(hex("FFFF9876543210E00001")));
    let pin = EncryptedPin { block: Zeroizing::new(block), format: PinFormat::Iso0, ksn };
    let pan = Pan::parse("4012345678909").unwrap();
    let made = world.vault.translate_pin(&pin, &kept, TERMINAL, &pan, &world.link, PinFormat::Iso0);
    assert_eq!(made.unwrap().to_vec(), hex(AT_THE_BANK));
}

#[test]
fn a_kept_key_is_its_terminals_and_its_vaults_alone_and_shows_nothing() {
    let world = World::new();
    world.sign_on();
    let (_, kept) = world.keep(KeyType::Tpk, KeyFamily::TripleDes, TPK);
    assert!(kept.block.starts_with('D') && !kept.block.contains(TPK));
    assert_eq!(format!("{kept:?}"), "KeptPinKey(key version 1)");
    let sent = (PinFormat::Iso0, "461B58D6D9982A64", None);
    world.translate(&kept, sent).unwrap();

    let pin = EncryptedPin { block: Zeroizing::new(hex(sent.1)), format: sent.0, ksn: None };
    let pan = Pan::parse(PAN).unwrap();
    let neighbour = Record::of(7, 12);
    let refused = world.vault.translate_pin(&pin, &kept, neighbour, &pan, &world.link, PinFormat::Iso0);
    assert!(matches!(refused, Err(TerminalPinError::KeyBlock(_))), "{refused:?}");
    let other = World::new();
    other.sign_on();
    assert!(matches!(other.translate(&kept, sent), Err(TerminalPinError::KeyBlock(_))));
    let later = KeptPinKey { key_version: 2, ..kept };
    assert!(matches!(world.translate(&later, sent), Err(TerminalPinError::KeyBlock(_))));
}

#[test]
fn what_does_not_fit_is_refused_by_its_rule() {
    use PinFormat::{Iso0, Iso4};
    let world = World::new();
    let (_, tpk) = world.keep(KeyType::Tpk, KeyFamily::TripleDes, TPK);
    let (_, bdk) = world.keep(KeyType::Bdk, KeyFamily::TripleDes, BDK);
    let right = (Iso0, "461B58D6D9982A64", None);
    let no_key = TerminalPinError::Pin(PinError::Key(BankKeyError::NoPinKey));
    assert_eq!(world.translate(&tpk, right), Err(no_key), "before the first sign-on");
    world.sign_on();
    let unreadable = TerminalPinError::Pin(PinError::Unreadable);
    assert_eq!(world.translate(&tpk, (Iso0, "461B58D6D9982A65", None)), Err(unreadable));
    let serial = Err(TerminalPinError::SerialNumber);
    assert_eq!(world.translate(&tpk, (Iso0, right.1, Some("FFFF9876543210E00001"))), serial);
    assert_eq!(world.translate(&bdk, right), serial);
    let never = world.translate(&bdk, (Iso0, right.1, Some("FFFF9876543210E00000")));
    assert!(matches!(never, Err(TerminalPinError::Ksn(_))), "{never:?}");
    let cipher = world.translate(&tpk, (Iso4, "7369E5A5B80B808BC1F24D18B3E04F33", None));
    assert!(matches!(cipher, Err(TerminalPinError::Pin(PinError::Cipher { .. }))), "{cipher:?}");
    // After a sign-off there is no key any more.
    world.link.forget_working_keys();
    assert_eq!(world.translate(&tpk, right), Err(no_key));
}

#[test]
fn a_serial_number_names_its_device_whatever_its_counter() {
    let of = |text| SerialNumber::read(KeyFamily::TripleDes, &hex(text)).unwrap();
    let device = SerialNumber::device(KeyFamily::TripleDes, &hex("FFFF9876543210E00000")).unwrap();
    assert_eq!((of("FFFF9876543210E00003").device, of("9876543210E00003").counter), (device, 3));
    assert_ne!(of("FFFF9876543210C00003").device, device);
    let aes = SerialNumber::read(KeyFamily::Aes, &hex("123456789012345600000003")).unwrap();
    assert_eq!(Ok(aes.device), SerialNumber::device(KeyFamily::Aes, &hex("123456789012345600000000")));
    assert!(SerialNumber::read(KeyFamily::Aes, &hex("FFFF9876543210E00003")).is_err());
}
