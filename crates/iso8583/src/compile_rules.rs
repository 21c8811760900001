//! The rules of a document's message types, compiled to sets of fields.

use std::collections::BTreeMap;

use crate::bitmap::FieldSet;
use crate::dialect::Dialect;
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::{MessageDoc, VariantDoc};
use crate::mti::Mti;
use crate::path::FieldPath;
use crate::rules::{Condition, MessageRules, RuleSet, Variant};

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

impl Compiler<'_> {
    fn message(&self, key: &str, doc: &MessageDoc) -> Result<MessageRules, DialectError> {
        let at = |key_inside: &str| format!("message.{key}.{key_inside}");
        let mti = Mti::parse(key).map_err(|error| {
            self.blame.error(Kind::OutOfRange, format!("message.{key}"), error.to_string())
        })?;
        let name = doc
            .name
            .clone()
            .ok_or_else(|| self.blame.error(Kind::Missing, at("name"), "every message type has a name"))?;
        let mandatory = doc.mandatory.as_deref().ok_or_else(|| {
            self.blame.error(Kind::Missing, at("mandatory"), "every message type lists its mandatory fields")
        })?;
        let mandatory = self.fields(mandatory, &at("mandatory"))?;
        let optional = self.fields(doc.optional.as_deref().unwrap_or_default(), &at("optional"))?;
        let forbidden = self.fields(doc.forbidden.as_deref().unwrap_or_default(), &at("forbidden"))?;
        let allowed = mandatory.union(optional);
        if let Some(de) = allowed.intersection(forbidden).iter().next() {
            let rule = format!("field {de} is forbidden and allowed");
            return Err(self.blame.error(Kind::Conflict, at("forbidden"), rule));
        }
        let base = RuleSet {
            mandatory,
            allowed,
            echo: self.fields(doc.echo.as_deref().unwrap_or_default(), &at("echo"))?,
            echo_if_present: self
                .fields(doc.echo_if_present.as_deref().unwrap_or_default(), &at("echo_if_present"))?,
        };
        let echoed = base.echo.union(base.echo_if_present);
        if let Some(de) = echoed.without(allowed).iter().next() {
            let rule = format!("field {de} is to be echoed and not allowed");
            return Err(self.blame.error(Kind::Conflict, at("echo"), rule));
        }
        let variants = doc.variant.as_deref().unwrap_or_default();
        let variants: Result<_, _> = variants.iter().map(|v| self.variant(v, base, forbidden, &at)).collect();
        Ok(MessageRules { mti, name, base, variants: variants? })
    }

    /// A variant starts from the message type's rules: what it makes mandatory or optional is allowed, what it
    /// forbids is not. What the message type forbids by name, no variant may allow.
    fn variant(
        &self,
        doc: &VariantDoc,
        base: RuleSet,
        never: FieldSet,
        at: &dyn Fn(&str) -> String,
    ) -> Result<Variant, DialectError> {
        let path = |key: &str| at(&format!("variant.{}.{key}", doc.name));
        let mandatory = self.fields(&doc.mandatory, &path("mandatory"))?;
        let optional = self.fields(&doc.optional, &path("optional"))?;
        let forbidden = self.fields(&doc.forbidden, &path("forbidden"))?;
        let unechoed = self.fields(&doc.unechoed, &path("unechoed"))?;
        let named = mandatory.union(optional);
        if let Some(de) = named.intersection(forbidden.union(never)).iter().next() {
            let rule = format!("field {de} is forbidden and allowed");
            return Err(self.blame.error(Kind::Conflict, path("forbidden"), rule));
        }
        if doc.when.is_empty() {
            return Err(self.blame.error(
                Kind::Missing,
                path("when"),
                "a variant has at least one condition",
            ));
        }
        let when: Result<_, _> = doc.when.iter().map(|(p, v)| self.condition(p, v, &path("when"))).collect();
        let rules = RuleSet {
            mandatory: base.mandatory.without(forbidden).without(optional).union(mandatory),
            allowed: base.allowed.without(forbidden).union(named),
            echo: base.echo.without(forbidden).without(unechoed),
            echo_if_present: base.echo_if_present.without(forbidden).without(unechoed),
        };
        Ok(Variant { name: doc.name.clone(), when: when?, rules })
    }

    fn condition(&self, key: &str, equals: &str, at: &str) -> Result<Condition, DialectError> {
        let unknown = || self.blame.error(Kind::Rule, at, format!("the dialect has no field {key:?}"));
        let path: FieldPath = key.parse().map_err(|_| unknown())?;
        self.dialect.layout(path.number()).ok_or_else(unknown)?;
        for segment in path.place().segments() {
            let composite = self.dialect.composite(path.number()).ok_or_else(unknown)?;
            composite.position(segment.id).ok_or_else(unknown)?;
        }
        Ok(Condition { path, equals: equals.to_owned() })
    }

    fn fields(&self, numbers: &[u8], at: &str) -> Result<FieldSet, DialectError> {
        for &de in numbers {
            if self.dialect.layout(de).is_none() {
                let rule = format!("the dialect does not define field {de}");
                return Err(self.blame.error(Kind::Rule, at, rule));
            }
        }
        Ok(numbers.iter().copied().collect())
    }
}
