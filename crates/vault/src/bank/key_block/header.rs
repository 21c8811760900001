//! The clear part of a key block. Source: ANSI X9.143-2021.

use super::KeyBlockError;
use crate::bank::KeyFamily;

/// How a key block protects what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyBlockVersion {
    /// Triple DES, variants of the protection key. Deprecated.
    A,
    /// Triple DES, derived keys.
    B,
    /// Triple DES, variants of the protection key. Deprecated, but not as long.
    C,
    /// AES, derived keys.
    D,
}

impl KeyBlockVersion {
    const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    /// The letter a block begins with.
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
        }
    }

    /// The cipher of the protection key.
    pub const fn family(self) -> KeyFamily {
        match self {
            Self::A | Self::B | Self::C => KeyFamily::TripleDes,
            Self::D => KeyFamily::Aes,
        }
    }

    /// Bytes of its MAC.
    pub(super) const fn mac_bytes(self) -> usize {
        match self {
            Self::A | Self::C => 4,
            Self::B => 8,
            Self::D => 16,
        }
    }
}

/// An optional block: two letters and what they are about, in printable ASCII. `KS` is a key serial number, `KV` and
/// `TS` versions and times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionalBlock {
    /// Its name.
    pub id: String,
    /// Its data.
    pub data: String,
}

/// What a key block says about its key, with the letters of the standard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyBlockHeader {
    /// How it is protected.
    pub version: KeyBlockVersion,
    /// What the key is for, as `P0`.
    pub usage: String,
    /// `T` Triple DES, `A` AES, `D` DES.
    pub algorithm: char,
    /// Which directions, as `B`, `E`, `G`.
    pub mode: char,
    /// `00`, or the version of the key.
    pub key_version: String,
    /// `E`, `N` or `S`.
    pub exportability: char,
    /// Further blocks, in their order, without the one that only fills up (`PB`).
    pub optional: Vec<OptionalBlock>,
}

const HEADER_BYTES: usize = 16;

/// Reads header and optional blocks; also gives how many characters they take up. The whole block is printable ASCII.
pub(super) fn parse(block: &str) -> Result<(KeyBlockHeader, usize), KeyBlockError> {
    if !block.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return form("a character that is not printable ASCII");
    }
    if block.len() < HEADER_BYTES {
        return form("shorter than its header");
    }
    let version = KeyBlockVersion::ALL.into_iter().find(|version| block.starts_with(version.letter()));
    let Some(version) = version else { return form("a version other than A, B, C or D") };
    if number(&block[1..5], 10) != Some(block.len()) {
        return form("its length is not what it says");
    }
    let letters = &block[5..14];
    if !letters.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return form("a letter of its header is none");
    }
    if &block[14..16] != "00" {
        return form("a reserved place of its header is not zero");
    }
    let Some(count) = number(&block[12..14], 10) else { return form("no number of optional blocks") };
    let (optional, end) = optional_blocks(version, block, count)?;
    let letter = |place: usize| char::from(block.as_bytes()[place]);
    let header = KeyBlockHeader {
        version,
        usage: block[5..7].to_owned(),
        algorithm: letter(7),
        mode: letter(8),
        key_version: block[9..11].to_owned(),
        exportability: letter(11),
        optional,
    };
    Ok((header, end))
}

fn optional_blocks(
    version: KeyBlockVersion,
    block: &str,
    count: usize,
) -> Result<(Vec<OptionalBlock>, usize), KeyBlockError> {
    let mut blocks = Vec::new();
    let mut at = HEADER_BYTES;
    for place in 0..count {
        let rule = "an optional block that does not fit";
        let wrong = KeyBlockError::Form { rule };
        let id = block.get(at..at + 2).ok_or(wrong)?;
        let short = block.get(at + 2..at + 4).and_then(|digits| number(digits, 16)).ok_or(wrong)?;
        // A length of 00 means that a longer one follows in four digits, behind the length of itself: 02 where that is
        // read in bytes, 04 where it is read in digits, as in the examples of X9.143.
        let (length, data) = if short == 0 {
            if !matches!(block.get(at + 4..at + 6), Some("02" | "04")) {
                return Err(wrong);
            }
            (block.get(at + 6..at + 10).and_then(|digits| number(digits, 16)).ok_or(wrong)?, at + 10)
        } else {
            (short, at + 4)
        };
        let text = block.get(data..at + length).ok_or(wrong)?;
        if !id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
            return Err(wrong);
        }
        if id == "PB" {
            if place + 1 != count {
                return form("a block that fills up and is not the last");
            }
        } else {
            blocks.push(OptionalBlock { id: id.to_owned(), data: text.to_owned() });
        }
        at += length;
    }
    if !at.is_multiple_of(version.family().block_bytes()) {
        return form("its optional blocks do not fill whole cipher blocks");
    }
    Ok((blocks, at))
}

/// Writes header and optional blocks for a block that has `rest` more characters.
pub(super) fn render(header: &KeyBlockHeader, rest: usize) -> Result<String, KeyBlockError> {
    let mut blocks = String::new();
    for block in &header.optional {
        let fits = block.data.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let id = block.id.as_bytes();
        if !fits
            || id.len() != 2
            || !id.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            || block.id == "PB"
        {
            return form("an optional block with letters it must not have");
        }
        let (short, long) = (block.data.len() + 4, block.data.len() + 10);
        match (short, long) {
            (..=0xff, _) => blocks.push_str(&format!("{}{short:02X}{}", block.id, block.data)),
            (_, ..=0xffff) => blocks.push_str(&format!("{}0004{long:04X}{}", block.id, block.data)),
            _ => return form("an optional block that is too long"),
        }
    }
    let mut count = header.optional.len();
    let cipher_block = header.version.family().block_bytes();
    if !blocks.len().is_multiple_of(cipher_block) {
        let fill = (blocks.len() + 4).next_multiple_of(cipher_block) - blocks.len();
        blocks.push_str(&format!("PB{fill:02X}{}", "0".repeat(fill - 4)));
        count += 1;
    }
    let length = HEADER_BYTES + blocks.len() + rest;
    if length > 9999 || count > 99 {
        return form("longer than a key block can be");
    }
    let KeyBlockHeader { version, usage, algorithm, mode, key_version, exportability, .. } = header;
    let letter = version.letter();
    Ok(format!("{letter}{length:04}{usage}{algorithm}{mode}{key_version}{exportability}{count:02}00{blocks}"))
}

/// A number in digits alone: no sign, no lower case, so that there is one way to write each.
fn number(digits: &str, radix: u32) -> Option<usize> {
    let digit = |byte: u8| !byte.is_ascii_lowercase() && char::from(byte).is_digit(radix);
    digits.bytes().all(digit).then(|| usize::from_str_radix(digits, radix).ok()).flatten()
}

fn form<T>(rule: &'static str) -> Result<T, KeyBlockError> {
    Err(KeyBlockError::Form { rule })
}
