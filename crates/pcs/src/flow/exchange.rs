//! One exchange with a bank: what authorize, consume, capture and void have in common.
//!
//! | step | crate           | leaves behind                                                          |
//! |------|-----------------|------------------------------------------------------------------------|
//! | 1    | store, commit 1 | the changed payment, its idempotency key, the message that will be sent |
//! | 2    | hostlink        | the bank's answer, or its silence                                      |
//! | 3    | store, commit 2 | the outcome, its entry, its notices, the answer to the key             |
//!
//! After a crash, `resume.rs` takes up each payment that has commit 1 and no commit 2.

use std::sync::Arc;

use payment::routing::NoRoute;
use payment::{Change, Event, Exchange, Payment, State};
use store::{AliasChange, RowChange};
use types::Money;

use crate::bank::{Draft, Heard, Says, SecretCard, Transaction};
use crate::claim::Running;
use crate::model::Actor;
use crate::task::{self, EXCHANGE, EXPIRY, Message, PURSUIT, Task};
use crate::unit::Said;
use crate::{CommandError, Done, Pcs};

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
}

/// How many times a lost race is decided again.
const RACES: usize = 16;

impl Pcs {
    /// Steps 1 to 3 for an intent. Runs to its end even when nobody waits for it any more.
    pub(crate) async fn carry_out(
        self: &Arc<Self>,
        running: Option<Running>,
        intent: Intent,
    ) -> Result<Done, CommandError> {
        self.record_intent(running.as_ref(), &intent).await?;
        let heard = self.ask(&intent.message, &intent.card).await?;
        let before = intent.change.payment;
        self.conclude(before, intent.message, heard, running).await
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
        let said = Said { sent: Some(intent.message.fields.clone()), ..Said::default() };
        self.add_payment_change(&mut unit, &intent.change, intent.actor.clone(), said)?;
        unit.rows.extend(intent.rows.iter().cloned());
        unit.aliases.extend(intent.aliases.iter().cloned());
        let waits = self.bank(&intent.message.exchange.bank)?.reply_timeout_ms();
        unit.tasks
            .push(self.task(payment, Some(intent.message.clone()), 0).put(EXCHANGE, now.plus_ms(waits))?);
        self.commit(unit).await?;
        Ok(())
    }

    /// Step 2: ask the bank. Its silence is an event too, not an error.
    pub(crate) async fn ask(&self, message: &Message, card: &SecretCard) -> Result<Heard, CommandError> {
        let bank = self.bank(&message.exchange.bank)?;
        Ok(bank.ask(message.transaction, &message.fields, card).await)
    }

    /// Step 3 (commit 2): decide on what the bank said; commit the outcome with all that goes with it. A change by
    /// somebody else in between is not an error: the decision is taken again on the new payment.
    pub(crate) async fn conclude(
        &self,
        mut before: Payment,
        message: Message,
        heard: Heard,
        running: Option<Running>,
    ) -> Result<Done, CommandError> {
        for _ in 0..RACES {
            match self.try_conclude(&before, &message, &heard, running.as_ref(), 0).await {
                Err(CommandError::Busy) => before = self.must_load(before.merchant, before.id).await?,
                other => return other,
            }
        }
        Err(CommandError::Busy)
    }

    /// One try of [`Pcs::conclude`]; [`CommandError::Busy`] when the payment has changed in between.
    pub(crate) async fn try_conclude(
        &self,
        before: &Payment,
        message: &Message,
        heard: &Heard,
        running: Option<&Running>,
        attempts: u32,
    ) -> Result<Done, CommandError> {
        let now = self.clock.now();
        let asked = before.state;
        let repeat = self.bank(&message.exchange.bank)?.repeats(message.transaction);
        let change = before.step(heard.event(repeat), now).map_err(|r| CommandError::refused(before, r))?;
        let payment = &change.payment;
        let mut unit = self.unit(payment.merchant, now);
        let actor = Actor::Bank { bank: message.exchange.bank.clone() };
        let said = Said { sent: None, received: heard.received.clone(), note: heard.note.clone() };
        self.add_payment_change(&mut unit, &change, actor, said)?;
        unit.tasks.push(task::done(EXCHANGE, payment.id.to_u128()));
        self.add_follow_up(&mut unit, asked, payment, message, heard, attempts)?;
        self.add_session_outcome(&mut unit, payment).await?;
        let done = outcome(asked, payment);
        // An answer in doubt is not stored: the key's next request finds the payment as it is by then.
        if let Some(running) = running.filter(|_| !payment.state.in_doubt()) {
            unit.answer = Some(running.answer(&done)?);
        }
        self.commit(unit).await?;
        if payment.state.in_doubt() {
            self.pursue.notify_one();
        }
        Ok(done)
    }

    /// The durable to-do that the new state asks for.
    fn add_follow_up(
        &self,
        unit: &mut store::Unit,
        asked: State,
        payment: &Payment,
        message: &Message,
        heard: &Heard,
        attempts: u32,
    ) -> Result<(), CommandError> {
        let now = unit.at;
        let id = payment.id.to_u128();
        match payment.state {
            State::Reversing { .. } if !matches!(asked, State::Reversing { .. }) => {
                let reversal = self.reversal_of(message, heard)?;
                unit.tasks.push(self.task(payment, Some(reversal), 0).put(PURSUIT, now)?);
            }
            State::Capturing { in_doubt: true, .. } => {
                let due = now.plus_ms(task::pause_ms(attempts));
                unit.tasks.push(self.task(payment, Some(message.clone()), attempts + 1).put(PURSUIT, due)?);
            }
            State::Authorized => {
                unit.tasks.push(task::done(PURSUIT, id));
                // A void that failed at the end of the authorization is tried again after a while, not at once.
                let later = if matches!(asked, State::Voiding { .. }) { now.plus_ms(60_000) } else { now };
                let due = payment.terms.authorization_expires_at.max(later);
                unit.tasks.push(self.task(payment, None, 0).put(EXPIRY, due)?);
            }
            State::Captured | State::Failed | State::Canceled { .. } => {
                unit.tasks.push(task::done(PURSUIT, id));
                unit.tasks.push(task::done(EXPIRY, id));
            }
            State::Reversing { .. }
            | State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorizing
            | State::Consuming
            | State::Capturing { in_doubt: false, .. }
            | State::Voiding { .. } => {}
        }
        Ok(())
    }

    pub(crate) fn task(&self, payment: &Payment, message: Option<Message>, attempts: u32) -> Task {
        Task {
            merchant: payment.merchant,
            payment: payment.id,
            refund: None,
            message,
            attempts,
            since: self.clock.now(),
        }
    }

    /// A new question to a bank: who asks there, under which STAN.
    pub(crate) async fn new_exchange(
        &self,
        transaction: Transaction,
        bank: &str,
        terminal: &str,
        acceptor: &str,
    ) -> Result<Exchange, CommandError> {
        let now = self.clock.now();
        let bank = self.bank(bank)?;
        // Asking before anything is recorded saves a payment that could only be taken back.
        if !bank.is_up() {
            return Err(NoRoute::Unreachable.into());
        }
        let stan = self.numbers.stan(&self.store, bank.name(), terminal).await?;
        Ok(Exchange {
            attempt: self.new_id(),
            bank: bank.name().to_owned(),
            terminal: terminal.to_owned(),
            acceptor: acceptor.to_owned(),
            transaction: transaction.name().to_owned(),
            stan,
            rrn: bank.own_rrn(now, stan),
            authorization_code: None,
            response_code: None,
            batch: bank.batch(),
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
        Ok(Message { transaction, amount, exchange, fields })
    }

    /// The reversal of a message that may have left: same terminal, same STAN, and why.
    fn reversal_of(&self, message: &Message, heard: &Heard) -> Result<Message, CommandError> {
        let original = (&message.exchange, message.transaction, message.amount);
        let draft = Draft {
            transaction: Transaction::Reversal,
            amount: message.amount,
            exchange: &message.exchange,
            original: Some(original),
            reason: Some(heard.reversal_reason),
        };
        let fields = self.bank(&message.exchange.bank)?.message(&draft)?;
        Ok(Message { transaction: Transaction::Reversal, fields, ..message.clone() })
    }
}

impl Heard {
    /// What the payment is told.
    pub(crate) fn event(&self, repeat: bool) -> Event {
        match &self.says {
            Says::Approved { approval, flagged } => {
                Event::Approved { approval: approval.clone(), flagged: *flagged }
            }
            Says::Declined(decline) => Event::Declined(decline.clone()),
            Says::Silent => Event::Silent { repeat },
            Says::NeverLeft => Event::NeverLeft,
        }
    }
}

/// A capture or void that leaves the payment standing as before was refused; everything else is told by the payment.
fn outcome(asked: State, payment: &Payment) -> Done {
    let stands = matches!(payment.state, State::Authorized | State::Captured);
    let refused = match asked {
        State::Capturing { .. } => payment.state == State::Authorized,
        State::Voiding { .. } => stands,
        _ => false,
    };
    let payment = Box::new(payment.clone());
    if refused { Done::ActionRefused(payment) } else { Done::Payment(payment) }
}
