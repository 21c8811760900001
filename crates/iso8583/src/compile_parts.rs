//! The parts of a field.

use crate::class::Class;
use crate::compile_length::MAX_UNITS;
use crate::composite::{Composite, Form, MAX_PARTS, Part, PartLength, part_id};
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::{CompositeDoc, FieldDoc, PartDoc};
use crate::layout::Layout;
use crate::mask::{PAN_DIGITS, Sensitivity};

pub(crate) fn composite(
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
