//! What reading the quick way needs to know of a field.

use super::{Odd, Prefix};
use crate::class::{Class, all_bcd_digits};
use crate::layout::{Encoding, Layout};

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReadStep {
    pub prefix: Prefix,
    pub check: Check,
    pub odd: Odd,
    /// Whether the field has parts.
    pub has_parts: bool,
    /// Whether two characters are one byte, or it takes two to write one.
    pub is_packed: bool,
    pub is_hex: bool,
    /// Whether the value, prefix and all, goes on with a run of the same characters.
    pub joins: bool,
    /// The units of a fixed field, or the most of a variable one.
    pub units: u16,
}

/// What the bytes of a run may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
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

impl ReadStep {
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

    /// `None` if the field is written in a rarer way.
    pub fn of(layout: &Layout) -> Option<Self> {
        let (prefix, units) = Prefix::of(layout)?;
        let check = Check::of(layout);
        let is_hex = layout.encoding == Encoding::Hex;
        // Two digits a byte, so that a fixed field of an odd number is always a fault.
        if is_hex && units % 2 == 1 {
            return None;
        }
        Some(Self {
            prefix,
            check,
            odd: Odd::of(layout),
            has_parts: layout.composite.is_some(),
            is_packed: layout.encoding == Encoding::Bcd,
            is_hex,
            joins: check.takes(prefix),
            units,
        })
    }
}

impl Check {
    const fn of(layout: &Layout) -> Self {
        match (layout.encoding, layout.class) {
            (Encoding::Binary, _) => Self::Nothing,
            (Encoding::Bcd, Class::Track) => Self::PackedTrack,
            (Encoding::Bcd, _) => Self::Packed,
            // In hexadecimal one of an odd number is a fault: seen where its length is read.
            (Encoding::Ascii | Encoding::Hex, class) => Self::Ascii(class),
            (Encoding::Ebcdic, class) => Self::Ebcdic(class),
        }
    }

    #[inline]
    pub fn holds(self, bytes: &[u8]) -> bool {
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
