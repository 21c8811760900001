//! Why bytes that ought to be a message are none, in words.

use std::fmt;

use super::writing::{Script, Writing};
use crate::decode_error::DecodeErrorKind as Kind;

/// A likely cause: with it undone, the bytes are a message of the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The hexadecimal digits of a message were themselves turned into bytes.
    HexTwice,
    /// A length of two bytes stands before the message and is wrong.
    LengthWrong {
        /// What it says.
        says: u16,
        /// How many bytes follow it.
        there: usize,
    },
    /// So many bytes stand before the message that are no part of it.
    Before {
        /// How many.
        bytes: usize,
    },
    /// All of it is written in another set of characters.
    OtherCharacters(Script),
    /// The message is one, but for being written in another way.
    Written(Writing),
    /// The bitmap is wrong in one bit.
    BitmapBit {
        /// The field that the bit stands for.
        de: u8,
        /// Whether the bitmap announces it, and the message does not have it.
        is_announced: bool,
    },
    /// The length prefix of one field is wrong.
    Length {
        /// The field.
        de: u8,
        /// Where its prefix begins.
        at: usize,
        /// The length with which everything fits.
        fits: usize,
    },
    /// One byte is wrong.
    Byte {
        /// Which.
        at: usize,
    },
    /// The message ends too early.
    CutOff {
        /// How many bytes are missing at the least.
        missing: usize,
    },
    /// Another message follows.
    SecondMessage {
        /// Where it begins.
        at: usize,
    },
    /// Bytes follow the last field.
    After {
        /// Where they begin.
        at: usize,
        /// How many they are.
        bytes: usize,
        /// Whether they are the end of a line.
        is_line_end: bool,
    },
}

impl Cause {
    /// Lower is likelier. What explains every byte by one decision of whoever wrote the software comes before what needs an
    /// accident.
    pub(super) const fn weight(&self) -> usize {
        match self {
            Self::HexTwice => 0,
            Self::LengthWrong { .. } => 1,
            Self::OtherCharacters(_) | Self::Written(_) => 2,
            Self::Before { .. } => 3,
            Self::After { is_line_end: true, .. } | Self::SecondMessage { .. } => 4,
            Self::CutOff { .. } => 5,
            Self::BitmapBit { .. } => 6,
            Self::Length { .. } => 7,
            Self::Byte { .. } => 8,
            Self::After { .. } => 9,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::HexTwice => {
                f.write_str("the bytes are a message's hexadecimal digits: it was turned into hex twice")
            }
            Self::LengthWrong { says, there } => {
                let there = count(there);
                write!(f, "the length before the message is wrong: it says {says}, and {there} follow")
            }
            Self::Before { bytes } => {
                write!(f, "a header of {} stands before the message", count(bytes))
            }
            Self::OtherCharacters(script) => {
                write!(f, "all of it is written in {}, and the dialect is not", script.words())
            }
            Self::Written(writing) => write!(f, "{writing}, and not as the dialect says"),
            Self::BitmapBit { de, is_announced: true } => {
                write!(f, "the bitmap is wrong: it announces field {de}, which is not there")
            }
            Self::BitmapBit { de, is_announced: false } => {
                write!(f, "the bitmap is wrong: field {de} is there and it does not say so")
            }
            Self::Length { de, at, fits } => {
                write!(f, "the length prefix of field {de}, at byte {at}, is wrong: {fits} would fit")
            }
            Self::Byte { at } => write!(f, "byte {at} alone is wrong"),
            Self::CutOff { missing } => {
                write!(f, "the message is cut off: it lacks at least {}", count(missing))
            }
            Self::SecondMessage { at } => write!(f, "another message begins at byte {at}"),
            Self::After { bytes, is_line_end: true, .. } => {
                write!(f, "the end of a line stands behind the message, {}", count(bytes))
            }
            Self::After { at, bytes, is_line_end: false } => {
                let bytes = count(bytes);
                write!(
                    f,
                    "the message is whole at byte {at}; {bytes} follow that its bitmap does not announce"
                )
            }
        }
    }
}

fn count(bytes: usize) -> String {
    if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") }
}

/// What is usually behind an error where nothing that was tried explains the message.
pub(super) const fn usually(kind: Kind) -> &'static str {
    match kind {
        Kind::Truncated => {
            "a message cut off, a length prefix that is too large, or a bitmap that announces too much"
        }
        Kind::TrailingBytes => {
            "a length prefix that is too small, a bitmap that announces too little, or two messages in one"
        }
        Kind::MessageTooLong => "more than one message, or no message at all",
        Kind::MtiInvalid => "another dialect, a header before the message, or another text encoding",
        Kind::BitmapInvalid => {
            "a bitmap in bytes where the dialect has hexadecimal digits, or a header before the message"
        }
        Kind::SecondaryBitmapEmpty => "a bitmap that sets bit 1 and brings no field above 64",
        Kind::FieldUndefined => "another dialect, a wrong bitmap, or a header before the message",
        Kind::LengthInvalid => {
            "a length prefix in another encoding, or a field before it of another length than it should be"
        }
        Kind::LengthOverMaximum => {
            "a length prefix that counts other units, or a field before it of another length"
        }
        Kind::CharacterInvalid => {
            "another text encoding, or a field before it of another length than it should be"
        }
        Kind::PadInvalid => {
            "a number filled on the other side, or a field before it of another length than it should be"
        }
        Kind::PartLengthInvalid | Kind::PartTagInvalid | Kind::PartBitmapInvalid => {
            "a field whose parts are put together in another way than the dialect's"
        }
        Kind::PartUndefined | Kind::PartRepeated | Kind::TooManyParts => {
            "a part that the bank has added to its table"
        }
    }
}
