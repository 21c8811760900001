//! One rule: when it applies and what it does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Currency, MerchantId};

use super::{Asked, BinRange};
use crate::CaptureMethod;

/// A rule of the routing table. `only` and `never` of every rule that applies count; `prefer`, `weights` and `strategy`
/// of the first that has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// For explanations; each rule has its own.
    pub name: String,
    /// When it applies; without conditions, always.
    #[serde(default)]
    pub when: When,
    /// All other banks are left out.
    #[serde(default)]
    pub only: Vec<String>,
    /// These banks are left out.
    #[serde(default)]
    pub never: Vec<String>,
    /// These banks come first, in this order; the others follow in the merchant's.
    #[serde(default)]
    pub prefer: Vec<String>,
    /// The parts of the traffic that come to these banks first; the others follow in the merchant's order.
    #[serde(default)]
    pub weights: BTreeMap<String, u32>,
    /// What the order is made by.
    #[serde(default)]
    pub strategy: Option<Strategy>,
}

/// What banks are brought into an order by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// The order of the merchant's contracts.
    #[default]
    Order,
    /// What the bank charges for this payment, least first; a bank without a known cost comes last.
    Cheapest,
}

/// Conditions, of which all must hold; of the values of one condition, one must. An empty one always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// What the card number begins with.
    pub bin: Vec<BinRange>,
    /// `unionpay`, `visa`, …
    pub brand: Vec<String>,
    /// The payment's currency.
    pub currency: Vec<Currency>,
    /// The least amount, in minor units of the one currency named.
    pub amount_min: Option<u64>,
    /// The largest amount, likewise.
    pub amount_max: Option<u64>,
    /// Who is paid.
    pub merchant: Vec<MerchantId>,
    /// `manual` is an authorization (0100), `automatic` a sale (0200).
    pub capture_method: Option<CaptureMethod>,
}

/// A condition by its key in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// What the card number begins with.
    Bin,
    /// The card's brand.
    Brand,
    /// The payment's currency.
    Currency,
    /// Its amount.
    Amount,
    /// Who is paid.
    Merchant,
    /// Authorize or consume.
    CaptureMethod,
}

impl When {
    /// The first condition that does not hold; none: the rule applies.
    pub fn unmet(&self, asked: &Asked<'_>) -> Option<Condition> {
        let amount = asked.amount.minor();
        let is_among = |names: &[String], name: &str| names.is_empty() || names.iter().any(|it| it == name);
        let conditions = [
            (
                Condition::Bin,
                self.bin.is_empty() || self.bin.iter().any(|range| range.contains(asked.first_digits)),
            ),
            (Condition::Brand, is_among(&self.brand, asked.brand)),
            (
                Condition::Currency,
                self.currency.is_empty() || self.currency.contains(&asked.amount.currency()),
            ),
            (
                Condition::Amount,
                self.amount_min.is_none_or(|min| min <= amount)
                    && self.amount_max.is_none_or(|max| amount <= max),
            ),
            (Condition::Merchant, self.merchant.is_empty() || self.merchant.contains(&asked.merchant)),
            (
                Condition::CaptureMethod,
                self.capture_method.is_none_or(|method| method == asked.capture_method),
            ),
        ];
        conditions.into_iter().find(|(_, holds)| !holds).map(|(condition, _)| condition)
    }
}

impl Condition {
    /// Its key in the table.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Bin => "bin",
            Self::Brand => "brand",
            Self::Currency => "currency",
            Self::Amount => "amount",
            Self::Merchant => "merchant",
            Self::CaptureMethod => "capture_method",
        }
    }
}

impl Rule {
    /// Whether it says anything about the order.
    pub(super) fn ranks(&self) -> bool {
        !self.prefer.is_empty() || !self.weights.is_empty() || self.strategy.is_some()
    }
}
