//! The parts of a field.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::compile::layout as field_layout;
use crate::compile_length::MAX_UNITS;
use crate::composite::{Composite, Form, Keys, MAX_PARTS, Part, PartLength, ber_tlv, tagged};
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::{BitmapEncoding, CompositeDoc, FieldDoc, PartDoc, Unknown};
use crate::layout::{Encoding, Layout, Length};
use crate::mask::{PAN_DIGITS, Sensitivity};
use crate::path::{MAX_LEVELS, PartId};

/// Tags that hold the card number, the track, the cardholder's name or the PIN, and how they are hidden at least: EMV book
/// 3 annex A; 9F6B is a contactless card's track 2.
const TAG_FLOOR: [(&str, Sensitivity); 9] = [
    ("5A", Sensitivity::Pan),
    ("57", Sensitivity::Track),
    ("56", Sensitivity::Track),
    ("9F6B", Sensitivity::Track),
    ("9F1F", Sensitivity::Track),
    ("9F20", Sensitivity::Track),
    ("5F20", Sensitivity::Chip),
    ("9F0B", Sensitivity::Chip),
    ("99", Sensitivity::Pin),
];

/// Compiles the parts of one field.
pub(crate) struct Parts<'a> {
    pub layout: &'a Layout,
    pub defaults: &'a BTreeMap<Class, FieldDoc>,
    pub at: &'a dyn Fn(&str) -> String,
    pub blame: Blame<'a>,
}

impl Parts<'_> {
    pub fn composite(&self, doc: &FieldDoc) -> Result<Option<Composite>, DialectError> {
        let (doc, parts) = match (doc.composite, &doc.part) {
            (None, None) => return Ok(None),
            (Some(doc), Some(parts)) => (doc, parts),
            _ => return Err(self.conflict("composite", "\"composite\" and \"part\" need each other")),
        };
        let (keeps_unknown, repeats) = match doc {
            CompositeDoc::Tagged { unknown, repeat, .. } | CompositeDoc::BerTlv { unknown, repeat, .. } => {
                (unknown == Unknown::Keep, repeat)
            }
            CompositeDoc::Positional | CompositeDoc::Bitmap { .. } => (false, false),
        };
        // With unknown tags let through, a dialect need not know any.
        if parts.is_empty() && !keeps_unknown || parts.len() > MAX_PARTS {
            return Err(self.blame.error(
                Kind::OutOfRange,
                (self.at)("part"),
                format!("1 to {MAX_PARTS} parts"),
            ));
        }
        let form = self.form(doc)?;
        let mut composite = Composite {
            form,
            parts: Vec::new(),
            class: self.layout.class,
            keys: Keys::new(),
            keeps_unknown,
            repeats,
        };
        for (index, doc) in parts.iter().enumerate() {
            let path = |key: &str| (self.at)(&format!("part.{}.{key}", doc.id));
            let (key, part) = self.part(doc, form, index + 1 == parts.len(), &path)?;
            if composite.position(part.id).is_some() {
                return Err(self.blame.error(Kind::Conflict, path("id"), "two parts have this id"));
            }
            composite.keys.push(key);
            composite.parts.push(part);
        }
        Ok(Some(composite))
    }

    fn conflict(&self, key: &str, rule: &str) -> DialectError {
        self.blame.error(Kind::Conflict, (self.at)(key), rule)
    }

    fn form(&self, doc: CompositeDoc) -> Result<Form, DialectError> {
        let range = |rule: String| Err(self.blame.error(Kind::OutOfRange, (self.at)("composite"), rule));
        let is_binary = self.layout.class == Class::Binary;
        match doc {
            CompositeDoc::Positional => Ok(Form::Positional),
            CompositeDoc::Tagged { .. } if is_binary => {
                Err(self.conflict("composite", "tags and lengths of characters do not fit a binary field"))
            }
            CompositeDoc::Tagged {
                tag_length: tag_length @ 1..=4,
                length_digits: length_digits @ 1..=4,
                ..
            } => Ok(Form::Tagged { tag_length, length_digits }),
            CompositeDoc::Tagged { .. } => range("tags and lengths have 1 to 4 characters".to_owned()),
            CompositeDoc::BerTlv { .. } if !is_binary => {
                Err(self.conflict("composite", "BER-TLV is bytes: class \"b\""))
            }
            CompositeDoc::BerTlv { levels, .. } if (1..=MAX_LEVELS).contains(&levels.into()) => {
                Ok(Form::BerTlv { levels })
            }
            CompositeDoc::BerTlv { .. } => range(format!("1 to {MAX_LEVELS} levels")),
            CompositeDoc::Bitmap { encoding, bytes } => {
                let fits = match self.layout.encoding {
                    Encoding::Binary => encoding == BitmapEncoding::Binary,
                    Encoding::Ascii => encoding == BitmapEncoding::Hex,
                    Encoding::Ebcdic => encoding == BitmapEncoding::EbcdicHex,
                    Encoding::Bcd | Encoding::Hex => false,
                };
                match (fits, bytes) {
                    (false, _) => {
                        Err(self.conflict("composite", "the field's encoding cannot hold this bitmap"))
                    }
                    (true, 1..=16) => Ok(Form::Bitmap { encoding, bytes }),
                    (true, _) => range("a bitmap of parts has 1 to 16 bytes".to_owned()),
                }
            }
        }
    }

    fn part(
        &self,
        doc: &PartDoc,
        form: Form,
        is_last: bool,
        path: &dyn Fn(&str) -> String,
    ) -> Result<(u32, Part), DialectError> {
        let conflict = |key: &str, rule: &str| self.blame.error(Kind::Conflict, path(key), rule);
        let id = PartId::parse(&doc.id).ok_or_else(|| {
            self.blame.error(Kind::OutOfRange, path("id"), "one to eight letters or digits")
        })?;
        let key = key(form, &doc.id).map_err(|rule| conflict("id", rule))?;
        let sensitivity = self.sensitivity(doc, form, key, path)?;
        if let Form::Bitmap { .. } = form {
            let layout = self.part_layout(doc, sensitivity, path)?;
            let (Length::Fixed { units: longest } | Length::Variable { max: longest, .. }) = layout.length;
            let length = PartLength::UpTo(longest);
            self.can_be_shown(sensitivity, layout.max_characters(), path)?;
            let part = Part {
                id,
                name: doc.name.clone(),
                class: layout.class,
                length,
                sensitivity,
                layout: Some(layout),
            };
            return Ok((key, part));
        }
        if doc.prefix.is_some()
            || doc.prefix_digits.is_some()
            || doc.counts.is_some()
            || doc.encoding.is_some()
            || doc.odd.is_some()
            || doc.pad.is_some()
        {
            return Err(conflict("encoding", "only a part behind a bitmap is read like a field"));
        }
        // Lengths are given in bytes where the field is bytes, and kept in characters.
        let per_unit = if self.layout.class == Class::Binary { 2 } else { 1 };
        let fits = 1..=MAX_UNITS / per_unit;
        let length = match (doc.length, doc.max) {
            (Some(length), None) if fits.contains(&length) => PartLength::Fixed(length * per_unit),
            (None, Some(max)) if fits.contains(&max) && (is_last || form != Form::Positional) => {
                PartLength::UpTo(max * per_unit)
            }
            (None, Some(_)) if form == Form::Positional => {
                return Err(conflict("max", "only the last of positional parts may be variable"));
            }
            _ => return Err(conflict("length", "say \"length\" or \"max\", from 1 on")),
        };
        let (PartLength::Fixed(longest) | PartLength::UpTo(longest)) = length;
        self.can_be_shown(sensitivity, longest.into(), path)?;
        let class = doc.class.unwrap_or(self.layout.class);
        let class_fits = match self.layout.class {
            // Bytes, or packed digits among bytes.
            Class::Binary => matches!(class, Class::Binary | Class::Numeric),
            _ => class != Class::Binary,
        };
        if !class_fits {
            return Err(conflict("class", "the field cannot hold parts of this class"));
        }
        Ok((key, Part { id, name: doc.name.clone(), class, length, sensitivity, layout: None }))
    }

    fn sensitivity(
        &self,
        doc: &PartDoc,
        form: Form,
        key: u32,
        path: &dyn Fn(&str) -> String,
    ) -> Result<Sensitivity, DialectError> {
        let error = |rule: &str| self.blame.error(Kind::Masking, path("sensitive"), rule);
        let sensitivity =
            doc.sensitive.ok_or_else(|| error("every part must decide what may be shown of it"))?;
        if sensitivity == Sensitivity::Mac || sensitivity.rank() > self.layout.sensitivity.rank() {
            return Err(error("the field as a whole would show this part"));
        }
        if matches!(form, Form::BerTlv { .. }) {
            let floor = TAG_FLOOR.iter().find(|(tag, _)| *tag == doc.id).map(|(_, floor)| *floor);
            if floor.is_some_and(|floor| sensitivity.rank() < floor.rank()) {
                return Err(error(
                    "this tag holds cardholder data: 5A is at least \"pan\", all others are hidden",
                ));
            }
            if ber_tlv::is_constructed(key) && !sensitivity.hides_all() {
                return Err(error("a constructed tag is hidden: what it holds decides for itself"));
            }
        }
        Ok(sensitivity)
    }

    fn can_be_shown(
        &self,
        sensitivity: Sensitivity,
        longest: usize,
        path: &dyn Fn(&str) -> String,
    ) -> Result<(), DialectError> {
        if sensitivity == Sensitivity::None && longest >= *PAN_DIGITS.start() {
            let rule = "a part that can hold a card number cannot be \"none\"";
            return Err(self.blame.error(Kind::Masking, path("sensitive"), rule));
        }
        Ok(())
    }

    /// A part behind a bitmap has the settings of a field, and the defaults of its class.
    fn part_layout(
        &self,
        doc: &PartDoc,
        sensitivity: Sensitivity,
        path: &dyn Fn(&str) -> String,
    ) -> Result<Layout, DialectError> {
        let conflict = |key: &str, rule: &str| self.blame.error(Kind::Conflict, path(key), rule);
        let field = FieldDoc {
            class: doc.class,
            fixed: doc.length,
            max: doc.max,
            prefix: doc.prefix,
            prefix_digits: doc.prefix_digits,
            counts: doc.counts,
            encoding: doc.encoding,
            odd: doc.odd,
            pad: doc.pad.clone(),
            sensitive: Some(sensitivity),
            ..FieldDoc::default()
        };
        let layout = field_layout(&field.with_default(self.defaults), path, self.blame)?;
        let is_text = matches!(layout.encoding, Encoding::Ascii | Encoding::Ebcdic);
        if self.layout.encoding != Encoding::Binary && !(is_text && layout.encoding == self.layout.encoding) {
            return Err(conflict("encoding", "a part of a field of text is text in the same encoding"));
        }
        Ok(layout)
    }
}

/// The tag or number as the walks compare it, or what is wrong with the id.
fn key(form: Form, id: &str) -> Result<u32, &'static str> {
    match form {
        // Positions are not looked up.
        Form::Positional => Ok(0),
        Form::Tagged { tag_length, .. } if id.len() == usize::from(tag_length) => {
            Ok(tagged::key(std::array::from_fn(|at| id.as_bytes().get(at).copied().unwrap_or(0))))
        }
        Form::Tagged { .. } => Err("a tag has the field's tag_length"),
        Form::BerTlv { .. } => ber_tlv::key(id).ok_or("a tag is one to four bytes in upper-case hexadecimal"),
        Form::Bitmap { bytes, .. } => {
            let number = id.parse::<u32>().ok().filter(|number| *id == number.to_string());
            let fits = number.filter(|number| (1..=u32::from(bytes) * 8).contains(number));
            fits.ok_or("a part behind a bitmap has the number of its bit")
        }
    }
}
