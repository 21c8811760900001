//! From a document to the flat table, with every static error found and named.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::compile_length::{length, odd_and_pad};
use crate::compile_parts::Parts;
use crate::compile_rules;
use crate::composite::Composite;
use crate::dialect::Dialect;
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::{Document, FieldDoc};
use crate::layout::{Encoding, Fill, Layout, Length};
use crate::mask::{PAN_DIGITS, Sensitivity};
use crate::quick::Steps;

/// What no dialect may show more of, whatever its document says.
const FLOOR: [(u8, Sensitivity); 6] = [
    (2, Sensitivity::Pan),
    (35, Sensitivity::Track),
    (36, Sensitivity::Track),
    (45, Sensitivity::Track),
    (52, Sensitivity::Pin),
    (55, Sensitivity::Chip),
];

pub(crate) fn dialect(document: Document) -> Result<Dialect, DialectError> {
    let blame = Blame { dialect: &document.name };
    let missing = |path: &str, rule: &str| blame.error(Kind::Missing, path, rule);
    let mti = document.mti.ok_or_else(|| missing("mti", "say \"ascii\" or \"bcd\""))?;
    let bitmap = document.bitmap.ok_or_else(|| missing("bitmap", "say \"binary\" or \"hex\""))?;

    let mut layouts = Box::new([None; 129]);
    let mut names = vec![String::new(); 129];
    let mut composites = Vec::new();
    for (de, doc) in used_fields(&document, blame)? {
        let (name, layout, composite) = field(de, doc, &document.default, blame)?;
        layouts[usize::from(de)] =
            Some(Layout { composite: composite.as_ref().map(|_| composites.len() as u16), ..layout });
        names[usize::from(de)] = name;
        composites.extend(composite);
    }

    let steps = Steps::of(&layouts);
    let mut dialect = Dialect {
        steps,
        name: document.name.clone(),
        mti,
        bitmap,
        layouts,
        names,
        composites: composites.into(),
        rules: Vec::new(),
    };
    dialect.rules = compile_rules::rules(&document.message, &dialect, blame)?;
    Ok(dialect)
}

/// The fields the dialect uses, by number.
fn used_fields(document: &Document, blame: Blame<'_>) -> Result<BTreeMap<u8, FieldDoc>, DialectError> {
    let mut defined = BTreeMap::new();
    for (key, doc) in &document.field {
        let number = key.parse::<u8>().ok().filter(|de| (2..=128).contains(de) && *key == de.to_string());
        let de = number.ok_or_else(|| {
            blame.error(Kind::OutOfRange, format!("field.{key}"), "a field's number is between 2 and 128")
        })?;
        defined.insert(de, doc.clone());
    }
    let Some(used) = &document.fields else { return Ok(defined) };
    let mut fields = BTreeMap::new();
    for &de in used {
        let doc = defined.remove(&de).ok_or_else(|| {
            blame.error(Kind::Missing, "fields", format!("field {de} is not defined, or listed twice"))
        })?;
        fields.insert(de, doc);
    }
    Ok(fields)
}

type Compiled = (String, Layout, Option<Composite>);

fn field(
    de: u8,
    doc: FieldDoc,
    defaults: &BTreeMap<Class, FieldDoc>,
    blame: Blame<'_>,
) -> Result<Compiled, DialectError> {
    let at = |key: &str| format!("field.{de}.{key}");
    let missing = |key: &str| blame.error(Kind::Missing, at(key), "the dialect must decide this");

    if doc.class.is_none() {
        return Err(missing("class"));
    }
    let doc = doc.with_default(defaults);
    let name = doc.name.clone().ok_or_else(|| missing("name"))?;
    let layout = layout(&doc, &at, blame)?;
    check_masking(de, &layout, blame)?;
    let parts = Parts { layout: &layout, defaults, at: &at, blame };
    let composite = parts.composite(&doc)?;
    Ok((name, layout, composite))
}

/// The form of a field, or of a part that is read like one.
pub(crate) fn layout(
    doc: &FieldDoc,
    at: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<Layout, DialectError> {
    let missing = |key: &str| blame.error(Kind::Missing, at(key), "the dialect must decide this");
    let conflict = |key: &str, rule: &str| blame.error(Kind::Conflict, at(key), rule);
    let class = doc.class.ok_or_else(|| missing("class"))?;
    let encoding = doc.encoding.ok_or_else(|| missing("encoding"))?;
    let fits = match encoding {
        Encoding::Ascii | Encoding::Ebcdic => class != Class::Binary,
        Encoding::Bcd => class.packs(),
        Encoding::Binary | Encoding::Hex => class == Class::Binary,
    };
    if !fits {
        return Err(conflict("encoding", "this class cannot be encoded so"));
    }
    let length = length(doc, class, encoding, at, blame)?;
    let fill = doc.fill.unwrap_or_default();
    if fill != Fill::None && matches!(length, Length::Variable { .. }) {
        return Err(conflict("fill", "only a fixed field is filled"));
    }
    if (fill == Fill::ZerosLeft && class != Class::Numeric)
        || (fill == Fill::SpacesRight && !matches!(class, Class::AlphanumericPad | Class::Text))
    {
        return Err(conflict("fill", "this class does not hold what it would be filled with"));
    }
    let (odd, pad) = odd_and_pad(doc, class, encoding, length, at, blame)?;
    let sensitivity = doc.sensitive.ok_or_else(|| {
        blame.error(Kind::Masking, at("sensitive"), "every field must decide what may be shown of it")
    })?;
    Ok(Layout { class, encoding, length, odd, pad, fill, sensitivity, composite: None })
}

fn check_masking(de: u8, layout: &Layout, blame: Blame<'_>) -> Result<(), DialectError> {
    let error = |rule: &str| Err(blame.error(Kind::Masking, format!("field.{de}.sensitive"), rule));
    let is_mac = layout.sensitivity == Sensitivity::Mac;
    let mac_units = if layout.encoding == Encoding::Hex { 16 } else { 8 };
    let mac_form = layout.class == Class::Binary && layout.length == Length::Fixed { units: mac_units };
    if matches!(de, 64 | 128) != is_mac {
        return error("fields 64 and 128 are \"mac\", and no others are");
    }
    if is_mac && !mac_form {
        return error("a MAC is 8 bytes: class \"b\", fixed = 8");
    }
    if FLOOR.iter().any(|&(floor_de, floor)| floor_de == de && layout.sensitivity != floor) {
        return error(
            "the standard puts cardholder data here: 2 is \"pan\", 35, 36 and 45 \"track\", 52 \"pin\", 55 \"chip\"",
        );
    }
    if layout.sensitivity == Sensitivity::None && layout.max_characters() >= *PAN_DIGITS.start() {
        return error(
            "a field that can hold a card number cannot be \"none\"; \"free\" shows all but card numbers",
        );
    }
    Ok(())
}
