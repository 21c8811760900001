//! The quick way through messages without fault. Where it says no, the general way says what is wrong, or that nothing is.
//!
//! Most fields follow one another in the same characters: digits after digits. Their places come from the table and their
//! prefixes alone, so the characters of such a run are looked at together, and copied together.

mod read;
mod read_step;
mod write;
mod write_step;

use read_step::ReadStep;
use write_step::WriteStep;

use crate::class::Class;
use crate::layout::{Counts, Encoding, Layout, Length, PrefixEncoding, Side};

/// What the quick way needs to know of the fields: tables of its own, small enough to stay close.
pub(crate) struct Steps {
    read: Box<[ReadStep; 129]>,
    write: Box<[WriteStep; 129]>,
}

impl Steps {
    /// The tables of a dialect.
    pub fn of(layouts: &[Option<Layout>; 129]) -> Self {
        let read = layouts.map(|layout| layout.as_ref().and_then(ReadStep::of).unwrap_or(ReadStep::GENERAL));
        let write =
            layouts.map(|layout| layout.as_ref().and_then(WriteStep::of).unwrap_or(WriteStep::GENERAL));
        Self { read: Box::new(read), write: Box::new(write) }
    }
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

impl Prefix {
    /// With the units of a fixed field, or the most of a variable one. `None` if the field is written in a rarer way.
    fn of(layout: &Layout) -> Option<(Self, u16)> {
        if layout.class == Class::SignedNumeric {
            return None;
        }
        match layout.length {
            Length::Fixed { units } => Some((Self::Fixed, units)),
            Length::Variable { counts, .. }
                if counts == Counts::Bytes && layout.encoding == Encoding::Bcd =>
            {
                None
            }
            Length::Variable { prefix, digits, max, .. } => match (prefix, digits) {
                (PrefixEncoding::Ascii, 1) => Some((Self::Ascii1, max)),
                (PrefixEncoding::Ascii, 2) => Some((Self::Ascii2, max)),
                (PrefixEncoding::Ascii, 3) => Some((Self::Ascii3, max)),
                (PrefixEncoding::Bcd, 2) => Some((Self::Packed2, max)),
                (PrefixEncoding::Bcd, 4) => Some((Self::Packed4, max)),
                // Three digits in two bytes count to 999, and a first digit must then be zero: more than any maximum says.
                (PrefixEncoding::Bcd, 3) if max <= 999 => Some((Self::Packed4, max)),
                (
                    PrefixEncoding::Ascii
                    | PrefixEncoding::Ebcdic
                    | PrefixEncoding::Bcd
                    | PrefixEncoding::Binary,
                    _,
                ) => None,
            },
        }
    }
}

/// What fills an odd number of packed digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    Never,
    /// This nibble, on the left.
    Left(u8),
    /// This nibble, on the right.
    Right(u8),
}

impl Odd {
    const fn of(layout: &Layout) -> Self {
        match (layout.encoding, layout.odd) {
            (Encoding::Bcd, Side::Left) => Self::Left(layout.pad),
            (Encoding::Bcd, Side::Right) => Self::Right(layout.pad),
            (Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary | Encoding::Hex, _) => Self::Never,
        }
    }
}
