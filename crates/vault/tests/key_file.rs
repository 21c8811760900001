//! The key file: made whole and private, refused when it is neither.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};

use vault::{Purpose, Record, SystemEntropy, Vault, VaultError};

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("vault.key")
    }

    fn open(&self) -> Result<Vault, VaultError> {
        Vault::open(&self.path(), Arc::new(SystemEntropy))
    }

    fn open_or_create(&self) -> Result<Vault, VaultError> {
        Vault::open_or_create(&self.path(), Arc::new(SystemEntropy))
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }
}

#[test]
fn keys_are_made_once_and_found_again() {
    let place = Place::new();
    assert!(matches!(place.open(), Err(VaultError::Io { .. })), "opening alone never makes keys");
    let record = Record::named("ca/root");
    let sealed = place.open_or_create().unwrap().seal_bytes(Purpose::CaKey, record, b"root").unwrap();
    let text = place.text();
    let again = place.open_or_create().unwrap();
    assert_eq!(again.open_bytes(Purpose::CaKey, record, &sealed).unwrap().expose(), b"root");
    assert_eq!(place.text(), text);
    assert_eq!(fs::read_dir(place.directory.path()).unwrap().count(), 1, "no draft stays behind");
}

#[cfg(unix)]
#[test]
fn the_file_is_private_and_a_public_one_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    let mut vault = place.open_or_create().unwrap();
    let mode = |place: &Place| fs::metadata(place.path()).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place), 0o600);
    vault.rotate().unwrap();
    assert_eq!(mode(&place), 0o600, "rotation keeps it private");
    for open in [0o640, 0o604, 0o660, 0o601] {
        fs::set_permissions(place.path(), fs::Permissions::from_mode(open)).unwrap();
        let refused = place.open().unwrap_err();
        assert_eq!(refused.code(), "vault_key_file_permissions", "{open:o}");
        assert!(refused.to_string().contains("chmod 600"), "{refused}");
    }
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o400)).unwrap();
    assert!(place.open().is_ok(), "read-only is fine");
}

#[test]
fn a_file_that_was_cut_off_or_edited_is_refused() {
    let place = Place::new();
    place.open_or_create().unwrap().rotate().unwrap();
    let whole = place.text();
    for length in 0..whole.len() {
        fs::write(place.path(), &whole[..length]).unwrap();
        assert_eq!(place.open().unwrap_err().code(), "vault_key_file_invalid", "cut to {length}");
    }
    for place_of_change in 0..whole.len() {
        let mut bytes = whole.clone().into_bytes();
        bytes[place_of_change] ^= 1;
        fs::write(place.path(), &bytes).unwrap();
        let refused = place.open().unwrap_err();
        assert_eq!(refused.code(), "vault_key_file_invalid", "changed at {place_of_change}");
    }
    fs::write(place.path(), format!("{whole}\n")).unwrap();
    assert!(place.open().is_err(), "something after the end");
    assert!(place.open_or_create().is_err(), "and it is never replaced by new keys");
    fs::write(place.path(), whole).unwrap();
    assert_eq!(place.open().unwrap().key_version(), 2);
}

#[test]
fn errors_say_the_rule_and_show_no_key() {
    let place = Place::new();
    place.open_or_create().unwrap();
    let text = place.text();
    let key = text.lines().nth(1).unwrap().strip_prefix("index ").unwrap();
    fs::write(place.path(), text.replace("current 1", "current 2")).unwrap();
    let refused = place.open().unwrap_err();
    let printed = format!("{refused} {refused:?}");
    assert!(printed.contains("does not match its sum"), "{printed}");
    assert!(!printed.contains(&key[..8]), "{printed}");
}

#[test]
fn two_starts_at_once_end_with_one_set_of_keys() {
    let place = Place::new();
    let barrier = Barrier::new(8);
    let record = Record::named("shared");
    let vaults: Vec<Vault> = std::thread::scope(|scope| {
        let start = || {
            barrier.wait();
            place.open_or_create().unwrap()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sealed = vaults[0].seal_bytes(Purpose::NodeKey, record, b"one").unwrap();
    for vault in &vaults {
        assert_eq!(vault.open_bytes(Purpose::NodeKey, record, &sealed).unwrap().expose(), b"one");
    }
}

#[test]
fn rotations_at_once_lose_no_key() {
    let place = Place::new();
    place.open_or_create().unwrap();
    let record = Record::named("shared");
    let sealed: Vec<(u32, Vec<u8>)> = std::thread::scope(|scope| {
        let rotate = || {
            let mut vault = place.open().unwrap();
            let version = vault.rotate().unwrap();
            (version, vault.seal_bytes(Purpose::NodeKey, record, &version.to_be_bytes()).unwrap())
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(rotate)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let vault = place.open().unwrap();
    assert_eq!(vault.key_version(), 9);
    for (version, sealed) in sealed {
        let opened = vault.open_bytes(Purpose::NodeKey, record, &sealed).unwrap();
        assert_eq!(opened.expose(), &version.to_be_bytes(), "sealed under version {version}");
    }
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let place = Place::new();
    let path = place.directory.path().join("missing").join("vault.key");
    let refused = Vault::open_or_create(&path, Arc::new(SystemEntropy)).unwrap_err();
    assert!(refused.to_string().contains("missing"), "{refused}");
}
