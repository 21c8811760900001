//! Sets of classes: which of them allow a character, and so a text.

use crate::class::Class;
use crate::ebcdic;

/// One bit a class, so that the classes of a text are what those of its characters have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClassSet(u8);

const N: u8 = 1;
const A: u8 = 2;
const AN: u8 = 4;
const ANP: u8 = 8;
const ANS: u8 = 16;
const Z: u8 = 32;
const SIGN: u8 = 64;
const HEX: u8 = 128;

/// For every byte, the classes that allow it.
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
            bits |= SIGN;
        }
        if c >= b'A' && c <= b'F' {
            bits |= HEX;
        }
        table[byte] = bits;
        byte += 1;
    }
    table
};

/// The same for bytes in EBCDIC.
static ALLOWED_EBCDIC: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = ALLOWED[ebcdic::to_ascii(byte as u8) as usize];
        byte += 1;
    }
    table
};

impl ClassSet {
    /// No class.
    pub const NONE: Self = Self(0);
    /// What allows the sign before a number.
    pub const SIGN: Self = Self(SIGN);

    /// This class alone; of signed numbers, what their digits are.
    pub const fn only(class: Class) -> Self {
        Self(match class {
            Class::Numeric | Class::SignedNumeric => N,
            Class::Alphabetic => A,
            Class::Alphanumeric => AN,
            Class::AlphanumericPad => ANP,
            Class::Text => ANS,
            Class::Track => Z,
            Class::Binary => HEX,
        })
    }

    /// The classes that allow a character.
    #[inline]
    pub fn of_character(character: u8) -> Self {
        Self(ALLOWED[usize::from(character)])
    }

    /// The classes that allow all of a text.
    #[inline]
    pub fn of(text: &[u8]) -> Self {
        Self(text.iter().fold(u8::MAX, |allowed, byte| allowed & ALLOWED[usize::from(*byte)]))
    }

    /// The classes that allow all of a text in EBCDIC.
    #[inline]
    pub fn of_ebcdic(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(u8::MAX, |allowed, byte| allowed & ALLOWED_EBCDIC[usize::from(*byte)]))
    }

    /// The classes that allow whatever `class` allows, so that a text of it need not be looked at again.
    #[inline]
    pub const fn implied_by(class: Class) -> Self {
        // Each is computed once.
        match class {
            Class::Numeric => const { Self::common(N) },
            Class::Alphabetic => const { Self::common(A) },
            Class::Alphanumeric => const { Self::common(AN) },
            Class::AlphanumericPad => const { Self::common(ANP) },
            Class::Text => const { Self::common(ANS) },
            Class::Track => const { Self::common(Z) },
            Class::SignedNumeric => const { Self::common(N | SIGN) },
            Class::Binary => const { Self::common(HEX) },
        }
    }

    /// The classes that allow every character that is allowed by one of these.
    const fn common(own: u8) -> Self {
        let (mut byte, mut common) = (0, u8::MAX);
        while byte < ALLOWED.len() {
            if ALLOWED[byte] & own != 0 {
                common &= ALLOWED[byte];
            }
            byte += 1;
        }
        Self(common)
    }

    /// Whether the two have a class in common.
    #[inline]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether all of the other's are in this one.
    #[cfg(test)]
    pub const fn holds(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_class_allows_others_allow_too() {
        let implies = |class, other| ClassSet::implied_by(class).meets(ClassSet::only(other));
        assert!(implies(Class::Numeric, Class::Numeric) && implies(Class::Numeric, Class::Track));
        assert!(implies(Class::Numeric, Class::Binary) && implies(Class::Binary, Class::Alphanumeric));
        assert!(implies(Class::Alphabetic, Class::AlphanumericPad) && implies(Class::Track, Class::Text));
        assert!(implies(Class::SignedNumeric, Class::Alphanumeric));
        assert!(!implies(Class::Text, Class::Track) && !implies(Class::Track, Class::Numeric));
        assert!(!implies(Class::Binary, Class::Numeric) && !implies(Class::SignedNumeric, Class::Numeric));
        assert!(!implies(Class::AlphanumericPad, Class::Alphanumeric));
    }
}
