//! Bytes become a message, or an error that says where. Strict: what is not fully understood is refused, so that
//! whatever is accepted encodes to the same bytes again. Nothing is allocated.

use crate::bitmap::FieldSet;
use crate::decode_error::{DecodeError, DecodeErrorKind as Kind};
use crate::dialect::Dialect;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::ebcdic;
use crate::layout::Layout;
use crate::message::{Message, Slot};
use crate::mti::Mti;
use crate::path::FieldPath;
use crate::raw::Raw;
use crate::read_field::{Reader, error, read_field};

impl Dialect {
    /// Decodes a message, from its message type identifier to its last byte.
    ///
    /// # Errors
    /// [`DecodeError`] with field, byte offset and kind, and no byte of the message: for a message that ends
    /// early or late, an undefined field, a length over the maximum, a character outside the field's class, a
    /// wrong pad nibble, a part that is undefined, repeated or cut.
    pub fn decode<'a>(&'a self, bytes: &'a [u8]) -> Result<Message<'a>, DecodeError> {
        let mut message = Message::unread(self, bytes);
        self.decode_into(&mut message)?;
        Ok(message)
    }

    /// Reads the bytes of a message that was not read yet. Where they are none, it holds what was read before the error.
    pub(crate) fn decode_into(&self, message: &mut Message<'_>) -> Result<(), DecodeError> {
        let at = self.read_head(message)?;
        if self.read_quickly(message, at).is_some() {
            return Ok(());
        }
        message.slots = [Slot::default(); 129];
        self.read_carefully(message, at)
    }

    /// Message type and bitmaps. Tells where they end.
    pub(crate) fn read_head(&self, message: &mut Message<'_>) -> Result<usize, DecodeError> {
        let bytes = message.bytes;
        if bytes.len() > usize::from(u16::MAX) {
            return Err(error(Kind::MessageTooLong, FieldPath::MTI, usize::from(u16::MAX)));
        }
        let mut reader = Reader { bytes, at: 0 };
        message.mti = self.read_mti(&mut reader)?;
        message.fields = self.read_bitmap(&mut reader)?;
        Ok(reader.at)
    }

    /// Field by field, so that the first fault is told.
    pub(crate) fn read_carefully(&self, message: &mut Message<'_>, at: usize) -> Result<(), DecodeError> {
        let (bytes, fields) = (message.bytes, message.fields);
        let mut reader = Reader { bytes, at };
        for de in fields {
            let Some(layout) = self.layout(de) else {
                return Err(error(Kind::FieldUndefined, FieldPath::field(de), reader.at));
            };
            let slot = read_field(layout, &mut reader)
                .map_err(|refusal| refusal.of(FieldPath::field(de), bytes.len()))?;
            if layout.composite.is_some() {
                self.check_parts(layout, de, bytes, slot)?;
            }
            message.slots[usize::from(de)] = slot;
        }
        if reader.at != bytes.len() {
            let last = fields.last().map_or(FieldPath::BITMAP, FieldPath::field);
            return Err(error(Kind::TrailingBytes, last, reader.at));
        }
        Ok(())
    }

    fn read_mti(&self, reader: &mut Reader<'_>) -> Result<Mti, DecodeError> {
        let length = reader.bytes.len();
        let mut take = |width| reader.take(width).map_err(|refusal| refusal.of(FieldPath::MTI, length));
        let mti = match self.mti {
            MtiEncoding::Ascii => Mti::from_ascii(take(4)?),
            MtiEncoding::Ebcdic => {
                let bytes = take(4)?;
                Mti::from_ascii(&[0, 1, 2, 3].map(|at: usize| ebcdic::to_ascii(bytes[at])))
            }
            MtiEncoding::Bcd => {
                let bytes = take(2)?;
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
            BitmapEncoding::Hex | BitmapEncoding::EbcdicHex => 16,
        };
        let length = reader.bytes.len();
        let taken = reader.take(width);
        let bytes = taken.map_err(|refusal| refusal.of(FieldPath::BITMAP, length))?;
        if self.bitmap == BitmapEncoding::Binary {
            return Ok(bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)));
        }
        let mut word = 0;
        for (index, &byte) in bytes.iter().enumerate() {
            let digit = if self.bitmap == BitmapEncoding::EbcdicHex { ebcdic::to_ascii(byte) } else { byte };
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

    pub(crate) fn check_parts(
        &self,
        layout: &Layout,
        de: u8,
        bytes: &[u8],
        slot: Slot,
    ) -> Result<(), DecodeError> {
        let (Some(composite), Some(content)) = (self.composite(de), bytes.get(slot.range())) else {
            return Ok(());
        };
        let units = layout.units_of(content.len(), slot.is_odd());
        let raw = Raw::new(layout, content, units);
        composite.check(raw, layout.characters_of(units)).map_err(|content| {
            error(content.decode_kind(), content.path(de), usize::from(slot.start) + content.byte)
        })
    }
}
