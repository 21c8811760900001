//! The quick way through messages without fault. Where it says no, the general way says what is wrong, or that nothing is.
//!
//! Most fields follow one another in the same characters: digits after digits. Their places come from the table and their
//! prefixes alone, so the characters of such a run are looked at together, and copied together.

mod read;
mod write;

use crate::class::{Class, all_bcd_digits};
use crate::layout::{Counts, Encoding, Layout, Length, PrefixEncoding, Side};

/// What the quick way needs to know of a field: a row of a table of its own, small enough to stay close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    prefix: Prefix,
    check: Check,
    /// What fills an odd number of packed digits.
    odd: Odd,
    /// Whether the field has parts.
    has_parts: bool,
    /// Whether two characters are one byte, or it takes two to write one.
    is_packed: bool,
    is_hex: bool,
    /// Whether the value, prefix and all, goes on with a run of the same characters.
    joins: bool,
    /// The units of a fixed field, or the most of a variable one.
    units: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Prefix {
    /// The field goes the general way.
    General,
    /// None: the field is fixed.
    Fixed,
    Ascii1,
    Ascii2,
    Ascii3,
    /// One byte of two packed digits.
    Packed2,
    /// Two bytes of three or four packed digits.
    Packed4,
}

/// What the bytes of a run may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Check {
    /// Anything.
    Nothing,
    /// Characters of a class, in ASCII or in hexadecimal.
    Ascii(Class),
    /// Characters of a class, in EBCDIC.
    Ebcdic(Class),
    /// Two digits a byte.
    Packed,
    /// Two track characters a byte: anything.
    PackedTrack,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    Never,
    /// This nibble, on the left.
    Left(u8),
    /// This nibble, on the right.
    Right(u8),
}

impl Step {
    /// Of a field that the dialect does not have, or that is written in a rarer way.
    pub const GENERAL: Self = Self {
        prefix: Prefix::General,
        check: Check::Nothing,
        odd: Odd::Never,
        has_parts: false,
        is_packed: false,
        is_hex: false,
        joins: false,
        units: 0,
    };

    pub fn of(layout: &Layout) -> Self {
        let check = match (layout.encoding, layout.class) {
            (_, Class::SignedNumeric) => return Self::GENERAL,
            (Encoding::Binary, _) => Check::Nothing,
            (Encoding::Bcd, Class::Track) => Check::PackedTrack,
            (Encoding::Bcd, _) => Check::Packed,
            (Encoding::Ascii, class) => Check::Ascii(class),
            // Two digits each, so that one of an odd number is a fault: seen where its length is read.
            (Encoding::Hex, class) => Check::Ascii(class),
            (Encoding::Ebcdic, class) => Check::Ebcdic(class),
        };
        let counts_bytes = |counts| counts == Counts::Bytes && layout.encoding == Encoding::Bcd;
        let (prefix, units) = match layout.length {
            Length::Fixed { units } => (Prefix::Fixed, units),
            Length::Variable { counts, .. } if counts_bytes(counts) => return Self::GENERAL,
            Length::Variable { prefix, digits, max, .. } => match (prefix, digits) {
                (PrefixEncoding::Ascii, 1) => (Prefix::Ascii1, max),
                (PrefixEncoding::Ascii, 2) => (Prefix::Ascii2, max),
                (PrefixEncoding::Ascii, 3) => (Prefix::Ascii3, max),
                (PrefixEncoding::Bcd, 2) => (Prefix::Packed2, max),
                (PrefixEncoding::Bcd, 4) => (Prefix::Packed4, max),
                // Three digits in two bytes count to 999, and a first digit must then be zero: more than any maximum says.
                (PrefixEncoding::Bcd, 3) if max <= 999 => (Prefix::Packed4, max),
                (
                    PrefixEncoding::Ascii
                    | PrefixEncoding::Ebcdic
                    | PrefixEncoding::Bcd
                    | PrefixEncoding::Binary,
                    _,
                ) => {
                    return Self::GENERAL;
                }
            },
        };
        let odd = match (layout.encoding, layout.odd) {
            (Encoding::Bcd, Side::Left) => Odd::Left(layout.pad),
            (Encoding::Bcd, Side::Right) => Odd::Right(layout.pad),
            (Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary | Encoding::Hex, _) => Odd::Never,
        };
        let is_hex_odd = layout.encoding == Encoding::Hex && units % 2 == 1;
        let has_parts = layout.composite.is_some();
        let is_packed = layout.encoding == Encoding::Bcd;
        let is_hex = layout.encoding == Encoding::Hex;
        let joins = check.takes(prefix);
        let step = Self { prefix, check, odd, has_parts, is_packed, is_hex, joins, units };
        if is_hex_odd { Self::GENERAL } else { step }
    }

    /// The table of a dialect.
    pub fn all(layouts: &[Option<Layout>; 129]) -> Box<[Self; 129]> {
        Box::new(layouts.map(|layout| layout.as_ref().map_or(Self::GENERAL, Self::of)))
    }
}

impl Check {
    #[inline]
    fn holds(self, bytes: &[u8]) -> bool {
        match self {
            Self::Nothing | Self::PackedTrack => true,
            Self::Ascii(class) => class.allows(bytes),
            Self::Ebcdic(class) => class.allows_ebcdic(bytes),
            Self::Packed => all_bcd_digits(bytes),
        }
    }

    /// Whether the digits of a prefix may stand in a run of such bytes.
    const fn takes(self, prefix: Prefix) -> bool {
        match (self, prefix) {
            (Self::Nothing | Self::PackedTrack, _) | (_, Prefix::Fixed) => true,
            (Self::Ascii(class), Prefix::Ascii1 | Prefix::Ascii2 | Prefix::Ascii3) => {
                !matches!(class, Class::Alphabetic)
            }
            (Self::Packed, Prefix::Packed2 | Prefix::Packed4) => true,
            (Self::Ascii(_) | Self::Ebcdic(_) | Self::Packed, _) => false,
        }
    }
}
