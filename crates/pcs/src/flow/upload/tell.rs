//! One message of an upload: made, recorded without card numbers, sent, and its answer recorded.

use hostlink::{Outcome, UploadAnswer, UploadData, UploadItem};
use iso8583::Fields;

use super::{Item, Sending, Stop, Work};
use crate::bank::Bank;
use crate::batch::Batch;
use crate::hash::bank_number;
use crate::model::Actor;
use crate::task::LATER_MS;
use crate::unit::Said;
use crate::{CommandError, Pcs};

impl Pcs {
    pub(super) async fn next_sending(
        &self,
        bank: &Bank,
        work: &Work,
        items: usize,
    ) -> Result<Sending, CommandError> {
        let now = self.clock.now();
        let (terminal, _) = identity(bank, &work.batch);
        let stan = self.numbers.stan(&self.store, bank.name(), &terminal, now).await?;
        Ok(Sending { stan, at: now, items })
    }

    /// A message, and which of its items it has; none where it would have none. An error says why there can be none.
    pub(super) async fn upload_message<'a>(
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
    pub(super) async fn record_sending(
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
    pub(super) async fn tell_some(
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
