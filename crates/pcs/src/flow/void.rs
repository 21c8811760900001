//! Void a payment: give a hold back, or take back a sale of the same day. A payment that no bank has seen is abandoned.

use std::sync::Arc;

use payment::{Event, Payment, State, VoidReason};
use types::{MerchantId, PaymentId};

use super::exchange::{Following, Place, completed_by, sold_by};
use super::submit::money;
use crate::bank::Transaction;
use crate::claim::Running;
use crate::model::Actor;
use crate::unit::Said;
use crate::{Caller, CommandError, Completed, Done, IdempotencyKey, Pcs};

impl Pcs {
    /// Voids a payment.
    ///
    /// # Errors
    /// [`CommandError`]: nothing was sent to a bank.
    pub async fn void_payment(
        self: &Arc<Self>,
        caller: &Caller,
        key: IdempotencyKey,
        id: PaymentId,
    ) -> Result<Completed, CommandError> {
        let (pcs, merchant) = (Arc::clone(self), caller.merchant);
        let actor = Actor::ApiKey { key: caller.key_id.clone() };
        let why = VoidReason::Requested;
        let work = move |running| async move { pcs.void(merchant, actor, Some(running), id, why).await };
        self.once(caller, &key, work).await
    }

    pub(crate) async fn void(
        self: Arc<Self>,
        merchant: MerchantId,
        actor: Actor,
        running: Option<Running>,
        id: PaymentId,
        why: VoidReason,
    ) -> Result<Done, CommandError> {
        let turn = self.turns.take(id.to_u128()).await;
        let payment = self.must_load(merchant, id).await?;
        if matches!(payment.state, State::RequiresPaymentMethod | State::RequiresConfirmation) {
            return self.abandon(payment, actor, running, why).await;
        }
        let first = self.original_of(&payment, "void")?;
        // What is voided: the completion if the money has moved by one, else the authorization or sale itself.
        let (voided, was, amount) = match (&payment.completion, payment.state) {
            (Some(completion), State::Captured) => {
                (&**completion, completed_by(completion), payment.captured)
            }
            (_, State::Captured) => (&first, sold_by(&first), payment.captured),
            _ => (&first, Transaction::Authorize, payment.authorized),
        };
        let transaction = match was {
            Transaction::Capture | Transaction::CaptureAdvice => Transaction::VoidCapture,
            Transaction::Consume | Transaction::OfflineSale => Transaction::VoidConsume,
            _ => Transaction::VoidAuthorization,
        };
        let exchange = self.new_exchange(transaction, Place::of(voided)).await?;
        let event = Event::VoidRequested { why, exchange: Some(exchange.clone()) };
        let original = (voided, was, money(&payment, amount)?);
        let following = Following { event, transaction, amount, exchange, original };
        self.follow_through(turn, &payment, following, actor, running).await
    }

    /// No bank knows of it: one commit ends it.
    async fn abandon(
        &self,
        payment: Payment,
        actor: Actor,
        running: Option<Running>,
        why: VoidReason,
    ) -> Result<Done, CommandError> {
        let now = self.clock.now();
        let event = Event::VoidRequested { why, exchange: None };
        let change = payment.step(event, now).map_err(|refused| CommandError::refused(&payment, refused))?;
        let mut unit = self.unit(payment.merchant, now);
        self.add_payment_change(&mut unit, &change, actor, Said::default())?;
        let done = Done::Payment(Box::new(change.payment));
        if let Some(running) = &running {
            unit.claim = Some(running.claim(payment.id.to_u128()));
            unit.answer = Some(running.answer(&done)?);
        }
        self.commit(unit).await?;
        Ok(done)
    }
}
