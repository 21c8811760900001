//! What came of comparing a batch's totals with its bank.

use serde::{Deserialize, Serialize};
use types::{Currency, ReconciliationId, Timestamp};

/// How many, and how much in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much.
    pub amount: u64,
}

/// The totals of a batch in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Sales and completions.
    pub debits: Sum,
    /// Those of them that were reversed.
    pub debit_reversals: Sum,
    /// Refunds and voids.
    pub credits: Sum,
    /// Those of them that were reversed.
    pub credit_reversals: Sum,
}

/// Whether both sides say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The bank says that the totals are its own.
    Agreed,
    /// The bank has others.
    Differs,
    /// The bank did not compare them; `note` says why.
    NotCompared,
}

/// One comparison of a batch's totals with its bank, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// Its id.
    pub id: ReconciliationId,
    /// Always 1: it is never changed.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The bank, by its name in our configuration.
    pub bank: String,
    /// DE 41, where each terminal has batches of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// DE 42, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptor: Option<String>,
    /// The batch's number, or the bank's accounting day (`MMDD`, or `YYMMDD` at a bank that says the year) where it has none.
    pub batch: String,
    /// Whether the batch was over, so that nothing more belongs to it.
    pub closed: bool,
    /// The currency.
    pub currency: Currency,
    /// What came of it.
    pub verdict: Verdict,
    /// Our totals, as they were sent.
    pub own: Figures,
    /// The bank's, where it told them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_has: Option<Figures>,
    /// Who asked for it; none: the end of the bank's day did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In plain words, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the bank was told before, where this follows an upload of the batch's items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<Upload>,
}

/// An upload of a batch's items, after totals that differed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The comparison that it follows.
    pub follows: ReconciliationId,
    /// How many items the bank has taken.
    pub items: usize,
    /// In how many messages.
    pub messages: usize,
    /// How many could not be told: their card is no longer kept, or the bank's form has no place for them.
    pub left_out: usize,
    /// DE 39 of the bank's answer to the end of the list; none: it did not come to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code: Option<String>,
}

impl Figures {
    /// The same, for a bank that counts only what stands: what was reversed is in none of the totals.
    #[must_use]
    pub const fn standing(self) -> Self {
        const fn less(sum: Sum, reversed: Sum) -> Sum {
            Sum {
                count: sum.count.saturating_sub(reversed.count),
                amount: sum.amount.saturating_sub(reversed.amount),
            }
        }
        let none = Sum { count: 0, amount: 0 };
        Self {
            debits: less(self.debits, self.debit_reversals),
            debit_reversals: none,
            credits: less(self.credits, self.credit_reversals),
            credit_reversals: none,
        }
    }
}
