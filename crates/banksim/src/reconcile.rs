//! The bank's accounting days: their batches, their totals, and the cut-over between two of them. Pure.

use types::{Currency, Timestamp};

use crate::books::Books;
use crate::record::{Answer, Effect, Event, RecordKind, Reference};
use crate::request::{Period, Wanted};
use crate::totals::Sum;

const DAY_MS: i64 = 86_400_000;

/// An accounting day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// `MMDD`.
    pub settlement_date: String,
    /// Its batch, where the dialect has batches.
    pub batch: u32,
}

/// The totals of a batch as the two ends compare them (ISO 8583 fields 74 to 77 and 86 to 89). Debits are what cardholders
/// were charged: sales and completions. Credits are what they got back: refunds and voids. What a reversal undid is in both
/// a total and its reversals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchTotals {
    /// Refunds and voids.
    pub credits: Sum,
    /// Those of them that were reversed.
    pub credit_reversals: Sum,
    /// Sales and completions.
    pub debits: Sum,
    /// Those of them that were reversed.
    pub debit_reversals: Sum,
}

impl BatchTotals {
    /// Debits and credits without what was reversed.
    pub(crate) const fn standing(&self) -> (Sum, Sum) {
        (less(self.debits, self.debit_reversals), less(self.credits, self.credit_reversals))
    }
}

const fn less(sum: Sum, reversed: Sum) -> Sum {
    Sum {
        count: sum.count.saturating_sub(reversed.count),
        amount: sum.amount.saturating_sub(reversed.amount),
    }
}

impl Books {
    /// The accounting day at a moment: the calendar's, and one more for each cut-over.
    pub fn day(&self, now: Timestamp) -> Day {
        let date = now.plus_ms(i64::from(self.cut_overs) * DAY_MS).utc();
        Day { settlement_date: format!("{:02}{:02}", date.month, date.day), batch: self.cut_overs + 1 }
    }

    /// Ends the accounting day.
    pub fn cut_over(&self) -> Event {
        let number = self.next_event();
        Event {
            number,
            reference: Reference(format!("cut-over|{number}")),
            kind: "cut_over".to_owned(),
            amount: 0,
            last4: None,
            pin: None,
            answer: Answer::of_code("00", format!("{number:012}")),
            effect: Effect::CutOver,
        }
    }

    /// The totals of a batch or day: of the batch that is open, unless another is named.
    pub fn batch_totals(&self, wanted: &Wanted, currency: Currency) -> BatchTotals {
        let mut totals = BatchTotals::default();
        let records = self.records.values().filter(|record| {
            let in_period = match &wanted.period {
                Some(Period::Batch(batch)) => record.batch == *batch,
                Some(Period::Day(day)) => record.day == *day,
                None => record.batch == self.cut_overs + 1,
            };
            in_period
                && record.currency == currency
                && wanted.acceptor.as_ref().is_none_or(|acceptor| *acceptor == record.acceptor)
                && wanted.terminal.as_ref().is_none_or(|terminal| *terminal == record.terminal)
        });
        for record in records {
            let (all, reversed) = match record.kind {
                RecordKind::Sale | RecordKind::Completion => {
                    (&mut totals.debits, &mut totals.debit_reversals)
                }
                RecordKind::Void | RecordKind::Refund => (&mut totals.credits, &mut totals.credit_reversals),
                // A hold moves no money, nor does what gives it back.
                RecordKind::Hold | RecordKind::Increment | RecordKind::Cancel => continue,
            };
            all.add(record.amount);
            if record.reversed {
                reversed.add(record.amount);
            }
        }
        totals
    }
}
