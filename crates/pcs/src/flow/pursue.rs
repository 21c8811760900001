//! Drive every doubt to certainty: send reversals and repeat advices until the bank answers. One stubborn payment never
//! holds up another: each has a due time of its own, and a bank is given many at once.

use payment::{Event, RefundState, State};

use super::conclude::awaits;
use crate::bank::{Heard, Says, Transaction};
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
        let payment = self.must_load(task.merchant, task.payment).await?;
        let bank = self.bank(&message.exchange.bank)?;
        let card = self.card_of(&payment).await?;
        let mut sent = message.clone();
        if task.attempts > 0 {
            sent.fields = bank.as_repeat(message.transaction, &message.fields);
        }
        let heard = bank.ask(sent.transaction, &sent.fields, &card).await;
        match (&heard.says, message.transaction) {
            (Says::NeverLeft, _) => self.try_later(task, task.attempts, &heard).await,
            // A refused reversal is not an end: only an acknowledgement is.
            (Says::Silent | Says::NotNow(_), _) | (Says::Declined(_), Transaction::Reversal) => {
                self.try_later(task, task.attempts + 1, &heard).await
            }
            // "No original found" is success too: there is nothing to reverse. `bank.rs` reads it as approval.
            (Says::Approved { .. }, Transaction::Reversal) => self.reversal_accepted(task, sent, heard).await,
            (Says::Approved { .. } | Says::Declined(_), _) => {
                self.advice_answered(task, message, heard).await
            }
        }
    }

    /// Whether the outcome of this very exchange is still unknown.
    async fn is_in_doubt(&self, task: &Task, message: &Message) -> Result<bool, CommandError> {
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
            return self.forget(PURSUIT, task).await;
        }
        let change = payment
            .step(Event::ReversalAccepted, now)
            .map_err(|refused| CommandError::refused(&payment, refused))?;
        let mut unit = self.unit(task.merchant, now);
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

    async fn try_later(&self, task: &Task, attempts: u32, heard: &Heard) -> Result<(), CommandError> {
        let now = self.clock.now();
        let next = Task { attempts, ..task.clone() };
        let mut unit = self.unit(task.merchant, now);
        unit.tasks.push(next.put(PURSUIT, now.plus_ms(task::pause_ms(attempts)))?);
        tracing::warn!(
            payment.id = %task.payment,
            attempts,
            why = heard.note.as_deref().unwrap_or("refused"),
            "The bank has not acknowledged the reversal or advice yet; will repeat it"
        );
        self.commit(unit).await.map(drop)
    }
}
