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

    /// Appends the first `length` characters: the whole of a value, or its beginning.
    pub fn push_characters(&self, length: usize, out: &mut Vec<u8>) {
        let before = out.len();
        match (self.encoding, self.bytes) {
            (Encoding::Binary, bytes) => {
                let both =
                    |byte: &u8| [HEX_DIGITS[usize::from(byte >> 4)], HEX_DIGITS[usize::from(byte & 15)]];
                out.extend(bytes.iter().flat_map(both));
            }
            (Encoding::Bcd, bytes) if !self.signed => {
                let bytes = match (self.skip, bytes) {
                    (1, [first, rest @ ..]) => {
                        out.push(b'0' + (first & 15));
                        rest
                    }
                    _ => bytes,
                };
                out.extend(bytes.iter().flat_map(|byte| [b'0' + (byte >> 4), b'0' + (byte & 15)]));
            }
            _ => out.extend((0..length).map(|index| self.character(index))),
        }
        // Half a byte may fill the last one.
        out.truncate(before + length);
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

/// Writes the bytes that hexadecimal digits stand for, two each; the class has been checked.
pub(crate) fn octets_of_digits(digits: &[u8], octets: &mut [u8]) {
    let (eights, rest) = digits.as_chunks::<8>();
    let (fours, last) = octets.as_chunks_mut::<4>();
    fours
        .iter_mut()
        .zip(eights)
        .for_each(|(four, eight)| *four = four_of_eight(hex_halves(u64::from_le_bytes(*eight))));
    let pairs = rest.chunks_exact(2).map(|pair| hex_value(pair[0]) << 4 | hex_value(pair[1]));
    last.iter_mut().zip(pairs).for_each(|(octet, byte)| *octet = byte);
}

/// The values of eight hexadecimal digits, each in a byte. Letters begin one after a multiple of sixteen.
#[inline]
pub(crate) const fn hex_halves(digits: u64) -> u64 {
    (digits & 0x0F0F_0F0F_0F0F_0F0F) + ((digits >> 6) & 0x0101_0101_0101_0101) * 9
}

/// Eight half bytes, each in a byte, as four bytes.
#[inline]
pub(crate) const fn four_of_eight(halves: u64) -> [u8; 4] {
    let pairs = (halves << 4 | halves >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs | pairs >> 8) & 0x0000_FFFF_0000_FFFF;
    ((fours | fours >> 16) as u32).to_le_bytes()
}

/// Four bytes as their eight half bytes, each in a byte: the highest in the highest.
#[inline]
pub(crate) const fn eight_of_four(four: u32) -> u64 {
    let fours = four as u64;
    let pairs = (fours | fours << 16) & 0x0000_FFFF_0000_FFFF;
    let bytes = (pairs | pairs << 8) & 0x00FF_00FF_00FF_00FF;
    (bytes | bytes << 4) & 0x0F0F_0F0F_0F0F_0F0F
}

/// The hexadecimal digits of eight half bytes. Adding 6 carries into the high half of those that are letters.
#[inline]
pub(crate) const fn digits_of_halves(halves: u64) -> u64 {
    let letters = (halves + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    halves + 0x3030_3030_3030_3030 + letters * 7
}
