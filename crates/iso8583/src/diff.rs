//! In what two messages differ, field by field and part by part, and no more of it than may be shown.

use std::collections::BTreeMap;
use std::fmt;

use crate::message::Message;
use crate::path::FieldPath;
use crate::value::Value;

/// One place in which two messages differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// Where.
    pub path: FieldPath,
    /// Its name in the dialect of the message that has it.
    pub name: String,
    /// How.
    pub kind: DifferenceKind,
    /// What the first message has there, as it may be shown; `None` if nothing.
    pub first: Option<String>,
    /// What the second has.
    pub second: Option<String>,
}

/// How two messages differ in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// Only the first has it.
    OnlyFirst,
    /// Only the second has it.
    OnlySecond,
    /// Both have it, with other values. What is shown of them can be the same.
    Value,
    /// Both have the same parts with the same values, in another order or form.
    Form,
}

/// A message's values by their paths: of a field with parts its innermost parts, of any other the field.
type Values<'a> = BTreeMap<FieldPath, Value<'a>>;

impl Message<'_> {
    /// Every place in which this message and another differ, in the order of the fields. The two may be in different dialects:
    /// values are compared as text, so that an amount in digits and one in packed digits are the same.
    #[must_use]
    pub fn diff(&self, other: &Message<'_>) -> Vec<Difference> {
        let mut differences = Vec::new();
        if self.mti != other.mti {
            differences.push(Difference {
                path: FieldPath::MTI,
                name: "Message type identifier".to_owned(),
                kind: DifferenceKind::Value,
                first: Some(self.mti.to_string()),
                second: Some(other.mti.to_string()),
            });
        }
        for de in self.fields.union(other.fields) {
            let (first, second) = (self.get(de), other.get(de));
            let is_same = first.zip(second).is_some_and(|(a, b)| a.characters().eq(b.characters()));
            if is_same {
                continue;
            }
            let before = differences.len();
            let (mine, others) = (values(de, first), values(de, second));
            for path in mine.keys().chain(others.keys().filter(|path| !mine.contains_key(path))) {
                differences.extend(self.difference(other, *path, mine.get(path), others.get(path)));
            }
            if differences.len() == before {
                let path = FieldPath::field(de);
                differences.push(self.described(
                    other,
                    path,
                    DifferenceKind::Form,
                    first.as_ref(),
                    second.as_ref(),
                ));
            }
            differences[before..].sort_by_key(|difference| difference.path);
        }
        differences
    }

    fn difference(
        &self,
        other: &Message<'_>,
        path: FieldPath,
        first: Option<&Value<'_>>,
        second: Option<&Value<'_>>,
    ) -> Option<Difference> {
        let kind = match (first, second) {
            (Some(a), Some(b)) if a.characters().eq(b.characters()) => return None,
            (Some(_), Some(_)) => DifferenceKind::Value,
            (Some(_), None) => DifferenceKind::OnlyFirst,
            (None, _) => DifferenceKind::OnlySecond,
        };
        Some(self.described(other, path, kind, first, second))
    }

    fn described(
        &self,
        other: &Message<'_>,
        path: FieldPath,
        kind: DifferenceKind,
        first: Option<&Value<'_>>,
        second: Option<&Value<'_>>,
    ) -> Difference {
        let name = |message: &Message<'_>| message.dialect.field_name(path).map(str::to_owned);
        // Two dialects can name a field differently; which is taken does not depend on which message comes first.
        let names = [first.and_then(|_| name(self)), second.and_then(|_| name(other))];
        Difference {
            path,
            name: names.into_iter().flatten().min().unwrap_or_else(|| "(not in this dialect)".to_owned()),
            kind,
            first: first.map(Value::masked),
            second: second.map(Value::masked),
        }
    }
}

fn values(de: u8, value: Option<Value<'_>>) -> Values<'_> {
    let Some(value) = value else { return Values::new() };
    let parts = value.parts().filter(|(found, _)| !found.is_open);
    let parts: Values<'_> = parts.map(|(found, part)| (FieldPath::part(de, found.place()), part)).collect();
    if parts.is_empty() { Values::from([(FieldPath::field(de), value)]) } else { parts }
}

impl Difference {
    /// The same, seen from the other message.
    #[must_use]
    pub fn reversed(self) -> Self {
        let kind = match self.kind {
            DifferenceKind::OnlyFirst => DifferenceKind::OnlySecond,
            DifferenceKind::OnlySecond => DifferenceKind::OnlyFirst,
            DifferenceKind::Value | DifferenceKind::Form => self.kind,
        };
        Self { kind, first: self.second, second: self.first, ..self }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.path, self.name)?;
        match (&self.first, &self.second, self.kind) {
            (Some(first), None, _) => write!(f, "only in the first, {first}"),
            (None, Some(second), _) => write!(f, "only in the second, {second}"),
            (Some(_), Some(_), DifferenceKind::Form) => {
                f.write_str("the same parts with the same values, in another order or form")
            }
            (Some(first), Some(second), _) if first == second => {
                write!(f, "{first} in both, and what is hidden differs")
            }
            (Some(first), Some(second), _) => write!(f, "{first} in the first, {second} in the second"),
            (None, None, _) => f.write_str("in neither"),
        }
    }
}
