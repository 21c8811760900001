//! Upload: a batch that is over and whose totals differ is told to its bank item by item, so that the bank can add what it
//! lacks; then the totals are compared once more.
//!
//! | step | crate          | leaves behind                                                                         |
//! |------|----------------|---------------------------------------------------------------------------------------|
//! | 1    | store, commit  | with the comparison that differed: a task that says how far the journal goes           |
//! | 2    | store, commit  | for each message: itself without card numbers, and which items it has, before it is sent |
//! | 3    | hostlink       | the bank's answer, in a commit; silence has the same message sent again                |
//! | 4    | store, commit  | after the end of the list: another comparison, with what was told before it            |
//!
//! Items are found in the journal and card numbers in the vault when a message is made; neither is in the task. A crash
//! leaves the message of step 2: it is sent again as it was, and the bank knows it by its trace number.
//!
//! One works on it at a time. Who takes it in hand puts its time forward before anything else, and each commit writes over one
//! version of a row: whoever was overtaken, by another process or by a later comparison of the batch, is refused there.

use std::sync::Arc;

use hostlink::{Outcome, UploadAnswer, UploadData, UploadItem};
use iso8583::Fields;
use serde::{Deserialize, Serialize};
use store::{Body, DueTask, RowChange, RowKey, Table, TaskChange, Unit};
use types::{Currency, MerchantId, Timestamp};

use super::items::Item;
use crate::bank::Bank;
use crate::batch::{Batch, UPLOAD};
use crate::hash::{bank_number, short_hash};
use crate::model::{Actor, Figures, Reconciliation, Upload, Verdict};
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

    async fn next_sending(&self, bank: &Bank, work: &Work, items: usize) -> Result<Sending, CommandError> {
        let now = self.clock.now();
        let (terminal, _) = identity(bank, &work.batch);
        let stan = self.numbers.stan(&self.store, bank.name(), &terminal, now).await?;
        Ok(Sending { stan, at: now, items })
    }

    /// A message, and which of its items it has; none where it would have none. An error says why there can be none.
    async fn upload_message<'a>(
        &self,
        bank: &Bank,
        work: &Work,
        sending: Sending,
        items: &'a [Item],
    ) -> Result<Result<Option<(Fields, Vec<&'a Item>)>, String>, CommandError> {
        let (terminal, acceptor) = identity(bank, &work.batch);
        let batch = work.batch.terminal.as_ref().map(|_| work.batch.name.clone());
        let data = UploadData { stan: sending.stan, at: sending.at, terminal, acceptor, batch };
        let (message, told) = if sending.items == 0 {
            (bank.profile().upload_end_message(&data, work.so_far.items), Vec::new())
        } else {
            let cards = self.cards_of(bank, items).await?;
            if cards.is_empty() {
                return Ok(Ok(None));
            }
            let told: Vec<_> = cards.iter().map(|(item, card)| uploaded(item, card)).collect();
            let message = bank.profile().upload_message(&data, &told);
            (message, cards.into_iter().map(|(item, _)| item).collect())
        };
        Ok(match message {
            Ok(Some(fields)) => Ok(Some((fields, told))),
            Ok(None) => Err("the bank takes no items any more".to_owned()),
            Err(error) => Err(format!("an item does not fit its message: {error}")),
        })
    }

    /// Step 2: which message is sent next, before it is; all of it but the card numbers.
    async fn record_sending(
        &self,
        bank: &Bank,
        work: &mut Work,
        sending: Sending,
        (fields, told): (&Fields, &[&Item]),
    ) -> Result<(), CommandError> {
        work.sending = Some(sending);
        let mut unit = self.upload_unit(work);
        // Until the answer's time is up nobody else goes on with it.
        let due = unit.at.plus_ms(bank.reply_timeout_ms() + 1_000);
        work.put(&mut unit, due)?;
        let (what, sent) = match sending.items {
            0 => (format!("the end of {} items", work.so_far.items), fields.clone()),
            many => {
                let of = |item: &&Item| format!("{:06} {}", item.stan, item.amount);
                let list: Vec<_> = told.iter().map(of).collect();
                let (first, last, list) = (work.passed + 1, work.passed + many, list.join(", "));
                let what = format!("items {first} to {last}, by trace number and amount: {list}");
                (what, bank.profile().without_items(fields.clone()))
            }
        };
        let note = Some(format!("{}: {what}", about(work, sending)));
        let said = Said { sent: Some(sent), note, ..Said::default() };
        self.add_bank_note(&mut unit, bank_number(bank.name()), Actor::Gateway, said)?;
        self.commit(unit).await.map(drop)
    }

    /// Step 3. Says where it stops, if the bank has not taken it.
    async fn tell_some(
        &self,
        bank: &Bank,
        work: &mut Work,
        sending: Sending,
        (fields, told): (Fields, usize),
    ) -> Result<Result<(), Stop>, CommandError> {
        let reply = match bank.ask_plain(fields).await {
            Outcome::Reply(reply) => reply,
            Outcome::NotSent(_) | Outcome::MaybeSent(_) => return Ok(Err(Stop::Later)),
            Outcome::Rejected(why) => {
                let why = format!("the message does not fit the dialect ({})", why.code());
                return Ok(Err(Stop::Failed(why)));
            }
        };
        let is_end = sending.items == 0;
        let code = reply.response_code().to_owned();
        let said = match bank.profile().upload_answer(&reply, is_end) {
            UploadAnswer::Taken => {
                work.so_far.items += told;
                work.so_far.left_out += sending.items - told;
                work.so_far.messages += usize::from(!is_end);
                work.so_far.response_code = is_end.then(|| code.clone());
                work.passed += sending.items;
                (work.sending, work.tries, work.sign_on_wanted) = (None, 0, None);
                Ok(())
            }
            UploadAnswer::NotNow => Err(Stop::Later),
            UploadAnswer::WantsSignOn => Err(self.sign_on_for(bank, work, &code).await),
            UploadAnswer::Refused => Err(Stop::Failed(format!("the bank refused it (response code {code})"))),
        };
        self.record_answer(bank, work, sending, reply.fields).await?;
        Ok(said)
    }

    /// What the bank said, and how far that brings the upload. A bank may send the items back: they are not kept.
    async fn record_answer(
        &self,
        bank: &Bank,
        work: &mut Work,
        sending: Sending,
        answer: Fields,
    ) -> Result<(), CommandError> {
        let mut unit = self.upload_unit(work);
        let due = unit.at.plus_ms(LATER_MS);
        work.put(&mut unit, due)?;
        let (code, rrn) = (answer.get(39).unwrap_or("none"), answer.get(37).unwrap_or("none"));
        let note = Some(format!("{}: response code {code}, RRN {rrn}", about(work, sending)));
        let received = Some(bank.profile().without_items(answer));
        let said = Said { received, note, ..Said::default() };
        let actor = Actor::Bank { bank: bank.name().to_owned() };
        self.add_bank_note(&mut unit, bank_number(bank.name()), actor, said)?;
        self.commit(unit).await.map(drop)
    }

    /// Has the links sign on, once: what wants one still is said of a batch that the bank has closed.
    async fn sign_on_for(&self, bank: &Bank, work: &mut Work, code: &str) -> Stop {
        let now = self.clock.now();
        bank.hear(now);
        let since = *work.sign_on_wanted.get_or_insert(now);
        if work.tries > 0 && (bank.has_signed_on_since(since) || bank.profile().key_step().is_none()) {
            return Stop::Failed(format!(
                "the bank wants a sign-on first and still does after one (response code {code}): it takes nothing of a batch that it has closed"
            ));
        }
        for link in bank.host().links() {
            link.exchange_keys().await;
        }
        Stop::Later
    }

    /// The items that can be told, with their cards. A card that is no longer kept has no number to tell.
    async fn cards_of<'a>(
        &self,
        bank: &Bank,
        items: &'a [Item],
    ) -> Result<Vec<(&'a Item, card::Pan)>, CommandError> {
        let tells_credits = bank.profile().upload().is_some_and(hostlink::Upload::tells_credits);
        let mut cards = Vec::with_capacity(items.len());
        for item in items.iter().filter(|item| tells_credits || !item.is_credit) {
            let payment = self.must_load(item.merchant, item.payment).await?;
            match self.card_of(&payment).await {
                Ok(card) => cards.push((item, card.pan)),
                Err(CommandError::Missing { .. }) => {
                    tracing::warn!(payment.id = %item.payment, "Its card is not kept, so its bank is not told of it");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(cards)
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

/// For people: which message of which upload.
fn about(work: &Work, sending: Sending) -> String {
    format!("upload of {} in {}, STAN {:06}", work.batch.words(), work.currency, sending.stan)
}

/// DE 41 and DE 42 of messages about a batch.
fn identity(bank: &Bank, batch: &Batch) -> (String, String) {
    match (&batch.terminal, &batch.acceptor) {
        (Some(terminal), Some(acceptor)) => (terminal.clone(), acceptor.clone()),
        _ => bank.identity(),
    }
}

const fn uploaded<'a>(item: &Item, pan: &'a card::Pan) -> UploadItem<'a> {
    UploadItem { stan: item.stan, amount: item.amount, is_credit: item.is_credit, pan }
}
