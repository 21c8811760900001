//! Which fields a message must, may and must not carry, and what a response must repeat.
//!
//! A message that decodes can still be wrong: an 0210 without a response code. These rules are data too, a
//! section of the dialect's document for each message type, with variants by value (processing code, field 60.1) and with
//! conditions under which more is demanded (chip data where the card was read by its chip).

use std::fmt;

use crate::bitmap::FieldSet;
use crate::condition::{Condition, Subject};
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
    /// Each whose conditions all hold demands more.
    pub conditionals: Vec<Conditional>,
}

#[derive(Debug, Clone)]
pub(crate) struct Variant {
    pub name: String,
    pub when: Vec<Condition>,
    pub rules: RuleSet,
}

#[derive(Debug, Clone)]
pub(crate) struct Conditional {
    pub when: Vec<Condition>,
    pub mandatory: Places,
    pub forbidden: Places,
}

/// Fields, and parts of fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places {
    pub fields: FieldSet,
    pub parts: Vec<FieldPath>,
}

#[derive(Debug, Clone)]
pub(crate) struct RuleSet {
    pub mandatory: Places,
    /// Mandatory and optional fields; all others are forbidden.
    pub allowed: FieldSet,
    pub forbidden_parts: Vec<FieldPath>,
    pub echo: Places,
    pub echo_if_present: Places,
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
    const fn new(kind: ViolationKind, path: FieldPath) -> Self {
        Self { kind, path }
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
        self.presence(message.mti(), message.fields(), Subject::Message(message), FieldSet::EMPTY)
    }

    /// The same for fields that are about to be sent. A MAC that is still to be computed is not missed.
    #[must_use]
    pub fn check_fields(&self, fields: &Fields) -> Vec<Violation> {
        let macs = [64, 128].into_iter().collect();
        self.presence(fields.mti(), fields.numbers(), Subject::Fields(self, fields), macs)
    }

    /// What [`Dialect::check`] finds, and every rule that the message breaks as the answer to `request`.
    #[must_use]
    pub fn check_response(&self, request: &Fields, response: &Message<'_>) -> Vec<Violation> {
        let mut violations = self.check(response);
        if request.mti().response() != Some(response.mti()) {
            violations.push(Violation::new(ViolationKind::NotTheResponse, FieldPath::MTI));
        }
        let Some((_, rules)) = self.rules_of(response.mti(), Subject::Message(response)) else {
            return violations;
        };
        for de in rules.echo.fields.union(rules.echo_if_present.fields) {
            match (request.get(de), response.get(de)) {
                (Some(sent), Some(received)) if !self.same_value(de, sent, &received) => {
                    violations.push(Violation::new(ViolationKind::EchoDiffers, FieldPath::field(de)));
                }
                (Some(_), None) if rules.echo.fields.contains(de) => {
                    violations.push(Violation::new(ViolationKind::NotEchoed, FieldPath::field(de)));
                }
                (Some(_), _) | (None, _) => {}
            }
        }
        let must = rules.echo.parts.iter().map(|path| (path, true));
        for (path, must) in must.chain(rules.echo_if_present.parts.iter().map(|path| (path, false))) {
            let sent = Subject::Fields(self, request).with_value(*path, |value| value.map(|v| v.to_text()));
            match (sent, response.at(*path)) {
                (Some(sent), Some(received)) if !received.eq_text(&sent) => {
                    violations.push(Violation::new(ViolationKind::EchoDiffers, *path));
                }
                (Some(_), None) if must => violations.push(Violation::new(ViolationKind::NotEchoed, *path)),
                (Some(_), _) | (None, _) => {}
            }
        }
        violations
    }

    /// The name of a message with these fields, as "consume" or "void"; `None` for an unknown message type.
    #[must_use]
    pub fn message_name(&self, message: &Message<'_>) -> Option<&str> {
        let rules = self.rules.iter().find(|rules| rules.mti == message.mti())?;
        let variant = rules.variants.iter().find(|v| Subject::Message(message).holds(&v.when));
        Some(variant.map_or(&rules.name, |variant| &variant.name))
    }

    /// Whether messages of this type are exchanged: where the dialect has rules, whether there are any for it.
    pub(crate) fn knows(&self, mti: Mti) -> bool {
        self.rules.is_empty() || self.rules.iter().any(|rules| rules.mti == mti)
    }

    fn rules_of(&self, mti: Mti, subject: Subject<'_>) -> Option<(&MessageRules, &RuleSet)> {
        let rules = self.rules.iter().find(|rules| rules.mti == mti)?;
        let variant = rules.variants.iter().find(|variant| subject.holds(&variant.when));
        Some((rules, variant.map_or(&rules.base, |variant| &variant.rules)))
    }

    /// Which fields and parts are missing, and which must not be there. Those of `unmissed` may be missing.
    fn presence(
        &self,
        mti: Mti,
        present: FieldSet,
        subject: Subject<'_>,
        unmissed: FieldSet,
    ) -> Vec<Violation> {
        let Some((message, rules)) = self.rules_of(mti, subject) else {
            return vec![Violation::new(ViolationKind::MessageTypeUnknown, FieldPath::MTI)];
        };
        let mut mandatory = rules.mandatory.fields;
        let mut forbidden = present.without(rules.allowed);
        let mut missing_parts: Vec<FieldPath> = rules.mandatory.parts.clone();
        let mut extra_parts: Vec<FieldPath> = rules.forbidden_parts.clone();
        for conditional in message.conditionals.iter().filter(|conditional| subject.holds(&conditional.when))
        {
            mandatory = mandatory.union(conditional.mandatory.fields);
            forbidden = forbidden.union(present.intersection(conditional.forbidden.fields));
            missing_parts.extend(&conditional.mandatory.parts);
            extra_parts.extend(&conditional.forbidden.parts);
        }
        let missing = mandatory.without(present).without(unmissed).iter().map(FieldPath::field);
        let missing = missing.chain(missing_parts.into_iter().filter(|path| !subject.has(*path)));
        let extra = forbidden.iter().map(FieldPath::field);
        let extra = extra.chain(extra_parts.into_iter().filter(|path| subject.has(*path)));
        let missing = missing.map(|path| Violation::new(ViolationKind::Missing, path));
        missing.chain(extra.map(|path| Violation::new(ViolationKind::Forbidden, path))).collect()
    }
}
