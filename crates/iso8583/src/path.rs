//! Where in a message something is: a field, or a part of a field.

use std::fmt;

/// A place in a message: the message type, the bitmap, a field ("11") or a part of one ("48.CV").
///
/// The name of a part comes from the dialect, never from the message, so a path can be logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    field: u8,
    part: [u8; 4],
}

impl FieldPath {
    /// The message type identifier.
    pub const MTI: Self = Self { field: 0, part: [0; 4] };
    /// The bitmap, primary and secondary.
    pub const BITMAP: Self = Self { field: 1, part: [0; 4] };

    /// Field number `de`, 2 to 128.
    #[must_use]
    pub const fn field(de: u8) -> Self {
        Self { field: de, part: [0; 4] }
    }

    pub(crate) const fn part(de: u8, part: [u8; 4]) -> Self {
        Self { field: de, part }
    }

    pub(crate) const fn part_bytes(self) -> [u8; 4] {
        self.part
    }

    /// The field's number; 0 for the message type identifier, 1 for the bitmap.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.field
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            0 => f.write_str("mti"),
            1 => f.write_str("bitmap"),
            de => write!(f, "{de}"),
        }?;
        if self.part[0] != 0 {
            f.write_str(".")?;
            for byte in self.part.iter().take_while(|&&byte| byte != 0) {
                write!(f, "{}", char::from(*byte))?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
