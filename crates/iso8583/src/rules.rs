//! Which fields a message must, may and must not carry, and what a response must repeat.
//!
//! A message that decodes can still be wrong: an 0210 without a response code. These rules are data too, a
//! section of the dialect's document for each message type, with variants by value (processing code, field 60.1).

use std::fmt;

use zeroize::Zeroizing;

use crate::bitmap::FieldSet;
use crate::dialect::Dialect;
use crate::fields::Fields;
use crate::message::Message;
use crate::mti::Mti;
use crate::path::FieldPath;

/// The rules of one message type.
#[derive(Debug, Clone)]
pub(crate) struct MessageRules {
    pub mti: Mti,
    pub name: String,
    pub base: RuleSet,
    /// The first whose conditions all hold replaces the base.
    pub variants: Vec<Variant>,
}

#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub name: String,
    pub when: Vec<Condition>,
    pub rules: RuleSet,
}

#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub path: FieldPath,
    pub equals: String,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct RuleSet {
    pub mandatory: FieldSet,
    /// Mandatory and optional fields; all others are forbidden.
    pub allowed: FieldSet,
    pub echo: FieldSet,
    pub echo_if_present: FieldSet,
}

/// One rule that a message breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// Which rule.
    pub kind: ViolationKind,
    /// On which field.
    pub path: FieldPath,
}

/// The rules a message can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ViolationKind {
    /// The dialect does not use this message type.
    MessageTypeUnknown,
    /// A mandatory field is not there.
    Missing,
    /// A field is there that this message type does not carry.
    Forbidden,
    /// The message type does not answer the request's.
    NotTheResponse,
    /// A field of the request is not repeated in the response.
    NotEchoed,
    /// A field of the request is repeated with another value.
    EchoDiffers,
}

impl Violation {
    const fn new(kind: ViolationKind, de: u8) -> Self {
        Self { kind, path: FieldPath::field(de) }
    }

    /// The stable name of this violation.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.kind {
            ViolationKind::MessageTypeUnknown => "message_type_unknown",
            ViolationKind::Missing => "field_missing",
            ViolationKind::Forbidden => "field_forbidden",
            ViolationKind::NotTheResponse => "message_type_not_the_response",
            ViolationKind::NotEchoed => "field_not_echoed",
            ViolationKind::EchoDiffers => "field_echo_differs",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self.kind {
            ViolationKind::MessageTypeUnknown => "the dialect does not use this message type",
            ViolationKind::Missing => "is mandatory in this message and not there",
            ViolationKind::Forbidden => "is not carried by this message",
            ViolationKind::NotTheResponse => "does not answer the request",
            ViolationKind::NotEchoed => "of the request is not repeated",
            ViolationKind::EchoDiffers => "differs from the request's",
        };
        write!(f, "field {}: {sentence}", self.path)
    }
}

impl Dialect {
    /// Every rule of its message type that a decoded message breaks; none if it is in order.
    #[must_use]
    pub fn check(&self, message: &Message<'_>) -> Vec<Violation> {
        match self.rules_of(message.mti(), &|condition| condition.holds_in_message(message)) {
            Some(rules) => rules.presence(message.fields()),
            None => vec![Violation { kind: ViolationKind::MessageTypeUnknown, path: FieldPath::MTI }],
        }
    }

    /// The same for fields that are about to be sent. A MAC that is still to be computed is not missed.
    #[must_use]
    pub fn check_fields(&self, fields: &Fields) -> Vec<Violation> {
        let Some(rules) = self.rules_of(fields.mti(), &|condition| condition.holds_in_fields(self, fields))
        else {
            return vec![Violation { kind: ViolationKind::MessageTypeUnknown, path: FieldPath::MTI }];
        };
        let mut rules = *rules;
        rules.mandatory.remove(64);
        rules.mandatory.remove(128);
        rules.presence(fields.numbers())
    }

    /// What [`Dialect::check`] finds, and every rule that the message breaks as the answer to `request`.
    #[must_use]
    pub fn check_response(&self, request: &Fields, response: &Message<'_>) -> Vec<Violation> {
        let mut violations = self.check(response);
        if request.mti().response() != Some(response.mti()) {
            violations.push(Violation { kind: ViolationKind::NotTheResponse, path: FieldPath::MTI });
        }
        let holds = |condition: &Condition| condition.holds_in_message(response);
        let Some(rules) = self.rules_of(response.mti(), &holds) else { return violations };
        for de in rules.echo.union(rules.echo_if_present) {
            match (request.get(de), response.get(de)) {
                (Some(sent), Some(received)) if !self.same_value(de, sent, &received) => {
                    violations.push(Violation::new(ViolationKind::EchoDiffers, de));
                }
                (Some(_), None) if rules.echo.contains(de) => {
                    violations.push(Violation::new(ViolationKind::NotEchoed, de));
                }
                (Some(_), _) | (None, _) => {}
            }
        }
        violations
    }

    /// The name of a message with these fields, as "consume" or "void"; `None` for an unknown message type.
    #[must_use]
    pub fn message_name(&self, message: &Message<'_>) -> Option<&str> {
        let rules = self.rules.iter().find(|rules| rules.mti == message.mti())?;
        let variant = rules.variants.iter().find(|v| v.when.iter().all(|c| c.holds_in_message(message)));
        Some(variant.map_or(&rules.name, |variant| &variant.name))
    }

    fn rules_of(&self, mti: Mti, holds: &dyn Fn(&Condition) -> bool) -> Option<&RuleSet> {
        let rules = self.rules.iter().find(|rules| rules.mti == mti)?;
        let variant = rules.variants.iter().find(|variant| variant.when.iter().all(holds));
        Some(variant.map_or(&rules.base, |variant| &variant.rules))
    }
}

impl RuleSet {
    fn presence(&self, present: FieldSet) -> Vec<Violation> {
        let missing =
            self.mandatory.without(present).iter().map(|de| Violation::new(ViolationKind::Missing, de));
        let extra =
            present.without(self.allowed).iter().map(|de| Violation::new(ViolationKind::Forbidden, de));
        missing.chain(extra).collect()
    }
}

impl Condition {
    fn holds_in_message(&self, message: &Message<'_>) -> bool {
        message.at(self.path).is_some_and(|value| value.eq_text(&self.equals))
    }

    fn holds_in_fields(&self, dialect: &Dialect, fields: &Fields) -> bool {
        let Some(text) = fields.get(self.path.number()) else { return false };
        if self.path.place().level() == 0 {
            return text == self.equals;
        }
        let mut content = Zeroizing::new(Vec::new());
        let value = dialect.value_of(self.path.number(), text, &mut content);
        value.and_then(|v| v.part_at(self.path.place())).is_some_and(|part| part.eq_text(&self.equals))
    }
}
