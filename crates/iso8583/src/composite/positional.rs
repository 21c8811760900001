//! Parts that follow one another, each of its length; the value may end after any of them.

use super::{Composite, Found, Kind, PartLength, Span};
use crate::content_error::ContentError;
use crate::path::{Place, Segment};
use crate::raw::Raw;

pub(crate) struct Walk<'a> {
    composite: &'a Composite,
    raw: Raw<'a>,
    length: usize,
    at: usize,
    next: usize,
}

impl<'a> Walk<'a> {
    pub fn new(composite: &'a Composite, raw: Raw<'a>, length: usize) -> Self {
        Self { composite, raw, length, at: 0, next: 0 }
    }

    pub fn next(&mut self) -> Option<Result<Found, ContentError>> {
        (self.at < self.length).then(|| self.part())
    }

    fn part(&mut self) -> Result<Found, ContentError> {
        let here = self.raw.byte_of(self.at);
        let part = self.composite.parts.get(self.next).ok_or(Kind::PartUnknown.at(here, Place::default()))?;
        let rest = self.length - self.at;
        let length = match part.length {
            PartLength::Fixed(fixed) => usize::from(fixed),
            PartLength::UpTo(max) => rest.min(usize::from(max)),
        };
        if rest < length {
            return Err(Kind::PartLength.at(here, Place::default().with(part.id, 1)));
        }
        let found = Found {
            part: Some(self.next),
            segment: Segment { id: part.id, occurrence: 1 },
            inside: Place::default(),
            span: Span::Characters(self.at..self.at + length),
            is_constructed: false,
            is_open: false,
        };
        self.at += length;
        self.next += 1;
        Ok(found)
    }
}
