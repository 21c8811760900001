//! Why a value is not what its field holds, before decoder or encoder make it their own error.

use crate::decode_error::DecodeErrorKind;
use crate::encode_error::EncodeErrorKind;
use crate::path::FieldPath;

/// A value that is not what its field holds: what is wrong, at which character, in which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentError {
    pub kind: ContentErrorKind,
    pub character: usize,
    pub part: Option<[u8; 4]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentErrorKind {
    Character,
    PartLength,
    PartUnknown,
    PartRepeated,
}

impl ContentError {
    pub const fn character(at: usize) -> Self {
        Self { kind: ContentErrorKind::Character, character: at, part: None }
    }

    pub const fn part_length(at: usize) -> Self {
        Self { kind: ContentErrorKind::PartLength, character: at, part: None }
    }

    pub const fn part_unknown(at: usize) -> Self {
        Self { kind: ContentErrorKind::PartUnknown, character: at, part: None }
    }

    pub const fn part_repeated(at: usize) -> Self {
        Self { kind: ContentErrorKind::PartRepeated, character: at, part: None }
    }

    pub const fn in_part(self, part: [u8; 4]) -> Self {
        Self { part: Some(part), ..self }
    }

    pub const fn path(self, de: u8) -> FieldPath {
        match self.part {
            Some(part) => FieldPath::part(de, part),
            None => FieldPath::field(de),
        }
    }

    pub const fn decode_kind(self) -> DecodeErrorKind {
        match self.kind {
            ContentErrorKind::Character => DecodeErrorKind::CharacterInvalid,
            ContentErrorKind::PartLength => DecodeErrorKind::PartLengthInvalid,
            ContentErrorKind::PartUnknown => DecodeErrorKind::PartUndefined,
            ContentErrorKind::PartRepeated => DecodeErrorKind::PartRepeated,
        }
    }

    pub const fn encode_kind(self) -> EncodeErrorKind {
        match self.kind {
            ContentErrorKind::Character => EncodeErrorKind::CharacterInvalid,
            ContentErrorKind::PartLength => EncodeErrorKind::PartLengthInvalid,
            ContentErrorKind::PartUnknown => EncodeErrorKind::PartUndefined,
            ContentErrorKind::PartRepeated => EncodeErrorKind::PartRepeated,
        }
    }
}
