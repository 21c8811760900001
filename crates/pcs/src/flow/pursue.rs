//! Drive every doubt to certainty: send reversals and repeat advices until the bank answers. One stubborn payment never
//! holds up another: each has a due time of its own, and a bank is given many at once.

use hostlink::CodeOutcome;
use payment::pursuit::Pursued;
use payment::{CancellationReason, Event, Payment, RefundEvent, RefundState, State};
use store::Unit;

use super::conclude::awaits;
use crate::bank::{Bank, Heard, Says, Transaction};
use crate::model::Actor;
use crate::task::{self, Message, PURSUIT, Task};
use crate::unit::Said;
use crate::{CommandError, Pcs};

impl Pcs {
    /// Sends a reversal, or an advice once more, and takes the answer.
    pub(crate) async fn pursue_one(&self, task: &Task) -> Result<(), CommandError> {
        let Some(message) = &task.message else { return self.forget(PURSUIT, task).await };
        if !self.is_in_doubt(task, message).await? {
            // Settled in the meantime, by a late answer or another process: nothing more to ask.
            return self.forget(PURSUIT, task).await;
        }
        if task.attempts > 0 || message.transaction != Transaction::OfflineSale {
            return self.send(task, message).await;
        }
        let Some(recorded) = self.record_first_telling(task, message).await? else { return Ok(()) };
        match self.send(task, message).await {
            // It may have left by now: whoever comes next repeats it.
            Err(error) => self.put_off(&recorded, &error).await,
            done => done,
        }
    }

    /// Records that an offline sale that never left may leave now, and returns the to-do of whoever finds no outcome of that: he
    /// repeats it. Two processes that have read the same to-do both change the payment, so that one of them tells it and the
    /// other nothing.
    async fn record_first_telling(
        &self,
        task: &Task,
        message: &Message,
    ) -> Result<Option<Task>, CommandError> {
        let bank = self.bank(&message.exchange.bank)?;
        if !bank.is_up() {
            let trouble = Some("its link is not up");
            let met = Pursuit { trouble, ..Pursuit::default() };
            return self.try_later(task.clone(), met).await.map(|()| None);
        }
        let _turn = self.turns.take(task.payment.to_u128()).await;
        let payment = self.must_load(task.merchant, task.payment).await?;
        let now = self.clock.now();
        let Ok(change) = payment.hear(message.exchange.attempt, Event::Silent { repeat: true }, now) else {
            return Ok(None);
        };
        let mut unit = self.unit(task.merchant, now);
        let note = Some("it has not left yet; the bank is told of it now".to_owned());
        let said = Said { sent: Some(message.fields.clone()), note, ..Said::default() };
        self.add_payment_change(&mut unit, &change, Actor::Gateway, said)?;
        let recorded = Task { attempts: 1, ..task.clone() };
        let waits = bank.reply_timeout_ms() + self.overdue_ms();
        unit.tasks.push(recorded.put(PURSUIT, now.plus_ms(waits))?);
        match self.commit(unit).await {
            Ok(_) => Ok(Some(recorded)),
            // Another process tells it, or people have ended it.
            Err(CommandError::Busy) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends it, and takes the answer.
    async fn send(&self, task: &Task, message: &Message) -> Result<(), CommandError> {
        let payment = self.must_load(task.merchant, task.payment).await?;
        let bank = self.bank(&message.exchange.bank)?;
        let card = self.card_for(&payment, message).await?;
        let mut sent = message.clone();
        if task.attempts > 0 {
            sent.fields = bank.as_repeat(message.transaction, &message.fields);
        }
        let heard = bank.ask(sent.transaction, &sent.fields, &card).await;
        match (&heard.says, message.transaction) {
            (Says::NeverLeft, _) => {
                let trouble = heard.note.as_deref();
                self.try_later(task.clone(), Pursuit { trouble, ..Pursuit::default() }).await
            }
            (Says::Silent, _) => {
                self.try_later(Task { attempts: task.attempts + 1, ..task.clone() }, Pursuit::default()).await
            }
            (Says::NotNow(decline), _) => {
                let closed_batch = closed_batch(bank, &sent, decline.network_code.as_deref());
                let next = Task { attempts: task.attempts + 1, ..task.clone() };
                self.try_later(next, Pursuit { closed_batch, ..Pursuit::default() }).await
            }
            (_, Transaction::OfflineSale) if heard.is_not_now() => {
                self.try_later(Task { attempts: task.attempts + 1, ..task.clone() }, Pursuit::default()).await
            }
            // A refused reversal is not an end, nor is a refused sale that has happened: only an acknowledgement is.
            (Says::Declined(decline), Transaction::Reversal | Transaction::OfflineSale) => {
                let next = Task { attempts: task.attempts + 1, refusals: task.refusals + 1, ..task.clone() };
                let refused_with = decline.network_code.as_deref();
                self.try_later(next, Pursuit { refused_with, ..Pursuit::default() }).await
            }
            (Says::Approved { approval, .. }, Transaction::OfflineSale)
                if approval.amount != message.amount.minor() =>
            {
                let next = Task { attempts: task.attempts + 1, refusals: task.refusals + 1, ..task.clone() };
                let trouble = Some("the bank has acknowledged another amount");
                self.try_later(next, Pursuit { trouble, ..Pursuit::default() }).await
            }
            // "No original found" is success too: there is nothing to reverse. `bank.rs` reads it as approval.
            (Says::Approved { .. }, Transaction::Reversal) => self.reversal_accepted(task, sent, heard).await,
            (Says::Approved { .. } | Says::Declined(_), _) => {
                self.advice_answered(task, message, heard).await
            }
        }
    }

    /// Whether the outcome of this very exchange is still unknown.
    pub(crate) async fn is_in_doubt(&self, task: &Task, message: &Message) -> Result<bool, CommandError> {
        match task.refund {
            Some(id) => {
                let refund = self.must_load_refund(task.merchant, id).await?;
                Ok(matches!(refund.state, RefundState::Pending | RefundState::InDoubt))
            }
            None => {
                let payment = self.must_load(task.merchant, task.payment).await?;
                Ok(payment.state.in_doubt() && awaits(&payment, &message.exchange))
            }
        }
    }

    async fn advice_answered(
        &self,
        task: &Task,
        message: &Message,
        heard: Heard,
    ) -> Result<(), CommandError> {
        match task.refund {
            Some(refund) => {
                self.conclude_refund(task.merchant, refund, message.clone(), heard, None).await.map(drop)
            }
            None => {
                let payment = self.must_load(task.merchant, task.payment).await?;
                self.conclude(payment, message.clone(), heard, None).await.map(drop)
            }
        }
    }

    async fn reversal_accepted(&self, task: &Task, sent: Message, heard: Heard) -> Result<(), CommandError> {
        let _turn = self.turns.take(task.payment.to_u128()).await;
        let payment = self.must_load(task.merchant, task.payment).await?;
        let now = self.clock.now();
        if !awaits(&payment, &sent.exchange) {
            return self.reversed_in_vain(task, &payment, sent, heard).await;
        }
        let change = payment
            .step(Event::ReversalAccepted, now)
            .map_err(|refused| CommandError::refused(&payment, refused))?;
        let mut unit = self.unit(task.merchant, now);
        // Only what the bank had done does it count among what was reversed; where it knew of nothing, it has done nothing.
        if !heard.found_nothing {
            self.add_undone(&mut unit, &sent)?;
        }
        let actor = Actor::Bank { bank: sent.exchange.bank.clone() };
        let said = Said { sent: Some(sent.fields.clone()), received: heard.received, note: heard.note };
        self.add_payment_change(&mut unit, &change, actor, said)?;
        unit.tasks.push(task::done(PURSUIT, task.number()));
        if change.payment.state == State::Authorized {
            unit.tasks.push(self.expiry_of(&change.payment, now)?);
        }
        self.add_session_outcome(&mut unit, &change.payment).await?;
        self.commit(unit).await.map(drop)
    }

    /// The bank has acknowledged a reversal that nobody waits for any more. Mostly another process was faster; but if people
    /// have said meanwhile that the bank's effect stands, bank and books differ now, and somebody has to know.
    async fn reversed_in_vain(
        &self,
        task: &Task,
        payment: &Payment,
        sent: Message,
        heard: Heard,
    ) -> Result<(), CommandError> {
        let undone = State::Canceled { reason: CancellationReason::TimeoutReversed };
        if payment.state == undone {
            return self.forget(PURSUIT, task).await;
        }
        let note = "the bank has acknowledged a reversal that was no longer wanted: compare its books";
        tracing::error!(payment.id = %payment.id, attempt = %sent.exchange.attempt, "{note}");
        let mut unit = self.unit(task.merchant, self.clock.now());
        let actor = Actor::Bank { bank: sent.exchange.bank.clone() };
        let said = Said { sent: Some(sent.fields), received: heard.received, note: Some(note.to_owned()) };
        self.add_payment_note(&mut unit, payment, actor, said)?;
        unit.tasks.push(task::done(PURSUIT, task.number()));
        self.commit(unit).await.map(drop)
    }

    /// Puts the next try off, and asks for an operator when the gateway alone does not get further.
    pub(crate) async fn try_later(&self, next: Task, met: Pursuit<'_>) -> Result<(), CommandError> {
        let _turn = self.turns.take(next.payment.to_u128()).await;
        let now = self.clock.now();
        let pursued = Pursued {
            attempts: next.attempts,
            refusals: next.refusals,
            has_happened: next.message.as_ref().is_some_and(|it| it.transaction == Transaction::OfflineSale),
            refused_with: met.refused_with,
            trouble: met.trouble,
            closed_batch: met.closed_batch,
            age_ms: now.ms_since(next.since),
        };
        let mut unit = self.unit(next.merchant, now);
        if let Some(message) = &next.message
            && !self.is_in_doubt(&next, message).await?
        {
            // Ended while the bank was asked. What was sealed for it must not come back.
            unit.tasks.push(task::done(PURSUIT, next.number()));
            return self.commit(unit).await.map(drop);
        }
        unit.tasks.push(next.put(PURSUIT, now.plus_ms(pursued.pause_ms()))?);
        let why = pursued.needs_operator();
        tracing::warn!(
            payment.id = %next.payment,
            attempts = next.attempts,
            why = met.refused_with.or(met.trouble).unwrap_or("no answer"),
            needs_operator = why.as_deref(),
            "The bank has not acknowledged the reversal or advice yet; will repeat it"
        );
        if let Some(why) = why {
            self.add_call_for_operator(&mut unit, &next, why).await?;
        }
        self.commit(unit).await.map(drop)
    }

    /// The payment or refund says, once, that people have to end its doubt.
    async fn add_call_for_operator(
        &self,
        unit: &mut Unit,
        task: &Task,
        why: String,
    ) -> Result<(), CommandError> {
        let payment = self.must_load(task.merchant, task.payment).await?;
        let said = Said { note: Some(why.clone()), ..Said::default() };
        if let Some(refund) = task.refund {
            let refund = self.must_load_refund(task.merchant, refund).await?;
            let is_open = matches!(refund.state, RefundState::Pending | RefundState::InDoubt);
            if refund.needs_operator.is_some() || !is_open {
                return Ok(());
            }
            let changed = payment
                .refund_step(&refund, RefundEvent::Stuck { why }, unit.at)
                .map_err(|refused| CommandError::refused(&payment, refused))?;
            return self.add_refund_change(unit, &changed.refund, &changed.change, Actor::Gateway, said);
        }
        if payment.needs_operator.is_some() || !payment.state.in_doubt() {
            return Ok(());
        }
        let change = payment
            .step(Event::Stuck { why }, unit.at)
            .map_err(|refused| CommandError::refused(&payment, refused))?;
        self.add_payment_change(unit, &change, Actor::Gateway, said)
    }
}

/// What a try met.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pursuit<'a> {
    /// DE 39 of a refusal.
    pub refused_with: Option<&'a str>,
    /// What stood in the way on our side.
    pub trouble: Option<&'a str>,
    /// The batch that the message names and the bank has closed.
    pub closed_batch: Option<&'a str>,
}

/// The batch that a message names, where the bank wants a sign-on first and has told another batch at its latest one: no
/// sign-on will help.
fn closed_batch<'a>(bank: &Bank, sent: &'a Message, code: Option<&str>) -> Option<&'a str> {
    let outcome = bank.profile().outcome(sent.transaction, code?).outcome;
    let named = sent.exchange.batch.as_deref().filter(|_| outcome == CodeOutcome::RetryAfterSignOn)?;
    bank.facts().batch.is_some_and(|open| open != named).then_some(named)
}
