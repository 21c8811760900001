//! A compiled dialect: a flat table of fields, their names and parts, and the rules of each message type.

use std::fmt;

use crate::bitmap::FieldSet;
use crate::composite::Composite;
use crate::dialect_error::DialectError;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::fields::Fields;
use crate::layout::Layout;
use crate::mask::Sensitivity;
use crate::path::FieldPath;
use crate::rules::MessageRules;
use crate::{compile, document};

/// One bank's form of ISO 8583, compiled from its document. Immutable; share it behind an `Arc`.
pub struct Dialect {
    pub(crate) name: String,
    pub(crate) mti: MtiEncoding,
    pub(crate) bitmap: BitmapEncoding,
    /// Indexed by field number; 0 and 1 are never used.
    pub(crate) layouts: Box<[Option<Layout>; 129]>,
    pub(crate) names: Vec<String>,
    pub(crate) composites: Vec<Composite>,
    pub(crate) rules: Vec<MessageRules>,
}

impl Dialect {
    /// Compiles a dialect from its TOML document. `parent` returns the text of a document that this one
    /// `extends`, by name; the library itself reads no file.
    ///
    /// # Errors
    /// [`DialectError`] with the place in the document and the rule it breaks. A field that does not decide
    /// whether it may be shown is an error.
    pub fn from_toml(text: &str, parent: impl Fn(&str) -> Option<String>) -> Result<Self, DialectError> {
        compile::dialect(document::read(text, &parent)?)
    }

    /// The name the document gives itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fields this dialect defines.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        (2..=128).filter(|&de| self.layout(de).is_some()).collect()
    }

    /// The name of a field, or of a part of one; `None` where the dialect has no such place.
    #[must_use]
    pub fn field_name(&self, path: FieldPath) -> Option<&str> {
        let part = path.part_bytes();
        match (path.number(), part) {
            (0, _) => Some("Message type identifier"),
            (1, _) => Some("Bitmap"),
            (de, [0, ..]) => {
                self.layout(de)?;
                self.names.get(usize::from(de)).map(String::as_str)
            }
            (de, part) => {
                let parts = &self.composite(de)?.parts;
                parts.iter().find(|p| p.id == part).map(|p| p.name.as_str())
            }
        }
    }

    /// How much of field `de` may be shown; `None` where the dialect has no such field.
    #[must_use]
    pub fn sensitivity(&self, de: u8) -> Option<Sensitivity> {
        self.layout(de).map(|layout| layout.sensitivity)
    }

    /// The fields as they may be stored: without track data, PIN block, security code and chip data. A tagged
    /// field loses only the parts that may not be stored.
    #[must_use]
    pub fn storable(&self, fields: &Fields) -> Fields {
        let mut kept = fields.clone();
        for (de, text) in fields.iter() {
            let Some(layout) = self.layout(de) else {
                // What the dialect does not know may be anything.
                kept.remove(de);
                continue;
            };
            let storable_parts = self.composite(de).and_then(|composite| composite.storable_text(text));
            match storable_parts {
                Some(text) if !text.is_empty() => kept.replace(de, text),
                Some(_) => kept.remove(de),
                None if !layout.sensitivity.may_be_stored() => kept.remove(de),
                None => {}
            }
        }
        kept
    }

    #[inline]
    pub(crate) fn layout(&self, de: u8) -> Option<&Layout> {
        self.layouts.get(usize::from(de)).and_then(Option::as_ref)
    }

    pub(crate) fn composite(&self, de: u8) -> Option<&Composite> {
        self.composites.get(usize::from(self.layout(de)?.composite?))
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialect")
            .field("name", &self.name)
            .field("fields", &self.fields())
            .finish_non_exhaustive()
    }
}
