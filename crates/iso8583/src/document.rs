//! A dialect's document as it is written, and how one document extends another.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::class::Class;
use crate::dialect_error::{Blame, DialectError, DialectErrorKind};
use crate::layout::{Counts, Encoding, Fill, PrefixEncoding, Side};
use crate::mask::Sensitivity;

/// How many documents may stand on each other.
const MAX_DEPTH: usize = 8;

/// The form of the message type identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MtiEncoding {
    Ascii,
    Ebcdic,
    Bcd,
}

/// The form of the bitmaps: eight bytes each, or sixteen upper-case hexadecimal digits each, in ASCII or in EBCDIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BitmapEncoding {
    Binary,
    Hex,
    EbcdicHex,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub name: String,
    pub extends: Option<String>,
    pub mti: Option<MtiEncoding>,
    pub bitmap: Option<BitmapEncoding>,
    /// The fields this dialect uses; all that are defined, if it is absent.
    pub fields: Option<Vec<u8>>,
    /// Settings for all fields of a class that do not say otherwise themselves.
    #[serde(default)]
    pub default: BTreeMap<Class, FieldDoc>,
    #[serde(default)]
    pub field: BTreeMap<String, FieldDoc>,
    #[serde(default)]
    pub message: BTreeMap<String, MessageDoc>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldDoc {
    pub name: Option<String>,
    pub class: Option<Class>,
    pub fixed: Option<u16>,
    pub max: Option<u16>,
    pub prefix: Option<PrefixEncoding>,
    pub prefix_digits: Option<u8>,
    pub counts: Option<Counts>,
    pub encoding: Option<Encoding>,
    pub odd: Option<Side>,
    pub pad: Option<String>,
    pub fill: Option<Fill>,
    pub sensitive: Option<Sensitivity>,
    pub composite: Option<CompositeDoc>,
    pub part: Option<Vec<PartDoc>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum CompositeDoc {
    /// Parts follow one another, each of its fixed length; the field may end after any of them.
    Positional,
    /// Each part is a tag, a length and a value, all characters.
    Tagged {
        tag_length: u8,
        length_digits: u8,
        #[serde(default)]
        unknown: Unknown,
        #[serde(default)]
        repeat: bool,
    },
    /// Chip data: BER-TLV. `levels` of tags are told apart, 1 to 3; what is constructed on the last stays closed.
    BerTlv {
        levels: u8,
        unknown: Unknown,
        #[serde(default)]
        repeat: bool,
    },
    /// A bitmap of so many bytes announces the parts, each of which is read like a field.
    Bitmap { encoding: BitmapEncoding, bytes: u8 },
}

/// What becomes of a tag that the dialect does not define.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unknown {
    #[default]
    Refuse,
    /// It is let through, and shown no more than the field.
    Keep,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartDoc {
    pub id: String,
    pub name: String,
    pub class: Option<Class>,
    pub length: Option<u16>,
    pub max: Option<u16>,
    pub sensitive: Option<Sensitivity>,
    // Only behind a bitmap, where a part is read like a field:
    pub prefix: Option<PrefixEncoding>,
    pub prefix_digits: Option<u8>,
    pub counts: Option<Counts>,
    pub encoding: Option<Encoding>,
    pub odd: Option<Side>,
    pub pad: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageDoc {
    pub name: Option<String>,
    pub mandatory: Option<Vec<Place>>,
    pub optional: Option<Vec<Place>>,
    pub forbidden: Option<Vec<Place>>,
    pub echo: Option<Vec<Place>>,
    pub echo_if_present: Option<Vec<Place>>,
    pub variant: Option<Vec<VariantDoc>>,
    pub conditional: Option<Vec<ConditionalDoc>>,
}

/// A field by its number, or a part of one by its path.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Place {
    Field(u8),
    Path(String),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantDoc {
    pub name: String,
    /// Which values make a message this variant: a path ("3", "60.1"), and what it holds.
    pub when: BTreeMap<String, ConditionDoc>,
    #[serde(default)]
    pub mandatory: Vec<Place>,
    #[serde(default)]
    pub optional: Vec<Place>,
    #[serde(default)]
    pub forbidden: Vec<Place>,
    /// Fields that this variant of a response need not echo.
    #[serde(default)]
    pub unechoed: Vec<Place>,
}

/// What is demanded in addition, of every variant, where all conditions hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConditionalDoc {
    pub when: BTreeMap<String, ConditionDoc>,
    #[serde(default)]
    pub mandatory: Vec<Place>,
    #[serde(default)]
    pub forbidden: Vec<Place>,
}

/// What a field or part must hold for a condition to hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum ConditionDoc {
    /// This text.
    Is(String),
    /// One of these texts.
    OneOf(Vec<String>),
    Test(ConditionTest),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum ConditionTest {
    /// A text that starts so.
    Starts(String),
    /// Anything (`true`), or nothing (`false`): whether it is there.
    Present(bool),
}

/// Reads a document and all it extends, and lays each over its parent.
pub(crate) fn read(text: &str, parent: &dyn Fn(&str) -> Option<String>) -> Result<Document, DialectError> {
    let mut document = parse(text, "(unnamed)")?;
    for _ in 0..MAX_DEPTH {
        let Some(name) = document.extends.clone() else { return Ok(document) };
        let blame = Blame { dialect: &document.name };
        let text = parent(&name).ok_or_else(|| {
            blame.error(
                DialectErrorKind::Parent,
                "extends",
                format!("there is no dialect {name:?} to extend"),
            )
        })?;
        document = document.over(parse(&text, &name)?);
    }
    let rule = format!("more than {MAX_DEPTH} dialects extend each other, or they do so in a circle");
    Err(Blame { dialect: &document.name }.error(DialectErrorKind::Parent, "extends", rule))
}

fn parse(text: &str, name: &str) -> Result<Document, DialectError> {
    // The parser's message names line, column, key and the words it would have taken.
    toml::from_str(text)
        .map_err(|error| Blame { dialect: name }.error(DialectErrorKind::Syntax, "", error.to_string()))
}

impl Document {
    /// This document's settings where it has them, the parent's where it has none.
    fn over(self, parent: Self) -> Self {
        Self {
            name: self.name,
            extends: parent.extends,
            mti: self.mti.or(parent.mti),
            bitmap: self.bitmap.or(parent.bitmap),
            fields: self.fields.or(parent.fields),
            default: merge(self.default, parent.default, FieldDoc::over),
            field: merge(self.field, parent.field, FieldDoc::over),
            message: merge(self.message, parent.message, MessageDoc::over),
        }
    }
}

fn merge<K: Ord, V>(child: BTreeMap<K, V>, parent: BTreeMap<K, V>, over: fn(V, V) -> V) -> BTreeMap<K, V> {
    let mut merged = parent;
    for (key, value) in child {
        let value = match merged.remove(&key) {
            Some(inherited) => over(value, inherited),
            None => value,
        };
        merged.insert(key, value);
    }
    merged
}

impl FieldDoc {
    /// With the settings for all fields of its class, where it does not say otherwise itself.
    pub fn with_default(self, defaults: &BTreeMap<Class, Self>) -> Self {
        match self.class.and_then(|class| defaults.get(&class)) {
            Some(default) => self.over(default.clone()),
            None => self,
        }
    }

    pub fn over(self, parent: Self) -> Self {
        // A length is one decision: who says "fixed" does not inherit a maximum, nor the other way round.
        let keep_length = self.fixed.is_none() && self.max.is_none();
        Self {
            name: self.name.or(parent.name),
            class: self.class.or(parent.class),
            fixed: if keep_length { parent.fixed } else { self.fixed },
            max: if keep_length { parent.max } else { self.max },
            prefix: self.prefix.or(parent.prefix),
            prefix_digits: self.prefix_digits.or(parent.prefix_digits),
            counts: self.counts.or(parent.counts),
            encoding: self.encoding.or(parent.encoding),
            odd: self.odd.or(parent.odd),
            pad: self.pad.or(parent.pad),
            fill: self.fill.or(parent.fill),
            sensitive: self.sensitive.or(parent.sensitive),
            composite: self.composite.or(parent.composite),
            part: self.part.or(parent.part),
        }
    }
}

impl MessageDoc {
    fn over(self, parent: Self) -> Self {
        Self {
            name: self.name.or(parent.name),
            mandatory: self.mandatory.or(parent.mandatory),
            optional: self.optional.or(parent.optional),
            forbidden: self.forbidden.or(parent.forbidden),
            echo: self.echo.or(parent.echo),
            echo_if_present: self.echo_if_present.or(parent.echo_if_present),
            variant: self.variant.or(parent.variant),
            conditional: self.conditional.or(parent.conditional),
        }
    }
}
