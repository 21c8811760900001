//! Why fields cannot be encoded. No error holds a character of a value.

use std::fmt;

use crate::path::FieldPath;

/// Why fields cannot be encoded in a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodeError {
    /// What is wrong.
    pub kind: EncodeErrorKind,
    /// In which field, or part of one.
    pub path: FieldPath,
}

/// What is wrong with a field that should be encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The dialect has no such field.
    FieldUndefined,
    /// The value is longer than the field. It is never cut.
    TooLong,
    /// The value is shorter than its fixed field, and the dialect does not fill it.
    TooShort,
    /// A character is not of the field's class.
    CharacterInvalid,
    /// A part of a field does not have its length.
    PartLengthInvalid,
    /// The dialect has no such part.
    PartUndefined,
    /// A tagged part is there twice, and the dialect does not let it.
    PartRepeated,
    /// The pad nibble of an odd number inside a part is not the dialect's.
    PadInvalid,
    /// A BER-TLV tag is empty, longer than four bytes, or padding.
    PartTagInvalid,
    /// The bitmap of a field's parts is not one.
    PartBitmapInvalid,
    /// A field has more parts than a field may have.
    TooManyParts,
    /// The MAC is computed, and the fields hold one already.
    MacPresent,
    /// The message would be longer than 65,535 bytes.
    MessageTooLong,
}

impl EncodeErrorKind {
    /// The stable name of this error, for metrics and documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FieldUndefined => "field_undefined",
            Self::TooLong => "value_too_long",
            Self::TooShort => "value_too_short",
            Self::CharacterInvalid => "character_invalid",
            Self::PartLengthInvalid => "part_length_invalid",
            Self::PartUndefined => "part_undefined",
            Self::PartRepeated => "part_repeated",
            Self::PadInvalid => "pad_invalid",
            Self::PartTagInvalid => "part_tag_invalid",
            Self::PartBitmapInvalid => "part_bitmap_invalid",
            Self::TooManyParts => "too_many_parts",
            Self::MacPresent => "mac_present",
            Self::MessageTooLong => "message_too_long",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::FieldUndefined => "the dialect has no such field",
            Self::TooLong => "the value is longer than the field",
            Self::TooShort => "the value is shorter than the fixed field",
            Self::CharacterInvalid => "a character is not of the field's class",
            Self::PartLengthInvalid => "a part does not have its length",
            Self::PartUndefined => "the dialect has no such part",
            Self::PartRepeated => "a part is there twice",
            Self::PadInvalid => "the pad nibble is not the dialect's",
            Self::PartTagInvalid => "the tag of a part is not one",
            Self::PartBitmapInvalid => "the bitmap of the parts is not one",
            Self::TooManyParts => "the field has too many parts",
            Self::MacPresent => "a MAC is to be computed, and there is one already",
            Self::MessageTooLong => "the message would be longer than 65535 bytes",
        }
    }
}

impl EncodeError {
    pub(crate) const fn field(kind: EncodeErrorKind, de: u8) -> Self {
        Self { kind, path: FieldPath::field(de) }
    }

    /// The stable name of this error, for metrics and documents.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {}: {}", self.path, self.kind.sentence())
    }
}

impl std::error::Error for EncodeError {}
