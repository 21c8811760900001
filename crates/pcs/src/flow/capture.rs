//! Capture an authorization, in full or in part: one completion; what is not captured is released.

use std::sync::Arc;

use payment::Event;
use types::PaymentId;

use super::exchange::{Following, Place};
use super::submit::original_transaction;
use crate::bank::Transaction;
use crate::claim::Running;
use crate::model::Actor;
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

impl Pcs {
    /// Captures `amount` minor units of a held payment; none captures all of it.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank.
    pub async fn capture_payment(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
        amount: Option<u64>,
    ) -> Result<Completed, CommandError> {
        self.capture_as(Transaction::Capture, caller, key, id, amount).await
    }

    /// The same as an advice: the bank is told, not asked, and told again until it has heard.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank. [`CommandError::Invalid`] where the bank takes no such advice.
    pub async fn advise_capture(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
        amount: Option<u64>,
    ) -> Result<Completed, CommandError> {
        self.capture_as(Transaction::CaptureAdvice, caller, key, id, amount).await
    }

    async fn capture_as(
        self: &Arc<Self>,
        transaction: Transaction,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
        amount: Option<u64>,
    ) -> Result<Completed, CommandError> {
        let (pcs, by) = (Arc::clone(self), caller.clone());
        let work = move |running| async move { pcs.capture(by, running, id, (amount, transaction)).await };
        self.once(caller, &key, work).await
    }

    async fn capture(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        id: PaymentId,
        (amount, transaction): (Option<u64>, Transaction),
    ) -> Result<Done, CommandError> {
        let turn = self.turns.take(id.to_u128()).await;
        let payment = self.must_load(caller.merchant, id).await?;
        let original = self.original_of(&payment, "capture")?;
        let amount = amount.unwrap_or(payment.capturable());
        let is_advice = transaction == Transaction::CaptureAdvice;
        if is_advice && !self.bank(&original.bank)?.profile().offers(transaction) {
            let rule = format!("the bank {} takes no captures as advices", original.bank);
            return Err(CommandError::Invalid { field: "advice", rule });
        }
        let exchange = self.new_exchange(transaction, Place::of(&original)).await?;
        let event = Event::CaptureRequested { amount, exchange: exchange.clone() };
        let original = (&original, original_transaction(&payment), payment.terms.amount);
        let following = Following { event, transaction, amount, exchange, original };
        let actor = Actor::ApiKey { key: caller.key_id };
        self.follow_through(turn, &payment, following, actor, Some(running)).await
    }
}
