//! A message that can be passed on: the same to the byte, but for what nobody may see.

use zeroize::Zeroizing;

use crate::class::Class;
use crate::composite::{Composite, Form, Span};
use crate::encode::push_content;
use crate::layout::Layout;
use crate::mask::{Sensitivity, hidden, is_pan};
use crate::message::Message;
use crate::value::Value;

impl Message<'_> {
    /// The message with its card data, keys and secrets overwritten: digits by `0`, letters by `X`, bytes by zero. Every value
    /// keeps its length and its class, so that the result is a message of the same dialect. Of a card number the first six and
    /// last four digits stay, and it is none any more: its check digit is wrong. Of fields with parts, tags and lengths stay,
    /// and whatever part may be shown.
    ///
    /// Its MAC, if there is one, is that of the original, and no longer right.
    #[must_use]
    pub fn redacted(&self) -> Vec<u8> {
        let mut redacted = self.bytes.to_vec();
        for (de, value) in self.iter() {
            let (Some(layout), Some(slot)) = (self.dialect.layout(de), self.slots.get(usize::from(de)))
            else {
                continue;
            };
            let content = match self.dialect.composite(de) {
                Some(composite) => parts_overwritten(layout, composite, &value),
                None => overwritten(layout, layout.sensitivity, &value),
            };
            match redacted.get_mut(slot.range()) {
                Some(bytes) if bytes.len() == content.len() => bytes.copy_from_slice(&content),
                // Overwriting keeps every length, so this is never so; were it, the field would go whole.
                Some(bytes) => bytes.fill(0),
                None => {}
            }
        }
        redacted
    }
}

/// The bytes of a field, or of a part that is read like one, without what its sensitivity hides.
fn overwritten(layout: &Layout, sensitivity: Sensitivity, value: &Value<'_>) -> Zeroizing<Vec<u8>> {
    let mut text: Zeroizing<Vec<u8>> = Zeroizing::new(value.characters().collect());
    overwrite(sensitivity, layout.class, &mut text);
    content_of(layout, &text)
}

/// The bytes of a field whose parts are overwritten one by one.
fn parts_overwritten(layout: &Layout, composite: &Composite, value: &Value<'_>) -> Zeroizing<Vec<u8>> {
    let mut text: Zeroizing<Vec<u8>> = Zeroizing::new(value.characters().collect());
    let mut behind_bitmap = None;
    // What is constructed and open is its parts, and they come next.
    for (found, part_value) in value.parts().filter(|(found, _)| !found.is_open) {
        let part = found.part.and_then(|part| composite.parts.get(part));
        let sensitivity = match part {
            Some(part) if !found.is_constructed => part.sensitivity,
            _ => layout.sensitivity,
        };
        match (&found.span, part.and_then(|part| part.layout.as_ref())) {
            (Span::Field(slot), Some(part)) => {
                let bytes = behind_bitmap.get_or_insert_with(|| Zeroizing::new(value.as_bytes().to_vec()));
                let content = overwritten(part, sensitivity, &part_value);
                match bytes.get_mut(slot.range()) {
                    Some(bytes) if bytes.len() == content.len() => bytes.copy_from_slice(&content),
                    Some(bytes) => bytes.fill(0),
                    None => {}
                }
            }
            (Span::Characters(range), _) => {
                let class = part.map_or(layout.class, |part| part.class);
                // Packed digits among bytes are judged as the bytes they are.
                let class = if layout.class == Class::Binary { Class::Binary } else { class };
                if let Some(characters) = text.get_mut(range.clone()) {
                    overwrite(sensitivity, class, characters);
                }
            }
            (Span::Field(_), None) => {}
        }
    }
    if composite.form == Form::Positional {
        // A card number can lie across positions, each too short for one.
        overwrite(layout.sensitivity, layout.class, &mut text);
    }
    behind_bitmap.unwrap_or_else(|| content_of(layout, &text))
}

/// Overwrites what may not be shown by what its class also holds.
fn overwrite(sensitivity: Sensitivity, class: Class, text: &mut [u8]) {
    let hidden = hidden(sensitivity, class, text);
    for (index, (character, _)) in
        text.iter_mut().zip(&hidden).enumerate().filter(|(_, (_, hidden))| **hidden)
    {
        let is_sign = class == Class::SignedNumeric && index == 0;
        *character = match (class, *character) {
            _ if is_sign => continue,
            (Class::Binary, _) | (_, b'0'..=b'9') => b'0',
            (_, b'A'..=b'Z' | b'a'..=b'z') => b'X',
            // Separators tell nobody anything, and keep the form.
            (_, other) => other,
        };
    }
    // Zeros between the first six and the last four can be a card number again, even the same.
    let digits = text.strip_suffix(b"F").unwrap_or(text);
    if let (true, Some(first)) = (is_pan(digits), hidden.iter().position(|hidden| *hidden)) {
        text[first] = b'1';
    }
}

fn content_of(layout: &Layout, text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::with_capacity(text.len()));
    push_content(layout, text, &mut content);
    content
}
