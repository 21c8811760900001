//! The rules of a document's message types, compiled to sets of fields and lists of parts.

use std::collections::BTreeMap;

use crate::bitmap::FieldSet;
use crate::condition::{Condition, Test};
use crate::dialect::Dialect;
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::{ConditionDoc, ConditionTest, ConditionalDoc, MessageDoc, Place, VariantDoc};
use crate::mti::Mti;
use crate::path::FieldPath;
use crate::rules::{Conditional, MessageRules, Places, RuleSet, Variant};

pub(crate) fn rules(
    messages: &BTreeMap<String, MessageDoc>,
    dialect: &Dialect,
    blame: Blame<'_>,
) -> Result<Vec<MessageRules>, DialectError> {
    let compiler = Compiler { dialect, blame };
    messages.iter().map(|(mti, doc)| compiler.message(mti, doc)).collect()
}

struct Compiler<'a> {
    dialect: &'a Dialect,
    blame: Blame<'a>,
}

type At<'a> = &'a dyn Fn(&str) -> String;

impl Compiler<'_> {
    fn message(&self, key: &str, doc: &MessageDoc) -> Result<MessageRules, DialectError> {
        let at = |key_inside: &str| format!("message.{key}.{key_inside}");
        let mti = Mti::parse(key).map_err(|error| {
            self.blame.error(Kind::OutOfRange, format!("message.{key}"), error.to_string())
        })?;
        let missing = |key: &str, rule: &str| self.blame.error(Kind::Missing, at(key), rule);
        let name = doc.name.clone().ok_or_else(|| missing("name", "every message type has a name"))?;
        let list = |key: &str, places: &Option<Vec<Place>>| {
            self.places(places.as_deref().unwrap_or_default(), &at(key))
        };
        if doc.mandatory.is_none() {
            return Err(missing("mandatory", "every message type lists its mandatory fields"));
        }
        let mandatory = list("mandatory", &doc.mandatory)?;
        let optional = self.only_fields(doc.optional.as_deref().unwrap_or_default(), &at("optional"))?;
        let forbidden = list("forbidden", &doc.forbidden)?;
        let allowed = mandatory.fields.union(optional);
        self.exclusive(allowed, forbidden.fields, &at("forbidden"), "is forbidden and allowed")?;
        let base = RuleSet {
            mandatory,
            allowed,
            forbidden_parts: forbidden.parts,
            echo: list("echo", &doc.echo)?,
            echo_if_present: list("echo_if_present", &doc.echo_if_present)?,
        };
        let echoed = base.echo.fields.union(base.echo_if_present.fields);
        let not_allowed = echoed.without(allowed);
        self.exclusive(echoed, not_allowed, &at("echo"), "is to be echoed and not allowed")?;
        let variants = doc.variant.iter().flatten();
        let variants: Result<_, _> =
            variants.map(|variant| self.variant(variant, &base, forbidden.fields, &at)).collect();
        let conditionals = doc.conditional.iter().flatten();
        let conditionals: Result<_, _> =
            conditionals.map(|doc| self.conditional(doc, forbidden.fields, &at)).collect();
        Ok(MessageRules { mti, name, base, variants: variants?, conditionals: conditionals? })
    }

    /// A variant starts from the message type's rules: what it makes mandatory or optional is allowed, what it
    /// forbids is not. What the message type forbids by name, no variant may allow.
    fn variant(
        &self,
        doc: &VariantDoc,
        base: &RuleSet,
        never: FieldSet,
        at: At<'_>,
    ) -> Result<Variant, DialectError> {
        let path = |key: &str| at(&format!("variant.{}.{key}", doc.name));
        let mandatory = self.places(&doc.mandatory, &path("mandatory"))?;
        let optional = self.only_fields(&doc.optional, &path("optional"))?;
        let forbidden = self.places(&doc.forbidden, &path("forbidden"))?;
        let unechoed = self.places(&doc.unechoed, &path("unechoed"))?;
        let named = mandatory.fields.union(optional);
        let excluded = forbidden.fields.union(never);
        self.exclusive(named, excluded, &path("forbidden"), "is forbidden and allowed")?;
        let mut rules = base.clone();
        rules.mandatory.fields = base.mandatory.fields.without(forbidden.fields).without(optional);
        rules.mandatory.add(&mandatory);
        rules.allowed = base.allowed.without(forbidden.fields).union(named);
        rules.forbidden_parts.extend(&forbidden.parts);
        for echo in [&mut rules.echo, &mut rules.echo_if_present] {
            echo.fields = echo.fields.without(forbidden.fields).without(unechoed.fields);
            echo.parts.retain(|part| !unechoed.parts.contains(part));
        }
        Ok(Variant { name: doc.name.clone(), when: self.when(&doc.when, &path("when"))?, rules })
    }

    fn conditional(
        &self,
        doc: &ConditionalDoc,
        never: FieldSet,
        at: At<'_>,
    ) -> Result<Conditional, DialectError> {
        let path = |key: &str| at(&format!("conditional.{key}"));
        let mandatory = self.places(&doc.mandatory, &path("mandatory"))?;
        let forbidden = self.places(&doc.forbidden, &path("forbidden"))?;
        let excluded = forbidden.fields.union(never);
        self.exclusive(mandatory.fields, excluded, &path("forbidden"), "is forbidden and mandatory")?;
        Ok(Conditional { when: self.when(&doc.when, &path("when"))?, mandatory, forbidden })
    }

    fn when(&self, when: &BTreeMap<String, ConditionDoc>, at: &str) -> Result<Vec<Condition>, DialectError> {
        if when.is_empty() {
            return Err(self.blame.error(Kind::Missing, at, "there is at least one condition"));
        }
        let condition = |(key, doc): (&String, &ConditionDoc)| {
            let test = match doc.clone() {
                ConditionDoc::Is(text) => Test::OneOf(vec![text]),
                ConditionDoc::OneOf(texts) => Test::OneOf(texts),
                ConditionDoc::Test(ConditionTest::Starts(start)) => Test::Starts(start),
                ConditionDoc::Test(ConditionTest::Present(present)) => Test::Present(present),
            };
            Ok(Condition { path: self.path(key, at)?, test })
        };
        when.iter().map(condition).collect()
    }

    /// A field, or a part that the dialect knows.
    fn path(&self, text: &str, at: &str) -> Result<FieldPath, DialectError> {
        let unknown = || self.blame.error(Kind::Rule, at, format!("the dialect has no field {text:?}"));
        let path: FieldPath = text.parse().map_err(|_| unknown())?;
        self.dialect.layout(path.number()).ok_or_else(unknown)?;
        for segment in path.place().segments() {
            let composite = self.dialect.composite(path.number()).ok_or_else(unknown)?;
            composite.position(segment.id).ok_or_else(unknown)?;
        }
        Ok(path)
    }

    fn places(&self, places: &[Place], at: &str) -> Result<Places, DialectError> {
        let mut sorted = Places::default();
        for place in places {
            let path = match place {
                Place::Field(de) => self.path(&de.to_string(), at)?,
                Place::Path(text) => self.path(text, at)?,
            };
            match path.place().level() {
                0 => sorted.fields.insert(path.number()),
                _ => sorted.parts.push(path),
            }
        }
        Ok(sorted)
    }

    fn only_fields(&self, places: &[Place], at: &str) -> Result<FieldSet, DialectError> {
        let places = self.places(places, at)?;
        match places.parts.first() {
            None => Ok(places.fields),
            Some(part) => {
                let rule = format!("{part} is a part: parts are optional unless a rule says otherwise");
                Err(self.blame.error(Kind::Rule, at, rule))
            }
        }
    }

    fn exclusive(&self, one: FieldSet, other: FieldSet, at: &str, rule: &str) -> Result<(), DialectError> {
        match one.intersection(other).iter().next() {
            None => Ok(()),
            Some(de) => Err(self.blame.error(Kind::Conflict, at, format!("field {de} {rule}"))),
        }
    }
}

impl Places {
    fn add(&mut self, other: &Self) {
        self.fields = self.fields.union(other.fields);
        self.parts.extend(&other.parts);
    }
}
