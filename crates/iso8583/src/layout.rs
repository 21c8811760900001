//! One row of the compiled table: everything the codec needs to know of a field, flat and `Copy`.

use serde::Deserialize;

use crate::class::Class;
use crate::mask::Sensitivity;

/// How characters become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// One byte a character.
    Ascii,
    /// One byte a character, in code page 37.
    Ebcdic,
    /// Two characters a byte.
    Bcd,
    /// Bytes as they are.
    Binary,
    /// Bytes as upper-case hexadecimal digits, two characters a byte.
    Hex,
}

/// How a length prefix is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PrefixEncoding {
    Ascii,
    Ebcdic,
    Bcd,
    Binary,
}

/// What a length prefix counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Counts {
    /// Characters of the value: digits of a number.
    Digits,
    /// Bytes of the value on the wire.
    Bytes,
}

/// On which side of an odd packed number the pad nibble stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Left,
    Right,
}

/// How a value that is shorter than its fixed field is filled when it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fill {
    /// Not at all: a short value is an error.
    #[default]
    None,
    ZerosLeft,
    SpacesRight,
}

/// A field's length. `units` are characters on the wire: bytes for binary fields, digits or characters otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Fixed {
        units: u16,
    },
    /// A prefix of `digits` digits (bytes, if it is binary) that takes `width` bytes.
    Variable {
        prefix: PrefixEncoding,
        digits: u8,
        width: u8,
        counts: Counts,
        max: u16,
    },
}

impl Length {
    /// A length that any value may have.
    pub const fn variable(self) -> Self {
        let max = match self {
            Self::Fixed { units } | Self::Variable { max: units, .. } => units,
        };
        Self::Variable { prefix: PrefixEncoding::Binary, digits: 2, width: 2, counts: Counts::Digits, max }
    }
}

/// A compiled field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub class: Class,
    pub encoding: Encoding,
    pub length: Length,
    pub odd: Side,
    /// The pad nibble, 0 to 15.
    pub pad: u8,
    pub fill: Fill,
    pub sensitivity: Sensitivity,
    /// Index of the field's parts in the dialect's table of composites.
    pub composite: Option<u16>,
}

impl Layout {
    /// How many bytes `units` take on the wire.
    #[inline]
    pub const fn wire_bytes(&self, units: usize) -> usize {
        match (self.encoding, self.class) {
            // The sign is a byte of its own, and the compiler has seen to an even number of digits.
            (Encoding::Bcd, Class::SignedNumeric) => units / 2 + 1,
            (Encoding::Bcd, _) => units.div_ceil(2),
            (Encoding::Ascii | Encoding::Ebcdic | Encoding::Binary | Encoding::Hex, _) => units,
        }
    }

    /// The fewest bytes that the field takes: an empty variable one is its prefix.
    pub const fn least_bytes(&self) -> usize {
        match self.length {
            Length::Fixed { units } => self.wire_bytes(units as usize),
            Length::Variable { width, .. } => width as usize,
        }
    }

    /// How many units a value of so many bytes has; `is_odd` says that a packed one ends in half a byte.
    #[inline]
    pub const fn units_of(&self, bytes: usize, is_odd: bool) -> usize {
        match (self.length, self.encoding) {
            (Length::Fixed { units }, _) => units as usize,
            (Length::Variable { .. }, Encoding::Bcd) => bytes * 2 - is_odd as usize,
            (Length::Variable { .. }, _) => bytes,
        }
    }

    /// How many characters so many units are in text form: of bytes that are sent as they are, two each.
    #[inline]
    pub const fn characters_of(&self, units: usize) -> usize {
        if matches!(self.encoding, Encoding::Binary) { units * 2 } else { units }
    }

    /// The longest value, in characters of its text form.
    pub const fn max_characters(&self) -> usize {
        let units = match self.length {
            Length::Fixed { units } => units as usize,
            Length::Variable { max, .. } => max as usize,
        };
        self.characters_of(units)
    }

    /// Whether a value of so many units has a pad nibble.
    #[inline]
    pub const fn is_padded(&self, units: usize) -> bool {
        matches!(self.encoding, Encoding::Bcd)
            && !matches!(self.class, Class::SignedNumeric)
            && units & 1 == 1
    }
}
