//! Drive every doubt to certainty: send reversals and repeat advices until the bank answers. One stubborn payment never
//! holds up another: each has a due time of its own, and a bank is given many at once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use payment::{Event, State};

use crate::bank::{Heard, Says};
use crate::model::Actor;
use crate::task::{self, EXPIRY, PURSUIT, Task};
use crate::unit::Said;
use crate::{CommandError, Pcs};

/// How many tasks are in hand at once.
const AT_ONCE: usize = 512;
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
        let mut taken = Vec::new();
        for kind in [PURSUIT, EXPIRY] {
            // Those in hand are still in the store, so they must not fill the window.
            let window = AT_ONCE + self.in_hand.lock().len();
            for due in self.store.tasks(kind, Some(self.clock.now()), window).await? {
                let task: Task = crate::resource::from_bytes(&due.body)?;
                let name = (kind, task.number());
                if self.in_hand.lock().len() < AT_ONCE && self.in_hand.lock().insert(name) {
                    taken.push(InHand { pcs: Arc::clone(self), task, name });
                }
            }
        }
        Ok(taken)
    }

    async fn pursue_one(&self, task: &Task) -> Result<(), CommandError> {
        let Some(message) = &task.message else { return self.forget(PURSUIT, task).await };
        let payment = self.must_load(task.merchant, task.payment).await?;
        let bank = self.bank(&message.exchange.bank)?;
        let card = self.card_of(&payment).await?;
        let mut sent = message.clone();
        if task.attempts > 0 {
            sent.fields = bank.as_repeat(message.transaction, &message.fields);
        }
        let heard = bank.ask(sent.transaction, &sent.fields, &card).await;
        match task.refund {
            Some(refund) => {
                let attempts = task.attempts + u32::from(!matches!(heard.says, Says::NeverLeft));
                match self
                    .conclude_refund(task.merchant, refund, message.clone(), heard, None, attempts)
                    .await
                {
                    Err(CommandError::Refused { .. }) => self.forget(PURSUIT, task).await,
                    other => other.map(drop),
                }
            }
            None => self.take_pursuit(task, sent, heard).await,
        }
    }

    async fn take_pursuit(
        &self,
        task: &Task,
        sent: crate::task::Message,
        heard: Heard,
    ) -> Result<(), CommandError> {
        let payment = self.must_load(task.merchant, task.payment).await?;
        match payment.state {
            State::Reversing { .. } => match heard.says {
                // "No original found" is success too: there is nothing to reverse. `bank.rs` reads it as approval.
                Says::Approved { .. } => self.reversal_accepted(task, sent, heard).await,
                // A refused reversal is not an end: only an acknowledgement is.
                Says::Declined(_) | Says::Silent => self.try_later(task, task.attempts + 1, &heard).await,
                Says::NeverLeft => self.try_later(task, task.attempts, &heard).await,
            },
            State::Capturing { in_doubt: true, .. } => match heard.says {
                Says::Approved { .. } | Says::Declined(_) => {
                    let message = task.message.clone().unwrap_or(sent);
                    self.conclude(payment, message, heard, None).await.map(drop)
                }
                Says::Silent => self.try_later(task, task.attempts + 1, &heard).await,
                Says::NeverLeft => self.try_later(task, task.attempts, &heard).await,
            },
            // Settled in the meantime by another node.
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorizing
            | State::Consuming
            | State::Capturing { in_doubt: false, .. }
            | State::Authorized
            | State::Captured
            | State::Voiding { .. }
            | State::Failed
            | State::Canceled { .. } => self.forget(PURSUIT, task).await,
        }
    }

    async fn reversal_accepted(
        &self,
        task: &Task,
        sent: crate::task::Message,
        heard: Heard,
    ) -> Result<(), CommandError> {
        let _turn = self.turns.take(task.payment.to_u128()).await;
        let payment = self.must_load(task.merchant, task.payment).await?;
        let now = self.clock.now();
        let change = match payment.step(Event::ReversalAccepted, now) {
            Ok(change) => change,
            Err(_) => return self.forget(PURSUIT, task).await,
        };
        let mut unit = self.unit(task.merchant, now);
        let actor = Actor::Bank { bank: sent.exchange.bank.clone() };
        let said = Said { sent: Some(sent.fields.clone()), received: heard.received, note: heard.note };
        self.add_payment_change(&mut unit, &change, actor, said)?;
        unit.tasks.push(task::done(PURSUIT, task.number()));
        if change.payment.state == State::Authorized {
            let expiry = self.task(&change.payment, None, 0);
            unit.tasks.push(expiry.put(EXPIRY, change.payment.terms.authorization_expires_at)?);
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

    pub(crate) async fn forget(&self, kind: u8, task: &Task) -> Result<(), CommandError> {
        let mut unit = self.unit(task.merchant, self.clock.now());
        unit.tasks.push(task::done(kind, task.number()));
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
        let done = match self.name.0 {
            EXPIRY => self.pcs.expire(&self.task).await,
            _ => self.pcs.pursue_one(&self.task).await,
        };
        if let Err(error) = done {
            tracing::warn!(error = &error as &dyn std::error::Error, "A task failed and will be tried again");
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.pcs.in_hand.lock().remove(&self.name);
    }
}
