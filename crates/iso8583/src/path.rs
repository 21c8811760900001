//! Where in a message something is: a field, a part of a field, a part of a part.

use std::fmt;
use std::str::FromStr;

/// How many levels of parts a path can name below its field.
pub(crate) const MAX_LEVELS: usize = 3;

/// A place in a message: the message type, the bitmap, a field ("11"), a part of one ("48.CV", "55.9F02"), a part that is
/// there again ("48.01[2]") or lies inside another ("55.70.9F26").
///
/// The name of a part comes from the dialect, or is a tag; it is never a value, so a path can be logged.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath {
    field: u8,
    place: Place,
}

/// A text is not the path of a field or of a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathError;

/// A part's number or tag: one to eight letters or digits, filled with zero bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct PartId([u8; 8]);

impl PartId {
    pub fn parse(id: &str) -> Option<Self> {
        let bytes = id.as_bytes();
        let fits = (1..=8).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_alphanumeric);
        fits.then(|| Self(std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0))))
    }

    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(8);
        // Only letters and digits are ever stored, so the empty text is never seen.
        std::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }

    const fn is_empty(self) -> bool {
        self.0[0] == 0
    }
}

/// One level of a path: which part, and which of those with this number or tag, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Segment {
    pub id: PartId,
    pub occurrence: u8,
}

/// A place inside a field; without segments the field itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Place([Segment; MAX_LEVELS]);

impl Place {
    /// Reads "9F02", "01[2]" or "70.9F26".
    pub fn parse(text: &str) -> Option<Self> {
        let mut place = Self::default();
        for (level, segment) in text.split('.').enumerate() {
            let (id, occurrence) = match segment.split_once('[') {
                Some((id, rest)) => (id, number(rest.strip_suffix(']')?)?),
                None => (segment, 1),
            };
            *place.0.get_mut(level)? = Segment { id: PartId::parse(id)?, occurrence };
        }
        Some(place)
    }

    /// This place with one more level; levels beyond what a path can name are left out.
    pub fn with(mut self, id: PartId, occurrence: u8) -> Self {
        if let Some(free) = self.0.iter_mut().find(|segment| segment.id.is_empty()) {
            *free = Segment { id, occurrence };
        }
        self
    }

    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.0.iter().take_while(|segment| !segment.id.is_empty())
    }

    /// The part itself, without what it lies in.
    pub fn last(&self) -> Option<&Segment> {
        self.segments().last()
    }

    /// How deep it lies; 0 for the field itself.
    pub fn level(&self) -> usize {
        self.segments().count()
    }
}

impl FieldPath {
    /// The message type identifier.
    pub const MTI: Self = Self::field(0);
    /// The bitmap, primary and secondary.
    pub const BITMAP: Self = Self::field(1);

    /// Field number `de`, 2 to 128.
    #[must_use]
    pub const fn field(de: u8) -> Self {
        let none = Segment { id: PartId([0; 8]), occurrence: 0 };
        Self { field: de, place: Place([none; MAX_LEVELS]) }
    }

    pub(crate) const fn part(de: u8, place: Place) -> Self {
        Self { field: de, place }
    }

    pub(crate) const fn place(&self) -> &Place {
        &self.place
    }

    /// The field's number; 0 for the message type identifier, 1 for the bitmap.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.field
    }
}

/// One or two digits and more, from 1 to 255, without a leading zero.
fn number(text: &str) -> Option<u8> {
    text.parse::<u8>().ok().filter(|number| *number > 0 && *text == number.to_string())
}

impl FromStr for FieldPath {
    type Err = PathError;

    /// Reads a field from 2 to 128, or a part of one: "4", "60.1", "48.01[2]", "55.70.9F26".
    fn from_str(text: &str) -> Result<Self, PathError> {
        let (field, place) = match text.split_once('.') {
            Some((field, rest)) => (field, Place::parse(rest).ok_or(PathError)?),
            None => (text, Place::default()),
        };
        let field = number(field).filter(|de| (2..=128).contains(de)).ok_or(PathError)?;
        Ok(Self { field, place })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (level, segment) in self.segments().enumerate() {
            f.write_str(if level == 0 { "" } else { "." })?;
            f.write_str(segment.id.as_str())?;
            if segment.occurrence > 1 {
                write!(f, "[{}]", segment.occurrence)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field {
            0 => f.write_str("mti"),
            1 => f.write_str("bitmap"),
            de => write!(f, "{de}"),
        }?;
        if self.place.level() > 0 { write!(f, ".{}", self.place) } else { Ok(()) }
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl PathError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        "path_invalid"
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path is a field from 2 to 128, and the parts below it: 4, 60.1, 48.01[2], 55.70.9F26")
    }
}

impl std::error::Error for PathError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_it_is_written() {
        for text in [
            "2",
            "128",
            "60.1",
            "48.CV",
            "48.01[2]",
            "55.9F02",
            "55.70.9F26",
            "55.DF8116",
            "55.70[2].61.4F[3]",
        ] {
            assert_eq!(text.parse::<FieldPath>().unwrap().to_string(), text);
        }
        assert_eq!("48.01[1]".parse(), "48.01".parse::<FieldPath>());
        for bad in [
            "",
            "1",
            "0",
            "129",
            "02",
            "x",
            "48.",
            "48..1",
            "48.01[0]",
            "48.01[2",
            "48.01[02]",
            "48.1.2.3.4",
            "48.123456789",
            "48.A_",
        ] {
            assert_eq!(bad.parse::<FieldPath>(), Err(PathError), "{bad}");
        }
    }
}
