//! A value's text, kept without heap where it is short.

use std::fmt;
use std::ops::Deref;

pub(crate) const INLINE: usize = 64;

/// A value's text in clear. Dereferences to `str`; `Debug` shows its length only.
#[derive(Clone)]
pub struct Text(Stored);

#[derive(Clone)]
enum Stored {
    Inline { bytes: [u8; INLINE], length: u8 },
    Heap(String),
}

impl Text {
    /// Of at most [`INLINE`] bytes, those of `bytes` that count.
    pub(crate) const fn inline(bytes: [u8; INLINE], length: u8) -> Self {
        Self(Stored::Inline { bytes, length })
    }

    pub(crate) const fn heap(text: String) -> Self {
        Self(Stored::Heap(text))
    }

    /// The text in clear.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Only ASCII is ever stored, so the empty text is never seen.
            Stored::Inline { bytes, length } => {
                std::str::from_utf8(&bytes[..usize::from(*length)]).unwrap_or_default()
            }
            Stored::Heap(text) => text,
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.len())
    }
}
