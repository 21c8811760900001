//! When a rule applies: what fields and parts of a message hold.

use zeroize::Zeroizing;

use crate::dialect::Dialect;
use crate::fields::Fields;
use crate::message::Message;
use crate::path::FieldPath;
use crate::value::Value;

/// What must be so of one field or part.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub path: FieldPath,
    pub test: Test,
}

#[derive(Debug, Clone)]
pub(crate) enum Test {
    OneOf(Vec<String>),
    Starts(String),
    Present(bool),
}

impl Test {
    fn holds(&self, value: Option<Value<'_>>) -> bool {
        match (self, value) {
            (Self::Present(present), value) => value.is_some() == *present,
            (Self::OneOf(texts), Some(value)) => texts.iter().any(|text| value.eq_text(text)),
            (Self::Starts(start), Some(value)) => {
                value.len() >= start.len() && value.characters().zip(start.bytes()).all(|(a, b)| a == b)
            }
            (Self::OneOf(_) | Self::Starts(_), None) => false,
        }
    }
}

/// A message as the rules look at it: received, or about to be sent.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    Message(&'a Message<'a>),
    Fields(&'a Dialect, &'a Fields),
}

impl Subject<'_> {
    pub fn holds(self, conditions: &[Condition]) -> bool {
        conditions
            .iter()
            .all(|condition| self.with_value(condition.path, |value| condition.test.holds(value)))
    }

    pub fn has(self, path: FieldPath) -> bool {
        self.with_value(path, |value| value.is_some())
    }

    /// Looks at the value at a path, if it is there.
    pub fn with_value<T>(self, path: FieldPath, look: impl FnOnce(Option<Value<'_>>) -> T) -> T {
        match self {
            Self::Message(message) => look(message.at(path)),
            Self::Fields(dialect, fields) => {
                let mut content = Zeroizing::new(Vec::new());
                let text = fields.get(path.number());
                let field = text.and_then(|text| dialect.value_of(path.number(), text, &mut content));
                let is_field = path.place().level() == 0;
                look(field.and_then(|field| if is_field { Some(field) } else { field.part_at(path.place()) }))
            }
        }
    }
}
