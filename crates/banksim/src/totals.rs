//! The bank's totals, to be held against the gateway's books.

use std::collections::BTreeMap;

use types::Currency;

use crate::books::Books;
use crate::record::RecordKind;

/// How many, and how much in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// How much.
    pub amount: u64,
}

impl Sum {
    pub(crate) const fn add(&mut self, amount: u64) {
        self.count += 1;
        self.amount += amount;
    }
}

/// The totals in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrencyTotals {
    /// Holds that stand now: neither completed, canceled nor reversed.
    pub open_holds: Sum,
    /// Sales that were not reversed, voided ones included.
    pub purchases: Sum,
    /// Completions that were not reversed, voided ones included.
    pub completions: Sum,
    /// Voids of sales and completions that were not reversed.
    pub voids: Sum,
    /// Cancels of holds that were not reversed.
    pub cancels: Sum,
    /// Refunds.
    pub refunds: Sum,
    /// Records that a reversal undid.
    pub reversals: Sum,
    /// What the bank owes each merchant (by DE 42): sales and completions, less voids and refunds.
    pub net_due: BTreeMap<String, i64>,
}

/// The totals by currency.
pub type Totals = BTreeMap<Currency, CurrencyTotals>;

impl Books {
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::new();
        for record in self.records.values() {
            let sums = totals.entry(record.currency).or_default();
            let amount = record.amount;
            if record.reversed {
                sums.reversals.add(amount);
                continue;
            }
            match record.kind {
                RecordKind::Hold if record.live => sums.open_holds.add(amount),
                // An increment is part of its hold's amount.
                RecordKind::Hold | RecordKind::Increment => {}
                RecordKind::Sale => sums.purchases.add(amount),
                RecordKind::Completion => sums.completions.add(amount),
                RecordKind::Void => sums.voids.add(amount),
                RecordKind::Cancel => sums.cancels.add(amount),
                RecordKind::Refund => sums.refunds.add(amount),
            }
            let due = match record.kind {
                RecordKind::Sale | RecordKind::Completion if record.live => amount as i64,
                RecordKind::Refund if record.live => -(amount as i64),
                RecordKind::Sale
                | RecordKind::Completion
                | RecordKind::Refund
                | RecordKind::Hold
                | RecordKind::Increment
                | RecordKind::Void
                | RecordKind::Cancel => continue,
            };
            *sums.net_due.entry(record.acceptor.clone()).or_default() += due;
        }
        totals
    }
}
