//! Adjust: a sale comes to another amount after the fact, a tip.

use std::sync::Arc;

use payment::Event;
use types::{Money, PaymentId};

use super::exchange::{Following, Place, sold_by};
use super::submit::money;
use crate::bank::Transaction;
use crate::claim::Running;
use crate::model::Actor;
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

impl Pcs {
    /// Has a sale come to `amount` minor units in all. A refusal leaves it as it stands.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank. [`CommandError::Invalid`] where the bank adjusts no sales.
    pub async fn adjust_payment(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
        amount: u64,
    ) -> Result<Completed, CommandError> {
        let (pcs, by) = (Arc::clone(self), caller.clone());
        self.once(caller, &key, move |running| async move { pcs.adjust(by, running, id, amount).await }).await
    }

    async fn adjust(
        self: Arc<Self>,
        caller: Caller,
        running: Running,
        id: PaymentId,
        amount: u64,
    ) -> Result<Done, CommandError> {
        let turn = self.turns.take(id.to_u128()).await;
        let payment = self.must_load(caller.merchant, id).await?;
        let original = self.original_of(&payment, "adjust")?;
        let transaction = Transaction::Adjust;
        if !self.bank(&original.bank)?.profile().offers(transaction) {
            let rule = format!("the bank {} adjusts no sales", original.bank);
            return Err(CommandError::Invalid { field: "amount", rule });
        }
        // No sum beyond twelve digits is within any bound.
        let total = money(&payment, amount.min(Money::MAX_MESSAGE_MINOR + 1))?;
        self.payable_merchant(caller.merchant).await?.limits.check(total)?;
        let exchange = self.new_exchange(transaction, Place::of(&original)).await?;
        let event = Event::AdjustRequested { to: amount, exchange: exchange.clone() };
        let original = (&original, sold_by(&original), payment.terms.amount);
        let following = Following { event, transaction, amount, exchange, original };
        let actor = Actor::ApiKey { key: caller.key_id };
        self.follow_through(turn, &payment, following, actor, Some(running)).await
    }
}
