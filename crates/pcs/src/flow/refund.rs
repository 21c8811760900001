//! Refund part or all of a captured payment.
//!
//! | step | crate           | leaves behind                                                              |
//! |------|-----------------|----------------------------------------------------------------------------|
//! | 1    | store, commit 1 | the refund, its amount set aside in the payment and in the books           |
//! | 2    | hostlink        | the bank's answer, or its silence                                          |
//! | 3    | store, commit 2 | the outcome; after silence a durable task that repeats the same advice     |
//!
//! A refund is never reversed.

use std::sync::Arc;

use payment::{NewRefund, Payment, Refund, RefundEvent, RefundState};
use store::AliasChange;
use types::{MerchantId, RefundId};

use super::conclude::{TRIES, decide_again};
use super::exchange::{Place, completed_by, sold_by};
use super::submit::money;
use crate::bank::{Heard, Says, Transaction};
use crate::claim::Running;
use crate::model::Actor;
use crate::task::{self, EXCHANGE, Message, PURSUIT, Task};
use crate::unit::Said;
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs, RefundRequest};

impl Pcs {
    /// Gives money back. A refund whose bank was silent comes back as `InDoubt`, and is repeated until it is answered.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank.
    pub async fn create_refund(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        request: RefundRequest,
    ) -> Result<Completed, CommandError> {
        let (pcs, by) = (Arc::clone(self), caller.clone());
        let work = move |running| async move { pcs.refund_payment(by, running, request).await };
        self.once(caller, &key, work).await
    }

    async fn refund_payment(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        request: RefundRequest,
    ) -> Result<Done, CommandError> {
        // Step 1: decide and record while nobody else changes this payment.
        let turn = self.turns.take(request.payment.to_u128()).await;
        let payment = self.must_load(caller.merchant, request.payment).await?;
        let card = self.card_of(&payment).await?;
        let (refund, message) = self.record_refund(&caller, &running, &payment, request).await?;
        drop(turn);

        // Step 2: tell the bank.
        let heard = self.ask(&message, &card).await?;

        // Step 3: take what it said.
        self.conclude_refund(caller.merchant, refund.id, message, heard, Some(running)).await
    }

    async fn record_refund(
        &self,
        caller: &Caller,
        running: &Running,
        payment: &Payment,
        request: RefundRequest,
    ) -> Result<(Refund, Message), CommandError> {
        let now = self.clock.now();
        let first = self.original_of(payment, "refund")?;
        let (original, was) = match &payment.completion {
            Some(completion) => (&**completion, completed_by(completion)),
            None => (&first, sold_by(&first)),
        };
        let transaction = Transaction::Refund;
        let exchange = self.new_exchange(transaction, Place::of(original)).await?;
        let new = NewRefund {
            id: self.new_id(),
            amount: request.amount,
            reason: request.reason,
            merchant_reference: request.merchant_reference.clone(),
            metadata: request.metadata,
            exchange: exchange.clone(),
        };
        let changed = payment.refund(new, now).map_err(|refused| CommandError::refused(payment, refused))?;
        let refund = changed.refund;
        let captured = money(payment, payment.captured)?;
        let message =
            self.follow_up(transaction, money(payment, refund.amount)?, exchange, (original, was, captured))?;

        let mut unit = self.unit(caller.merchant, now);
        unit.claim = Some(running.claim(refund.id.to_u128()));
        let said = Said { sent: Some(message.fields.clone()), ..Said::default() };
        let actor = Actor::ApiKey { key: caller.key_id.clone() };
        self.add_refund_change(&mut unit, &refund, &changed.change, actor, said)?;
        if let Some(reference) = &request.merchant_reference {
            unit.aliases.push(AliasChange {
                space: crate::reads::REFUND_REFERENCE,
                key: crate::reads::reference_key(caller.merchant, reference),
                target: Some(crate::resource::Resource::key(&refund)),
            });
        }
        let waits = self.bank(&message.exchange.bank)?.reply_timeout_ms();
        let task = Task { asked: Some(message.asked()), ..self.refund_task(&refund, None, 0) };
        unit.tasks.push(task.put(EXCHANGE, now.plus_ms(waits))?);
        self.commit(unit).await?;
        Ok((refund, message))
    }

    /// Step 3, also for every repeat: decide on the newest payment and refund; a lost race is decided again.
    pub(crate) async fn conclude_refund(
        &self,
        merchant: MerchantId,
        id: RefundId,
        message: Message,
        heard: Heard,
        running: Option<Running>,
    ) -> Result<Done, CommandError> {
        for tries in 0..TRIES {
            match self.try_conclude_refund(merchant, id, &message, &heard, running.as_ref()).await {
                Err(error) => decide_again(error, tries).await?,
                done => return done,
            }
        }
        Err(CommandError::Busy)
    }

    async fn try_conclude_refund(
        &self,
        merchant: MerchantId,
        id: RefundId,
        message: &Message,
        heard: &Heard,
        running: Option<&Running>,
    ) -> Result<Done, CommandError> {
        let refund = self.must_load_refund(merchant, id).await?;
        let _turn = self.turns.take(refund.payment.to_u128()).await;
        // Read again: whoever had the turn before may have ended it.
        let refund = self.must_load_refund(merchant, id).await?;
        let exchange = message.exchange.attempt.to_u128();
        if matches!(refund.state, RefundState::Succeeded | RefundState::Failed) {
            let mut unit = self.unit(merchant, self.clock.now());
            unit.tasks.push(task::done(EXCHANGE, exchange));
            if refund.state == RefundState::Failed && matches!(heard.says, Says::Approved { .. }) {
                // People have said that the bank has not done it.
                let payment = self.must_load(merchant, refund.payment).await?;
                self.add_done_in_vain(&mut unit, &payment, (message, heard))?;
            }
            self.commit(unit).await?;
            return Ok(Done::Refund(Box::new(refund)));
        }
        let now = self.clock.now();
        let payment = self.must_load(merchant, refund.payment).await?;
        let changed = payment
            .refund_step(&refund, heard.refund_event(), now)
            .map_err(|refused| CommandError::refused(&payment, refused))?;
        let refund = changed.refund;
        let mut unit = self.unit(merchant, now);
        let actor = Actor::Bank { bank: message.exchange.bank.clone() };
        let said = Said { sent: None, received: heard.received.clone(), note: heard.note.clone() };
        self.add_refund_change(&mut unit, &refund, &changed.change, actor, said)?;
        unit.tasks.push(task::done(EXCHANGE, exchange));
        if let (Says::Approved { approval, .. }, RefundState::Succeeded) = (&heard.says, refund.state) {
            let asked = (&message.exchange, approval.settlement_date.as_deref());
            self.add_moved(&mut unit, asked, (Transaction::Refund, message.amount))?;
        }
        let done = Done::Refund(Box::new(refund.clone()));
        if refund.state == RefundState::InDoubt {
            // The message itself was the first try.
            let due = now.plus_ms(task::SECOND_TRY_MS);
            unit.tasks.push(self.refund_task(&refund, Some(message.clone()), 1).put(PURSUIT, due)?);
        } else {
            unit.tasks.push(task::done(PURSUIT, exchange));
            if let Some(running) = running {
                unit.answer = Some(running.answer(&done)?);
            }
        }
        self.commit(unit).await?;
        if refund.state == RefundState::InDoubt {
            self.pursue.notify_one();
        }
        Ok(done)
    }

    fn refund_task(&self, refund: &Refund, message: Option<Message>, attempts: u32) -> Task {
        Task {
            merchant: refund.merchant,
            payment: refund.payment,
            refund: Some(refund.id),
            message,
            asked: None,
            chip_data: None,
            attempts,
            refusals: 0,
            since: refund.created,
        }
    }
}

impl Heard {
    fn refund_event(&self) -> RefundEvent {
        match &self.says {
            Says::Approved { approval, .. } => RefundEvent::Approved(approval.clone()),
            Says::Declined(decline) | Says::NotNow(decline) => RefundEvent::Declined(decline.clone()),
            Says::Silent => RefundEvent::Silent,
            Says::NeverLeft => RefundEvent::NeverLeft,
        }
    }
}
