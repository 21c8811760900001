//! Chip data: tags and lengths of one or more bytes, one inside another (ISO/IEC 8825-1, EMV book 3 annex B).
//!
//! Nothing is put in order or made shorter: what is read is where it was, in the form it had. A length may take more bytes than
//! it needs, as some hosts write it; a length without end (80) and padding between tags (00) are refused.

use super::seen::Seen;
use super::{Composite, Found, Kind, Span};
use crate::content_error::ContentError;
use crate::path::{MAX_LEVELS, PartId, Place, Segment};
use crate::raw::{HEX_DIGITS, Raw};

pub(crate) struct Walk<'a> {
    composite: &'a Composite,
    raw: Raw<'a>,
    /// How many levels of tags are opened.
    levels: usize,
    /// The next byte.
    at: usize,
    /// What is open: the field itself, and the constructed values the next byte lies in.
    open: [Open; MAX_LEVELS],
    level: usize,
    seen: Seen,
}

#[derive(Clone, Copy, Default)]
struct Open {
    /// Its first byte that is no longer its own.
    end: usize,
    /// Its number among the tags seen.
    number: u8,
    place: Place,
}

impl<'a> Walk<'a> {
    /// `length` is in characters, two a byte.
    pub fn new(composite: &'a Composite, raw: Raw<'a>, length: usize, levels: usize) -> Self {
        let mut open = [Open::default(); MAX_LEVELS];
        open[0].end = length / 2;
        Self { composite, raw, levels: levels.min(MAX_LEVELS), at: 0, open, level: 0, seen: Seen::new() }
    }

    pub fn next(&mut self) -> Option<Result<Found, ContentError>> {
        while self.at == self.open[self.level].end {
            if self.level == 0 {
                return None;
            }
            self.level -= 1;
        }
        Some(self.part())
    }

    fn part(&mut self) -> Result<Found, ContentError> {
        let inside = self.open[self.level];
        let start = self.at;
        let (tag, length_at) = self.tag(inside).map_err(|kind| self.error(kind, start, inside.place))?;
        let part = self.composite.index_of(tag);
        // A tag that is refused is not named: where it stands is enough, and it may be anything.
        let id = match part {
            Some(part) => self.composite.parts[part].id,
            None if !self.composite.keeps_unknown => {
                return Err(self.error(Kind::PartUnknown, start, inside.place));
            }
            None => hex_id(tag),
        };
        let noted = self.seen.note(tag, inside.number, self.composite.repeats);
        let (number, occurrence) = noted.map_err(|kind| self.error(kind, start, inside.place.with(id, 1)))?;
        let refuse = |kind| self.error(kind, length_at, inside.place.with(id, occurrence));
        let (value, length) = self.length(length_at, inside.end).ok_or_else(|| refuse(Kind::PartLength))?;
        let fits = part.is_none_or(|part| self.composite.parts[part].fits(length * 2));
        if length > inside.end - value || !fits {
            return Err(refuse(Kind::PartLength));
        }
        let end = value + length;
        let is_constructed = self.octet(start) & 0x20 != 0;
        let is_open = is_constructed && self.level + 1 < self.levels;
        if is_open {
            self.level += 1;
            self.open[self.level] = Open { end, number, place: inside.place.with(id, occurrence) };
            self.at = value;
        } else {
            self.at = end;
        }
        Ok(Found {
            part,
            segment: Segment { id, occurrence },
            inside: inside.place,
            span: Span::Characters(value * 2..end * 2),
            is_constructed,
            is_open,
        })
    }

    /// The tag at the next byte as a number, and where its length begins.
    fn tag(&self, inside: Open) -> Result<(u32, usize), Kind> {
        let first = self.octet(self.at);
        let mut tag = u32::from(first);
        let mut at = self.at + 1;
        if first == 0 {
            return Err(Kind::PartTag);
        }
        if first & 0x1f == 0x1f {
            loop {
                if at == inside.end {
                    return Err(Kind::PartLength);
                }
                if at - self.at == 4 {
                    return Err(Kind::PartTag);
                }
                let octet = self.octet(at);
                tag = tag << 8 | u32::from(octet);
                at += 1;
                if octet & 0x80 == 0 {
                    break;
                }
            }
        }
        Ok((tag, at))
    }

    /// Where the value begins, and how long it is.
    fn length(&self, at: usize, end: usize) -> Option<(usize, usize)> {
        if at == end {
            return None;
        }
        let first = self.octet(at);
        let more = match first {
            0..=0x7f => return Some((at + 1, first.into())),
            0x81..=0x84 => usize::from(first & 0x7f),
            _ => return None,
        };
        let value = at + 1 + more;
        if value > end {
            return None;
        }
        let length = (at + 1..value).fold(0_u64, |length, at| length << 8 | u64::from(self.octet(at)));
        Some((value, usize::try_from(length).ok()?))
    }

    fn octet(&self, at: usize) -> u8 {
        self.raw.octet(at)
    }

    fn error(&self, kind: Kind, at: usize, place: Place) -> ContentError {
        kind.at(self.raw.byte_of(at * 2), place)
    }
}

/// A tag as it is written: two digits a byte.
fn hex_id(tag: u32) -> PartId {
    let bytes = tag.to_be_bytes();
    let first = (tag.leading_zeros() / 8).min(3) as usize;
    let mut text = [0; 8];
    let digits = bytes[first..].iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.zip(&mut text).for_each(|(digit, at)| *at = HEX_DIGITS[usize::from(digit)]);
    let text = std::str::from_utf8(&text[..(4 - first) * 2]).unwrap_or_default();
    PartId::parse(text).unwrap_or_default()
}

/// The tag that a part's id spells: whole bytes, the first of which says whether more follow, each of those whether it is the
/// last.
pub(crate) fn key(id: &str) -> Option<u32> {
    let upper = id.bytes().all(|c| c.is_ascii_digit() || (b'A'..=b'F').contains(&c));
    let tag = u32::from_str_radix(id, 16).ok().filter(|_| upper && id.len().is_multiple_of(2))?;
    let bytes = tag.to_be_bytes();
    let (first, more) = bytes[4 - id.len() / 2..].split_first()?;
    let is_whole = match more.split_last() {
        None => first & 0x1f != 0x1f,
        Some((last, middle)) => {
            first & 0x1f == 0x1f && last & 0x80 == 0 && middle.iter().all(|octet| octet & 0x80 != 0)
        }
    };
    (is_whole && *first != 0).then_some(tag)
}

/// Whether the values of this tag are made of tags again.
pub(crate) fn is_constructed(tag: u32) -> bool {
    tag.to_be_bytes().into_iter().find(|octet| *octet != 0).is_some_and(|first| first & 0x20 != 0)
}
