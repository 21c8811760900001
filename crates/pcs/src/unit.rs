//! One change, one unit of work: state, event, entry, statistics, tasks and answer, together or not at all.

use payment::{Change, Notice, Payment, Refund, Stat};
use store::{Committed, Count, Record, RecordKind, RowChange, TaskChange, Unit};
use types::{MerchantId, Timestamp};

use crate::batch::BATCH;
use crate::model::{Actor, JournalEvent, NoticeEvent};
use crate::resource::{Resource, put, put_told, to_bytes};
use crate::told::{self, Told, Written};
use crate::{CommandError, Pcs};

/// Journal records about payments.
pub const RECORD_PAYMENT: RecordKind = RecordKind(1);
/// Journal records about refunds; the payment's change is in the same record.
pub const RECORD_REFUND: RecordKind = RecordKind(2);
/// Journal records about what a merchant or the operator sets up.
pub const RECORD_SETUP: RecordKind = RecordKind(3);
/// Journal records about banks and their links: what people did to them, and what came of comparing totals. (4 are
/// certificates.)
pub const RECORD_BANK: RecordKind = RecordKind(5);

/// What a change says besides the objects themselves.
#[derive(Default)]
pub(crate) struct Said {
    pub sent: Option<iso8583::Fields>,
    pub received: Option<iso8583::Fields>,
    pub note: Option<String>,
}

/// A record that tells what was said, and shows no object: of an owner, about a subject in a version.
fn words(
    kind: RecordKind,
    (owner, subject, subject_version): (u128, u128, u32),
    actor: Actor,
    said: Said,
) -> Result<Record, CommandError> {
    let event: JournalEvent = JournalEvent {
        actor,
        notices: Vec::new(),
        payment: None,
        refund: None,
        checkout_session: None,
        sent: said.sent,
        received: said.received,
        note: said.note,
    };
    let event = to_bytes(&event)?;
    Ok(Record { kind, owner, subject, subject_version, legs: None, event })
}

impl Pcs {
    /// A unit with nothing in it yet.
    pub(crate) fn unit(&self, merchant: MerchantId, at: Timestamp) -> Unit {
        Unit::new(self.shard(merchant), at)
    }

    /// Adds a payment's change: its row, its journal record with the entry, its statistics.
    pub(crate) fn add_payment_change(
        &self,
        unit: &mut Unit,
        change: &Change,
        actor: Actor,
        said: Said,
    ) -> Result<(), CommandError> {
        self.add(unit, RECORD_PAYMENT, change, None, actor, said)
    }

    /// Adds a refund's change together with its payment's.
    pub(crate) fn add_refund_change(
        &self,
        unit: &mut Unit,
        refund: &Refund,
        change: &Change,
        actor: Actor,
        said: Said,
    ) -> Result<(), CommandError> {
        self.add(unit, RECORD_REFUND, change, Some(refund), actor, said)
    }

    /// Adds a record about a payment that changes nothing: a question, or something that somebody has to know.
    pub(crate) fn add_payment_note(
        &self,
        unit: &mut Unit,
        payment: &Payment,
        actor: Actor,
        said: Said,
    ) -> Result<(), CommandError> {
        let subject = (payment.merchant.to_u128(), payment.id.to_u128(), payment.version);
        unit.records.push(words(RECORD_PAYMENT, subject, actor, said)?);
        Ok(())
    }

    /// Payment and refund are written once, in the record; their rows say where.
    fn add(
        &self,
        unit: &mut Unit,
        kind: RecordKind,
        change: &Change,
        refund: Option<&Refund>,
        actor: Actor,
        said: Said,
    ) -> Result<(), CommandError> {
        let payment = &change.payment;
        let written = Written::default();
        let (told, told_refund) =
            (Told::new(payment, &written), refund.map(|refund| Told::new(refund, &written)));
        let event = JournalEvent {
            actor,
            notices: self.number_notices(&change.notices),
            payment: Some(&told),
            refund: told_refund.as_ref(),
            checkout_session: payment.checkout_session.filter(|_| refund.is_none()),
            sent: said.sent,
            received: said.received,
            note: said.note,
        };
        let (record, event) = (unit.records.len(), told::write(&event, &written)?);
        if let (Some(refund), Some(told)) = (refund, &told_refund) {
            unit.rows.push(put_told(refund, told.place(), record));
        }
        unit.rows.push(put_told(payment, told.place(), record));
        unit.records.push(Record {
            kind,
            owner: payment.merchant.to_u128(),
            subject: payment.id.to_u128(),
            subject_version: payment.version,
            legs: change.entry.clone(),
            event,
        });
        let day = unit.at.ms().div_euclid(86_400_000) as i32;
        unit.counts.extend(change.stats.iter().map(|stat: &Stat| Count {
            owner: payment.merchant.to_u128(),
            currency: payment.currency(),
            day,
            metric: stat.statistic as u16,
            count: stat.count,
            amount: stat.amount,
        }));
        Ok(())
    }

    /// Adds a set-up change (merchant, customer, endpoint, …): its row and a journal record without personal data.
    pub(crate) fn add_setup<R: Resource>(
        &self,
        unit: &mut Unit,
        resource: &R,
        actor: Actor,
        note: String,
    ) -> Result<(), CommandError> {
        let row: RowChange = put(resource)?;
        self.add_setup_row(unit, row, resource.version(), actor, note)
    }

    /// Adds a set-up change of a row that is already made.
    pub(crate) fn add_setup_row(
        &self,
        unit: &mut Unit,
        row: RowChange,
        version: u32,
        actor: Actor,
        note: String,
    ) -> Result<(), CommandError> {
        let said = Said { note: Some(note), ..Said::default() };
        unit.records.push(words(RECORD_SETUP, (row.key.owner, row.key.id, version), actor, said)?);
        unit.rows.push(row);
        Ok(())
    }

    /// Adds a record about a bank: its subject is the bank's number.
    pub(crate) fn add_bank_note(
        &self,
        unit: &mut Unit,
        bank: u128,
        actor: Actor,
        said: Said,
    ) -> Result<(), CommandError> {
        unit.records.push(words(RECORD_BANK, (bank, bank, 1), actor, said)?);
        Ok(())
    }

    /// Commits a unit and tells those who follow the journal.
    pub(crate) async fn commit(&self, unit: Unit) -> Result<Committed, CommandError> {
        let batches = |task: &TaskChange| task.kind == BATCH && task.put.is_some();
        let opened: Vec<_> = unit.tasks.iter().filter(|task| batches(task)).map(|task| task.id).collect();
        let (shard, counts) = (unit.shard, unit.counts.clone());
        let committed = self.store.commit(unit).await?;
        self.counted.committed(&counts);
        // The batch is on the list now, so the next commit that belongs to it need not put it there.
        self.open_batches.lock().extend(opened.into_iter().map(|batch| (shard, batch)));
        // Told to whoever waits now, and to the next who comes: growth between two waits must not be missed.
        self.journal_grew.notify_waiters();
        self.journal_grew.notify_one();
        Ok(committed)
    }

    fn number_notices(&self, notices: &[Notice]) -> Vec<NoticeEvent> {
        notices.iter().map(|&notice| NoticeEvent { id: self.new_id(), notice }).collect()
    }
}
