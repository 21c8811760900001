//! Increment: hold more, on top of what is held.

use std::sync::Arc;

use payment::Event;
use types::{Money, PaymentId};

use super::exchange::{Intent, Place};
use super::reroute::Route;
use super::submit::money;
use crate::bank::Transaction;
use crate::claim::Running;
use crate::model::Actor;
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

impl Pcs {
    /// Has `amount` minor units more held. A refusal leaves the hold as it stands.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank. [`CommandError::Invalid`] where the bank cannot hold more.
    pub async fn increment_payment(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
        amount: u64,
    ) -> Result<Completed, CommandError> {
        let (pcs, by) = (Arc::clone(self), caller.clone());
        self.once(caller, &key, move |running| async move { pcs.increment(by, running, id, amount).await })
            .await
    }

    async fn increment(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        id: PaymentId,
        amount: u64,
    ) -> Result<Done, CommandError> {
        // Decide and record while nobody else changes this payment; the bank is asked after the turn is given back.
        let turn = self.turns.take(id.to_u128()).await;
        let now = self.clock.now();
        let payment = self.must_load(caller.merchant, id).await?;
        let original = self.original_of(&payment, "increment")?;
        let transaction = Transaction::Increment;
        if !self.bank(&original.bank)?.profile().offers(transaction) {
            let rule = format!("the bank {} cannot hold more on top of a hold", original.bank);
            return Err(CommandError::Invalid { field: "amount", rule });
        }
        // No sum beyond twelve digits is within any bound.
        let total = payment.authorized.saturating_add(amount).min(Money::MAX_MESSAGE_MINOR + 1);
        self.payable_merchant(caller.merchant).await?.limits.check(money(&payment, total)?)?;
        let exchange = self.new_exchange(transaction, Place::of(&original)).await?;
        let event = Event::IncrementRequested { amount, exchange: exchange.clone() };
        let change = payment.step(event, now).map_err(|refused| CommandError::refused(&payment, refused))?;
        let held = (&original, Transaction::Authorize, payment.terms.amount);
        let message = self.follow_up(transaction, money(&payment, amount)?, exchange, held)?;
        let card = self.card_of(&payment).await?;
        let actor = Actor::ApiKey { key: caller.key_id };
        let (rows, aliases, route) = (Vec::new(), Vec::new(), Route::default());
        let intent = Intent { change, message, card, actor, rows, aliases, route };
        self.record_intent(Some(&running), &intent).await?;
        drop(turn);
        let heard = self.ask(&intent.message, &intent.card).await?;
        self.conclude(intent.change.payment, intent.message, heard, Some(running)).await
    }
}
