//! Batches: what a bank adds up and compares with us. Every commit that says that money has moved at a bank adds to the
//! totals of its batch, in the same commit, so that they are there when the bank's day ends, and `lian verify` proves them.
//!
//! What a batch is, the bank's document says (`reconciliation.of`): a numbered batch of one terminal, or all of the bank's
//! accounting day.

use std::collections::BTreeMap;

use hostlink::TotalsOf;
use payment::{Exchange, Payment};
use serde::{Deserialize, Serialize};
use store::{Count, DayCount, TaskChange, Unit};
use types::{Currency, Money, Timestamp};

use crate::bank::{Bank, Transaction};
use crate::hash::short_hash;
use crate::model::Figures;
use crate::resource::to_bytes;
use crate::task::Message;
use crate::{CommandError, Pcs};

/// Batches that are not over, or whose totals have not been compared yet. The kinds are in `task.rs`.
pub const BATCH: u8 = 5;
/// Batches whose items a bank is being told.
pub const UPLOAD: u8 = 6;

/// When a batch is due whose end nobody has heard of: never.
const OPEN: i64 = 10 * 365 * 86_400_000;

/// What is counted. The numbers stand in the store; payment's statistics have those below a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Line {
    Debits = 101,
    DebitReversals = 102,
    Credits = 103,
    CreditReversals = 104,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub bank: String,
    /// DE 41, where each terminal has batches of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<String>,
    /// DE 42, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acceptor: Option<String>,
    /// Its number, or the bank's accounting day.
    pub name: String,
    /// When it was over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_since: Option<Timestamp>,
}

/// The batch of an exchange, by its names: what every payment looks at, so nothing of it is copied.
#[derive(Clone, Copy)]
pub(crate) struct Named<'a> {
    bank: &'a str,
    /// DE 41 and DE 42, where each terminal has batches of its own.
    terminal: Option<(&'a str, &'a str)>,
    name: &'a str,
}

impl<'a> Named<'a> {
    /// The batch of an exchange whose answer was of this day, where its bank compares totals and has said which batch it is.
    pub fn of(bank: &'a Bank, exchange: &'a Exchange, day: Option<&'a str>) -> Option<Self> {
        let (terminal, name) = match bank.profile().reconciliation()?.of() {
            TotalsOf::Terminal => {
                (Some((&*exchange.terminal, &*exchange.acceptor)), exchange.batch.as_deref()?)
            }
            TotalsOf::Bank => (None, day.or(exchange.settlement_date.as_deref())?),
        };
        Some(Self { bank: bank.name(), terminal, name })
    }

    /// One number for each batch, and the owner of its totals.
    pub fn number(self) -> u128 {
        let (terminal, acceptor) = self.terminal.unwrap_or_default();
        u128::from_be_bytes(short_hash(&["batch", self.bank, terminal, acceptor, self.name]))
    }

    /// Whether it is the one that the bank has open.
    fn is_current(self, bank: &Bank) -> bool {
        let facts = bank.facts();
        let current = if self.terminal.is_some() { facts.batch } else { facts.settlement_date };
        current.is_none_or(|current| current == self.name)
    }

    fn to_batch(self, over_since: Option<Timestamp>) -> Batch {
        Batch {
            bank: self.bank.to_owned(),
            terminal: self.terminal.map(|(terminal, _)| terminal.to_owned()),
            acceptor: self.terminal.map(|(_, acceptor)| acceptor.to_owned()),
            name: self.name.to_owned(),
            over_since,
        }
    }
}

impl Batch {
    fn named(&self) -> Named<'_> {
        let terminal = self.terminal.as_deref().zip(self.acceptor.as_deref());
        Named { bank: &self.bank, terminal, name: &self.name }
    }

    /// One number for each batch, and the owner of its totals.
    pub fn number(&self) -> u128 {
        self.named().number()
    }

    /// Whether it is the one that the bank has open.
    pub fn is_current(&self, bank: &Bank) -> bool {
        self.named().is_current(bank)
    }

    pub fn put(&self, due: Timestamp) -> Result<TaskChange, CommandError> {
        Ok(TaskChange { kind: BATCH, id: self.number(), put: Some((due, to_bytes(self)?)) })
    }

    /// For people: `batch 000001 of terminal 00000001`, `day 1201`.
    pub fn words(&self) -> String {
        match &self.terminal {
            Some(terminal) => format!("batch {} of terminal {terminal}", self.name),
            None => format!("day {}", self.name),
        }
    }
}

/// The total that a transaction counts in, and the one for its reversal; none where no money moves.
const fn lines(transaction: Transaction) -> Option<(Line, Line)> {
    match transaction {
        Transaction::Consume
        | Transaction::OfflineSale
        | Transaction::Capture
        | Transaction::CaptureAdvice => Some((Line::Debits, Line::DebitReversals)),
        Transaction::VoidConsume | Transaction::VoidCapture | Transaction::Refund => {
            Some((Line::Credits, Line::CreditReversals))
        }
        Transaction::Authorize
        | Transaction::VoidAuthorization
        | Transaction::Reversal
        | Transaction::Increment
        | Transaction::Adjust
        | Transaction::BalanceInquiry
        | Transaction::Inquire => None,
    }
}

impl Pcs {
    /// What the bank has done belongs to its batch: the same commit adds it to the totals. `day` is the accounting day that
    /// the answer was of, if it says one.
    pub(crate) fn add_moved(
        &self,
        unit: &mut Unit,
        (exchange, day): (&Exchange, Option<&str>),
        (transaction, amount): (Transaction, Money),
    ) -> Result<(), CommandError> {
        let Some((line, _)) = lines(transaction) else { return Ok(()) };
        let counted = [(line, 1, amount.minor() as i64)];
        self.add_to_batch(unit, (exchange, day), amount.currency(), &counted)
    }

    /// The same for what a payment was changed by. An adjustment makes its sale larger or smaller, in the sale's batch.
    pub(crate) fn add_moved_of(
        &self,
        unit: &mut Unit,
        (captured_before, after): (u64, &Payment),
        message: &Message,
        (transaction, day): (Transaction, Option<&str>),
    ) -> Result<(), CommandError> {
        match (&after.original, transaction) {
            (Some(sale), Transaction::Adjust) => {
                let more = after.captured as i64 - captured_before as i64;
                self.add_to_batch(unit, (sale, None), after.currency(), &[(Line::Debits, 0, more)])
            }
            _ => self.add_moved(unit, (&message.exchange, day), (transaction, message.amount)),
        }
    }

    /// What the bank has done and undone again is in both a total and its reversals.
    pub(crate) fn add_undone(&self, unit: &mut Unit, message: &Message) -> Result<(), CommandError> {
        let transaction = Transaction::named(&message.exchange.transaction);
        let Some((line, reversals)) = transaction.and_then(lines) else { return Ok(()) };
        let amount = message.amount.minor() as i64;
        let counted = [(line, 1, amount), (reversals, 1, amount)];
        self.add_to_batch(unit, (&message.exchange, None), message.amount.currency(), &counted)
    }

    fn add_to_batch(
        &self,
        unit: &mut Unit,
        (exchange, day): (&Exchange, Option<&str>),
        currency: Currency,
        lines: &[(Line, i64, i64)],
    ) -> Result<(), CommandError> {
        let bank = self.bank(&exchange.bank)?;
        let Some(batch) = Named::of(bank, exchange, day) else { return Ok(()) };
        let owner = batch.number();
        let day = day_of(unit.at);
        unit.counts.extend(lines.iter().map(|&(line, count, amount)| Count {
            owner,
            currency,
            day,
            metric: line as u16,
            count,
            amount,
        }));
        if !batch.is_current(bank) {
            // It has been or is about to be compared without this: it is compared once more.
            let over = batch.to_batch(Some(unit.at));
            unit.tasks.push(over.put(unit.at.plus_ms(bank.reply_timeout_ms()))?);
        } else if !self.open_batches.lock().contains(&(unit.shard, owner)) {
            unit.tasks.push(batch.to_batch(None).put(unit.at.plus_ms(OPEN))?);
        }
        Ok(())
    }

    /// The totals of a batch, by currency. Names of batches come back, a bank's day after a year: what bore the name before is
    /// not of this batch.
    pub(crate) async fn figures(&self, batch: &Batch) -> Result<BTreeMap<Currency, Figures>, CommandError> {
        let mut all: BTreeMap<Currency, Figures> = BTreeMap::new();
        for count in self.store.counts(batch.number(), since(self.clock.now()), i32::MAX).await? {
            add(all.entry(count.currency).or_default(), &count);
        }
        Ok(all)
    }
}

impl Pcs {
    /// The first day, since 1970, on which something of a batch was counted.
    pub(crate) async fn first_day(&self, batch: &Batch) -> Result<Option<i32>, CommandError> {
        let counts = self.store.counts(batch.number(), since(self.clock.now()), i32::MAX).await?;
        Ok(counts.iter().map(|count| count.day).min())
    }
}

/// How long a batch may be open: less than a year, after which the next of its name can begin.
const LONGEST_DAYS: i32 = 300;

/// The first day on which something of a batch can have been counted that is compared now.
fn since(now: Timestamp) -> i32 {
    day_of(now).saturating_sub(LONGEST_DAYS)
}

/// Days since 1970-01-01, UTC.
fn day_of(at: Timestamp) -> i32 {
    at.ms().div_euclid(86_400_000) as i32
}

fn add(figures: &mut Figures, count: &DayCount) {
    let sum = match count.metric {
        metric if metric == Line::Debits as u16 => &mut figures.debits,
        metric if metric == Line::DebitReversals as u16 => &mut figures.debit_reversals,
        metric if metric == Line::Credits as u16 => &mut figures.credits,
        metric if metric == Line::CreditReversals as u16 => &mut figures.credit_reversals,
        _ => return,
    };
    sum.count = sum.count.saturating_add_signed(count.count);
    sum.amount = sum.amount.saturating_add_signed(count.amount);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_same_name_a_year_ago_is_another_day() {
        let text = |text: &str| text.parse::<Timestamp>().unwrap();
        let first = since(text("2027-11-28T02:00:00Z"));
        assert!(day_of(text("2026-11-27T23:59:59Z")) < first);
        assert!(day_of(text("2027-11-27T00:00:00Z")) >= first);
        assert!(day_of(text("2027-03-01T00:00:00Z")) >= first, "a terminal may be slow to end its batch");
    }
}
