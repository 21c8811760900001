//! Which dialect bytes are in, and what did not fit the others.

use std::fmt;

use crate::decode_error::DecodeError;
use crate::dialect::Dialect;
use crate::encode_error::EncodeError;

/// What stands before a message on a link: to be taken off before it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Head {
    /// Nothing.
    None,
    /// A length of two bytes that does not count itself.
    Length,
    /// A length of two bytes that counts itself.
    LengthInclusive,
    /// A length of four ASCII digits.
    LengthDigits,
    /// A TPDU of five bytes (ISO/IEC 7498, as POS terminals use it), beginning with 60.
    Tpdu,
    /// A TPDU and an application header of six bytes.
    TpduAndHeader,
    /// Two bytes of length, then a TPDU.
    LengthAndTpdu,
    /// Two bytes of length, a TPDU and an application header of six bytes.
    LengthTpduAndHeader,
}

/// How bytes fit one dialect, after one head is taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The dialect's name.
    pub dialect: String,
    /// What was taken off.
    pub head: Head,
    /// How well it fits.
    pub fit: Fit,
}

/// How well bytes fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fit {
    /// They are a message, and encode to the same bytes again.
    Exact {
        /// How many fields it has.
        fields: u32,
        /// How many rules of its message type it breaks.
        violations: usize,
    },
    /// They decode and do not encode again: a mistake of the codec, which its laws exclude.
    NotReproduced(Option<EncodeError>),
    /// They are no message.
    Refused {
        /// What did not fit, and where, counted after the head.
        error: DecodeError,
        /// Of how many bytes.
        length: usize,
    },
}

/// Tries every dialect on the bytes, under every head that the bytes allow, and puts the best fit first: an exact one before all
/// others, of two exact ones that with fewer broken rules, of two refusals that which came further. Of each dialect only its
/// best fit is told.
#[must_use]
pub fn diagnose<'a>(bytes: &[u8], dialects: impl IntoIterator<Item = &'a Dialect>) -> Vec<Diagnosis> {
    let heads = Head::all_of(bytes);
    let of_dialect = |dialect: &'a Dialect| {
        let tried = heads.iter().map(|head| Diagnosis {
            dialect: dialect.name().to_owned(),
            head: *head,
            fit: Fit::of(dialect, bytes.get(head.bytes()..).unwrap_or_default()),
        });
        tried.min_by_key(Diagnosis::rank)
    };
    let mut diagnoses: Vec<Diagnosis> = dialects.into_iter().filter_map(of_dialect).collect();
    diagnoses.sort_by_key(Diagnosis::rank);
    diagnoses
}

impl Head {
    /// How many bytes it takes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        match self {
            Self::None => 0,
            Self::Length | Self::LengthInclusive => 2,
            Self::LengthDigits => 4,
            Self::Tpdu => 5,
            Self::LengthAndTpdu => 7,
            Self::TpduAndHeader => 11,
            Self::LengthTpduAndHeader => 13,
        }
    }

    /// The heads that these bytes may have: a length is one only if it is right.
    fn all_of(bytes: &[u8]) -> Vec<Self> {
        let mut heads = vec![Self::None];
        let is_tpdu = |at: usize| bytes.get(at) == Some(&0x60);
        let number = match bytes {
            [a, b, ..] => usize::from(*a) << 8 | usize::from(*b),
            _ => return heads,
        };
        if is_tpdu(0) {
            heads.extend([Self::Tpdu, Self::TpduAndHeader]);
        }
        if number == bytes.len() - 2 {
            heads.push(Self::Length);
            if is_tpdu(2) {
                heads.extend([Self::LengthAndTpdu, Self::LengthTpduAndHeader]);
            }
        }
        if number == bytes.len() {
            heads.push(Self::LengthInclusive);
        }
        let digits =
            bytes.get(..4).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<usize>().ok());
        if digits == Some(bytes.len().saturating_sub(4)) {
            heads.push(Self::LengthDigits);
        }
        heads
    }
}

impl Fit {
    fn of(dialect: &Dialect, bytes: &[u8]) -> Self {
        match dialect.decode(bytes) {
            Err(error) => Self::Refused { error, length: bytes.len() },
            Ok(message) => {
                let mut again = Vec::new();
                match dialect.encode(&message.to_fields(), &mut again) {
                    Ok(()) if again == bytes => Self::Exact {
                        fields: message.fields().len(),
                        violations: dialect.check(&message).len(),
                    },
                    Ok(()) => Self::NotReproduced(None),
                    Err(error) => Self::NotReproduced(Some(error)),
                }
            }
        }
    }
}

impl Diagnosis {
    /// Lower is better. How far it came counts in shares of the whole, as heads differ in length.
    fn rank(&self) -> (u8, usize, Head) {
        match self.fit {
            Fit::Exact { violations, .. } => (0, violations, self.head),
            Fit::NotReproduced(_) => (1, 0, self.head),
            Fit::Refused { error, length } => {
                let share = 1_000 * error.offset as usize / length.max(1);
                (2, 1_000_usize.saturating_sub(share), self.head)
            }
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "as it is",
            Self::Length => "after two bytes of length",
            Self::LengthInclusive => "after two bytes of length that count themselves",
            Self::LengthDigits => "after four digits of length",
            Self::Tpdu => "after a TPDU of five bytes",
            Self::TpduAndHeader => "after a TPDU and a header of six bytes",
            Self::LengthAndTpdu => "after two bytes of length and a TPDU",
            Self::LengthTpduAndHeader => "after two bytes of length, a TPDU and a header of six bytes",
        })
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.dialect)?;
        match self.fit {
            Fit::Exact { fields, violations } => {
                write!(f, "fits {}: {fields} fields, the same bytes when encoded again", self.head)?;
                match violations {
                    0 => f.write_str(", no rule broken"),
                    1 => f.write_str(", one rule broken"),
                    more => write!(f, ", {more} rules broken"),
                }
            }
            Fit::NotReproduced(Some(error)) => {
                write!(f, "decodes {}, and is not encoded again: {error}", self.head)
            }
            Fit::NotReproduced(None) => write!(f, "decodes {}, and is encoded to other bytes", self.head),
            Fit::Refused { error, length } => {
                write!(
                    f,
                    "does not fit, read {}: {} of {length} bytes understood, then {error}",
                    self.head, error.offset
                )
            }
        }
    }
}
