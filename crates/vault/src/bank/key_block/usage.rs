//! From the letters of a header to the type of a key, and back. Source: ANSI X9.143-2021.

use super::header::{KeyBlockHeader, KeyBlockVersion, OptionalBlock};
use super::{KeyBlockError, KeyFamily};
use crate::bank::{BankKey, Exportability, KeyModes, KeyType, MacAlgorithm, key};

/// The types of our keys that a usage may have. A usage that is not here is one that nothing here could do.
fn types(usage: &str) -> &'static [KeyType] {
    match usage {
        "K0" => &[KeyType::Tmk, KeyType::Zmk],
        "M0" | "M1" | "M3" | "M5" | "M6" => &[KeyType::Tak, KeyType::Zak],
        "P0" => &[KeyType::Tpk, KeyType::Zpk],
        "B0" => &[KeyType::Bdk],
        "D0" => &[KeyType::Tdk],
        _ => &[],
    }
}

/// The one MAC algorithm that a usage is for.
fn mac_algorithm(usage: &str, family: KeyFamily, bytes: usize) -> Option<MacAlgorithm> {
    match (usage, family) {
        ("M1", KeyFamily::TripleDes) if bytes == 8 => Some(MacAlgorithm::X9_9),
        ("M0" | "M1", KeyFamily::TripleDes) => Some(MacAlgorithm::TdesCbc),
        ("M3", KeyFamily::TripleDes) => Some(MacAlgorithm::X9_19),
        ("M5" | "M6", KeyFamily::TripleDes) => Some(MacAlgorithm::TdesCmac),
        ("M5" | "M6", KeyFamily::Aes) => Some(MacAlgorithm::AesCmac),
        _ => None,
    }
}

/// The key of a block whose MAC was verified.
pub fn typed_key(header: &KeyBlockHeader, bytes: &[u8], wanted: KeyType) -> Result<BankKey, KeyBlockError> {
    if !types(&header.usage).contains(&wanted) {
        return Err(KeyBlockError::Usage { wanted });
    }
    let family = match (header.algorithm, bytes.len()) {
        ('T', 16 | 24) | ('D', 8) => KeyFamily::TripleDes,
        ('A', 16 | 24 | 32) => KeyFamily::Aes,
        _ => return Err(KeyBlockError::Form { rule: "its key has not the length of its algorithm" }),
    };
    let exportability = match header.exportability {
        'E' => Exportability::Exportable,
        'N' => Exportability::NonExportable,
        'S' => Exportability::Sensitive,
        _ => return Err(KeyBlockError::Form { rule: "an exportability other than E, N or S" }),
    };
    let mut checked = zeroize::Zeroizing::new(bytes.to_vec());
    if family == KeyFamily::TripleDes {
        // The MAC has proved the key, so parity has nothing left to prove, and many makers leave it as it falls.
        key::set_odd_parity(&mut checked);
    }
    key::check_strength(family, &checked)?;
    let modes = modes(wanted, header.mode)?;
    let key = BankKey::imported(wanted, family, bytes, modes, exportability)?;
    if !matches!(wanted, KeyType::Tak | KeyType::Zak) {
        return Ok(key);
    }
    let algorithm = mac_algorithm(&header.usage, family, bytes.len());
    Ok(key.bound_to(algorithm.ok_or(KeyBlockError::Form { rule: "a MAC usage that its key cannot serve" })?))
}

/// A key that comes in clear and is about to be put into its first block, with the mode that the block is to say.
pub fn first_key(usage: &str, family: KeyFamily, bytes: &[u8], mode: char) -> Result<BankKey, KeyBlockError> {
    let [key_type, ..] = types(usage) else {
        return Err(KeyBlockError::Form { rule: "a usage that no key here has" });
    };
    key::check_strength(family, bytes)?;
    let modes = modes(*key_type, mode)?;
    // Of the letters that allow everything, one is written.
    if mode_letter(*key_type, modes) != mode {
        return Err(KeyBlockError::Form { rule: "a mode that its usage does not have" });
    }
    Ok(BankKey::imported(*key_type, family, bytes, modes, Exportability::Exportable)?)
}

/// The header of a block for a key.
pub fn header(
    version: KeyBlockVersion,
    key: &BankKey,
    usage: &str,
    exportability: Exportability,
    optional: Vec<OptionalBlock>,
) -> Result<KeyBlockHeader, KeyBlockError> {
    let key_type = key.key_type();
    if !types(usage).contains(&key_type) {
        return Err(KeyBlockError::Usage { wanted: key_type });
    }
    let exportability = match exportability {
        Exportability::Exportable => 'E',
        Exportability::Sensitive => 'S',
        Exportability::NonExportable => 'N',
    };
    let bytes = key.software_bytes()?.len();
    let algorithm = match (key.family(), bytes) {
        (KeyFamily::TripleDes, 8) => 'D',
        (KeyFamily::TripleDes, _) => 'T',
        (KeyFamily::Aes, _) => 'A',
    };
    if matches!(key_type, KeyType::Tak | KeyType::Zak) {
        let algorithm = mac_algorithm(usage, key.family(), bytes);
        if algorithm.is_none() || key.bound_algorithm().is_some_and(|bound| Some(bound) != algorithm) {
            return Err(KeyBlockError::Form { rule: "a MAC usage that its key cannot serve" });
        }
    }
    let usage = usage.to_owned();
    let mode = mode_letter(key_type, key.modes());
    let key_version = "00".to_owned();
    Ok(KeyBlockHeader { version, usage, algorithm, mode, key_version, exportability, optional })
}

fn modes(key_type: KeyType, letter: char) -> Result<KeyModes, KeyBlockError> {
    let (forward, backward) = match (key_type, letter) {
        (_, 'N') | (KeyType::Bdk, 'X') => (true, true),
        (KeyType::Bdk, _) => return Err(KeyBlockError::Form { rule: "a mode that its usage does not have" }),
        (KeyType::Tak | KeyType::Zak, 'C') => (true, true),
        (KeyType::Tak | KeyType::Zak, 'G') => (true, false),
        (KeyType::Tak | KeyType::Zak, 'V') => (false, true),
        (KeyType::Tmk | KeyType::Zmk | KeyType::Tpk | KeyType::Zpk | KeyType::Tdk, 'B') => (true, true),
        (KeyType::Tmk | KeyType::Zmk | KeyType::Tpk | KeyType::Zpk | KeyType::Tdk, 'E') => (true, false),
        (KeyType::Tmk | KeyType::Zmk | KeyType::Tpk | KeyType::Zpk | KeyType::Tdk, 'D') => (false, true),
        (_, _) => return Err(KeyBlockError::Form { rule: "a mode that its usage does not have" }),
    };
    Ok(KeyModes { forward, backward })
}

const fn mode_letter(key_type: KeyType, modes: KeyModes) -> char {
    match (key_type, modes.forward, modes.backward) {
        (KeyType::Bdk, _, _) => 'X',
        (KeyType::Tak | KeyType::Zak, true, false) => 'G',
        (KeyType::Tak | KeyType::Zak, false, _) => 'V',
        (KeyType::Tak | KeyType::Zak, true, true) => 'C',
        (_, true, false) => 'E',
        (_, false, _) => 'D',
        (_, true, true) => 'B',
    }
}
