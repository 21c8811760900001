//! Why bytes are not a message. No error holds a byte of the message.

use std::fmt;

use crate::path::FieldPath;

/// Why bytes are not a message of a dialect, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// In which field, or part of one.
    pub path: FieldPath,
    /// At which byte, counted from the message type identifier.
    pub offset: u32,
    /// How many bytes were needed there; 0 where that is not the matter.
    pub needed: u32,
    /// How many bytes there were.
    pub have: u32,
}

/// What is wrong with bytes that should be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The message ends too early.
    Truncated,
    /// Bytes follow the last field.
    TrailingBytes,
    /// The message is longer than 65,535 bytes.
    MessageTooLong,
    /// The message type identifier is not four digits.
    MtiInvalid,
    /// The bitmap is not upper-case hexadecimal.
    BitmapInvalid,
    /// The second bitmap is announced and empty.
    SecondaryBitmapEmpty,
    /// The dialect has no such field.
    FieldUndefined,
    /// A length prefix is not a number.
    LengthInvalid,
    /// A length prefix is over the field's maximum.
    LengthOverMaximum,
    /// A character is not of the field's class.
    CharacterInvalid,
    /// The pad nibble of an odd number is not the dialect's.
    PadInvalid,
    /// A part of a field does not have its length.
    PartLengthInvalid,
    /// The dialect has no such part.
    PartUndefined,
    /// A tagged part is there twice, and the dialect does not let it.
    PartRepeated,
    /// A BER-TLV tag is empty, longer than four bytes, or padding.
    PartTagInvalid,
    /// The bitmap of a field's parts is not one.
    PartBitmapInvalid,
    /// A field has more parts than a field may have.
    TooManyParts,
}

impl DecodeErrorKind {
    /// The stable name of this error, for metrics and documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::MessageTooLong => "message_too_long",
            Self::MtiInvalid => "mti_invalid",
            Self::BitmapInvalid => "bitmap_invalid",
            Self::SecondaryBitmapEmpty => "bitmap_secondary_empty",
            Self::FieldUndefined => "field_undefined",
            Self::LengthInvalid => "length_invalid",
            Self::LengthOverMaximum => "length_over_maximum",
            Self::CharacterInvalid => "character_invalid",
            Self::PadInvalid => "pad_invalid",
            Self::PartLengthInvalid => "part_length_invalid",
            Self::PartUndefined => "part_undefined",
            Self::PartRepeated => "part_repeated",
            Self::PartTagInvalid => "part_tag_invalid",
            Self::PartBitmapInvalid => "part_bitmap_invalid",
            Self::TooManyParts => "too_many_parts",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::Truncated => "the message ends too early",
            Self::TrailingBytes => "bytes follow the last field",
            Self::MessageTooLong => "the message is longer than 65535 bytes",
            Self::MtiInvalid => "the message type identifier is not four digits",
            Self::BitmapInvalid => "the bitmap is not upper-case hexadecimal",
            Self::SecondaryBitmapEmpty => "the second bitmap is announced and empty",
            Self::FieldUndefined => "the dialect has no such field",
            Self::LengthInvalid => "the length is not a number",
            Self::LengthOverMaximum => "the length is over the field's maximum",
            Self::CharacterInvalid => "a character is not of the field's class",
            Self::PadInvalid => "the pad nibble is not the dialect's",
            Self::PartLengthInvalid => "a part does not have its length",
            Self::PartUndefined => "the dialect has no such part",
            Self::PartRepeated => "a part is there twice",
            Self::PartTagInvalid => "the tag of a part is not one",
            Self::PartBitmapInvalid => "the bitmap of the parts is not one",
            Self::TooManyParts => "the field has too many parts",
        }
    }
}

impl DecodeError {
    /// The stable name of this error, for metrics and documents.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {} at byte {}: {}", self.path, self.offset, self.kind.sentence())?;
        if self.needed != 0 {
            write!(f, " ({} bytes needed, {} there)", self.needed, self.have)?;
        }
        Ok(())
    }
}

impl std::error::Error for DecodeError {}
