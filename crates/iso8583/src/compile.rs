//! From a document to the flat table, with every static error found and named.

use std::collections::BTreeMap;

use crate::class::Class;
use crate::compile_rules;
use crate::composite::{Composite, Form, MAX_PARTS, Part, PartLength, part_id};
use crate::dialect::Dialect;
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::{CompositeDoc, Document, FieldDoc, PartDoc};
use crate::layout::{Counts, Encoding, Fill, Layout, Length, PrefixEncoding, Side};
use crate::mask::{PAN_DIGITS, Sensitivity};

/// Longest value, in units. Keeps a message of many such fields within 16-bit offsets or refused.
const MAX_UNITS: u16 = 9_999;

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

    let mut dialect =
        Dialect { name: document.name.clone(), mti, bitmap, layouts, names, composites, rules: Vec::new() };
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
    let conflict = |key: &str, rule: &str| blame.error(Kind::Conflict, at(key), rule);

    let class = doc.class.ok_or_else(|| missing("class"))?;
    let doc = match defaults.get(&class) {
        Some(default) => doc.over(default.clone()),
        None => doc,
    };
    let name = doc.name.clone().ok_or_else(|| missing("name"))?;
    let encoding = doc.encoding.ok_or_else(|| missing("encoding"))?;
    let fits = match encoding {
        Encoding::Ascii => class != Class::Binary,
        Encoding::Bcd => class.packs(),
        Encoding::Binary | Encoding::Hex => class == Class::Binary,
    };
    if !fits {
        return Err(conflict("encoding", "this class cannot be encoded so"));
    }
    let length = length(&doc, class, encoding, &at, blame)?;
    let fill = doc.fill.unwrap_or_default();
    if fill != Fill::None && matches!(length, Length::Variable { .. }) {
        return Err(conflict("fill", "only a fixed field is filled"));
    }
    if (fill == Fill::ZerosLeft && class != Class::Numeric)
        || (fill == Fill::SpacesRight && !matches!(class, Class::AlphanumericPad | Class::Text))
    {
        return Err(conflict("fill", "this class does not hold what it would be filled with"));
    }
    let (odd, pad) = odd_and_pad(&doc, class, encoding, length, &at, blame)?;
    let sensitivity = doc.sensitive.ok_or_else(|| {
        blame.error(Kind::Masking, at("sensitive"), "every field must decide what may be shown of it")
    })?;
    let layout = Layout { class, encoding, length, odd, pad, fill, sensitivity, composite: None };
    check_masking(de, &layout, blame)?;
    let composite = composite(&doc, &layout, &at, blame)?;
    Ok((name, layout, composite))
}

fn length(
    doc: &FieldDoc,
    class: Class,
    encoding: Encoding,
    at: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<Length, DialectError> {
    let conflict = |key: &str, rule: &str| blame.error(Kind::Conflict, at(key), rule);
    let range = |key: &str, rule: String| blame.error(Kind::OutOfRange, at(key), rule);
    let missing = |key: &str| blame.error(Kind::Missing, at(key), "a variable field must decide this");
    // Binary fields are given in bytes; in hexadecimal each takes two characters.
    let per_unit = if encoding == Encoding::Hex { 2 } else { 1 };
    let units = |key: &str, given: u16| {
        let in_range = (1..=MAX_UNITS / per_unit).contains(&given);
        in_range
            .then_some(given * per_unit)
            .ok_or_else(|| range(key, format!("must be 1 to {}", MAX_UNITS / per_unit)))
    };
    match (doc.fixed, doc.max) {
        (Some(_), Some(_)) => Err(conflict("fixed", "a field is either fixed or has a max")),
        (None, None) => Err(blame.error(Kind::Missing, at("fixed"), "say \"fixed\" or \"max\"")),
        (Some(fixed), None) => {
            let units = units("fixed", fixed)?;
            if class == Class::SignedNumeric && (units < 2 || encoding == Encoding::Bcd && units % 2 == 0) {
                return Err(conflict("fixed", "counts the sign; packed, the digits must be even in number"));
            }
            Ok(Length::Fixed { units })
        }
        (None, Some(max)) => {
            if class == Class::SignedNumeric {
                return Err(conflict("max", "a signed number has a fixed length"));
            }
            let max = units("max", max)?;
            let prefix = doc.prefix.ok_or_else(|| missing("prefix"))?;
            let digits = doc.prefix_digits.ok_or_else(|| missing("prefix_digits"))?;
            let (most, capacity) = match prefix {
                PrefixEncoding::Binary => (2, 256_u32.pow(digits.min(2).into()) - 1),
                PrefixEncoding::Ascii | PrefixEncoding::Bcd => (4, 10_u32.pow(digits.min(4).into()) - 1),
            };
            if !(1..=most).contains(&digits) {
                return Err(range("prefix_digits", format!("must be 1 to {most} for this prefix")));
            }
            let counts = match encoding {
                Encoding::Bcd => doc.counts.ok_or_else(|| missing("counts"))?,
                Encoding::Ascii | Encoding::Hex => Counts::Bytes,
                Encoding::Binary if doc.counts == Some(Counts::Digits) => {
                    return Err(conflict("counts", "a binary field is counted in bytes"));
                }
                Encoding::Binary => Counts::Bytes,
            };
            let longest =
                if counts == Counts::Bytes && encoding == Encoding::Bcd { max.div_ceil(2) } else { max };
            if capacity < u32::from(longest) {
                return Err(range(
                    "prefix_digits",
                    format!("the prefix counts to {capacity}, the field to {longest}"),
                ));
            }
            Ok(Length::Variable { prefix, digits, counts, max })
        }
    }
}

fn odd_and_pad(
    doc: &FieldDoc,
    class: Class,
    encoding: Encoding,
    length: Length,
    at: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<(Side, u8), DialectError> {
    let can_be_odd = encoding == Encoding::Bcd
        && class != Class::SignedNumeric
        && !matches!(length, Length::Fixed { units } if units % 2 == 0);
    if !can_be_odd {
        return Ok((Side::Left, 0));
    }
    let missing =
        |key| blame.error(Kind::Missing, at(key), "a packed field that can be odd must decide this");
    let odd = doc.odd.ok_or_else(|| missing("odd"))?;
    let pad = match doc.pad.as_deref().ok_or_else(|| missing("pad"))?.as_bytes() {
        [digit] => char::from(*digit).to_digit(16),
        _ => None,
    };
    let pad = pad.ok_or_else(|| blame.error(Kind::OutOfRange, at("pad"), "one hexadecimal digit"))? as u8;
    let counts_bytes = matches!(length, Length::Variable { counts: Counts::Bytes, .. });
    if counts_bytes && class.allows_nibble(pad) {
        // Nothing else would tell an odd value from an even one.
        let rule = "where bytes are counted, the pad must not be a digit of the value";
        return Err(blame.error(Kind::Conflict, at("pad"), rule));
    }
    Ok((odd, pad))
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

fn composite(
    doc: &FieldDoc,
    layout: &Layout,
    at: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<Option<Composite>, DialectError> {
    let conflict = |key: &str, rule: &str| blame.error(Kind::Conflict, at(key), rule);
    let (form, parts) = match (doc.composite, &doc.part) {
        (None, None) => return Ok(None),
        (Some(form), Some(parts)) => (form, parts),
        _ => return Err(conflict("composite", "\"composite\" and \"part\" need each other")),
    };
    if layout.class == Class::Binary {
        return Err(conflict("composite", "a binary field has no parts"));
    }
    if parts.is_empty() || parts.len() > MAX_PARTS {
        return Err(blame.error(Kind::OutOfRange, at("part"), format!("1 to {MAX_PARTS} parts")));
    }
    let form = match form {
        CompositeDoc::Positional => Form::Positional,
        CompositeDoc::Tagged { tag_length: tag_length @ 1..=4, length_digits: length_digits @ 1..=4 } => {
            Form::Tagged { tag_length, length_digits }
        }
        CompositeDoc::Tagged { .. } => {
            return Err(blame.error(
                Kind::OutOfRange,
                at("composite"),
                "tags and lengths have 1 to 4 characters",
            ));
        }
    };
    let mut compiled: Vec<Part> = Vec::with_capacity(parts.len());
    for (index, doc) in parts.iter().enumerate() {
        let path = |key: &str| at(&format!("part.{}.{key}", doc.id));
        let part = part(doc, layout, form, index + 1 == parts.len(), &path, blame)?;
        if compiled.iter().any(|other| other.id == part.id) {
            return Err(blame.error(Kind::Conflict, path("id"), "two parts have this id"));
        }
        compiled.push(part);
    }
    Ok(Some(Composite { form, parts: compiled }))
}

fn part(
    doc: &PartDoc,
    layout: &Layout,
    form: Form,
    is_last: bool,
    path: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<Part, DialectError> {
    let conflict = |key: &str, rule: &str| blame.error(Kind::Conflict, path(key), rule);
    let id = part_id(&doc.id)
        .ok_or_else(|| blame.error(Kind::OutOfRange, path("id"), "one to four letters or digits"))?;
    if matches!(form, Form::Tagged { tag_length, .. } if doc.id.len() != usize::from(tag_length)) {
        return Err(conflict("id", "a tag has the field's tag_length"));
    }
    let length = match (doc.length, doc.max) {
        (Some(length @ 1..=MAX_UNITS), None) => PartLength::Fixed(length),
        (None, Some(max @ 1..=MAX_UNITS)) if is_last || form != Form::Positional => PartLength::UpTo(max),
        (None, Some(_)) if form == Form::Positional => {
            return Err(conflict("max", "only the last of positional parts may be variable"));
        }
        _ => return Err(conflict("length", "say \"length\" or \"max\", from 1 on")),
    };
    let sensitivity = doc.sensitive.ok_or_else(|| {
        blame.error(Kind::Masking, path("sensitive"), "every part must decide what may be shown of it")
    })?;
    if sensitivity == Sensitivity::Mac || sensitivity.rank() > layout.sensitivity.rank() {
        return Err(blame.error(
            Kind::Masking,
            path("sensitive"),
            "the field as a whole would show this part",
        ));
    }
    let (PartLength::Fixed(longest) | PartLength::UpTo(longest)) = length;
    if sensitivity == Sensitivity::None && usize::from(longest) >= *PAN_DIGITS.start() {
        let rule = "a part that can hold a card number cannot be \"none\"";
        return Err(blame.error(Kind::Masking, path("sensitive"), rule));
    }
    let class = doc.class.unwrap_or(layout.class);
    if class == Class::Binary {
        return Err(conflict("class", "parts are characters"));
    }
    Ok(Part { id, name: doc.name.clone(), class, length, sensitivity })
}
