//! A compiled dialect: a flat table of fields, their names and parts, and the rules of each message type.

use std::fmt;
use std::sync::Arc;

use crate::bitmap::FieldSet;
use crate::class::Class;
use crate::compile_length::MAX_UNITS;
use crate::composite::Composite;
use crate::dialect_error::DialectError;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::encode::push_content;
use crate::fields::Fields;
use crate::layout::Layout;
use crate::mask::Sensitivity;
use crate::message::Slot;
use crate::path::FieldPath;
use crate::quick::Steps;
use crate::rules::MessageRules;
use crate::value::Value;
use crate::{compile, document};

/// One bank's form of ISO 8583, compiled from its document. Immutable; share it behind an `Arc`.
pub struct Dialect {
    pub(crate) name: String,
    pub(crate) mti: MtiEncoding,
    pub(crate) bitmap: BitmapEncoding,
    /// Indexed by field number; 0 and 1 are never used.
    pub(crate) layouts: Box<[Option<Layout>; 129]>,
    /// The same, as far as the quick way needs to know it.
    pub(crate) steps: Steps,
    pub(crate) names: Vec<String>,
    pub(crate) composites: Arc<[Composite]>,
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
        match (path.number(), path.place().last()) {
            (0, _) => Some("Message type identifier"),
            (1, _) => Some("Bitmap"),
            (de, None) => {
                self.layout(de)?;
                self.names.get(usize::from(de)).map(String::as_str)
            }
            (de, Some(segment)) => {
                let composite = self.composite(de)?;
                composite.parts.get(composite.position(segment.id)?).map(|part| part.name.as_str())
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
            let storable_parts =
                self.composite(de).and_then(|composite| composite.storable_text(text, layout.sensitivity));
            match storable_parts {
                Some(text) if !text.is_empty() => kept.replace(de, text.as_bytes()),
                Some(_) => kept.remove(de),
                None if !layout.sensitivity.may_be_stored() => kept.remove(de),
                None => {}
            }
        }
        kept
    }

    /// The value of a text, as if it had been received: `content` gets its bytes. `None` if the field is not defined or the
    /// text is not of its class.
    pub(crate) fn value_of<'a>(&'a self, de: u8, text: &str, content: &'a mut Vec<u8>) -> Option<Value<'a>> {
        let layout = self.layout(de)?;
        let text = text.as_bytes();
        let is_whole_bytes = layout.class != Class::Binary || text.len().is_multiple_of(2);
        if !is_whole_bytes || !layout.class.allows(text) || text.len() > 2 * usize::from(MAX_UNITS) {
            return None;
        }
        content.clear();
        push_content(layout, text, content);
        let slot = Slot::new(0, content.len(), layout.is_padded(text.len()));
        // A text is as long as it is: one that its fixed field would be filled for is looked at before that.
        let layout = Layout { length: layout.length.variable(), ..*layout };
        Value::in_slot(&layout, content, slot, self.composite(de))
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
