//! Which characters a field may hold: the attributes of ISO 8583-1, as one table of 256 bytes.

use serde::Deserialize;

/// What a field's characters may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[non_exhaustive]
pub enum Class {
    /// Digits.
    #[serde(rename = "n")]
    Numeric,
    /// Letters.
    #[serde(rename = "a")]
    Alphabetic,
    /// Letters and digits.
    #[serde(rename = "an")]
    Alphanumeric,
    /// Letters, digits and the space that pads them.
    #[serde(rename = "anp")]
    AlphanumericPad,
    /// All printable ASCII.
    #[serde(rename = "ans")]
    Text,
    /// Track data (ISO/IEC 7813): the sixteen characters from `0` to `?`, with `=` as the separator.
    #[serde(rename = "z")]
    Track,
    /// A sign, `C` for credit or `D` for debit, and digits. The length counts the sign.
    #[serde(rename = "x+n")]
    SignedNumeric,
    /// Bytes; as text, two upper-case hexadecimal digits a byte. The length counts bytes.
    #[serde(rename = "b")]
    Binary,
}

const N: u8 = 1;
const A: u8 = 2;
const AN: u8 = 4;
const ANP: u8 = 8;
const ANS: u8 = 16;
const Z: u8 = 32;
const X: u8 = 64;
const HEX: u8 = 128;

/// For every byte, the classes that allow it. One bit a class, so that a whole field is checked by AND-ing the
/// entries of its bytes.
static ALLOWED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0x20;
    while byte < 0x7f {
        let c = byte as u8;
        let mut bits = ANS;
        if c.is_ascii_digit() {
            bits |= N | AN | ANP | HEX;
        }
        if c.is_ascii_alphabetic() {
            bits |= A | AN | ANP;
        }
        if c == b' ' {
            bits |= ANP;
        }
        if c >= b'0' && c <= b'?' {
            bits |= Z;
        }
        if c == b'C' || c == b'D' {
            bits |= X;
        }
        if c >= b'A' && c <= b'F' {
            bits |= HEX;
        }
        table[byte] = bits;
        byte += 1;
    }
    table
};

/// For every byte, whether both of its nibbles are decimal digits: 0xff or 0.
static BCD: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        if byte >> 4 < 10 && byte & 15 < 10 {
            table[byte] = 0xff;
        }
        byte += 1;
    }
    table
};

impl Class {
    const fn bit(self) -> u8 {
        match self {
            Self::Numeric | Self::SignedNumeric => N,
            Self::Alphabetic => A,
            Self::Alphanumeric => AN,
            Self::AlphanumericPad => ANP,
            Self::Text => ANS,
            Self::Track => Z,
            Self::Binary => HEX,
        }
    }

    /// Whether all of `text` is of this class. A signed number is a sign, then digits.
    #[inline]
    pub(crate) fn allows(self, text: &[u8]) -> bool {
        let rest = match (self, text) {
            (Self::SignedNumeric, [sign, rest @ ..]) if ALLOWED[usize::from(*sign)] & X != 0 => rest,
            (Self::SignedNumeric, _) => return false,
            _ => text,
        };
        rest.iter().fold(0xff, |all, &byte| all & ALLOWED[usize::from(byte)]) & self.bit() != 0
    }

    /// Whether the character at `index` is of this class.
    pub(crate) fn allows_at(self, index: usize, character: u8) -> bool {
        let bit = if self == Self::SignedNumeric && index == 0 { X } else { self.bit() };
        ALLOWED[usize::from(character)] & bit != 0
    }

    /// Whether a nibble can stand for one of this class's characters, `0x30 + nibble`.
    pub(crate) const fn allows_nibble(self, nibble: u8) -> bool {
        matches!(self, Self::Track) || nibble < 10
    }

    /// Whether fields of this class may be packed two characters a byte.
    pub(crate) const fn packs(self) -> bool {
        matches!(self, Self::Numeric | Self::SignedNumeric | Self::Track)
    }
}

/// Whether every nibble is a decimal digit.
#[inline]
pub(crate) fn all_bcd_digits(bytes: &[u8]) -> bool {
    bytes.iter().fold(0xff, |all, &byte| all & BCD[usize::from(byte)]) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_takes_its_characters_and_no_others() {
        let cases: [(Class, &str, &str); 8] = [
            (Class::Numeric, "0123456789", "A =-"),
            (Class::Alphabetic, "AZaz", "09 -"),
            (Class::Alphanumeric, "AZaz09", " -"),
            (Class::AlphanumericPad, "AZaz09 ", "-/"),
            (Class::Text, " ~-/azAZ09", "\u{7f}\t\n\0"),
            (Class::Track, "0123456789:;<=>?", "DA /@"),
            (Class::Binary, "0123456789ABCDEF", "abG "),
            (Class::SignedNumeric, "C", "+-XE"),
        ];
        for (class, good, bad) in cases {
            assert!(class.allows(good.as_bytes()), "{class:?}");
            for c in bad.bytes() {
                assert!(!class.allows(&[c]) && !class.allows_at(0, c), "{class:?} {c:02x}");
            }
        }
        assert!(Class::SignedNumeric.allows(b"D0000001"));
        assert!(!Class::SignedNumeric.allows(b"DD000001"));
        assert!(!Class::SignedNumeric.allows(b""));
    }
}
