//! One exchange with a bank: what authorize, consume, capture and void have in common.
//!
//! | step | crate           | leaves behind                                                          |
//! |------|-----------------|------------------------------------------------------------------------|
//! | 1    | store, commit 1 | the changed payment, its idempotency key, the message that will be sent |
//! | 2    | hostlink        | the bank's answer, or its silence                                      |
//! | 3    | store, commit 2 | the outcome, its entry, its notices, the answer to the key             |
//!
//! Step 3 is in `conclude.rs`; a message that surely never left may go on to another bank first, in `reroute.rs`. After a crash, `resume.rs` takes up each payment that has commit 1 and no commit 2.

use std::sync::Arc;

use card::{Entry, OfflineApproval};
use payment::routing::NoRoute;
use payment::{Change, Event, Exchange, Payment};
use store::{AliasChange, RowChange};
use types::Money;

use super::reroute::Route;
use super::submit::money;
use crate::bank::{Draft, Heard, SecretCard, Transaction};
use crate::claim::Running;
use crate::model::Actor;
use crate::task::{EXCHANGE, Message, Task};
use crate::turns::Turn;
use crate::unit::Said;
use crate::{CommandError, Done, Pcs};

/// Where a bank is asked: under which numbers, and for a card that was entered how.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub bank: &'a str,
    /// DE 41.
    pub terminal: &'a str,
    /// DE 42.
    pub acceptor: &'a str,
    pub entry: Entry,
    /// Of an offline sale: what its terminal says of it.
    pub offline: Option<&'a OfflineApproval>,
}

impl<'a> Place<'a> {
    /// The terminal of an earlier exchange: what follows it comes from there too, and without a PIN.
    pub fn of(earlier: &'a Exchange) -> Self {
        let entry = Entry::from(earlier.entry.mode);
        let (bank, terminal, acceptor) = (&earlier.bank, &earlier.terminal, &earlier.acceptor);
        Self { bank, terminal, acceptor, entry, offline: None }
    }
}

/// Everything that is decided before the bank hears of it.
pub(crate) struct Intent {
    /// The payment with the message on its way.
    pub change: Change,
    /// The message, without its card.
    pub message: Message,
    /// The card, in memory only.
    pub card: SecretCard,
    /// Who asked.
    pub actor: Actor,
    /// Rows that come into being with this intent: a guest's card, the checkout session.
    pub rows: Vec<RowChange>,
    /// Second keys of the payment: the merchant's own number.
    pub aliases: Vec<AliasChange>,
    /// Why this bank, and where else to go.
    pub route: Route,
}

/// What is asked about a payment that a bank knows already.
pub(crate) struct Following<'a> {
    pub event: Event,
    pub transaction: Transaction,
    /// Minor units.
    pub amount: u64,
    /// The question, as it is in the event.
    pub exchange: Exchange,
    /// What it refers to: the exchange, what it was, and its amount.
    pub original: (&'a Exchange, Transaction, Money),
}

impl Pcs {
    /// Steps 1 to 3 for what follows. Decided and recorded while nobody else changes the payment; the bank is asked after the
    /// turn is given back.
    pub(crate) async fn follow_through(
        &self,
        turn: Turn<'_>,
        payment: &Payment,
        following: Following<'_>,
        actor: Actor,
        running: Option<Running>,
    ) -> Result<Done, CommandError> {
        let Following { event, transaction, amount, exchange, original } = following;
        let change = payment
            .step(event, self.clock.now())
            .map_err(|refused| CommandError::refused(payment, refused))?;
        let message = self.follow_up(transaction, money(payment, amount)?, exchange, original)?;
        let card = self.card_of(payment).await?;
        let (rows, aliases, route) = (Vec::new(), Vec::new(), Route::default());
        let intent = Intent { change, message, card, actor, rows, aliases, route };
        self.record_intent(running.as_ref(), &intent).await?;
        drop(turn);
        let heard = self.ask(&intent.message, &intent.card).await?;
        self.conclude(intent.change.payment, intent.message, heard, running).await
    }

    /// Steps 1 to 3 for an intent. Runs to its end even when nobody waits for it any more.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        running: Option<Running>,
        intent: Box<Intent>,
    ) -> Result<Done, CommandError> {
        self.record_intent(running.as_ref(), &intent).await?;
        self.ask_and_conclude(intent, running).await
    }

    /// Step 1 (commit 1): recorded before sent.
    pub(crate) async fn record_intent(
        &self,
        running: Option<&Running>,
        intent: &Intent,
    ) -> Result<(), CommandError> {
        let payment = &intent.change.payment;
        let now = self.clock.now();
        let mut unit = self.unit(payment.merchant, now);
        unit.claim = running.map(|running| running.claim(payment.id.to_u128()));
        let sent = Some(intent.message.fields.clone());
        let said = Said { sent, note: intent.route.note.clone(), ..Said::default() };
        self.add_payment_change(&mut unit, &intent.change, intent.actor.clone(), said)?;
        unit.rows.extend(intent.rows.iter().cloned());
        unit.aliases.extend(intent.aliases.iter().cloned());
        let waits = self.bank(&intent.message.exchange.bank)?.reply_timeout_ms();
        let (asked, chip_data) = (Some(intent.message.asked()), intent.message.chip_data.clone());
        let task = Task { asked, chip_data, ..self.task(payment, None, 0) };
        unit.tasks.push(task.put(EXCHANGE, now.plus_ms(waits))?);
        self.commit(unit).await?;
        Ok(())
    }

    /// Step 2: ask the bank. Its silence is an event too, not an error.
    pub(crate) async fn ask(&self, message: &Message, card: &SecretCard) -> Result<Heard, CommandError> {
        let bank = self.bank(&message.exchange.bank)?;
        let heard = bank.ask(message.transaction, &message.fields, card).await;
        bank.saw(&heard.says, self.clock.now());
        Ok(heard)
    }

    pub(crate) fn task(&self, payment: &Payment, message: Option<Message>, attempts: u32) -> Task {
        Task {
            merchant: payment.merchant,
            payment: payment.id,
            refund: None,
            message,
            asked: None,
            chip_data: None,
            attempts,
            refusals: 0,
            since: self.clock.now(),
        }
    }

    /// A new question to a bank: who asks there, under which STAN.
    pub(crate) async fn new_exchange(
        &self,
        transaction: Transaction,
        place: Place<'_>,
    ) -> Result<Exchange, CommandError> {
        let now = self.clock.now();
        let bank = self.bank(place.bank)?;
        // Asking before anything is recorded saves a payment that could only be taken back.
        if !bank.is_up() {
            return Err(NoRoute::Unreachable.into());
        }
        if !bank.has_room(self.at_once) {
            return Err(CommandError::Overloaded);
        }
        let stan = self.numbers.stan(&self.store, bank.name(), place.terminal, now).await?;
        let facts = bank.facts();
        Ok(Exchange {
            attempt: self.new_id(),
            bank: bank.name().to_owned(),
            terminal: place.terminal.to_owned(),
            acceptor: place.acceptor.to_owned(),
            transaction: transaction.name().to_owned(),
            stan,
            rrn: bank.own_rrn(now, stan),
            authorization_code: place.offline.and_then(|offline| offline.authorization_code.clone()),
            response_code: None,
            offers: bank.offers_after(transaction),
            batch: facts.batch,
            settlement_date: facts.settlement_date,
            entry: place.entry,
            offline: place.offline.cloned(),
            issuer_data: None,
            sent_at: now,
            answered_at: None,
        })
    }

    /// The message of an exchange that refers to an earlier one.
    pub(crate) fn follow_up(
        &self,
        transaction: Transaction,
        amount: Money,
        exchange: Exchange,
        original: (&Exchange, Transaction, Money),
    ) -> Result<Message, CommandError> {
        let draft =
            Draft { transaction, amount, exchange: &exchange, original: Some(original), reason: None };
        let fields = self.bank(&exchange.bank)?.message(&draft)?;
        Ok(Message { transaction, amount, exchange, fields, chip_data: None })
    }
}

/// What moved a payment's money in one message: a sale, or the advice of one that was made offline.
pub(crate) fn sold_by(original: &Exchange) -> Transaction {
    Transaction::named(&original.transaction).unwrap_or(Transaction::Consume)
}

/// What completed an authorization: a request, or an advice.
pub(crate) fn completed_by(completion: &Exchange) -> Transaction {
    Transaction::named(&completion.transaction).unwrap_or(Transaction::Capture)
}
