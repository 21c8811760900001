//! The key that ties an answer to its request.

use std::hash::{DefaultHasher, Hash, Hasher};

use iso8583::{Fields, Message};

/// Message class and the values of the bank's matching fields, as both ends encode them. Every part is required: an
/// absent one makes no shorter key, it makes none.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct MatchKey(Box<[u8]>);

impl MatchKey {
    /// The key of a message, or the field that is missing.
    pub fn of(message: &Message<'_>, fields: &[u8]) -> Result<Self, u8> {
        let mut key = Vec::with_capacity(48);
        key.push(message.mti().class());
        for &de in fields {
            let value = message.get(de).ok_or(de)?;
            // The length before each value keeps "12" + "3" and "1" + "23" apart.
            key.extend_from_slice(&(value.len() as u16).to_be_bytes());
            key.extend(value.characters());
        }
        Ok(Self(key.into_boxed_slice()))
    }

    #[cfg(test)]
    pub fn of_text(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

/// Tells whether two requests are the same message, the second perhaps with the repeat message type.
pub(crate) fn fingerprint(fields: &Fields) -> u64 {
    let mut hasher = DefaultHasher::new();
    fields.mti().repeat().as_str().hash(&mut hasher);
    for pair in fields.iter() {
        pair.hash(&mut hasher);
    }
    hasher.finish()
}
