//! The text of a field, put together from its parts.

use zeroize::Zeroizing;

use crate::composite::{Composite, Form, ber_tlv};
use crate::dialect::Dialect;
use crate::document::BitmapEncoding;
use crate::ebcdic;
use crate::encode::{push_hex, push_value};
use crate::encode_error::{EncodeError, EncodeErrorKind as Kind};
use crate::layout::{Encoding, Layout};
use crate::path::{FieldPath, Place, Segment};

/// A part to be written: where, and its text.
type Item<'a> = (Vec<Segment>, &'a str);

impl Dialect {
    /// The text of field `de` made of these parts, each with its path below the field and its text: `("9F02",
    /// "000000001250")`, `("70.9F26", …)`. They are written in the order given, parts behind a bitmap in that of their
    /// numbers; lengths and tags are added. Parts of one constructed tag stand next to each other.
    ///
    /// # Errors
    /// [`EncodeError`] with the part and the rule it breaks; [`EncodeErrorKind::PartUndefined`](Kind::PartUndefined) also for
    /// a field without parts.
    pub fn compose(&self, de: u8, parts: &[(&str, &str)]) -> Result<Zeroizing<String>, EncodeError> {
        let undefined = EncodeError::field(Kind::PartUndefined, de);
        let (layout, composite) = self.layout(de).zip(self.composite(de)).ok_or(undefined)?;
        let items = parts.iter().map(|(path, text)| {
            let place = Place::parse(path)
                .filter(|place| matches!(composite.form, Form::BerTlv { .. }) || place.level() == 1);
            Ok((place.ok_or(undefined)?.segments().copied().collect(), *text))
        });
        let items: Vec<Item<'_>> = items.collect::<Result<_, EncodeError>>()?;
        let mut out = Zeroizing::new(Vec::new());
        let error = |kind, segments: &[Segment]| EncodeError {
            kind,
            path: FieldPath::part(
                de,
                segments.iter().fold(Place::default(), |p, s| p.with(s.id, s.occurrence)),
            ),
        };
        match composite.form {
            Form::Positional => items.iter().for_each(|(_, text)| out.extend_from_slice(text.as_bytes())),
            Form::Tagged { length_digits, .. } => tagged(&items, length_digits.into(), &mut out, &error)?,
            Form::BerTlv { .. } => ber(&items, 0, &mut out, &error)?,
            Form::Bitmap { encoding, bytes } => {
                by_bitmap(composite, items, encoding, bytes.into(), &mut out, &error)?;
                to_text(layout, &mut out);
            }
        }
        let text = std::str::from_utf8(&out).map_err(|_| EncodeError::field(Kind::CharacterInvalid, de))?;
        // What was put together is what its field holds, with every part where it was meant to be.
        self.encode_field(de, text.as_bytes(), &mut Zeroizing::new(Vec::new()))?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

type ErrorAt<'a> = &'a dyn Fn(Kind, &[Segment]) -> EncodeError;

fn tagged(
    items: &[Item<'_>],
    digits: usize,
    out: &mut Vec<u8>,
    error: ErrorAt<'_>,
) -> Result<(), EncodeError> {
    for (place, text) in items {
        let length = format!("{:0digits$}", text.len());
        let tag =
            place.last().filter(|_| length.len() == digits).ok_or_else(|| error(Kind::TooLong, place))?;
        out.extend_from_slice(tag.id.as_str().as_bytes());
        out.extend_from_slice(length.as_bytes());
        out.extend_from_slice(text.as_bytes());
    }
    Ok(())
}

/// Tags at one level; those that begin alike are inside the same constructed tag.
fn ber(items: &[Item<'_>], level: usize, out: &mut Vec<u8>, error: ErrorAt<'_>) -> Result<(), EncodeError> {
    for group in
        items.chunk_by(|(a, _), (b, _)| a.len() > level + 1 && b.len() > level + 1 && a[level] == b[level])
    {
        let Some((place, text)) = group.first() else { continue };
        let tag = place.get(level).map(|segment| segment.id).unwrap_or_default();
        if ber_tlv::key(tag.as_str()).is_none() {
            return Err(error(Kind::PartTagInvalid, place));
        }
        let mut value = Zeroizing::new(Vec::new());
        if place.len() > level + 1 {
            ber(group, level + 1, &mut value, error)?;
        } else {
            value.extend_from_slice(text.as_bytes());
        }
        if !value.len().is_multiple_of(2) {
            return Err(error(Kind::CharacterInvalid, place));
        }
        out.extend_from_slice(tag.as_str().as_bytes());
        let length = (value.len() / 2) as u32;
        let bytes = length.to_be_bytes();
        match length {
            0..=0x7f => push_hex(bytes[3], out),
            0x80..=0xff => [0x81, bytes[3]].iter().for_each(|byte| push_hex(*byte, out)),
            _ => [0x82, bytes[2], bytes[3]].iter().for_each(|byte| push_hex(*byte, out)),
        }
        out.extend_from_slice(&value);
    }
    Ok(())
}

fn by_bitmap(
    composite: &Composite,
    mut items: Vec<Item<'_>>,
    encoding: BitmapEncoding,
    bytes: u32,
    out: &mut Vec<u8>,
    error: ErrorAt<'_>,
) -> Result<(), EncodeError> {
    let number =
        |place: &[Segment]| place.first().and_then(|segment| segment.id.as_str().parse::<u32>().ok());
    items.sort_by_key(|(place, _)| number(place));
    let mut bitmap = 0_u128;
    let mut content = Zeroizing::new(Vec::new());
    for (place, text) in &items {
        let part = place.first().and_then(|segment| composite.parts.get(composite.position(segment.id)?));
        let defined = part.and_then(|part| part.layout.as_ref()).zip(number(place));
        let (layout, number) = defined.ok_or_else(|| error(Kind::PartUndefined, place))?;
        let bit = 1 << (bytes * 8 - number);
        if bitmap & bit != 0 {
            return Err(error(Kind::PartRepeated, place));
        }
        bitmap |= bit;
        push_value(layout, text.as_bytes(), &mut content).map_err(|kind| error(kind, place))?;
    }
    let bitmap = bitmap.to_be_bytes();
    let bitmap = &bitmap[bitmap.len() - bytes as usize..];
    let from = out.len();
    match encoding {
        BitmapEncoding::Binary => out.extend_from_slice(bitmap),
        BitmapEncoding::Hex | BitmapEncoding::EbcdicHex => {
            bitmap.iter().for_each(|byte| push_hex(*byte, out))
        }
    }
    if encoding == BitmapEncoding::EbcdicHex {
        out[from..].iter_mut().for_each(|digit| *digit = ebcdic::of_ascii(*digit));
    }
    out.extend_from_slice(&content);
    Ok(())
}

/// Bytes as they are sent become the field's text.
fn to_text(layout: &Layout, out: &mut Zeroizing<Vec<u8>>) {
    match layout.encoding {
        Encoding::Ebcdic => out.iter_mut().for_each(|byte| *byte = ebcdic::to_ascii(*byte)),
        Encoding::Binary => {
            let mut digits = Zeroizing::new(Vec::with_capacity(out.len() * 2));
            out.iter().for_each(|byte| push_hex(*byte, &mut digits));
            *out = digits;
        }
        Encoding::Ascii | Encoding::Hex | Encoding::Bcd => {}
    }
}
