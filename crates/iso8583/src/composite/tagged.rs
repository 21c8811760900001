//! Parts of a tag, a length and a value, all of them characters.

use super::seen::Seen;
use super::{Composite, Found, Kind, Span};
use crate::content_error::ContentError;
use crate::path::{PartId, Place, Segment};
use crate::raw::Raw;

pub(crate) struct Walk<'a> {
    composite: &'a Composite,
    raw: Raw<'a>,
    length: usize,
    tag_length: usize,
    length_digits: usize,
    at: usize,
    seen: Seen,
}

impl<'a> Walk<'a> {
    pub fn new(
        composite: &'a Composite,
        raw: Raw<'a>,
        length: usize,
        tag_length: usize,
        length_digits: usize,
    ) -> Self {
        Self { composite, raw, length, tag_length, length_digits, at: 0, seen: Seen::new() }
    }

    pub fn next(&mut self) -> Option<Result<Found, ContentError>> {
        (self.at < self.length).then(|| self.part())
    }

    fn part(&mut self) -> Result<Found, ContentError> {
        let (start, byte_of) = (self.at, |at| self.raw.byte_of(at));
        let length_at = start + self.tag_length;
        let value = length_at + self.length_digits;
        if value > self.length {
            return Err(Kind::PartLength.at(byte_of(start), Place::default()));
        }
        let mut tag = [0; 4];
        for (i, byte) in tag.iter_mut().take(self.tag_length).enumerate() {
            *byte = self.raw.character(start + i);
        }
        let key = key(tag);
        let part = self.composite.index_of(key);
        let id = match part {
            Some(part) => self.composite.parts[part].id,
            None if !self.composite.keeps_unknown => {
                return Err(Kind::PartUnknown.at(byte_of(start), Place::default()));
            }
            None => std::str::from_utf8(&tag[..self.tag_length])
                .ok()
                .and_then(PartId::parse)
                .ok_or(Kind::PartTag.at(byte_of(start), Place::default()))?,
        };
        let refuse = |kind: Kind, at: usize, occurrence| {
            kind.at(self.raw.byte_of(at), Place::default().with(id, occurrence))
        };
        let noted = self.seen.note(key, 0, self.composite.repeats);
        let (_, occurrence) = noted.map_err(|kind| refuse(kind, start, 1))?;
        let mut length = 0;
        for at in length_at..value {
            let digit = self.raw.character(at);
            if !digit.is_ascii_digit() {
                return Err(refuse(Kind::Character, at, occurrence));
            }
            length = length * 10 + usize::from(digit - b'0');
        }
        let fits = part.is_none_or(|part| self.composite.parts[part].fits(length));
        if length > self.length - value || !fits {
            return Err(refuse(Kind::PartLength, length_at, occurrence));
        }
        self.at = value + length;
        Ok(Found {
            part,
            segment: Segment { id, occurrence },
            inside: Place::default(),
            span: Span::Characters(value..value + length),
            is_constructed: false,
            is_open: false,
        })
    }
}

/// A tag of one to four characters, filled with zero bytes, as a number.
pub(crate) const fn key(tag: [u8; 4]) -> u32 {
    u32::from_be_bytes(tag)
}
