//! Fields made of parts, in one of four forms. Each form is a walk over the bytes that were received or are to be sent; none
//! stores what it finds.
//!
//! | form         | a part is                                                             |
//! |--------------|-----------------------------------------------------------------------|
//! | `positional` | so many characters, after those of the part before it                 |
//! | `tagged`     | a tag and a length, all characters, and its value                     |
//! | `ber_tlv`    | a tag and a length of one or more bytes (ISO/IEC 8825-1), and a value |
//! | `by_bitmap`  | announced by a bitmap of the field's own, then read like a field      |

use std::ops::Range;

use crate::class::Class;
use crate::content_error::{ContentError, ContentErrorKind as Kind};
use crate::document::BitmapEncoding;
use crate::layout::{Encoding, Layout};
use crate::mask::Sensitivity;
use crate::message::Slot;
use crate::path::{PartId, Place, Segment};
use crate::raw::Raw;

pub(crate) use keys::Keys;

pub(crate) mod ber_tlv;
mod by_bitmap;
mod keys;
mod positional;
mod quick;
mod seen;
pub(crate) mod tagged;

/// How many parts a field may have, in a dialect and in a message.
pub(crate) const MAX_PARTS: usize = 64;

/// The parts of a field, as the dialect defines them.
#[derive(Debug, Clone)]
pub(crate) struct Composite {
    pub form: Form,
    pub parts: Vec<Part>,
    /// The class of the whole field.
    pub class: Class,
    /// The part with a tag or number.
    pub keys: Keys,
    /// Whether a tag that no part has is let through.
    pub keeps_unknown: bool,
    /// Whether a tag may be there more than once.
    pub repeats: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Positional,
    Tagged {
        tag_length: u8,
        length_digits: u8,
    },
    /// So many levels of tags are told apart; what is constructed on the last of them stays closed.
    BerTlv {
        levels: u8,
    },
    Bitmap {
        encoding: BitmapEncoding,
        bytes: u8,
    },
}

/// One part. Lengths are in characters of the field's text.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub id: PartId,
    pub name: String,
    pub class: Class,
    pub length: PartLength,
    pub sensitivity: Sensitivity,
    /// How a part behind a bitmap is read.
    pub layout: Option<Layout>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartLength {
    Fixed(u16),
    UpTo(u16),
}

impl Part {
    fn fits(&self, length: usize) -> bool {
        match self.length {
            PartLength::Fixed(fixed) => length == usize::from(fixed),
            PartLength::UpTo(max) => length <= usize::from(max),
        }
    }
}

/// A part found in a value: which one, where in the tree of parts, and where its value is.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Its index in the dialect's table; `None` for a tag that the table does not have.
    pub part: Option<usize>,
    pub segment: Segment,
    pub inside: Place,
    pub span: Span,
    /// Whether its value is made of parts again.
    pub is_constructed: bool,
    /// Whether those come next.
    pub is_open: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Span {
    /// Characters of the field's text.
    Characters(Range<usize>),
    /// Bytes of the field's value, read like a field of its own.
    Field(Slot),
}

impl Found {
    pub fn place(&self) -> Place {
        self.inside.with(self.segment.id, self.segment.occurrence)
    }
}

/// A walk over the parts of a value, from the first to the last or to the first error.
pub(crate) enum Walk<'a> {
    Positional(positional::Walk<'a>),
    Tagged(tagged::Walk<'a>),
    BerTlv(ber_tlv::Walk<'a>),
    Bitmap(by_bitmap::Walk<'a>),
    Ended,
}

impl Composite {
    /// Walks over the parts of a value of `length` characters.
    pub fn walk<'a>(&'a self, raw: Raw<'a>, length: usize) -> Walk<'a> {
        match self.form {
            Form::Positional => Walk::Positional(positional::Walk::new(self, raw, length)),
            Form::Tagged { tag_length, length_digits } => {
                Walk::Tagged(tagged::Walk::new(self, raw, length, tag_length.into(), length_digits.into()))
            }
            Form::BerTlv { levels } => Walk::BerTlv(ber_tlv::Walk::new(self, raw, length, levels.into())),
            Form::Bitmap { encoding, bytes } => {
                Walk::Bitmap(by_bitmap::Walk::new(self, raw.bytes, encoding, bytes.into()))
            }
        }
    }

    /// Whether a value is made of this field's parts and nothing else.
    pub fn check(&self, raw: Raw<'_>, length: usize) -> Result<(), ContentError> {
        if self.is_surely_fine(raw, length) { Ok(()) } else { self.check_by_walk(raw, length) }
    }

    /// The same, part by part.
    pub fn check_by_walk(&self, raw: Raw<'_>, length: usize) -> Result<(), ContentError> {
        for found in self.walk(raw, length) {
            let found = found?;
            let (Some(part), Span::Characters(characters)) =
                (found.part.and_then(|part| self.parts.get(part)), &found.span)
            else {
                continue;
            };
            let bad = |(index, at): &(usize, usize)| !part.class.allows_at(*index, raw.character(*at));
            if let Some((_, at)) = characters.clone().enumerate().find(bad) {
                return Err(Kind::Character.at(raw.byte_of(at), found.place()));
            }
        }
        Ok(())
    }

    /// The text of a tagged value without the parts that may not be stored; a part that the dialect does not know is as
    /// sensitive as the field. `None` where the field as a whole decides: it is not tagged, or the text is not made of its
    /// parts.
    pub fn storable_text(&self, text: &str, field: Sensitivity) -> Option<String> {
        let Form::Tagged { tag_length, length_digits } = self.form else { return None };
        let head = usize::from(tag_length) + usize::from(length_digits);
        let mut kept = String::new();
        for found in self.walk(Raw::of_text(text.as_bytes(), Encoding::Ascii), text.len()) {
            let found = found.ok()?;
            let sensitivity = found.part.map_or(field, |part| self.parts[part].sensitivity);
            if let (true, Span::Characters(characters)) = (sensitivity.may_be_stored(), found.span) {
                kept.push_str(text.get(characters.start - head..characters.end)?);
            }
        }
        Some(kept)
    }

    /// The index of the part with this key.
    fn index_of(&self, key: u32) -> Option<usize> {
        self.keys.get(key)
    }

    pub fn position(&self, id: PartId) -> Option<usize> {
        self.parts.iter().position(|part| part.id == id)
    }

    /// What may be shown of a part, in a field of sensitivity `field`. What hides a whole field hides its parts, whatever
    /// they say themselves; only of chip data (BER-TLV) and behind a bitmap each part decides for itself. What is made of parts
    /// again, and what the dialect does not know, is shown no more than the field.
    pub fn sensitivity_of(&self, found: &Found, field: Sensitivity) -> Sensitivity {
        let decides = !field.hides_all() || matches!(self.form, Form::BerTlv { .. } | Form::Bitmap { .. });
        match found.part.and_then(|part| self.parts.get(part)) {
            Some(part) if decides && !found.is_constructed => part.sensitivity,
            _ => field,
        }
    }

    pub fn name_of(&self, found: &Found) -> &str {
        found.part.and_then(|part| self.parts.get(part)).map_or("(not in this dialect)", |part| &part.name)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Found, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let found = match self {
            Self::Positional(walk) => walk.next(),
            Self::Tagged(walk) => walk.next(),
            Self::BerTlv(walk) => walk.next(),
            Self::Bitmap(walk) => walk.next(),
            Self::Ended => None,
        };
        // An error ends the walk: nothing after it can be trusted.
        if matches!(found, Some(Err(_))) {
            *self = Self::Ended;
        }
        found
    }
}
