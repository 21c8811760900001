//! Bytes become a message, or an error that says where. Strict: what is not fully understood is refused, so that
//! whatever is accepted encodes to the same bytes again. Nothing is allocated.

use crate::bitmap::FieldSet;
use crate::class::{Class, all_bcd_digits};
use crate::dialect::Dialect;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::error::{DecodeError, DecodeErrorKind as Kind};
use crate::layout::{Counts, Encoding, Layout, Length, PrefixEncoding, Side};
use crate::message::{Message, Slot};
use crate::mti::Mti;
use crate::path::FieldPath;
use crate::value::Raw;

impl Dialect {
    /// Decodes a message, from its message type identifier to its last byte.
    ///
    /// # Errors
    /// [`DecodeError`] with field, byte offset and kind, and no byte of the message: for a message that ends
    /// early or late, an undefined field, a length over the maximum, a character outside the field's class, a
    /// wrong pad nibble, a part that is undefined, repeated or cut.
    pub fn decode<'a>(&'a self, bytes: &'a [u8]) -> Result<Message<'a>, DecodeError> {
        if bytes.len() > usize::from(u16::MAX) {
            return Err(error(Kind::MessageTooLong, FieldPath::MTI, usize::from(u16::MAX)));
        }
        let mut reader = Reader { bytes, at: 0 };
        let mti = self.read_mti(&mut reader)?;
        let fields = self.read_bitmap(&mut reader)?;
        let mut message = Message { dialect: self, bytes, mti, fields, slots: [Slot::default(); 129] };
        for de in fields {
            let Some(layout) = self.layout(de) else {
                return Err(error(Kind::FieldUndefined, FieldPath::field(de), reader.at));
            };
            let slot = read_field(layout, de, &mut reader)?;
            if layout.composite.is_some() {
                self.check_parts(layout, de, bytes, slot)?;
            }
            message.slots[usize::from(de)] = slot;
        }
        if reader.at != bytes.len() {
            let last = fields.last().map_or(FieldPath::BITMAP, FieldPath::field);
            return Err(error(Kind::TrailingBytes, last, reader.at));
        }
        Ok(message)
    }

    fn read_mti(&self, reader: &mut Reader<'_>) -> Result<Mti, DecodeError> {
        let mti = match self.mti {
            MtiEncoding::Ascii => Mti::from_ascii(reader.take(4, FieldPath::MTI)?),
            MtiEncoding::Bcd => {
                let bytes = reader.take(2, FieldPath::MTI)?;
                Mti::from_bcd([bytes[0], bytes[1]])
            }
        };
        mti.ok_or(error(Kind::MtiInvalid, FieldPath::MTI, 0))
    }

    /// Reads one bitmap, and the second if bit 1 of the first announces it.
    fn read_bitmap(&self, reader: &mut Reader<'_>) -> Result<FieldSet, DecodeError> {
        let start = reader.at;
        let primary = self.read_bitmap_word(reader)?;
        if primary >> 63 == 0 {
            return Ok(FieldSet::from_words(primary, 0));
        }
        let secondary = self.read_bitmap_word(reader)?;
        if secondary == 0 {
            return Err(error(Kind::SecondaryBitmapEmpty, FieldPath::BITMAP, start));
        }
        Ok(FieldSet::from_words(primary & !(1 << 63), secondary))
    }

    fn read_bitmap_word(&self, reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
        let start = reader.at;
        let width = match self.bitmap {
            BitmapEncoding::Binary => 8,
            BitmapEncoding::Hex => 16,
        };
        let bytes = reader.take(width, FieldPath::BITMAP)?;
        if self.bitmap == BitmapEncoding::Binary {
            return Ok(bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        let mut word = 0;
        for (index, &digit) in bytes.iter().enumerate() {
            let nibble = match digit {
                b'0'..=b'9' => digit - b'0',
                b'A'..=b'F' => digit - b'A' + 10,
                // Lower case too: the same message must not have two forms.
                _ => return Err(error(Kind::BitmapInvalid, FieldPath::BITMAP, start + index)),
            };
            word = word << 4 | u64::from(nibble);
        }
        Ok(word)
    }

    fn check_parts(&self, layout: &Layout, de: u8, bytes: &[u8], slot: Slot) -> Result<(), DecodeError> {
        let (Some(composite), Some(content)) = (self.composite(de), bytes.get(slot.range())) else {
            return Ok(());
        };
        let packed = layout.encoding == Encoding::Bcd;
        let units = if packed { content.len() * 2 - usize::from(slot.is_odd()) } else { content.len() };
        let raw = Raw::new(layout, content, units);
        composite.check(units, |at| raw.character(at)).map_err(|content| {
            let offset = usize::from(slot.start) + raw.byte_of(content.character);
            error(content.decode_kind(), content.path(de), offset)
        })
    }
}

#[inline]
fn read_field(layout: &Layout, de: u8, reader: &mut Reader<'_>) -> Result<Slot, DecodeError> {
    let path = FieldPath::field(de);
    let (units, length) = match layout.length {
        Length::Fixed { units } => (usize::from(units), layout.wire_bytes(usize::from(units))),
        Length::Variable { prefix, counts, max, .. } => {
            let at = reader.at;
            let count = read_prefix(prefix, reader.take(layout.prefix_bytes(), path)?).ok_or(error(
                Kind::LengthInvalid,
                path,
                at,
            ))?;
            let by_bytes = counts == Counts::Bytes && layout.encoding == Encoding::Bcd;
            let most = if by_bytes { usize::from(max).div_ceil(2) } else { usize::from(max) };
            if count > most {
                return Err(error(Kind::LengthOverMaximum, path, at));
            }
            if by_bytes {
                let content = reader.peek(count, path)?;
                (counted_digits(layout, content, max, path, reader.at)?, count)
            } else {
                (count, layout.wire_bytes(count))
            }
        }
    };
    let start = reader.at;
    let content = reader.take(length, path)?;
    if !is_content(layout, content, units) {
        return Err(bad_content(layout, content, units, path, start));
    }
    Ok(Slot::new(start, length, layout.is_padded(units)))
}

/// How many digits a packed value has whose prefix counts bytes: one less where it is padded.
fn counted_digits(
    layout: &Layout,
    content: &[u8],
    max: u16,
    path: FieldPath,
    at: usize,
) -> Result<usize, DecodeError> {
    let pad_nibble = match layout.odd {
        Side::Left => content.first().map(|byte| byte >> 4),
        Side::Right => content.last().map(|byte| byte & 15),
    };
    let digits = content.len() * 2 - usize::from(pad_nibble == Some(layout.pad));
    if digits > usize::from(max) {
        return Err(error(Kind::LengthOverMaximum, path, at));
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
fn bad_content(layout: &Layout, content: &[u8], units: usize, path: FieldPath, start: usize) -> DecodeError {
    let raw = Raw::new(layout, content, units);
    let bad = (0..units).find(|&index| !layout.class.allows_at(index, raw.character(index)));
    let (kind, byte) = match (bad, layout.encoding, layout.odd) {
        (Some(index), _, _) => (Kind::CharacterInvalid, raw.byte_of(index)),
        (None, _, Side::Left) => (Kind::PadInvalid, 0),
        (None, _, Side::Right) => (Kind::PadInvalid, content.len().saturating_sub(1)),
    };
    error(kind, path, start + byte)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    #[inline]
    fn peek(&self, length: usize, path: FieldPath) -> Result<&'a [u8], DecodeError> {
        let rest = &self.bytes[self.at..];
        rest.get(..length).ok_or(DecodeError {
            kind: Kind::Truncated,
            path,
            offset: self.at as u32,
            needed: length as u32,
            have: rest.len() as u32,
        })
    }

    #[inline]
    fn take(&mut self, length: usize, path: FieldPath) -> Result<&'a [u8], DecodeError> {
        let taken = self.peek(length, path)?;
        self.at += length;
        Ok(taken)
    }
}

#[inline]
const fn error(kind: Kind, path: FieldPath, offset: usize) -> DecodeError {
    DecodeError { kind, path, offset: offset as u32, needed: 0, have: 0 }
}
