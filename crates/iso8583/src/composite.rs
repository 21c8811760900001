//! Fields made of parts: positions of fixed length, or tags with lengths.

use std::ops::Range;

use crate::class::Class;
use crate::content_error::ContentError;
use crate::mask::Sensitivity;

/// The parts of a field, as the dialect defines them.
#[derive(Debug, Clone)]
pub(crate) struct Composite {
    pub form: Form,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Positional,
    Tagged { tag_length: u8, length_digits: u8 },
}

/// One part. Lengths are in characters of the field's text.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Number or tag, filled with zero bytes.
    pub id: [u8; 4],
    pub name: String,
    pub class: Class,
    pub length: PartLength,
    pub sensitivity: Sensitivity,
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

/// A part found in a value: which one, and where its characters are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub part: usize,
    pub characters: Range<usize>,
}

/// Walks over the parts of a value of `length` characters, without storing them.
pub(crate) struct Walk<'c, F> {
    composite: &'c Composite,
    character: F,
    length: usize,
    at: usize,
    next: usize,
    /// One bit for each tagged part that has been seen; a dialect has at most 64.
    seen: u64,
}

/// How many parts a field may have.
pub(crate) const MAX_PARTS: usize = 64;

impl Composite {
    pub fn walk<F: Fn(usize) -> u8>(&self, length: usize, character: F) -> Walk<'_, F> {
        Walk { composite: self, character, length, at: 0, next: 0, seen: 0 }
    }

    /// Whether a value is made of this field's parts and nothing else.
    pub fn check<F: Fn(usize) -> u8 + Copy>(&self, length: usize, character: F) -> Result<(), ContentError> {
        for found in self.walk(length, character) {
            let found = found?;
            let part = &self.parts[found.part];
            for (index, at) in found.characters.enumerate() {
                if !part.class.allows_at(index, character(at)) {
                    return Err(ContentError::character(at).in_part(part.id));
                }
            }
        }
        Ok(())
    }

    /// The text of a tagged value without the parts that may not be stored. `None` where the field as a whole
    /// decides: it is not tagged, or the text is not made of its parts.
    pub fn storable_text(&self, text: &str) -> Option<String> {
        let Form::Tagged { tag_length, length_digits } = self.form else { return None };
        let head = usize::from(tag_length) + usize::from(length_digits);
        let bytes = text.as_bytes();
        let mut kept = String::new();
        for found in self.walk(bytes.len(), |at| bytes[at]) {
            let found = found.ok()?;
            if self.parts[found.part].sensitivity.may_be_stored() {
                kept.push_str(text.get(found.characters.start - head..found.characters.end)?);
            }
        }
        Some(kept)
    }

    pub fn position(&self, id: &str) -> Option<usize> {
        self.parts.iter().position(|part| part_id(id) == Some(part.id))
    }
}

/// The identifier of a part as a path holds it: one to four letters or digits.
pub(crate) fn part_id(id: &str) -> Option<[u8; 4]> {
    let bytes = id.as_bytes();
    let fits = (1..=4).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
    fits.then(|| std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0)))
}

impl<F: Fn(usize) -> u8> Iterator for Walk<'_, F> {
    type Item = Result<Found, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.length {
            return None;
        }
        let found = match self.composite.form {
            Form::Positional => self.next_position(),
            Form::Tagged { tag_length, length_digits } => {
                self.next_tag(tag_length.into(), length_digits.into())
            }
        };
        // An error ends the walk: nothing after it can be trusted.
        self.at = found.as_ref().map_or(self.length, |found| found.characters.end);
        Some(found)
    }
}

impl<F: Fn(usize) -> u8> Walk<'_, F> {
    fn next_position(&mut self) -> Result<Found, ContentError> {
        let Some(part) = self.composite.parts.get(self.next) else {
            return Err(ContentError::part_unknown(self.at));
        };
        let rest = self.length - self.at;
        let length = match part.length {
            PartLength::Fixed(fixed) => usize::from(fixed),
            PartLength::UpTo(max) => rest.min(usize::from(max)),
        };
        if rest < length {
            return Err(ContentError::part_length(self.at).in_part(part.id));
        }
        let found = Found { part: self.next, characters: self.at..self.at + length };
        self.next += 1;
        Ok(found)
    }

    fn next_tag(&mut self, tag_length: usize, length_digits: usize) -> Result<Found, ContentError> {
        let value = self.at + tag_length + length_digits;
        if value > self.length {
            return Err(ContentError::part_length(self.at));
        }
        let mut tag = [0; 4];
        for (i, byte) in tag.iter_mut().take(tag_length).enumerate() {
            *byte = (self.character)(self.at + i);
        }
        let Some(index) = self.composite.parts.iter().position(|part| part.id == tag) else {
            return Err(ContentError::part_unknown(self.at));
        };
        let part = &self.composite.parts[index];
        // Two parts with one tag would leave it to each reader which of them counts.
        if self.seen >> index & 1 == 1 {
            return Err(ContentError::part_repeated(self.at).in_part(part.id));
        }
        self.seen |= 1 << index;
        let mut length = 0;
        for at in self.at + tag_length..value {
            let digit = (self.character)(at);
            if !digit.is_ascii_digit() {
                return Err(ContentError::character(at).in_part(part.id));
            }
            length = length * 10 + usize::from(digit - b'0');
        }
        if length > self.length - value || !part.fits(length) {
            return Err(ContentError::part_length(self.at + tag_length).in_part(part.id));
        }
        Ok(Found { part: index, characters: value..value + length })
    }
}
