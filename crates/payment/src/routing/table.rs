//! The routing table: rules and costs as the operator writes them.

use std::collections::BTreeSet;

use card::Brand;
use serde::{Deserialize, Serialize};
use types::Money;

use super::cost::Charge;
use super::{Cost, Rule, Strategy};

/// How payments are brought to banks. Empty, it leaves the merchant's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingTable {
    /// The order where no rule says anything about it.
    pub strategy: Strategy,
    /// At how many banks a payment is tried at most, one after the other, as long as its message surely never left.
    pub max_banks: usize,
    /// A bank whose health is below this comes behind those that are well. 0 looks at nobody's health.
    pub min_health: u8,
    /// What banks charge.
    #[serde(rename = "cost")]
    pub costs: Vec<Cost>,
    /// The rules, read from the top.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

impl Default for RoutingTable {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            max_banks: 2,
            min_health: 0,
            costs: Vec::new(),
            rules: Vec::new(),
        }
    }
}

/// What is wrong with a table, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("routing.{place}: {rule}")]
pub struct TableError {
    /// The key, for example `rule "europe".prefer`.
    pub place: String,
    /// The rule that it breaks.
    pub rule: String,
}

impl RoutingTable {
    /// Checks what its form alone does not show. `banks` are the names of the configured banks.
    ///
    /// # Errors
    /// [`TableError`] names the place and the rule.
    pub fn check(&self, banks: &[&str]) -> Result<(), TableError> {
        ensure(self.max_banks > 0, || ("max_banks".to_owned(), "must be at least 1"))?;
        ensure(self.min_health <= 100, || ("min_health".to_owned(), "must be at most 100"))?;
        for (index, cost) in self.costs.iter().enumerate() {
            check_cost(cost, banks, &format!("cost {} ({})", index + 1, cost.bank))?;
        }
        let mut names = BTreeSet::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let place = || (format!("rule {}", index + 1), "name must not be empty and no other rule's");
            ensure(!rule.name.trim().is_empty() && names.insert(rule.name.as_str()), place)?;
            check_rule(rule, banks)?;
        }
        let has_cheapest = self.strategy == Strategy::Cheapest
            || self.rules.iter().any(|rule| rule.strategy == Some(Strategy::Cheapest));
        ensure(!has_cheapest || !self.costs.is_empty(), || {
            ("cost".to_owned(), "is needed: \"cheapest\" compares what banks charge")
        })
    }

    /// What a bank charges for a payment, if that is known.
    pub(super) fn cost(&self, bank: &str, brand: &str, amount: Money) -> Option<Charge> {
        let cost = self.costs.iter().find(|cost| cost.fits(bank, brand, amount.currency()));
        cost.map(|cost| cost.of(amount))
    }
}

fn check_cost(cost: &Cost, banks: &[&str], place: &str) -> Result<(), TableError> {
    let at = |key: &str| format!("{place}.{key}");
    check_banks([&cost.bank], banks, || at("bank"))?;
    check_brands(&cost.brand, || at("brand"))?;
    ensure(cost.bps <= 10_000, || (at("bps"), "must be at most 10000, which is all of the amount"))?;
    ensure(cost.fixed <= Money::MAX_MESSAGE_MINOR, || (at("fixed"), "must be at most 12 digits"))?;
    ensure(cost.fixed == 0 || cost.currency.is_some(), || {
        (at("fixed"), "is minor units of a currency: name the currency")
    })
}

fn check_rule(rule: &Rule, banks: &[&str]) -> Result<(), TableError> {
    let at = |key: &str| format!("rule {:?}.{key}", rule.name);
    for (key, named) in [("only", &rule.only), ("never", &rule.never), ("prefer", &rule.prefer)] {
        check_banks(named, banks, || at(key))?;
    }
    check_banks(rule.weights.keys(), banks, || at("weights"))?;
    ensure(rule.weights.is_empty() || rule.weights.values().any(|&weight| weight > 0), || {
        (at("weights"), "must not all be 0")
    })?;
    let orders = [!rule.prefer.is_empty(), !rule.weights.is_empty(), rule.strategy.is_some()];
    ensure(orders.into_iter().filter(|&it| it).count() <= 1, || {
        (at("prefer"), "only one of prefer, weights and strategy can make the order")
    })?;
    ensure(rule.ranks() || !rule.only.is_empty() || !rule.never.is_empty(), || {
        (at("name"), "the rule does nothing: it needs only, never, prefer, weights or strategy")
    })?;
    let when = &rule.when;
    check_brands(&when.brand, || at("when.brand"))?;
    let has_amount = when.amount_min.is_some() || when.amount_max.is_some();
    ensure(!has_amount || when.currency.len() == 1, || {
        (at("when.currency"), "an amount is minor units of one currency: name that one")
    })?;
    let is_empty = when.amount_min.zip(when.amount_max).is_some_and(|(min, max)| min > max);
    ensure(!is_empty, || (at("when.amount_min"), "must not be above amount_max"))
}

fn check_banks<'a>(
    named: impl IntoIterator<Item = &'a String>,
    banks: &[&str],
    place: impl Fn() -> String,
) -> Result<(), TableError> {
    match named.into_iter().find(|name| !banks.contains(&name.as_str())) {
        Some(name) => {
            let rule = format!("no configured bank is called {name:?}; there are {}", banks.join(", "));
            Err(TableError { place: place(), rule })
        }
        None => Ok(()),
    }
}

fn check_brands<'a>(
    named: impl IntoIterator<Item = &'a String>,
    place: impl Fn() -> String,
) -> Result<(), TableError> {
    match named.into_iter().find(|name| Brand::from_code(name).is_none()) {
        Some(name) => {
            let known: Vec<&str> = Brand::ALL.iter().map(|brand| brand.code()).collect();
            let rule = format!("there is no brand {name:?}; there are {}", known.join(", "));
            Err(TableError { place: place(), rule })
        }
        None => Ok(()),
    }
}

fn ensure(holds: bool, otherwise: impl FnOnce() -> (String, &'static str)) -> Result<(), TableError> {
    if holds {
        return Ok(());
    }
    let (place, rule) = otherwise();
    Err(TableError { place, rule: rule.to_owned() })
}
