//! Reading characters from the bytes of a field, whatever their encoding.

use crate::class::Class;
use crate::ebcdic;
use crate::layout::{Encoding, Layout, Side};

/// The bytes of a field, without length prefix, and how to read characters from them.
#[derive(Clone, Copy)]
pub(crate) struct Raw<'a> {
    pub bytes: &'a [u8],
    pub encoding: Encoding,
    /// Whether the first byte is a sign before packed digits.
    signed: bool,
    /// How many nibbles to skip at the front: 1 where an odd number is padded on the left.
    skip: u16,
}

impl<'a> Raw<'a> {
    pub fn new(layout: &Layout, bytes: &'a [u8], units: usize) -> Self {
        let signed = layout.class == Class::SignedNumeric;
        let skip = u16::from(layout.is_padded(units) && layout.odd == Side::Left);
        Self { bytes, encoding: layout.encoding, signed, skip }
    }

    /// A text whose characters are one byte each, or hexadecimal digits.
    pub const fn of_text(bytes: &'a [u8], encoding: Encoding) -> Self {
        Self { bytes, encoding, signed: false, skip: 0 }
    }

    /// The same reading of only some of the bytes, for values of whole bytes.
    pub const fn with_bytes(self, bytes: &'a [u8]) -> Self {
        Self { bytes, ..self }
    }

    /// The byte at `index` of a binary value, sent as it is or in hexadecimal.
    #[inline]
    pub fn octet(&self, index: usize) -> u8 {
        match self.encoding {
            Encoding::Binary => self.bytes.get(index).copied().unwrap_or(0),
            Encoding::Hex | Encoding::Ascii | Encoding::Ebcdic | Encoding::Bcd => {
                hex_value(self.character(index * 2)) << 4 | hex_value(self.character(index * 2 + 1))
            }
        }
    }

    /// The character at `index`; a zero byte beyond the value.
    #[inline]
    pub fn character(&self, index: usize) -> u8 {
        match self.encoding {
            Encoding::Ascii | Encoding::Hex => self.bytes.get(index).copied().unwrap_or(0),
            Encoding::Ebcdic => self.bytes.get(index).map_or(0, |byte| ebcdic::to_ascii(*byte)),
            Encoding::Bcd if self.signed && index == 0 => self.bytes.first().copied().unwrap_or(0),
            // The sign takes a whole byte and stands for one character: digits start one nibble later.
            Encoding::Bcd if self.signed => b'0' + self.nibble(index + 1),
            Encoding::Bcd => b'0' + self.nibble(index + usize::from(self.skip)),
            Encoding::Binary => HEX_DIGITS[usize::from(self.nibble(index))],
        }
    }

    /// The byte of the field that holds the character at `index`, counted from the value's first byte.
    pub fn byte_of(&self, index: usize) -> usize {
        match self.encoding {
            Encoding::Ascii | Encoding::Ebcdic | Encoding::Hex => index,
            Encoding::Bcd if self.signed => index.div_ceil(2),
            Encoding::Bcd => (index + usize::from(self.skip)) / 2,
            Encoding::Binary => index / 2,
        }
    }

    #[inline]
    fn nibble(&self, index: usize) -> u8 {
        let byte = self.bytes.get(index / 2).copied().unwrap_or(0);
        if index.is_multiple_of(2) { byte >> 4 } else { byte & 15 }
    }
}

pub(crate) const HEX_DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// The value of an upper-case hexadecimal digit; the class has been checked.
#[inline]
pub(crate) const fn hex_value(digit: u8) -> u8 {
    // Letters begin one after a multiple of sixteen.
    (digit & 15).wrapping_add((digit >> 6) * 9) & 15
}
