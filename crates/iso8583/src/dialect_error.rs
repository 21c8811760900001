//! Why a dialect's document is not a dialect.

use std::fmt;

/// A document that cannot be compiled, and where it goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialectError {
    /// What sort of error it is.
    pub kind: DialectErrorKind,
    /// The dialect whose document was being compiled.
    pub dialect: String,
    /// The place in the document, as "field.48.part.CV.length"; empty for the document as a whole.
    pub path: String,
    /// The rule that is broken, as a sentence.
    pub rule: String,
}

/// The sorts of errors in a dialect's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DialectErrorKind {
    /// Not TOML, or a key or word that a dialect does not have.
    Syntax,
    /// The dialect it extends is not known, or the chain of extensions does not end.
    Parent,
    /// A decision is missing.
    Missing,
    /// A number is outside its range.
    OutOfRange,
    /// Two settings exclude each other.
    Conflict,
    /// A field's masking is undecided, or too weak for what the field can hold.
    Masking,
    /// A rule for a message type names a field or a part that the dialect does not define.
    Rule,
}

impl DialectErrorKind {
    /// The stable name of this sort of error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "dialect_syntax",
            Self::Parent => "dialect_parent",
            Self::Missing => "dialect_missing",
            Self::OutOfRange => "dialect_out_of_range",
            Self::Conflict => "dialect_conflict",
            Self::Masking => "dialect_masking",
            Self::Rule => "dialect_rule",
        }
    }
}

impl DialectError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for DialectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dialect {}", self.dialect)?;
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": {}", self.rule)
    }
}

impl std::error::Error for DialectError {}

/// Makes errors for one dialect.
#[derive(Clone, Copy)]
pub(crate) struct Blame<'a> {
    pub dialect: &'a str,
}

impl Blame<'_> {
    pub fn error(
        self,
        kind: DialectErrorKind,
        path: impl Into<String>,
        rule: impl Into<String>,
    ) -> DialectError {
        DialectError { kind, dialect: self.dialect.to_owned(), path: path.into(), rule: rule.into() }
    }
}
