//! Fields become bytes. Strict: a value that does not fit is an error, never cut; padding is the dialect's alone.

use crate::bitmap::FieldSet;
use crate::class::Class;
use crate::dialect::Dialect;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::error::{EncodeError, EncodeErrorKind as Kind};
use crate::fields::Fields;
use crate::layout::{Counts, Encoding, Fill, Layout, Length, PrefixEncoding, Side};
use crate::path::FieldPath;
use crate::value::{HEX_DIGITS, Value};

impl Dialect {
    /// Appends the message with these fields to `out`. A field 64 or 128 is encoded like any other; see
    /// [`Dialect::encode_with_mac`] for a message that still needs one.
    ///
    /// # Errors
    /// [`EncodeError`] with the field and the rule; `out` is then as it was.
    pub fn encode(&self, fields: &Fields, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let result = self.encode_parts(fields, fields.numbers(), out, start);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Appends message type, the bitmap of `announced`, and the fields.
    pub(crate) fn encode_parts(
        &self,
        fields: &Fields,
        announced: FieldSet,
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), EncodeError> {
        match self.mti {
            MtiEncoding::Ascii => out.extend_from_slice(fields.mti().as_ascii()),
            MtiEncoding::Bcd => out.extend_from_slice(&fields.mti().to_bcd()),
        }
        let (primary, secondary) = announced.to_words();
        for word in std::iter::once(primary).chain(secondary) {
            match self.bitmap {
                BitmapEncoding::Binary => out.extend_from_slice(&word.to_be_bytes()),
                BitmapEncoding::Hex => word.to_be_bytes().iter().for_each(|&byte| push_hex(byte, out)),
            }
        }
        for (de, text) in fields.iter() {
            self.encode_field(de, text, out)?;
        }
        if out.len() - start > usize::from(u16::MAX) {
            return Err(EncodeError { kind: Kind::MessageTooLong, path: FieldPath::MTI });
        }
        Ok(())
    }

    fn encode_field(&self, de: u8, text: &str, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let field_error = |kind| EncodeError::field(kind, de);
        let layout = self.layout(de).ok_or(field_error(Kind::FieldUndefined))?;
        let text = text.as_bytes();
        let is_pairs = layout.encoding != Encoding::Binary || text.len().is_multiple_of(2);
        if !is_pairs || !layout.class.allows(text) {
            return Err(field_error(Kind::CharacterInvalid));
        }
        let units = if layout.encoding == Encoding::Binary { text.len() / 2 } else { text.len() };
        let filling = match layout.length {
            Length::Fixed { units: fixed } => {
                let missing = usize::from(fixed).checked_sub(units).ok_or(field_error(Kind::TooLong))?;
                if missing > 0 && layout.fill == Fill::None {
                    return Err(field_error(Kind::TooShort));
                }
                missing
            }
            Length::Variable { prefix, digits, counts, max } => {
                if units > usize::from(max) {
                    return Err(field_error(Kind::TooLong));
                }
                let count = if counts == Counts::Bytes { layout.wire_bytes(units) } else { units };
                push_prefix(prefix, digits, count, out);
                0
            }
        };
        let zeros = if layout.fill == Fill::ZerosLeft { filling } else { 0 };
        let spaces = filling - zeros;
        let characters = std::iter::repeat_n(b'0', zeros)
            .chain(text.iter().copied())
            .chain(std::iter::repeat_n(b' ', spaces));
        push_content(layout, units + filling, characters, out);
        match self.composite(de) {
            Some(composite) => composite
                .check(text.len(), |at| text.get(at).copied().unwrap_or(0))
                .map_err(|content| EncodeError { kind: content.encode_kind(), path: content.path(de) }),
            None => Ok(()),
        }
    }

    /// Whether a value that was received is the one that was sent, in the form the dialect fills it to.
    pub(crate) fn same_value(&self, de: u8, sent: &str, received: &Value<'_>) -> bool {
        let filling = received.len().saturating_sub(sent.len());
        let fill = self.layout(de).map_or(Fill::None, |layout| layout.fill);
        match fill {
            Fill::None => received.eq_text(sent),
            Fill::ZerosLeft => {
                std::iter::repeat_n(b'0', filling).chain(sent.bytes()).eq(received.characters())
            }
            Fill::SpacesRight => {
                sent.bytes().chain(std::iter::repeat_n(b' ', filling)).eq(received.characters())
            }
        }
    }
}

fn push_content(layout: &Layout, units: usize, characters: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    let mut characters = characters;
    match layout.encoding {
        Encoding::Ascii | Encoding::Hex => out.extend(characters),
        Encoding::Binary => push_nibbles(characters.map(hex_value), out),
        Encoding::Bcd => {
            if layout.class == Class::SignedNumeric {
                out.extend(characters.next());
            }
            let padded = layout.is_padded(units);
            let left = (padded && layout.odd == Side::Left).then_some(layout.pad);
            let right = (padded && layout.odd == Side::Right).then_some(layout.pad);
            // The characters of packed classes are 0x30 to 0x3f.
            push_nibbles(left.into_iter().chain(characters.map(|c| c & 15)).chain(right), out);
        }
    }
}

fn push_nibbles(mut nibbles: impl Iterator<Item = u8>, out: &mut Vec<u8>) {
    while let (Some(high), Some(low)) = (nibbles.next(), nibbles.next()) {
        out.push(high << 4 | low);
    }
}

/// The value of an upper-case hexadecimal digit; the class has been checked.
const fn hex_value(digit: u8) -> u8 {
    if digit.is_ascii_digit() { digit & 15 } else { (digit & 15) + 9 }
}

pub(crate) fn push_hex(byte: u8, out: &mut Vec<u8>) {
    out.extend([HEX_DIGITS[usize::from(byte >> 4)], HEX_DIGITS[usize::from(byte & 15)]]);
}

/// The compiler has made sure that the prefix can count to the field's maximum.
fn push_prefix(prefix: PrefixEncoding, digits: u8, count: usize, out: &mut Vec<u8>) {
    let digit = |place: u32| (count / 10_usize.pow(place) % 10) as u8;
    let digits = u32::from(digits);
    match prefix {
        PrefixEncoding::Ascii => out.extend((0..digits).rev().map(|place| b'0' + digit(place))),
        PrefixEncoding::Bcd => {
            push_nibbles((0..digits.next_multiple_of(2)).rev().map(digit), out);
        }
        PrefixEncoding::Binary => out.extend((0..digits).rev().map(|place| (count >> (8 * place)) as u8)),
    }
}
