//! Keys in a PKCS#11 token, on SoftHSM 2 (Debian package softhsm2), compared with the same keys in software.
//!
//! SoftHSM reads its configuration from the environment of the process, so each test runs itself once more in a process
//! with a token of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType as TokenKeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use types::Secret;
use vault::{
    BankKey, BankKeyError, BankKeys, KeyFamily, KeyType, KeyUsage, MacAlgorithm, MacPadding, PinBlockFormat,
    PinError, PinZone, SystemEntropy, Token, TokenError, TokenKeysError, TransportKey, WrappedKey,
    translate_pin,
};

const TDES: &str = "0123456789ABCDEFFEDCBA9876543210";
const OTHER: &str = "2C675BB513D64A8FE03D9216A479C834";
const AES: &str = "000102030405060708090A0B0C0D0E0F";
const INSIDE: &str = "CHILD_OF_A_TOKEN_TEST";

fn module() -> PathBuf {
    let named = std::env::var_os("LIAN_TEST_SOFTHSM").map(PathBuf::from);
    let usual = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
    ];
    named.into_iter().chain(usual.map(PathBuf::from)).find(|path| path.is_file()).expect(
        "libsofthsm2.so: install the Debian package softhsm2 (`cargo xtask test` does), or name the file in LIAN_TEST_SOFTHSM",
    )
}

/// Runs the test in a process that has a token; in that process, gives the way to fill it.
fn inside(test: &str) -> Option<Filler> {
    if std::env::var_os(INSIDE).is_some() {
        return Some(Filler::new());
    }
    let module = module();
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("softhsm2.conf");
    let text = format!(
        "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
        folder.path().display()
    );
    std::fs::write(&configuration, text).unwrap();
    let done = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env("SOFTHSM2_CONF", &configuration)
        .env("LIAN_TEST_SOFTHSM", module)
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    assert!(said.contains("1 passed"), "{test} did not run: {said}");
    None
}

/// What an operator does with the tools of the token: makes it, and brings keys into it.
struct Filler {
    session: Session,
}

impl Filler {
    fn new() -> Self {
        let library = Pkcs11::new(module()).unwrap();
        library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
        let pin = |text: &str| AuthPin::from(text.to_owned());
        library.init_token(library.get_all_slots().unwrap()[0], &pin("officer"), "lian").unwrap();
        let slot = library.get_slots_with_initialized_token().unwrap()[0];
        let session = library.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&pin("officer"))).unwrap();
        session.init_pin(&pin("123456")).unwrap();
        session.logout().unwrap();
        session.login(UserType::User, Some(&pin("123456"))).unwrap();
        Self { session }
    }

    fn key(&self, label: &str, kind: TokenKeyType, digits: &str, extractable: bool) {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(kind),
            Attribute::Label(label.as_bytes().to_vec()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(extractable),
            Attribute::Encrypt(true),
            Attribute::Decrypt(true),
            Attribute::Unwrap(true),
            Attribute::Sign(true),
            Attribute::Verify(true),
            Attribute::Value(unhex(digits)),
        ];
        self.session.create_object(&template).unwrap();
    }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn open() -> Arc<Token> {
    Token::open(&module(), "lian", &Secret::new("123456".to_owned())).unwrap()
}

fn wrap_tdes(key: &[u8], under: &str) -> (Vec<u8>, [u8; 4]) {
    let encrypt = |key: &[u8], block: &[u8]| {
        let mut out: [u8; 8] = block.try_into().unwrap();
        des::TdesEde2::new_from_slice(key).unwrap().encrypt_block((&mut out).into());
        out
    };
    let wrapped = key.chunks(8).flat_map(|block| encrypt(&unhex(under), block)).collect();
    (wrapped, encrypt(key, &[0; 8])[..4].try_into().unwrap())
}

#[test]
fn a_link_signs_on_with_a_terminal_master_key_in_a_token() {
    let Some(filler) = inside("a_link_signs_on_with_a_terminal_master_key_in_a_token") else { return };
    filler.key("iso87-tmk", TokenKeyType::DES2, TDES, false);
    let keys = BankKeys::in_token(&open(), "iso87-tmk", MacAlgorithm::X9_19, 4).unwrap();
    let software = TransportKey::from_hex(KeyFamily::TripleDes, TDES).unwrap();
    let software = BankKeys::new(software, MacAlgorithm::X9_19, 4).unwrap();
    let (bytes, check) = wrap_tdes(&unhex(OTHER), TDES);
    let wrapped = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &check };
    assert_eq!(keys.mac(b"message"), Err(BankKeyError::NoMacKey));
    keys.install_working_keys(&[wrapped]).unwrap();
    software.install_working_keys(&[wrapped]).unwrap();
    let mac = keys.mac(b"message").unwrap();
    assert_eq!(software.mac(b"message"), Ok(mac));
    assert!(keys.verify(b"message", &mac) && !keys.verify(b"massage", &mac));

    let wrong = WrappedKey { check_value: &[0; 4], ..wrapped };
    let refused = BankKeyError::CheckValue { usage: KeyUsage::Mac };
    assert_eq!(keys.install_working_keys(&[wrong]), Err(refused));
    assert_eq!(keys.mac(b"message"), Ok(mac), "the old key stays");
    assert!(matches!(
        keys.install_working_keys(&[WrappedKey { bytes: &bytes[..7], ..wrapped }]),
        Err(BankKeyError::Length { bytes: 7, .. })
    ));
}

/// The working key is that of RFC 3394 section 4.1; it is unwrapped in the token and never seen here.
#[test]
fn an_aes_working_key_stays_in_the_token() {
    let Some(filler) = inside("an_aes_working_key_stays_in_the_token") else { return };
    filler.key("tmk", TokenKeyType::AES, AES, false);
    let keys = BankKeys::in_token(&open(), "tmk", MacAlgorithm::AesCmac, 3).unwrap();
    let software = TransportKey::from_hex(KeyFamily::Aes, AES).unwrap();
    let software = BankKeys::new(software, MacAlgorithm::AesCmac, 3).unwrap();
    let bytes = unhex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5");
    let check = [0x53, 0xe1, 0x07];
    let wrapped = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &check };
    software.install_working_keys(&[wrapped]).unwrap();
    // Again and again: an earlier working key is destroyed in the token, not heaped up.
    for _ in 0..3 {
        keys.install_working_keys(&[wrapped]).unwrap();
        assert_eq!(keys.mac(b"message"), software.mac(b"message"));
    }
    let secrets = [Attribute::Class(ObjectClass::SECRET_KEY)];
    let objects = || filler.session.find_objects(&secrets).unwrap().len();
    assert_eq!(objects(), 3, "the master key, the working key and the one before it");
    keys.forget_previous_keys();
    assert_eq!(objects(), 2, "the master key and one working key");
    keys.forget_working_keys();
    assert_eq!(objects(), 1);

    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        assert!(keys.install_working_keys(&[WrappedKey { bytes: &altered, ..wrapped }]).is_err());
    }
    let wrong = WrappedKey { check_value: &[0; 3], ..wrapped };
    let refused = BankKeyError::CheckValue { usage: KeyUsage::Mac };
    assert_eq!(keys.install_working_keys(&[wrong]), Err(refused));
}

/// The same working key, for PIN blocks: the token checks it by encrypting, and encrypts with it and nothing else.
#[test]
fn a_pin_goes_under_an_aes_key_that_stays_in_the_token() {
    let Some(filler) = inside("a_pin_goes_under_an_aes_key_that_stays_in_the_token") else { return };
    filler.key("tmk", TokenKeyType::AES, AES, false);
    let keys = BankKeys::in_token(&open(), "tmk", MacAlgorithm::AesCmac, 3).unwrap();
    let bytes = unhex("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5");
    let wrapped = WrappedKey { usage: KeyUsage::Pin, bytes: &bytes, check_value: &[0x53, 0xe1, 0x07] };
    let wrong = WrappedKey { check_value: &[0; 3], ..wrapped };
    let refused = BankKeyError::CheckValue { usage: KeyUsage::Pin };
    assert_eq!(keys.install_working_keys(&[wrong]), Err(refused));
    keys.install_working_keys(&[wrapped]).unwrap();

    let key = |key_type, family, digits| BankKey::from_hex(key_type, family, digits).unwrap();
    let terminal = key(KeyType::Tpk, KeyFamily::Aes, "3A91C04FE25D7786B01C9E5D4428F3A7");
    let known = key(KeyType::Zpk, KeyFamily::Aes, "00112233445566778899AABBCCDDEEFF");
    let other = key(KeyType::Zpk, KeyFamily::TripleDes, OTHER);
    let pan = card::Pan::parse("4242424242424242").unwrap();
    let from = PinZone { key: &terminal, format: PinBlockFormat::Format4 };
    let sent = unhex("7369E5A5B80B808BC1F24D18B3E04F33");
    let made = keys.translate_pin(&sent, &pan, from, PinBlockFormat::Format4, &SystemEntropy).unwrap();
    // The fill is random, so what came out is compared by what it becomes.
    let at_the_end = |block: &[u8], from| {
        let to = PinZone { key: &other, format: PinBlockFormat::Format0 };
        translate_pin(block, &pan, from, to, &SystemEntropy).unwrap()
    };
    let bank = PinZone { key: &known, format: PinBlockFormat::Format4 };
    assert_eq!(at_the_end(&made, bank), at_the_end(&sent, from));
    // The master key alone is left after a sign-off.
    keys.forget_working_keys();
    let secrets = [Attribute::Class(ObjectClass::SECRET_KEY)];
    assert_eq!(filler.session.find_objects(&secrets).unwrap().len(), 1);
}

#[test]
fn macs_and_check_values_are_those_of_software_keys() {
    let Some(filler) = inside("macs_and_check_values_are_those_of_software_keys") else { return };
    let triple = "0123456789ABCDEFFEDCBA98765432102C675BB513D64A8F";
    let token = open();
    for (label, kind, family, digits) in [
        ("two", TokenKeyType::DES2, KeyFamily::TripleDes, TDES),
        ("three", TokenKeyType::DES3, KeyFamily::TripleDes, triple),
        ("aes", TokenKeyType::AES, KeyFamily::Aes, AES),
    ] {
        filler.key(label, kind, digits, false);
        let inside = token.key(label, KeyType::Zak).unwrap();
        let software = BankKey::from_hex(KeyType::Zak, family, digits).unwrap();
        assert_eq!(inside.check_value(), software.check_value(), "{label}");
        assert_eq!(format!("{inside:?}"), format!("BankKey(Zak, {family:?}, token)"));
        for algorithm in MacAlgorithm::ALL.into_iter().filter(|algorithm| algorithm.family() == family) {
            // Nobody has the POS algorithm with three keys, and software does not either.
            if algorithm == MacAlgorithm::CupsEcb && label == "three" {
                continue;
            }
            for padding in [MacPadding::Method1, MacPadding::Method2] {
                for message in [b"".as_slice(), b"8 bytes.", b"twenty bytes of text"] {
                    let ours = inside.mac(algorithm, padding, message);
                    // Padding method 1 of nothing is nothing, which has no MAC to compare.
                    if message.is_empty() && padding == MacPadding::Method1 {
                        continue;
                    }
                    if ours != Err(BankKeyError::NotInToken { algorithm }) {
                        assert_eq!(ours, software.mac(algorithm, padding, message), "{label} {algorithm}");
                    }
                }
            }
        }
    }
    let inside = token.key("two", KeyType::Zak).unwrap();
    for algorithm in [MacAlgorithm::X9_9, MacAlgorithm::X9_19, MacAlgorithm::TdesCmac] {
        let refused = inside.mac(algorithm, MacPadding::Method1, b"message");
        assert_eq!(refused, Err(BankKeyError::NotInToken { algorithm }));
    }
    for algorithm in [MacAlgorithm::TdesCbc, MacAlgorithm::CupsEcb] {
        assert!(inside.mac(algorithm, MacPadding::Method1, b"message").is_ok(), "{algorithm}");
    }
    let pin_key = token.key("two", KeyType::Zpk).unwrap();
    let refused = pin_key.mac(MacAlgorithm::TdesCbc, MacPadding::Method1, b"message");
    assert!(matches!(refused, Err(BankKeyError::WrongType { .. })));
}

#[test]
fn a_pin_block_is_translated_between_keys_of_a_token() {
    let Some(filler) = inside("a_pin_block_is_translated_between_keys_of_a_token") else { return };
    filler.key("tpk", TokenKeyType::DES2, TDES, false);
    filler.key("zpk", TokenKeyType::AES, AES, false);
    let token = open();
    let inside = [token.key("tpk", KeyType::Tpk).unwrap(), token.key("zpk", KeyType::Zpk).unwrap()];
    let software = [
        BankKey::from_hex(KeyType::Tpk, KeyFamily::TripleDes, TDES).unwrap(),
        BankKey::from_hex(KeyType::Zpk, KeyFamily::Aes, AES).unwrap(),
    ];
    let pan = card::Pan::parse("4012345678909").unwrap();
    let zones = |keys: &'static [BankKey; 2]| {
        let format = |place: usize| [PinBlockFormat::Format0, PinBlockFormat::Format4][place];
        [0, 1].map(|place| PinZone { key: &keys[place], format: format(place) })
    };
    let inside = zones(Box::leak(Box::new(inside)));
    let software = zones(Box::leak(Box::new(software)));

    // PIN 1234 (ANSI X9.24-1:2009 A.4) under the terminal's key.
    let mut block: [u8; 8] = unhex("041274EDCBA9876F").try_into().unwrap();
    des::TdesEde2::new_from_slice(&unhex(TDES)).unwrap().encrypt_block((&mut block).into());
    let there = translate_pin(&block, &pan, inside[0], inside[1], &SystemEntropy).unwrap();
    assert_eq!(there.len(), 16);
    // Software reads what the token made, and the token what software made.
    let back = translate_pin(&there, &pan, software[1], software[0], &SystemEntropy).unwrap();
    assert_eq!(back, block);
    let there = translate_pin(&block, &pan, software[0], software[1], &SystemEntropy).unwrap();
    assert_eq!(translate_pin(&there, &pan, inside[1], inside[0], &SystemEntropy).unwrap(), block);
    let refused = translate_pin(&[0; 8], &pan, inside[0], inside[1], &SystemEntropy);
    assert_eq!(refused, Err(PinError::Unreadable));
}

#[test]
fn a_key_that_was_brought_in_opens_working_keys_and_nothing_else() {
    let Some(filler) = inside("a_key_that_was_brought_in_opens_working_keys_and_nothing_else") else {
        return;
    };
    let token = open();
    let key = TransportKey::from_hex(KeyFamily::TripleDes, TDES).unwrap();
    token.import("tmk", &key).unwrap();
    assert!(matches!(token.import("tmk", &key), Err(TokenError::Taken { .. })));
    let keys = BankKeys::in_token(&token, "tmk", MacAlgorithm::X9_19, 4).unwrap();
    let (bytes, check) = wrap_tdes(&unhex(OTHER), TDES);
    let wrapped = WrappedKey { usage: KeyUsage::Mac, bytes: &bytes, check_value: &check };
    keys.install_working_keys(&[wrapped]).unwrap();
    // With a master key that also encrypts, whoever holds the session could wrap keys of his own.
    let refused = token.key("tmk", KeyType::Zmk).unwrap().check_value();
    assert!(matches!(refused, Err(BankKeyError::Token { doing: "encrypting", .. })), "{refused:?}");
    drop(filler);
}

#[test]
fn what_is_unfit_is_refused_and_named() {
    let Some(filler) = inside("what_is_unfit_is_refused_and_named") else { return };
    filler.key("loose", TokenKeyType::AES, AES, true);
    filler.key("twice", TokenKeyType::AES, AES, false);
    filler.key("twice", TokenKeyType::AES, AES, false);
    filler.key("aes", TokenKeyType::AES, AES, false);
    let token = open();
    let refused = |label| token.key(label, KeyType::Zak).unwrap_err();
    assert!(matches!(refused("loose"), TokenError::Unfit { .. }));
    assert!(matches!(refused("twice"), TokenError::NoKey { count: 2, .. }));
    assert!(matches!(refused("none"), TokenError::NoKey { count: 0, .. }));
    assert_eq!(refused("none").to_string(), "0 secret keys are labelled none; there must be one");
    assert!(matches!(
        BankKeys::in_token(&token, "aes", MacAlgorithm::X9_19, 4),
        Err(TokenKeysError::Key(BankKeyError::Family { .. }))
    ));
    let pin = Secret::new("123456".to_owned());
    let other = Token::open(&module(), "another", &pin).unwrap_err();
    assert!(matches!(other, TokenError::NoToken { count: 0, .. }));
    let missing = Token::open(Path::new("/nowhere/pkcs11.so"), "lian", &pin).unwrap_err();
    assert!(matches!(missing, TokenError::Module { .. }));

    // Nobody is logged in any more, so the PIN is asked for.
    drop(token);
    filler.session.logout().unwrap();
    let wrong = Token::open(&module(), "lian", &Secret::new("654321".to_owned())).unwrap_err();
    assert_eq!(wrong.to_string(), "token lian: PinIncorrect while logging in");
}
