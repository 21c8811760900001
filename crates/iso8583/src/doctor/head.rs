//! What a link puts before a message.

use std::fmt;

/// What stands before a message on a link: to be taken off before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Head {
    /// Nothing.
    None,
    /// A length of two bytes that does not count itself.
    Length,
    /// A length of two bytes that counts itself.
    LengthInclusive,
    /// A length of four ASCII digits.
    LengthDigits,
    /// A TPDU of five bytes (ISO/IEC 7498, as POS terminals use it), beginning with 60.
    Tpdu,
    /// A TPDU and an application header of six bytes.
    TpduAndHeader,
    /// Two bytes of length, then a TPDU.
    LengthAndTpdu,
    /// Two bytes of length, a TPDU and an application header of six bytes.
    LengthTpduAndHeader,
}

impl Head {
    /// How many bytes it takes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Length | Self::LengthInclusive => 2,
            Self::LengthDigits => 4,
            Self::Tpdu => 5,
            Self::LengthAndTpdu => 7,
            Self::TpduAndHeader => 11,
            Self::LengthTpduAndHeader => 13,
        }
    }

    /// The heads that these bytes may have: a length is one only if it is right.
    pub(super) fn all_of(bytes: &[u8]) -> Vec<Self> {
        let mut heads = vec![Self::None];
        let is_tpdu = |at: usize| bytes.get(at) == Some(&0x60);
        let number = match bytes {
            [a, b, ..] => usize::from(*a) << 8 | usize::from(*b),
            _ => return heads,
        };
        if is_tpdu(0) {
            heads.extend([Self::Tpdu, Self::TpduAndHeader]);
        }
        if number == bytes.len() - 2 {
            heads.push(Self::Length);
            if is_tpdu(2) {
                heads.extend([Self::LengthAndTpdu, Self::LengthTpduAndHeader]);
            }
        }
        if number == bytes.len() {
            heads.push(Self::LengthInclusive);
        }
        let digits =
            bytes.get(..4).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        if digits == Some(bytes.len().saturating_sub(4)) {
            heads.push(Self::LengthDigits);
        }
        heads
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "as it is",
            Self::Length => "after two bytes of length",
            Self::LengthInclusive => "after two bytes of length that count themselves",
            Self::LengthDigits => "after four digits of length",
            Self::Tpdu => "after a TPDU of five bytes",
            Self::TpduAndHeader => "after a TPDU and a header of six bytes",
            Self::LengthAndTpdu => "after two bytes of length and a TPDU",
            Self::LengthTpduAndHeader => "after two bytes of length, a TPDU and a header of six bytes",
        })
    }
}
