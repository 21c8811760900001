//! What is counted, commit by commit.

use crate::Money64;

/// What a statistic counts. The number is stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Statistic {
    /// Sales and completions; amounts are gross.
    Captured = 1,
    /// Captured sales taken back on the same day.
    Voided = 2,
    /// Refunds that succeeded.
    Refunded = 3,
    /// Authorizations and sales that a bank refused; those that never reached one are not counted.
    Declined = 4,
    /// Authorizations and sales that were reversed because the bank was silent or answered something else.
    Reversed = 5,
    /// Fees charged (given back ones counted negative).
    Fee = 6,
}

/// One step of a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What is counted.
    pub statistic: Statistic,
    /// How many.
    pub count: i64,
    /// Minor units.
    pub amount: i64,
}

impl Stat {
    /// One more of `statistic`, with its amount. Amounts come from `Money`, which keeps them within 63 bits.
    pub(crate) fn more(statistic: Statistic, amount: Money64) -> Self {
        Self { statistic, count: 1, amount: amount as i64 }
    }

    /// As many as before, with another amount.
    pub(crate) fn changed(statistic: Statistic, from: Money64, to: Money64) -> Self {
        Self { statistic, count: 0, amount: to as i64 - from as i64 }
    }

    /// One less: what was counted is taken back.
    pub(crate) fn less(statistic: Statistic, amount: Money64) -> Self {
        Self { statistic, count: -1, amount: -(amount as i64) }
    }
}
