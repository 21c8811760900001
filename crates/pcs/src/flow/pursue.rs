//! Drive every doubt to certainty: send reversals and repeat advices until the bank answers. One stubborn payment never
//! holds up another: each has a due time of its own, and a bank is given many at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use payment::{Event, RefundState, State};
use types::MerchantId;

use super::conclude::awaits;
use crate::bank::{Heard, Says, Transaction};
use crate::model::Actor;
use crate::resource::from_bytes;
use crate::task::{self, EXCHANGE, EXPIRY, Message, PURSUIT, Task};
use crate::unit::Said;
use crate::{CommandError, Pcs};

/// How many tasks are in hand at once.
const AT_ONCE: usize = 512;
/// How long after its bank's time is up an exchange without an outcome is taken up, as after a crash. Nobody who asked
/// that bank can still be waiting; only the store can have failed him.
const OVERDUE_MS: i64 = 60_000;
/// The longest sleep between two looks at what is due.
const LOOK_MS: u64 = 250;

impl Pcs {
    /// The PCS's own work: reversals, repeats and expiries. Runs until dropped; keep it running beside the requests.
    pub async fn work(self: Arc<Self>) {
        loop {
            match self.due_now().await {
                Ok(due) => due.into_iter().for_each(|hand| drop(tokio::spawn(hand.work()))),
                Err(error) => {
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "Cannot look at what is due; will look again"
                    );
                }
            }
            let _ = tokio::time::timeout(Duration::from_millis(LOOK_MS), self.pursue.notified()).await;
        }
    }

    /// Does what is due now, waits for its end, and returns how much that was. Simulations step with it.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`]: the store does not answer. Nothing is forgotten.
    pub async fn work_once(self: &Arc<Self>) -> Result<usize, CommandError> {
        let due = self.due_now().await?;
        let many = due.len();
        let mut working: FuturesUnordered<_> = due.into_iter().map(InHand::work).collect();
        while working.next().await.is_some() {}
        Ok(many)
    }

    /// What is due and in nobody's hand, taken in hand.
    async fn due_now(self: &Arc<Self>) -> Result<Vec<InHand>, CommandError> {
        let (mut taken, now) = (Vec::new(), self.clock.now());
        for (kind, due) in [(EXCHANGE, now.plus_ms(-OVERDUE_MS)), (PURSUIT, now), (EXPIRY, now)] {
            // Those in hand are still in the store, so they must not fill the window.
            let window = AT_ONCE + self.in_hand.lock().len();
            for due in self.store.tasks(kind, Some(due), window).await? {
                let task: Task = from_bytes(&due.body)?;
                let name = (kind, task.number());
                let mut in_hand = self.in_hand.lock();
                if in_hand.len() < AT_ONCE && in_hand.insert(name) {
                    taken.push(InHand { pcs: Arc::clone(self), task, name });
                }
            }
        }
        Ok(taken)
    }

    /// Sends a reversal, or an advice once more, and takes the answer.
    async fn pursue_one(&self, task: &Task) -> Result<(), CommandError> {
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

    /// Leaves a task alone for a while.
    pub(crate) async fn postpone(&self, kind: u8, task: &Task) -> Result<(), CommandError> {
        let now = self.clock.now();
        let mut unit = self.unit(task.merchant, now);
        unit.tasks.push(task.put(kind, now.plus_ms(task::LATER_MS))?);
        self.commit(unit).await.map(drop)
    }

    pub(crate) async fn forget(&self, kind: u8, task: &Task) -> Result<(), CommandError> {
        self.drop_task(task.merchant, kind, task.number()).await
    }

    pub(crate) async fn drop_task(
        &self,
        merchant: MerchantId,
        kind: u8,
        number: u128,
    ) -> Result<(), CommandError> {
        let mut unit = self.unit(merchant, self.clock.now());
        unit.tasks.push(task::done(kind, number));
        self.commit(unit).await.map(drop)
    }
}

/// A task in hand; nobody else takes it up until it is dropped.
struct InHand {
    pcs: Arc<Pcs>,
    task: Task,
    name: (u8, u128),
}

impl InHand {
    async fn work(self) {
        let (pcs, task) = (&self.pcs, &self.task);
        let kind = self.name.0;
        let done = match kind {
            EXCHANGE => pcs.resume_one(task).await,
            EXPIRY => pcs.expire(task).await,
            _ => pcs.pursue_one(task).await,
        };
        let Err(error) = done else { return };
        tracing::warn!(
            payment.id = %task.payment,
            error = &error as &dyn std::error::Error,
            "A task failed and will be tried again"
        );
        // Not at once: what fails by itself would keep the gateway busy with nothing else.
        if let Err(error) = pcs.postpone(kind, task).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "It could not be postponed either");
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.pcs.in_hand.lock().remove(&self.name);
    }
}
