//! Capture an authorization, in full or in part: one completion; what is not captured is released.

use std::sync::Arc;

use payment::Event;
use types::PaymentId;

use super::exchange::{Intent, Place};
use super::reroute::Route;
use super::submit::{money, original_transaction};
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
        let (pcs, by) = (Arc::clone(self), caller.clone());
        self.once(
            caller,
            &key,
            move |running| async move { pcs.capture(by, running, id, (amount, false)).await },
        )
        .await
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
        let (pcs, by) = (Arc::clone(self), caller.clone());
        self.once(
            caller,
            &key,
            move |running| async move { pcs.capture(by, running, id, (amount, true)).await },
        )
        .await
    }

    async fn capture(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        id: PaymentId,
        (amount, advice): (Option<u64>, bool),
    ) -> Result<Done, CommandError> {
        // Decide and record while nobody else changes this payment; the bank is asked after the turn is given back.
        let turn = self.turns.take(id.to_u128()).await;
        let now = self.clock.now();
        let payment = self.must_load(caller.merchant, id).await?;
        let original = self.original_of(&payment, "capture")?;
        let amount = amount.unwrap_or(payment.capturable());
        let transaction = if advice { Transaction::CaptureAdvice } else { Transaction::Capture };
        if advice && !self.bank(&original.bank)?.profile().offers(transaction) {
            let rule = format!("the bank {} takes no captures as advices", original.bank);
            return Err(CommandError::Invalid { field: "advice", rule });
        }
        let exchange = self.new_exchange(transaction, Place::of(&original)).await?;
        let event = Event::CaptureRequested { amount, exchange: exchange.clone() };
        let change = payment.step(event, now).map_err(|refused| CommandError::refused(&payment, refused))?;
        let held = (&original, original_transaction(&payment), payment.terms.amount);
        let message = self.follow_up(transaction, money(&payment, amount)?, exchange, held)?;
        let card = self.card_of(&payment).await?;
        let actor = Actor::ApiKey { key: caller.key_id };
        let intent = Intent {
            change,
            message,
            card,
            actor,
            rows: Vec::new(),
            aliases: Vec::new(),
            route: Route::default(),
        };
        self.record_intent(Some(&running), &intent).await?;
        drop(turn);
        let heard = self.ask(&intent.message, &intent.card).await?;
        self.conclude(intent.change.payment, intent.message, heard, Some(running)).await
    }
}
