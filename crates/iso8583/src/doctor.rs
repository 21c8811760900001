//! Which dialect bytes are in, what did not fit the others, and why it may be so.

mod cause;
mod head;
mod repair;
mod writing;

use std::fmt;

pub use self::cause::Cause;
pub use self::head::Head;
pub use self::writing::{Script, Writing};
use crate::decode_error::DecodeError;
use crate::dialect::Dialect;
use crate::encode_error::EncodeError;

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
    /// What the field in which reading stopped is called, and how it is written.
    pub form: Option<String>,
    /// What may be wrong, the likeliest first: with it undone, the bytes are a message. Where they are one as they are, in any
    /// dialect, nobody has looked.
    pub causes: Vec<Cause>,
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
/// others, of two exact ones that with fewer broken rules; then what one likely cause explains; of other refusals that which
/// came further. Of each dialect only its best fit is told.
#[must_use]
pub fn diagnose<'a>(bytes: &[u8], dialects: impl IntoIterator<Item = &'a Dialect>) -> Vec<Diagnosis> {
    let heads = Head::all_of(bytes);
    let dialects: Vec<&Dialect> = dialects.into_iter().collect();
    let after = |head: &Head| bytes.get(head.bytes()..).unwrap_or_default();
    let fits = |dialect: &Dialect| heads.iter().any(|head| dialect.decode(after(head)).is_ok());
    let is_healthy = dialects.iter().any(|dialect| fits(dialect));
    let of_dialect = |dialect: &&Dialect| {
        let tried = heads.iter().map(|head| {
            let fit = Fit::of(dialect, after(head));
            let form = match fit {
                Fit::Refused { error, .. } => dialect.form(error.path.number()),
                Fit::Exact { .. } | Fit::NotReproduced(_) => None,
            };
            let look = |()| repair::causes(dialect, after(head), head.bytes());
            let causes = (!is_healthy).then_some(()).map(look).unwrap_or_default();
            Diagnosis { dialect: dialect.name().to_owned(), head: *head, fit, form, causes }
        });
        tried.min_by_key(Diagnosis::rank)
    };
    let mut diagnoses: Vec<Diagnosis> = dialects.iter().filter_map(of_dialect).collect();
    diagnoses.sort_by_key(Diagnosis::rank);
    diagnoses
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
    /// What is usually behind such an error, where no cause was found that explains the whole message.
    #[must_use]
    pub fn usual_causes(&self) -> Option<&'static str> {
        match self.fit {
            Fit::Refused { error, .. } if self.causes.is_empty() => Some(cause::usually(error.kind)),
            Fit::Refused { .. } | Fit::Exact { .. } | Fit::NotReproduced(_) => None,
        }
    }

    /// Lower is better. How far it came counts in shares of the whole, as heads differ in length.
    fn rank(&self) -> (u8, usize, Head) {
        match self.fit {
            Fit::Exact { violations, .. } => (0, violations, self.head),
            Fit::NotReproduced(_) => (1, 0, self.head),
            Fit::Refused { error, length } => {
                let share = 1_000 * error.offset as usize / length.max(1);
                match self.causes.first() {
                    Some(cause) => (2, cause.weight(), self.head),
                    None => (3, 1_000_usize.saturating_sub(share), self.head),
                }
            }
        }
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
