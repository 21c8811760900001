//! The value of one field of a decoded message: a view of the message's own bytes.

use std::fmt;

use crate::composite::Composite;
use crate::layout::{Encoding, Layout};
use crate::mask::Sensitivity;
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
    pub(crate) fn new(
        raw: Raw<'a>,
        characters: u16,
        layout: &Layout,
        composite: Option<&'a Composite>,
    ) -> Self {
        Self { raw, start: 0, length: characters, sensitivity: layout.sensitivity, composite }
    }

    /// The value's bytes on the wire, without length prefix. For a part, the bytes of the whole field.
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
        self.sensitivity.mask(&self.characters().collect::<Vec<_>>())
    }

    /// How much of this value may be shown.
    #[must_use]
    pub const fn sensitivity(&self) -> Sensitivity {
        self.sensitivity
    }

    /// The part with this number or tag: `part("1")` of field 60, `part("CV")` of field 48.
    #[must_use]
    pub fn part(&self, id: &str) -> Option<Value<'a>> {
        self.part_at(self.composite?.position(id)?)
    }

    /// The byte of the field in which this value starts: 0 unless it is a part.
    pub(crate) fn first_byte(&self) -> usize {
        self.raw.byte_of(usize::from(self.start))
    }

    pub(crate) fn part_at(&self, index: usize) -> Option<Value<'a>> {
        self.parts().find(|(part, _)| *part == index).map(|(_, value)| value)
    }

    /// The parts that are there, each with its index in the dialect's table, in the order of the message.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (usize, Value<'a>)> + use<'a> {
        let whole = *self;
        let walk = whole.composite.map(|c| c.walk(whole.len(), move |at| whole.raw.character(at)));
        walk.into_iter().flatten().map_while(Result::ok).filter_map(move |found| {
            let part = whole.composite?.parts.get(found.part)?;
            // What hides the whole field hides its parts, whatever they say themselves.
            let hidden = whole.sensitivity.hides_all();
            let sensitivity = if hidden { whole.sensitivity } else { part.sensitivity };
            let (start, length) = (found.characters.start as u16, found.characters.len() as u16);
            Some((found.part, Value { start, length, sensitivity, composite: None, ..whole }))
        })
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value({} characters)", self.length)
    }
}
