//! Why a value is not what its field holds, before decoder or encoder make it their own error.

use crate::decode_error::DecodeErrorKind;
use crate::encode_error::EncodeErrorKind;
use crate::path::{FieldPath, Place};

/// A value that is not what its field holds: what is wrong, at which byte of the value, in which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentError {
    pub kind: ContentErrorKind,
    pub byte: usize,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentErrorKind {
    Character,
    Pad,
    PartLength,
    PartUnknown,
    PartRepeated,
    PartTag,
    PartBitmap,
    TooManyParts,
}

impl ContentErrorKind {
    pub const fn at(self, byte: usize, place: Place) -> ContentError {
        ContentError { kind: self, byte, place }
    }
}

impl ContentError {
    pub const fn path(self, de: u8) -> FieldPath {
        FieldPath::part(de, self.place)
    }

    pub const fn decode_kind(self) -> DecodeErrorKind {
        match self.kind {
            ContentErrorKind::Character => DecodeErrorKind::CharacterInvalid,
            ContentErrorKind::Pad => DecodeErrorKind::PadInvalid,
            ContentErrorKind::PartLength => DecodeErrorKind::PartLengthInvalid,
            ContentErrorKind::PartUnknown => DecodeErrorKind::PartUndefined,
            ContentErrorKind::PartRepeated => DecodeErrorKind::PartRepeated,
            ContentErrorKind::PartTag => DecodeErrorKind::PartTagInvalid,
            ContentErrorKind::PartBitmap => DecodeErrorKind::PartBitmapInvalid,
            ContentErrorKind::TooManyParts => DecodeErrorKind::TooManyParts,
        }
    }

    pub const fn encode_kind(self) -> EncodeErrorKind {
        match self.kind {
            ContentErrorKind::Character => EncodeErrorKind::CharacterInvalid,
            ContentErrorKind::Pad => EncodeErrorKind::PadInvalid,
            ContentErrorKind::PartLength => EncodeErrorKind::PartLengthInvalid,
            ContentErrorKind::PartUnknown => EncodeErrorKind::PartUndefined,
            ContentErrorKind::PartRepeated => EncodeErrorKind::PartRepeated,
            ContentErrorKind::PartTag => EncodeErrorKind::PartTagInvalid,
            ContentErrorKind::PartBitmap => EncodeErrorKind::PartBitmapInvalid,
            ContentErrorKind::TooManyParts => EncodeErrorKind::TooManyParts,
        }
    }
}
