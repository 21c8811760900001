//! Canonical JSON (RFC 8785), written and read back strictly.

use serde::de::{DeserializeOwned, Error as _, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why bytes are not the canonical form of what was expected. Nothing of the bytes is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// Longer than allowed.
    #[error("longer than allowed")]
    TooLong,
    /// Not JSON of the expected form: a duplicate, unknown, missing or ill-typed key, or no JSON at all.
    #[error("not JSON of the expected form (line {line}, column {column})")]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// The column, counted from 1.
        column: usize,
    },
    /// JSON of the expected form, but not in its canonical writing (RFC 8785).
    #[error("not in canonical form (RFC 8785)")]
    Writing,
}

impl From<&serde_json::Error> for NotCanonical {
    fn from(error: &serde_json::Error) -> Self {
        Self::Form { line: error.line(), column: error.column() }
    }
}

/// Writes canonical JSON.
///
/// # Panics
/// Never for the types of this crate: they hold no floats and no maps with other than text keys.
pub(crate) fn to_vec<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(value).expect("types of this crate can always be written as JSON")
}

/// Reads canonical JSON of at most `max` bytes, and refuses what does not write back to the same bytes. So there is one
/// reading of what was signed: no duplicate keys, no second way to write a number, an escape or a letter.
///
/// # Errors
/// [`NotCanonical`].
pub(crate) fn from_slice<T: Serialize + DeserializeOwned>(
    bytes: &[u8],
    max: usize,
) -> Result<T, NotCanonical> {
    if bytes.len() > max {
        return Err(NotCanonical::TooLong);
    }
    let value: T = serde_json::from_slice(bytes).map_err(|error| NotCanonical::from(&error))?;
    if to_vec(&value) == bytes { Ok(value) } else { Err(NotCanonical::Writing) }
}

/// The version of a form: the number 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(1)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            1 => Ok(Self),
            other => Err(D::Error::invalid_value(Unexpected::Unsigned(other.into()), &"version 1")),
        }
    }
}
