//! Reading one field: its length prefix, its value, and whether each character may stand there.

use crate::class::{Class, all_bcd_digits};
use crate::decode_error::{DecodeError, DecodeErrorKind as Kind};
use crate::ebcdic;
use crate::layout::{Counts, Encoding, Layout, Length, PrefixEncoding, Side};
use crate::message::Slot;
use crate::path::FieldPath;
use crate::raw::Raw;

/// Why a field cannot be read: small, as it is made for every field and used for none. Who knows the field's path makes a
/// [`DecodeError`] of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    pub kind: Kind,
    pub offset: u32,
    needed: u32,
}

impl Refusal {
    const fn new(kind: Kind, at: usize) -> Self {
        Self { kind, offset: at as u32, needed: 0 }
    }

    /// The error for a message of `length` bytes.
    #[cold]
    pub fn of(self, path: FieldPath, length: usize) -> DecodeError {
        let have = if self.needed == 0 { 0 } else { (length as u32).saturating_sub(self.offset) };
        DecodeError { kind: self.kind, path, offset: self.offset, needed: self.needed, have }
    }
}

/// Reads length prefix and value of a field, and checks every character.
#[inline]
pub(crate) fn read_field(layout: &Layout, reader: &mut Reader<'_>) -> Result<Slot, Refusal> {
    let (units, length) = match layout.length {
        Length::Fixed { units } => (usize::from(units), layout.wire_bytes(usize::from(units))),
        Length::Variable { prefix, width, counts, max, .. } => {
            let at = reader.at;
            let count = read_prefix(prefix, reader.take(usize::from(width))?)
                .ok_or(Refusal::new(Kind::LengthInvalid, at))?;
            let by_bytes = counts == Counts::Bytes && layout.encoding == Encoding::Bcd;
            let most = if by_bytes { usize::from(max).div_ceil(2) } else { usize::from(max) };
            if count > most {
                return Err(Refusal::new(Kind::LengthOverMaximum, at));
            }
            if layout.encoding == Encoding::Hex && !count.is_multiple_of(2) {
                return Err(Refusal::new(Kind::LengthInvalid, at));
            }
            if by_bytes {
                let content = reader.peek(count)?;
                (counted_digits(layout, content, max, reader.at)?, count)
            } else {
                (count, layout.wire_bytes(count))
            }
        }
    };
    let start = reader.at;
    let content = reader.take(length)?;
    if !is_content(layout, content, units) {
        return Err(bad_content(layout, content, units, start));
    }
    Ok(Slot::new(start, length, layout.is_padded(units)))
}

/// How many digits a packed value has whose prefix counts bytes: one less where it is padded.
fn counted_digits(layout: &Layout, content: &[u8], max: u16, at: usize) -> Result<usize, Refusal> {
    let pad_nibble = match layout.odd {
        Side::Left => content.first().map(|byte| byte >> 4),
        Side::Right => content.last().map(|byte| byte & 15),
    };
    let digits = content.len() * 2 - usize::from(pad_nibble == Some(layout.pad));
    if digits > usize::from(max) {
        return Err(Refusal::new(Kind::LengthOverMaximum, at));
    }
    Ok(digits)
}

#[inline]
fn read_prefix(prefix: PrefixEncoding, bytes: &[u8]) -> Option<usize> {
    let digit_by_digit = |base: usize, number: usize, digit: u8| {
        (usize::from(digit) < base).then(|| number * base + usize::from(digit))
    };
    match prefix {
        PrefixEncoding::Binary => Some(bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte))),
        PrefixEncoding::Ascii => {
            bytes.iter().try_fold(0, |number, byte| digit_by_digit(10, number, byte.wrapping_sub(b'0')))
        }
        PrefixEncoding::Ebcdic => {
            bytes.iter().try_fold(0, |number, byte| digit_by_digit(10, number, byte.wrapping_sub(0xf0)))
        }
        PrefixEncoding::Bcd => bytes.iter().try_fold(0, |number, byte| {
            digit_by_digit(10, digit_by_digit(10, number, byte >> 4)?, byte & 15)
        }),
    }
}

/// Whether the bytes are a value of the field's class, pad nibble included.
#[inline]
fn is_content(layout: &Layout, content: &[u8], units: usize) -> bool {
    match (layout.encoding, layout.class) {
        (Encoding::Binary, _) => true,
        (Encoding::Ascii | Encoding::Hex, class) => class.allows(content),
        (Encoding::Ebcdic, class) => {
            let mut characters = content.iter().map(|byte| ebcdic::to_ascii(*byte)).enumerate();
            characters.all(|(index, character)| class.allows_at(index, character))
        }
        (Encoding::Bcd, Class::SignedNumeric) => match content {
            [sign, digits @ ..] => matches!(sign, b'C' | b'D') && all_bcd_digits(digits),
            [] => false,
        },
        (Encoding::Bcd, class) => {
            let any_nibble = class == Class::Track;
            if !layout.is_padded(units) {
                return any_nibble || all_bcd_digits(content);
            }
            match (layout.odd, content) {
                (Side::Left, [first, rest @ ..]) => {
                    first >> 4 == layout.pad
                        && class.allows_nibble(first & 15)
                        && (any_nibble || all_bcd_digits(rest))
                }
                (Side::Right, [rest @ .., last]) => {
                    last & 15 == layout.pad
                        && class.allows_nibble(last >> 4)
                        && (any_nibble || all_bcd_digits(rest))
                }
                (_, []) => false,
            }
        }
    }
}

/// Finds the first byte that makes [`is_content`] false.
#[cold]
fn bad_content(layout: &Layout, content: &[u8], units: usize, start: usize) -> Refusal {
    let raw = Raw::new(layout, content, units);
    let bad = (0..units).find(|&index| !layout.class.allows_at(index, raw.character(index)));
    let (kind, byte) = match (bad, layout.encoding, layout.odd) {
        (Some(index), _, _) => (Kind::CharacterInvalid, raw.byte_of(index)),
        (None, _, Side::Left) => (Kind::PadInvalid, 0),
        (None, _, Side::Right) => (Kind::PadInvalid, content.len().saturating_sub(1)),
    };
    Refusal::new(kind, start + byte)
}

/// A place in the bytes of a message.
pub(crate) struct Reader<'a> {
    pub bytes: &'a [u8],
    pub at: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    fn peek(&self, length: usize) -> Result<&'a [u8], Refusal> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let truncated = Refusal { kind: Kind::Truncated, offset: self.at as u32, needed: length as u32 };
        rest.get(..length).ok_or(truncated)
    }

    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Refusal> {
        let taken = self.peek(length)?;
        self.at += length;
        Ok(taken)
    }
}

#[inline]
pub(crate) const fn error(kind: Kind, path: FieldPath, offset: usize) -> DecodeError {
    DecodeError { kind, path, offset: offset as u32, needed: 0, have: 0 }
}
