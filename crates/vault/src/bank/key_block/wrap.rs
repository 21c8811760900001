//! The protected part of a key block. Source: TR-31:2018, ANSI X9.143-2021.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use types::Entropy;
use zeroize::Zeroizing;

use super::KeyBlockError;
use super::header::{self, KeyBlockHeader, KeyBlockVersion};
use crate::bank::cipher::{self, SoftwareCipher};
use crate::bank::mac::{MacAlgorithm, MacKey, MacPadding};
use crate::bank::{BankKeyError, KeyFamily};
use crate::hex;

type Key = Zeroizing<Vec<u8>>;

/// The keys of one block: one that encrypts, one that authenticates.
struct BlockKeys {
    encryption: Key,
    authentication: Key,
}

/// Takes the key out of a block; the header that comes with it is authentic.
pub fn unwrap(
    family: KeyFamily,
    protection: &[u8],
    block: &str,
) -> Result<(KeyBlockHeader, Key), KeyBlockError> {
    let (header, end) = header::parse(block)?;
    let version = header.version;
    check_family(family, version)?;
    let mut data = read(&block[end..])?;
    let split = data.len().checked_sub(version.mac_bytes());
    let split = split.filter(|split| *split > 0 && split.is_multiple_of(family.block_bytes()));
    let split = split.ok_or(KeyBlockError::Form { rule: "no whole cipher blocks before its MAC" })?;
    let mac = data.split_off(split);
    let keys = block_keys(version, protection)?;
    match version {
        KeyBlockVersion::A | KeyBlockVersion::C => {
            verify(&mac, &authenticate(version, &keys, &block[..end], &data)?)?;
            decrypt(version, &keys, &block.as_bytes()[..8], &mut data)?;
        }
        KeyBlockVersion::B | KeyBlockVersion::D => {
            decrypt(version, &keys, &mac, &mut data)?;
            verify(&mac, &authenticate(version, &keys, &block[..end], &data)?)?;
        }
    }
    let bits = usize::from(u16::from_be_bytes([data[0], data[1]]));
    if !bits.is_multiple_of(8) || bits == 0 || bits / 8 > data.len() - 2 {
        return Err(KeyBlockError::Form { rule: "the length of its key does not fit" });
    }
    let key = Zeroizing::new(data[2..2 + bits / 8].to_vec());
    check_strength(&header, protection, &key)?;
    Ok((header, key))
}

/// Puts a key into a block. Random bytes behind it hide its length: each key of an algorithm takes as much room as the
/// longest.
pub fn wrap(
    family: KeyFamily,
    protection: &[u8],
    header: &KeyBlockHeader,
    key: &[u8],
    entropy: &dyn Entropy,
) -> Result<String, KeyBlockError> {
    let version = header.version;
    check_family(family, version)?;
    check_strength(header, protection, key)?;
    let room: usize = if header.algorithm == 'A' { 32 } else { 24 };
    let mut data = Zeroizing::new(vec![0; (2 + room).next_multiple_of(family.block_bytes())]);
    entropy.fill(&mut data);
    data[..2].copy_from_slice(&(key.len() as u16 * 8).to_be_bytes());
    let inside = data.get_mut(2..2 + key.len());
    inside.ok_or(BankKeyError::Length { bytes: key.len(), wanted: "a key block" })?.copy_from_slice(key);

    let head = header::render(header, 2 * (data.len() + version.mac_bytes()))?;
    let keys = block_keys(version, protection)?;
    let mac = match version {
        KeyBlockVersion::A | KeyBlockVersion::C => {
            encrypt(version, &keys, &head.as_bytes()[..8], &mut data)?;
            authenticate(version, &keys, &head, &data)?
        }
        KeyBlockVersion::B | KeyBlockVersion::D => {
            let mac = authenticate(version, &keys, &head, &data)?;
            encrypt(version, &keys, &mac, &mut data)?;
            mac
        }
    };
    // What is written is ciphertext and a MAC: nothing to wipe.
    Ok(format!("{head}{}{}", hex::encode(&data).to_uppercase(), hex::encode(&mac).to_uppercase()))
}

fn check_family(family: KeyFamily, version: KeyBlockVersion) -> Result<(), KeyBlockError> {
    if version.family() == family {
        Ok(())
    } else {
        Err(KeyBlockError::Protection { rule: "it is of another cipher than the version of the block" })
    }
}

/// No key under a weaker one (PCI PIN requirement 10): by length within a cipher, and AES
/// never under Triple DES.
fn check_strength(header: &KeyBlockHeader, protection: &[u8], key: &[u8]) -> Result<(), KeyBlockError> {
    let weaker = match (header.version.family(), header.algorithm) {
        (KeyFamily::TripleDes, 'A') => true,
        (KeyFamily::TripleDes, _) | (KeyFamily::Aes, 'A') => key.len() > protection.len(),
        (KeyFamily::Aes, _) => false,
    };
    if weaker {
        return Err(KeyBlockError::Protection { rule: "it is weaker than the key it protects" });
    }
    Ok(())
}

fn block_keys(version: KeyBlockVersion, protection: &[u8]) -> Result<BlockKeys, BankKeyError> {
    match version {
        KeyBlockVersion::A | KeyBlockVersion::C => {
            // The letters E and M in each byte.
            let variant = |letter: u8| Zeroizing::new(protection.iter().map(|byte| byte ^ letter).collect());
            Ok(BlockKeys { encryption: variant(b'E'), authentication: variant(b'M') })
        }
        KeyBlockVersion::B | KeyBlockVersion::D => Ok(BlockKeys {
            encryption: derive(version.family(), protection, 0)?,
            authentication: derive(version.family(), protection, 1)?,
        }),
    }
}

/// The CMACs of numbered blocks that say what the key is for, one behind the other, as long as the protection key.
fn derive(family: KeyFamily, protection: &[u8], usage: u8) -> Result<Key, BankKeyError> {
    let algorithm = match (family, protection.len()) {
        (KeyFamily::TripleDes, 16) => 0,
        (KeyFamily::TripleDes, _) => 1,
        (KeyFamily::Aes, 16) => 2,
        (KeyFamily::Aes, 24) => 3,
        (KeyFamily::Aes, _) => 4,
    };
    let bits = (protection.len() as u16 * 8).to_be_bytes();
    let mut key = Zeroizing::new(Vec::with_capacity(48));
    for counter in 1..=protection.len().div_ceil(family.block_bytes()) as u8 {
        let input = [counter, 0, usage, 0, 0, algorithm, bits[0], bits[1]];
        key.extend_from_slice(&cipher::cmac(family, protection, &input)?);
    }
    key.truncate(protection.len());
    Ok(key)
}

fn authenticate(
    version: KeyBlockVersion,
    keys: &BlockKeys,
    head: &str,
    data: &[u8],
) -> Result<Key, BankKeyError> {
    let mut input = Zeroizing::new(Vec::with_capacity(head.len() + data.len()));
    input.extend_from_slice(head.as_bytes());
    input.extend_from_slice(data);
    match version {
        KeyBlockVersion::A | KeyBlockVersion::C => {
            let key = MacKey::new(MacAlgorithm::TdesCbc, &keys.authentication)?;
            Ok(Zeroizing::new(key.mac(MacPadding::Method1, &input)[..version.mac_bytes()].to_vec()))
        }
        KeyBlockVersion::B | KeyBlockVersion::D => {
            cipher::cmac(version.family(), &keys.authentication, &input)
        }
    }
}

fn verify(mac: &[u8], wanted: &[u8]) -> Result<(), KeyBlockError> {
    verify_slices_are_equal(mac, wanted).map_err(|_| KeyBlockError::NotAuthentic)
}

fn encrypt(
    version: KeyBlockVersion,
    keys: &BlockKeys,
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), BankKeyError> {
    cipher::cbc_encrypt(&SoftwareCipher::new(version.family(), &keys.encryption)?, iv, data)
}

fn decrypt(
    version: KeyBlockVersion,
    keys: &BlockKeys,
    iv: &[u8],
    data: &mut [u8],
) -> Result<(), BankKeyError> {
    cipher::cbc_decrypt(&SoftwareCipher::new(version.family(), &keys.encryption)?, iv, data)
}

/// Upper case alone: there is one way to write a block, so that no altered byte goes unseen.
fn read(digits: &str) -> Result<Key, KeyBlockError> {
    let decoded =
        if digits.bytes().any(|byte| byte.is_ascii_lowercase()) { None } else { hex::decode(digits) };
    decoded
        .ok_or(KeyBlockError::Form { rule: "what is encrypted is not in hexadecimal digits of upper case" })
}
