//! Reconcile: our totals of a batch and the bank's, held against each other when the bank's day is over, or when somebody asks.
//!
//! | step | crate          | leaves behind                                                        |
//! |------|----------------|----------------------------------------------------------------------|
//! | 1    | store          | the totals that each commit of the batch has added to                |
//! | 2    | hostlink       | the bank's word on them (0500, 0510)                                 |
//! | 3    | store, commit  | a reconciliation with both figures, for each currency of the batch   |
//!
//! A batch that is over is compared once nothing of it is in doubt any more, an hour later at the latest; and again whenever
//! something comes to it afterwards.

use std::sync::Arc;

use store::DueTask;
use types::Timestamp;

use crate::bank::Bank;
use crate::batch::{BATCH, Batch, Named};
use crate::hash::bank_number;
use crate::model::{Reconciliation, Verdict};
use crate::resource::from_bytes;
use crate::task::{self, LATER_MS, PURSUIT, Task};
use crate::{CommandError, Listed, Page, Pcs};

/// How long the end of doubts is waited for before a batch is compared as it is.
const PATIENCE_MS: i64 = 3_600_000;
/// More than can be open, or in doubt.
const EVERY: usize = 1_000_000;
/// How many that are due are looked at in one round.
const ROUND: usize = 64;

impl Pcs {
    /// Hears what the banks have told: has the batches compared that are over, and fetched what a bank wants fetched.
    pub(crate) async fn hear_banks(&self) -> Result<(), CommandError> {
        let now = self.clock.now();
        for bank in self.banks.values() {
            bank.hear(now);
            if bank.wants_parameters() {
                let wanted = self.want_parameters(bank, "the bank has ordered it".to_owned(), None).await;
                wanted.inspect_err(|_| bank.want_parameters_again())?;
            }
            if bank.day_has_changed() {
                let ended = self.end_batches(bank, now).await;
                ended.inspect_err(|_| bank.look_at_day_again())?;
            }
        }
        Ok(())
    }

    /// Puts every batch that the bank no longer has open on the list of those to be compared.
    async fn end_batches(&self, bank: &Bank, now: Timestamp) -> Result<(), CommandError> {
        for due in self.store.tasks(BATCH, None, EVERY).await? {
            let batch: Batch = from_bytes(&due.body)?;
            if batch.bank != bank.name() || batch.over_since.is_some() || batch.is_current(bank) {
                continue;
            }
            tracing::info!(bank.name = bank.name(), "The {} of {} is over", batch.words(), bank.name());
            // What is on the wire now still belongs to it.
            let soon = now.plus_ms(bank.reply_timeout_ms() + 1_000);
            let mut unit = store::Unit::new(due.shard, now);
            unit.tasks.push(Batch { over_since: Some(now), ..batch }.put(soon)?);
            self.commit(unit).await?;
        }
        Ok(())
    }

    /// Batches that are due to be compared.
    pub(crate) async fn batches_due(&self, now: Timestamp) -> Result<Vec<DueTask>, CommandError> {
        Ok(self.store.tasks(BATCH, Some(now), ROUND).await?)
    }

    /// Compares a batch that is over; puts it off while that makes no sense yet.
    pub(crate) async fn reconcile_due(&self, due: &DueTask) -> Result<(), CommandError> {
        let batch: Batch = from_bytes(&due.body)?;
        let now = self.clock.now();
        let Ok(bank) = self.bank(&batch.bank) else { return self.put_batch_off(due, &batch, now).await };
        let is_patient = batch.over_since.is_none_or(|since| now.ms_since(since) < PATIENCE_MS);
        if !bank.is_up() || (is_patient && self.is_in_doubt_of(&batch, bank).await?) {
            return self.put_batch_off(due, &batch, now).await;
        }
        let compared = self.compare(bank, &batch, None).await?;
        if is_patient && compared.iter().any(|it| it.verdict == Verdict::NotCompared) {
            return self.put_batch_off(due, &batch, now).await;
        }
        let mut unit = store::Unit::new(due.shard, now);
        unit.tasks.push(task::done(BATCH, due.id));
        self.commit(unit).await?;
        self.open_batches.lock().remove(&(due.shard, due.id));
        Ok(())
    }

    async fn put_batch_off(&self, due: &DueTask, batch: &Batch, now: Timestamp) -> Result<(), CommandError> {
        let mut unit = store::Unit::new(due.shard, now);
        unit.tasks.push(batch.put(now.plus_ms(LATER_MS))?);
        self.commit(unit).await.map(drop)
    }

    async fn is_in_doubt_of(&self, batch: &Batch, bank: &Bank) -> Result<bool, CommandError> {
        for due in self.store.tasks(PURSUIT, None, EVERY).await? {
            let task: Task = from_bytes(&due.body)?;
            let exchange = task.message.map(|message| message.exchange);
            let Some(exchange) = exchange.filter(|exchange| exchange.bank == batch.bank) else { continue };
            if Named::of(bank, &exchange, None).is_some_and(|of| of.number() == batch.number()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Compares every batch of a bank that has not been compared yet, the open ones too, and says what came of it. Nothing
    /// is closed by that.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for an unknown bank, [`CommandError::Invalid`] for one that takes no totals.
    pub async fn compare_totals(&self, bank: &str, by: &str) -> Result<Vec<Reconciliation>, CommandError> {
        let bank = self.bank_named(bank)?;
        if bank.profile().reconciliation().is_none() {
            let rule = format!("{} compares no totals", bank.name());
            return Err(CommandError::Invalid { field: "bank", rule });
        }
        let mut seen = std::collections::HashSet::new();
        let mut compared = Vec::new();
        for due in self.store.tasks(BATCH, None, EVERY).await? {
            let batch: Batch = from_bytes(&due.body)?;
            // A bank's day may be on the list of several shards.
            if batch.bank == bank.name() && seen.insert(due.id) {
                compared.extend(self.compare(bank, &batch, Some(by)).await?);
            }
        }
        Ok(compared)
    }

    /// What came of comparing a bank's totals, the latest first.
    ///
    /// # Errors
    /// [`CommandError::Missing`] for an unknown bank.
    pub async fn reconciliations(
        &self,
        bank: &str,
        page: Page,
    ) -> Result<Listed<Reconciliation>, CommandError> {
        let bank = self.bank_named(bank)?;
        self.list(store::Table::Reconciliation, bank_number(bank.name()), page).await
    }

    /// Compares what is due; returns how much that was.
    pub(crate) async fn reconcile_all_due(self: &Arc<Self>) -> Result<usize, CommandError> {
        let due = self.batches_due(self.clock.now()).await?;
        let many = due.len();
        for due in due {
            if let Some(_hand) = self.take_in_hand(BATCH, due.id)
                && let Err(error) = self.reconcile_due(&due).await
            {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "A batch could not be compared and will be tried again");
            }
        }
        Ok(many)
    }
}
