//! Which banks a payment goes to, in which order, and why. A pure decision: [`decide`] is told the rules, the merchant's
//! contracts, the payment, and how each bank is now.
//!
//! The contracts are the outer bound. Of those that take the payment, rules leave some out and bring the rest into an
//! order; a bank that cannot be reached, or that keeps too many waiting, is left out of it. Without any rules the order
//! is the merchant's.

mod bin;
mod cost;
mod decide;
mod decision;
mod draw;
mod explanation;
mod health;
mod rule;
mod table;

use serde::{Deserialize, Serialize};
use types::{Currency, MerchantId, Money, PaymentId};

pub use bin::{BinRange, BinRangeError};
pub use cost::Cost;
pub use decide::{decide, route};
pub use decision::{Decision, Verdict, Why};
pub use explanation::{ContractSaid, Explanation, RuleSaid};
pub use health::{Health, Seen};
pub use rule::{Condition, Rule, Strategy, When};
pub use table::{RoutingTable, TableError};

use crate::CaptureMethod;

/// A merchant's contract with one bank: its numbers there and what it takes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acquirer {
    /// The bank's name in our configuration.
    pub bank: String,
    /// DE 41, the merchant's terminal at this bank.
    pub terminal: String,
    /// DE 42, the merchant's number at this bank.
    pub acceptor: String,
    /// What it may be paid in there.
    pub currencies: Vec<Currency>,
    /// Card brands taken there; empty takes all.
    #[serde(default)]
    pub brands: Vec<String>,
}

/// A payment, as far as its route depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Decides which part of the traffic it belongs to, where traffic is shared.
    pub payment: PaymentId,
    /// Who is paid.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Money,
    /// Authorize or consume.
    pub capture_method: CaptureMethod,
    /// `unionpay`, `visa`, …
    pub brand: &'a str,
    /// The first digits of the card number, at most eight.
    pub first_digits: &'a str,
}

/// How a bank is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BankNow {
    /// Its link takes requests.
    pub is_up: bool,
    /// It keeps fewer waiting than its share of the gateway's places.
    pub has_room: bool,
    /// It takes cards whose data was entered as this one's was.
    pub takes_entry: bool,
    /// How it has answered of late: 100 is well, 0 is not at all.
    pub health: u8,
}

/// Why no bank was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// No contract covers this currency and brand.
    #[error("no bank of this merchant takes this brand in {currency}")]
    NotOffered {
        /// The payment's currency.
        currency: Currency,
    },
    /// Contracts exist, and none of their banks takes a card whose data was entered like this.
    #[error("no bank of this merchant takes a card that is given in this way")]
    EntryNotTaken,
    /// Contracts exist, and the gateway's rules allow none of them for this payment.
    #[error("the gateway's routing rules allow no bank of this merchant for this payment")]
    Excluded,
    /// Contracts exist, but none of their banks can be reached now.
    #[error("no bank that takes this payment can be reached now")]
    Unreachable,
    /// A bank could be reached, and keeps as many waiting as one bank may.
    #[error("the banks that take this payment are slow and have no place left; try again shortly")]
    Full,
}
