//! Upload: a batch that is over and whose totals differ is told to its bank item by item, so that the bank can add what it
//! lacks; then the totals are compared once more.
//!
//! | step | crate          | leaves behind                                                                            |
//! |------|----------------|------------------------------------------------------------------------------------------|
//! | 1    | store, commit  | with the comparison that differed: a task that says how far the journal goes             |
//! | 2    | store, commit  | for each message: itself without card numbers, and which items it has, before it is sent |
//! | 3    | hostlink       | the bank's answer, in a commit; silence has the same message sent again                  |
//! | 4    | store, commit  | after the end of the list: another comparison, with what was told before it              |
//!
//! Items are found in the journal and card numbers in the vault when a message is made; neither is in the task. A crash
//! leaves the message of step 2: it is sent again as it was, and the bank knows it by its trace number.
//!
//! One works on it at a time. Who takes it in hand puts its time forward before anything else, and each commit writes over one
//! version of a row: whoever was overtaken, by another process or by a later comparison of the batch, is refused there.
//!
//! What is done for a single message (steps 2 and 3) is in `upload/tell.rs`.

mod tell;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store::{Body, DueTask, RowChange, RowKey, Table, TaskChange, Unit};
use types::{Currency, MerchantId, Timestamp};

use super::items::Item;
use crate::bank::Bank;
use crate::batch::{Batch, UPLOAD};
use crate::hash::{bank_number, short_hash};
use crate::model::{Figures, Reconciliation, Upload, Verdict};
use crate::resource::{from_bytes, to_bytes};
use crate::task::{LATER_MS, SECOND_TRY_MS, done};
use crate::unit::Said;
use crate::{CommandError, Pcs};

/// How long a bank may be silent before people have to look.
const PATIENCE_MS: i64 = 3_600_000;
/// How many are looked at in one round.
const ROUND: usize = 16;
/// More than can be under way.
const EVERY: usize = 1_000_000;

/// An upload under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Work {
    batch: Batch,
    currency: Currency,
    /// What came of the comparison before.
    own: Figures,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bank_has: Option<Figures>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    since: Timestamp,
    /// How far the journal goes in each shard: no item is behind that.
    heads: Vec<u64>,
    /// How many of the items are told, left out included.
    passed: usize,
    so_far: Upload,
    /// The message that may be on the wire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sending: Option<Sending>,
    #[serde(default)]
    tries: u32,
    /// Since when the bank wants a sign-on first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sign_on_wanted: Option<Timestamp>,
    /// The version of its row, which each commit of it writes over.
    #[serde(default)]
    version: u32,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Sending {
    stan: u32,
    at: Timestamp,
    /// How many items it has, from `passed` on; none: it ends the list.
    items: usize,
}

/// Why an upload stops where it is.
enum Stop {
    /// It goes on later.
    Later,
    /// It comes to nothing.
    Failed(String),
}

impl Work {
    fn number(&self) -> u128 {
        let number = self.batch.number().to_string();
        u128::from_be_bytes(short_hash(&["upload", &number, self.currency.alpha()]))
    }

    /// The row stays when the upload is over: who was left behind must find a later version, not none.
    fn row(&self) -> RowKey {
        RowKey { table: Table::Setting, owner: 0, id: self.number() }
    }

    /// The next version, due then. Refused where somebody else has written one.
    fn put(&mut self, unit: &mut Unit, due: Timestamp) -> Result<(), CommandError> {
        self.next_version(unit);
        let (kind, id) = (UPLOAD, self.number());
        unit.tasks.push(TaskChange { kind, id, put: Some((due, to_bytes(self)?)) });
        Ok(())
    }

    fn next_version(&mut self, unit: &mut Unit) {
        let expected = Some(self.version).filter(|&version| version > 0);
        unit.rows.push(RowChange { key: self.row(), expected, body: Some(Body::Own(b"{}".to_vec())) });
        self.version += 1;
    }
}

impl Pcs {
    /// Step 1: what goes into the commit of a comparison that differs.
    pub(super) async fn begin_upload(
        &self,
        unit: &mut Unit,
        batch: &Batch,
        differs: &Reconciliation,
    ) -> Result<(), CommandError> {
        let mut work = Work {
            batch: batch.clone(),
            currency: differs.currency,
            own: differs.own,
            bank_has: differs.bank_has,
            by: differs.by.clone(),
            since: differs.created,
            heads: self.heads().await?,
            passed: 0,
            so_far: Upload { follows: differs.id, items: 0, messages: 0, left_out: 0, response_code: None },
            sending: None,
            tries: 0,
            sign_on_wanted: None,
            version: 0,
        };
        // An upload of the batch that is under way knows nothing of what has come since: this one takes its place.
        work.version = self.store.get(unit.shard, work.row()).await?.map_or(0, |row| row.version);
        // Lists go by the time in ids, so what comes of it must be of a later one.
        work.put(unit, differs.created.plus_ms(1_000))
    }

    /// Uploads that are due.
    pub(super) async fn uploads_due(&self, now: Timestamp) -> Result<Vec<DueTask>, CommandError> {
        Ok(self.store.tasks(UPLOAD, Some(now), ROUND).await?)
    }

    /// Goes on with what is due; returns how much that was.
    pub(super) async fn upload_all_due(self: &Arc<Self>) -> Result<usize, CommandError> {
        let due = self.uploads_due(self.clock.now()).await?;
        let many = due.len();
        for listed in due {
            let Some(_hand) = self.take_in_hand(UPLOAD, listed.id) else { continue };
            match self.upload_one(&listed).await {
                Ok(()) => {}
                Err(CommandError::Busy) => tracing::info!("Somebody else uploads the batch"),
                // Its time has been put forward as it was taken up.
                Err(error) => tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "A batch could not be uploaded and will be tried again"
                ),
            }
        }
        Ok(many)
    }

    async fn upload_one(&self, listed: &DueTask) -> Result<(), CommandError> {
        let now = self.clock.now();
        // Those before it in the round took their time, and somebody else may have done it meanwhile.
        let due = self.store.tasks(UPLOAD, Some(now), EVERY).await?;
        let Some(due) = due.iter().find(|due| (due.shard, due.id) == (listed.shard, listed.id)) else {
            return Ok(());
        };
        let mut work: Work = from_bytes(&due.body)?;
        self.put_upload_off(&mut work, LATER_MS).await?;
        self.go_on(&mut work).await
    }

    async fn put_upload_off(&self, work: &mut Work, pause_ms: i64) -> Result<(), CommandError> {
        let mut unit = self.upload_unit(work);
        let due = unit.at.plus_ms(pause_ms);
        work.put(&mut unit, due)?;
        self.commit(unit).await.map(drop)
    }

    /// A unit of the shard that holds what is kept of the bank: the task is on its list.
    fn upload_unit(&self, work: &Work) -> Unit {
        self.unit(MerchantId::from_u128(bank_number(&work.batch.bank)), self.clock.now())
    }

    async fn go_on(&self, work: &mut Work) -> Result<(), CommandError> {
        let Ok(bank) = self.bank(&work.batch.bank) else {
            return Ok(());
        };
        let stopped = match self.tell_items(bank, work).await? {
            None => self.compare_again(bank, work).await?,
            stopped => stopped,
        };
        let is_patient = self.clock.now().ms_since(work.since) < PATIENCE_MS;
        match stopped {
            None => Ok(()),
            Some(Stop::Later) if is_patient => {
                work.tries += 1;
                let pause = if work.tries == 1 { SECOND_TRY_MS } else { LATER_MS };
                self.put_upload_off(work, pause).await
            }
            Some(Stop::Later) => self.give_up(bank, work, "the bank did not answer for an hour").await,
            Some(Stop::Failed(why)) => self.give_up(bank, work, &why).await,
        }
    }

    /// Steps 2 and 3, until the bank has been told all, and that it was all.
    async fn tell_items(&self, bank: &Bank, work: &mut Work) -> Result<Option<Stop>, CommandError> {
        if work.so_far.response_code.is_some() {
            return Ok(None);
        }
        let Some(upload) = bank.profile().upload() else {
            return Ok(Some(Stop::Failed("the bank takes no items any more".to_owned())));
        };
        if !bank.is_up() {
            return Ok(Some(Stop::Later));
        }
        let items = self.items_of(work).await?;
        loop {
            if !bank.is_up() {
                return Ok(Some(Stop::Later));
            }
            let (sending, is_new) = match work.sending {
                Some(sending) => (sending, false),
                None => {
                    let left = items.len().saturating_sub(work.passed);
                    (self.next_sending(bank, work, left.min(upload.items_per_message())).await?, true)
                }
            };
            let some = items.get(work.passed..work.passed + sending.items).unwrap_or_default();
            let (fields, told) = match self.upload_message(bank, work, sending, some).await? {
                Ok(Some(message)) => message,
                Ok(None) => {
                    work.passed += sending.items;
                    work.so_far.left_out += sending.items;
                    work.sending = None;
                    continue;
                }
                Err(why) => return Ok(Some(Stop::Failed(why))),
            };
            if is_new {
                self.record_sending(bank, work, sending, (&fields, &told)).await?;
            }
            if let Err(stop) = self.tell_some(bank, work, sending, (fields, told.len())).await? {
                return Ok(Some(stop));
            }
            if work.so_far.response_code.is_some() {
                return Ok(None);
            }
        }
    }

    /// The items of the upload. The journal is read for them once, as long as this process works on no other upload.
    async fn items_of(&self, work: &Work) -> Result<Arc<[Item]>, CommandError> {
        let kept = self.upload_items.lock().clone().filter(|(of, _)| *of == work.so_far.follows);
        if let Some((_, items)) = kept {
            return Ok(items);
        }
        let items: Arc<[Item]> = self.items(&work.batch, work.currency, &work.heads).await?.into();
        *self.upload_items.lock() = Some((work.so_far.follows, Arc::clone(&items)));
        Ok(items)
    }

    /// Step 4.
    async fn compare_again(&self, bank: &Bank, work: &mut Work) -> Result<Option<Stop>, CommandError> {
        let own = self.figures(&work.batch).await?.get(&work.currency).copied().unwrap_or_default();
        let (mut again, said) =
            self.compare_one(bank, &work.batch, (work.currency, own), work.by.as_deref()).await?;
        if again.verdict == Verdict::NotCompared {
            return Ok(Some(Stop::Later));
        }
        again.upload = Some(work.so_far.clone());
        self.end_upload(bank, work, &again, said).await.map(|()| None)
    }

    /// The upload comes to nothing: both figures stay as they were, and people have to look.
    async fn give_up(&self, bank: &Bank, work: &mut Work, why: &str) -> Result<(), CommandError> {
        let differs = Reconciliation {
            id: self.new_id(),
            version: 1,
            created: self.clock.now(),
            bank: bank.name().to_owned(),
            terminal: work.batch.terminal.clone(),
            acceptor: work.batch.acceptor.clone(),
            batch: work.batch.name.clone(),
            closed: true,
            currency: work.currency,
            verdict: Verdict::Differs,
            own: work.own,
            bank_has: work.bank_has,
            by: work.by.clone(),
            note: Some(format!("the upload of its items did not come to its end: {why}")),
            upload: Some(work.so_far.clone()),
        };
        self.end_upload(bank, work, &differs, Said::default()).await
    }

    async fn end_upload(
        &self,
        bank: &Bank,
        work: &mut Work,
        it: &Reconciliation,
        said: Said,
    ) -> Result<(), CommandError> {
        let mut unit = self.comparison(bank, it, said)?;
        work.next_version(&mut unit);
        unit.tasks.push(done(UPLOAD, work.number()));
        self.commit(unit).await?;
        self.upload_items.lock().take_if(|(of, _)| *of == work.so_far.follows);
        Ok(())
    }
}
