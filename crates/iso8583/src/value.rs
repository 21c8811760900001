//! The value of one field of a decoded message: a view of the message's own bytes.

use std::fmt;

use crate::class::Class;
use crate::composite::{Composite, Found, Span};
use crate::ebcdic;
use crate::layout::{Encoding, Layout};
use crate::mask::Sensitivity;
use crate::message::Slot;
use crate::path::Place;
use crate::raw::Raw;
use crate::text::{INLINE, Text};

/// A field's value, or a part of one, still in the bytes it came in.
///
/// Its text form is what [`Fields`](crate::Fields) store: digits and characters as they are, bytes as upper-case
/// hexadecimal. `Debug` shows the length and never the value.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: Raw<'a>,
    /// Which of the field's characters belong to this value: all, or those of a part.
    start: u16,
    length: u16,
    sensitivity: Sensitivity,
    composite: Option<&'a Composite>,
}

impl<'a> Value<'a> {
    /// The value in a slot of `message`, or of the bytes of another value. `None` if the slot lies outside.
    #[inline]
    pub(crate) fn in_slot(
        layout: &Layout,
        bytes: &'a [u8],
        slot: Slot,
        composite: Option<&'a Composite>,
    ) -> Option<Self> {
        let bytes = bytes.get(slot.range())?;
        let units = layout.units_of(bytes.len(), slot.is_odd());
        // Neither is longer than a field, and that is below 16 bits.
        let characters = layout.characters_of(units) as u16;
        let raw = Raw::new(layout, bytes, units);
        Some(Self { raw, start: 0, length: characters, sensitivity: layout.sensitivity, composite })
    }

    /// The value's bytes on the wire, without length prefix. For a part of packed digits, the bytes of the whole field.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.raw.bytes
    }

    /// How many characters the text form has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether the value is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The characters of the text form; all are ASCII.
    pub fn characters(&self) -> impl ExactSizeIterator<Item = u8> + use<'a> {
        let raw = self.raw;
        (self.start..self.start + self.length).map(move |at| raw.character(usize::from(at)))
    }

    /// Whether the text form is `text`. Not for comparing secrets: the time it takes tells where they differ.
    #[must_use]
    pub fn eq_text(&self, text: &str) -> bool {
        self.len() == text.len() && self.characters().eq(text.bytes())
    }

    /// Writes the text form. It is the value in clear, whatever the field's sensitivity.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_text(&self, out: &mut impl fmt::Write) -> fmt::Result {
        self.characters().try_for_each(|c| out.write_char(char::from(c)))
    }

    /// The text form in clear; without heap for up to 64 characters.
    #[must_use]
    pub fn to_text(&self) -> Text {
        if self.len() > INLINE {
            return Text::heap(self.to_owned_text());
        }
        let mut bytes = [0; INLINE];
        let start = usize::from(self.start);
        match (self.raw.encoding, self.raw.bytes.get(start..start + self.len())) {
            (Encoding::Ascii | Encoding::Hex, Some(text)) => bytes[..text.len()].copy_from_slice(text),
            _ => self.characters().zip(&mut bytes).for_each(|(c, byte)| *byte = c),
        }
        Text::inline(bytes, self.length as u8)
    }

    /// Appends the text form, in clear.
    pub(crate) fn push_text(&self, out: &mut Vec<u8>) {
        let (start, end) = (usize::from(self.start), usize::from(self.start + self.length));
        match (self.raw.encoding, self.raw.bytes.get(start..end)) {
            (Encoding::Ascii | Encoding::Hex, Some(text)) => out.extend_from_slice(text),
            (Encoding::Ebcdic, Some(text)) => out.extend(text.iter().map(|byte| ebcdic::to_ascii(*byte))),
            _ if start == 0 => self.raw.push_characters(self.len(), out),
            _ => out.extend(self.characters()),
        }
    }

    /// The text form in clear, on the heap: of an ASCII field a copy of its bytes, otherwise character by character.
    pub(crate) fn to_owned_text(self) -> String {
        let (start, end) = (usize::from(self.start), usize::from(self.start + self.length));
        if matches!(self.raw.encoding, Encoding::Ascii | Encoding::Hex) {
            let text = self.raw.bytes.get(start..end).and_then(|bytes| std::str::from_utf8(bytes).ok());
            // The decoder has let ASCII through and nothing else.
            return text.unwrap_or_default().to_owned();
        }
        let mut text = Vec::with_capacity(self.len());
        text.extend(self.characters());
        String::from_utf8(text).unwrap_or_default()
    }

    /// The number the digits spell. `None` if there is another character, none at all, or it exceeds a `u64`.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        if self.is_empty() {
            return None;
        }
        self.characters().try_fold(0_u64, |number, c| {
            let digit = c.is_ascii_digit().then(|| u64::from(c - b'0'))?;
            number.checked_mul(10)?.checked_add(digit)
        })
    }

    /// The text form as it may be shown.
    #[must_use]
    pub fn masked(&self) -> String {
        let class = match self.raw.encoding {
            Encoding::Binary | Encoding::Hex => Class::Binary,
            Encoding::Ascii | Encoding::Ebcdic | Encoding::Bcd => Class::Text,
        };
        self.sensitivity.mask_of(class, &self.characters().collect::<Vec<_>>())
    }

    /// How much of this value may be shown.
    #[must_use]
    pub const fn sensitivity(&self) -> Sensitivity {
        self.sensitivity
    }

    /// The part with this number or tag: `part("1")` of field 60, `part("CV")` of field 48, `part("9F02")` of field 55. A
    /// second one is `part("01[2]")`, one inside another `part("70.9F26")`.
    #[must_use]
    pub fn part(&self, id: &str) -> Option<Value<'a>> {
        self.part_at(&Place::parse(id)?)
    }

    pub(crate) fn part_at(&self, place: &Place) -> Option<Value<'a>> {
        let last = *place.last()?;
        let mut parts = self.parts();
        parts.find(|(found, _)| found.segment == last && found.place() == *place).map(|(_, value)| value)
    }

    /// The parts that are there, in the order of the message.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Found, Value<'a>)> + use<'a> {
        let whole = *self;
        let found = whole.composite.map(|composite| composite.walk(whole.raw, whole.len()));
        found.into_iter().flatten().map_while(Result::ok).filter_map(move |found| {
            let value = whole.found(&found)?;
            Some((found, value))
        })
    }

    fn found(&self, found: &Found) -> Option<Value<'a>> {
        let composite = self.composite?;
        let value = match &found.span {
            Span::Characters(range) => {
                let (start, length) = (range.start as u16, range.len() as u16);
                let bytes = match self.raw.encoding {
                    Encoding::Ascii | Encoding::Ebcdic | Encoding::Hex => range.clone(),
                    Encoding::Binary => range.start / 2..range.end / 2,
                    // A packed part can begin in the middle of a byte.
                    Encoding::Bcd => 0..self.raw.bytes.len(),
                };
                let start = if self.raw.encoding == Encoding::Bcd { start } else { 0 };
                Value { raw: self.raw.with_bytes(self.raw.bytes.get(bytes)?), start, length, ..*self }
            }
            Span::Field(slot) => {
                let layout = composite.parts.get(found.part?)?.layout.as_ref()?;
                Value::in_slot(layout, self.raw.bytes, *slot, None)?
            }
        };
        Some(Value {
            sensitivity: composite.sensitivity_of(found, self.sensitivity),
            composite: None,
            ..value
        })
    }

    /// The byte of this value in which a part of it starts.
    pub(crate) fn first_byte_of(&self, found: &Found) -> usize {
        match &found.span {
            Span::Characters(range) => self.raw.byte_of(range.start),
            Span::Field(slot) => slot.range().start,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} characters)", self.length)
    }
}
