//! Fields become bytes. Strict: a value that does not fit is an error, never cut; padding is the dialect's alone.

use zeroize::Zeroizing;

use crate::bitmap::FieldSet;
use crate::class::Class;
use crate::dialect::Dialect;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::ebcdic;
use crate::encode_error::{EncodeError, EncodeErrorKind as Kind};
use crate::fields::Fields;
use crate::layout::{Counts, Encoding, Fill, Layout, Length, PrefixEncoding, Side};
use crate::path::FieldPath;
use crate::raw::{HEX_DIGITS, Raw, digits_of_halves, eight_of_four, hex_value};
use crate::value::Value;

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
            MtiEncoding::Ebcdic => out.extend(fields.mti().as_ascii().map(ebcdic::of_ascii)),
            MtiEncoding::Bcd => out.extend_from_slice(&fields.mti().to_bcd()),
        }
        let (primary, secondary) = announced.to_words();
        for word in std::iter::once(primary).chain(secondary) {
            push_bitmap_word(self.bitmap, word, out);
        }
        let head = out.len();
        if self.write_quickly(fields, out).is_none() {
            out.truncate(head);
            for (de, text) in fields.iter() {
                self.encode_field(de, text.as_bytes(), out)?;
            }
        }
        if out.len() - start > usize::from(u16::MAX) {
            return Err(EncodeError { kind: Kind::MessageTooLong, path: FieldPath::MTI });
        }
        Ok(())
    }

    pub(crate) fn encode_field(&self, de: u8, text: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let field_error = |kind| EncodeError::field(kind, de);
        let layout = self.layout(de).ok_or(field_error(Kind::FieldUndefined))?;
        let (start, units) = push_value(layout, text, out).map_err(field_error)?;
        let Some(composite) = self.composite(de) else { return Ok(()) };
        composite
            .check(Raw::new(layout, &out[start..], units), layout.characters_of(units))
            .map_err(|content| EncodeError { kind: content.encode_kind(), path: content.path(de) })
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

/// Appends length prefix and value, filled as the layout says. Tells where the value starts, and its units.
pub(crate) fn push_value(layout: &Layout, text: &[u8], out: &mut Vec<u8>) -> Result<(usize, usize), Kind> {
    let is_whole_bytes = layout.class != Class::Binary || text.len().is_multiple_of(2);
    if !is_whole_bytes || !layout.class.allows(text) {
        return Err(Kind::CharacterInvalid);
    }
    let units = if layout.encoding == Encoding::Binary { text.len() / 2 } else { text.len() };
    let filling = match layout.length {
        Length::Fixed { units: fixed } => {
            let missing = usize::from(fixed).checked_sub(units).ok_or(Kind::TooLong)?;
            if missing > 0 && layout.fill == Fill::None {
                return Err(Kind::TooShort);
            }
            missing
        }
        Length::Variable { prefix, digits, counts, max, .. } => {
            if units > usize::from(max) {
                return Err(Kind::TooLong);
            }
            let count = if counts == Counts::Bytes { layout.wire_bytes(units) } else { units };
            push_prefix(prefix, digits, count, out);
            0
        }
    };
    let start = out.len();
    let filled = filled(text, filling, layout.fill);
    push_content(layout, filled.as_ref().map_or(text, |filled| filled.as_slice()), out);
    Ok((start, units + filling))
}

/// The text with as many fill characters as it lacks; `None` if it lacks none.
fn filled(text: &[u8], lacking: usize, fill: Fill) -> Option<Zeroizing<Vec<u8>>> {
    if lacking == 0 {
        return None;
    }
    let (at, character) = if fill == Fill::ZerosLeft { (lacking, b'0') } else { (0, b' ') };
    let mut filled = Zeroizing::new(vec![character; text.len() + lacking]);
    filled[at..at + text.len()].copy_from_slice(text);
    Some(filled)
}

/// Appends characters that have been checked, in the field's encoding.
pub(crate) fn push_content(layout: &Layout, text: &[u8], out: &mut Vec<u8>) {
    match (layout.encoding, layout.class, text) {
        (Encoding::Ascii | Encoding::Hex, _, _) => out.extend_from_slice(text),
        (Encoding::Ebcdic, _, _) => out.extend(text.iter().map(|character| ebcdic::of_ascii(*character))),
        (Encoding::Binary, _, _) => {
            push_octets(text, out);
        }
        (Encoding::Bcd, Class::SignedNumeric, [sign, digits @ ..]) => {
            out.push(*sign);
            push_packed(digits, out);
        }
        (Encoding::Bcd, _, _) if !layout.is_padded(text.len()) => push_packed(text, out),
        (Encoding::Bcd, _, [first, rest @ ..]) if layout.odd == Side::Left => {
            out.push(layout.pad << 4 | first & 15);
            push_packed(rest, out);
        }
        (Encoding::Bcd, _, [rest @ .., last]) => {
            push_packed(rest, out);
            out.push((last & 15) << 4 | layout.pad);
        }
        // An odd number of characters is not none.
        (Encoding::Bcd, _, []) => {}
    }
}

/// Two characters a byte. Those of packed classes are 0x30 to 0x3f.
pub(crate) fn push_packed(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.as_chunks().0.iter().map(|[high, low]| high << 4 | low & 15));
}

/// Two hexadecimal digits a byte; their class has been checked.
pub(crate) fn push_octets(text: &[u8], out: &mut Vec<u8>) {
    out.extend(text.as_chunks().0.iter().map(|[high, low]| hex_value(*high) << 4 | hex_value(*low)));
}

/// Appends one bitmap.
pub(crate) fn push_bitmap_word(encoding: BitmapEncoding, word: u64, out: &mut Vec<u8>) {
    match encoding {
        BitmapEncoding::Binary => out.extend_from_slice(&word.to_be_bytes()),
        BitmapEncoding::Hex => out.extend_from_slice(&word_digits(word)),
        BitmapEncoding::EbcdicHex => out.extend_from_slice(&word_digits(word).map(ebcdic::of_ascii)),
    }
}

fn word_digits(word: u64) -> [u8; 16] {
    let [high, low] =
        [word >> 32, word & 0xFFFF_FFFF].map(|half| digits_of_halves(eight_of_four(half as u32)));
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

pub(crate) fn push_hex(byte: u8, out: &mut Vec<u8>) {
    out.extend(hex_digits(byte));
}

fn hex_digits(byte: u8) -> [u8; 2] {
    [HEX_DIGITS[usize::from(byte >> 4)], HEX_DIGITS[usize::from(byte & 15)]]
}

/// The compiler has made sure that the prefix can count to the field's maximum.
pub(crate) fn push_prefix(prefix: PrefixEncoding, digits: u8, count: usize, out: &mut Vec<u8>) {
    // Its four decimal digits, of which the last count.
    let decimal =
        [count / 1_000 % 10, count / 100 % 10, count / 10 % 10, count % 10].map(|digit| digit as u8);
    let last = decimal.len() - usize::from(digits).min(decimal.len());
    match prefix {
        PrefixEncoding::Ascii => out.extend_from_slice(&decimal.map(|digit| b'0' + digit)[last..]),
        PrefixEncoding::Ebcdic => out.extend_from_slice(&decimal.map(|digit| 0xf0 + digit)[last..]),
        PrefixEncoding::Bcd => {
            let packed = [decimal[0] << 4 | decimal[1], decimal[2] << 4 | decimal[3]];
            out.extend_from_slice(&packed[last / 2..]);
        }
        PrefixEncoding::Binary => {
            let bytes = (count as u32).to_be_bytes();
            out.extend_from_slice(&bytes[bytes.len() - usize::from(digits).min(bytes.len())..]);
        }
    }
}
