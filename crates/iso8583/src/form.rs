//! A field's form in words: what an error holds a message against.

use std::fmt;

use crate::class::Class;
use crate::dialect::Dialect;
use crate::layout::{Counts, Encoding, Layout, Length, PrefixEncoding, Side};
use crate::path::FieldPath;

impl Dialect {
    /// What field `de` is called and how it is written, in words. `None` where the dialect has no such field.
    #[must_use]
    pub fn form(&self, de: u8) -> Option<String> {
        let name = self.field_name(FieldPath::field(de))?;
        Some(format!("{name}, {}", self.layout(de)?))
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Two hexadecimal digits are one byte.
        let per_unit = if self.encoding == Encoding::Hex { 2 } else { 1 };
        let what = match self.class {
            Class::Numeric => "digits",
            Class::Alphabetic => "letters",
            Class::Alphanumeric => "letters and digits",
            Class::AlphanumericPad => "letters, digits and spaces",
            Class::Text => "printable characters",
            Class::Track => "track characters",
            Class::SignedNumeric => "characters, C or D and digits",
            Class::Binary => "bytes",
        };
        match self.length {
            Length::Fixed { units } => write!(f, "{} {what}", units / per_unit)?,
            Length::Variable { max, .. } => write!(f, "at most {} {what}", max / per_unit)?,
        }
        f.write_str(match self.encoding {
            Encoding::Ascii => " in ASCII",
            Encoding::Ebcdic => " in EBCDIC",
            Encoding::Bcd => " packed, two a byte",
            Encoding::Binary => " as they are",
            Encoding::Hex => " as upper-case hexadecimal digits",
        })?;
        let may_be_odd = match self.length {
            Length::Fixed { units } => self.is_padded(usize::from(units)),
            Length::Variable { .. } => self.is_padded(1),
        };
        if may_be_odd {
            let side = if self.odd == Side::Left { "before" } else { "behind" };
            write!(f, ", an odd number with {:X} {side} it", self.pad)?;
        }
        let Length::Variable { prefix, digits, counts, .. } = self.length else { return Ok(()) };
        let form = match prefix {
            PrefixEncoding::Ascii => "digits in ASCII",
            PrefixEncoding::Ebcdic => "digits in EBCDIC",
            PrefixEncoding::Bcd => "packed digits",
            PrefixEncoding::Binary => "bytes",
        };
        let counted = match (counts, self.encoding) {
            (Counts::Digits, _) => "digits",
            (Counts::Bytes, Encoding::Ascii | Encoding::Ebcdic) => "characters",
            (Counts::Bytes, _) => "bytes",
        };
        write!(f, ", behind a length of {digits} {form} that counts {counted}")
    }
}
