//! Parts behind a bitmap of the field's own, each read like a field: with its own length, prefix and encoding.

use super::{Composite, Found, Kind, Span};
use crate::content_error::ContentError;
use crate::decode_error::DecodeErrorKind;
use crate::document::BitmapEncoding;
use crate::ebcdic;
use crate::path::{Place, Segment};
use crate::read_field::{Reader, read_field};

pub(crate) struct Walk<'a> {
    composite: &'a Composite,
    reader: Reader<'a>,
    encoding: BitmapEncoding,
    /// How many bits the bitmap has.
    bits: u32,
    /// What is still to be read, its next part at the highest bit; `None` before the bitmap has been.
    announced: Option<u128>,
    number: u32,
}

impl<'a> Walk<'a> {
    pub fn new(
        composite: &'a Composite,
        bytes: &'a [u8],
        encoding: BitmapEncoding,
        bitmap_bytes: u32,
    ) -> Self {
        let reader = Reader { bytes, at: 0 };
        Self { composite, reader, encoding, bits: bitmap_bytes * 8, announced: None, number: 0 }
    }

    pub fn next(&mut self) -> Option<Result<Found, ContentError>> {
        let mut announced = match self.announced {
            Some(announced) => announced,
            // A value without a byte has no bitmap and no parts.
            None if self.reader.bytes.is_empty() => return None,
            None => match self.bitmap() {
                Ok(bitmap) => bitmap << (128 - self.bits),
                Err(error) => return Some(Err(error)),
            },
        };
        if announced == 0 {
            self.announced = Some(0);
            let is_read = self.reader.at == self.reader.bytes.len();
            return (!is_read).then(|| Err(Kind::PartUnknown.at(self.reader.at, Place::default())));
        }
        let skipped = announced.leading_zeros();
        self.number += skipped + 1;
        announced = announced << skipped << 1;
        self.announced = Some(announced);
        Some(self.part())
    }

    fn bitmap(&mut self) -> Result<u128, ContentError> {
        let refuse = |at| Kind::PartBitmap.at(at, Place::default());
        let (per_byte, is_binary) = match self.encoding {
            BitmapEncoding::Binary => (8, true),
            BitmapEncoding::Hex | BitmapEncoding::EbcdicHex => (4, false),
        };
        let width = (self.bits / per_byte) as usize;
        let bytes = self.reader.bytes.get(..width).ok_or(refuse(self.reader.bytes.len()))?;
        self.reader.at = width;
        if is_binary {
            return Ok(bytes.iter().fold(0, |bitmap, byte| bitmap << 8 | u128::from(*byte)));
        }
        let mut bitmap = 0;
        for (at, &byte) in bytes.iter().enumerate() {
            let digit =
                if self.encoding == BitmapEncoding::EbcdicHex { ebcdic::to_ascii(byte) } else { byte };
            let nibble = match digit {
                b'0'..=b'9' => digit - b'0',
                b'A'..=b'F' => digit - b'A' + 10,
                _ => return Err(refuse(at)),
            };
            bitmap = bitmap << 4 | u128::from(nibble);
        }
        Ok(bitmap)
    }

    fn part(&mut self) -> Result<Found, ContentError> {
        let at = self.reader.at;
        let unknown = Kind::PartUnknown.at(at, Place::default());
        let part = self.composite.index_of(self.number).ok_or(unknown)?;
        let definition = &self.composite.parts[part];
        let segment = Segment { id: definition.id, occurrence: 1 };
        let layout = definition.layout.as_ref().ok_or(unknown)?;
        let slot = read_field(layout, &mut self.reader).map_err(|refusal| {
            let kind = match refusal.kind {
                DecodeErrorKind::CharacterInvalid => Kind::Character,
                DecodeErrorKind::PadInvalid => Kind::Pad,
                // Cut, or with a length that is none or over the maximum.
                _ => Kind::PartLength,
            };
            kind.at(refusal.offset as usize, Place::default().with(segment.id, 1))
        })?;
        Ok(Found {
            part: Some(part),
            segment,
            inside: Place::default(),
            span: Span::Field(slot),
            is_constructed: false,
            is_open: false,
        })
    }
}
