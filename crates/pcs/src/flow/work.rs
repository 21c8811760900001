//! The PCS's own work beside the requests: what is due is taken in hand, by whichever flow it belongs to.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use types::MerchantId;

use crate::resource::from_bytes;
use crate::task::{self, EXCHANGE, EXPIRY, PURSUIT, Task};
use crate::{CommandError, Pcs};

/// How many tasks are in hand at once.
const AT_ONCE: usize = 512;
/// How long after its bank's time is up an exchange without an outcome is taken up, as after a crash, unless the
/// installation says otherwise. Nobody who asked that bank can still be waiting; only the store can have failed him.
const OVERDUE_MS: i64 = 60_000;
/// The longest sleep between two looks at what is due.
const LOOK_MS: u64 = 250;

impl Pcs {
    /// The PCS's own work: reversals, repeats and expiries. Runs until dropped; keep it running beside the requests.
    pub async fn work(self: Arc<Self>) {
        loop {
            self.listen().await;
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
        self.hear_banks().await?;
        let batches = self.reconcile_all_due().await? + self.upload_all_due().await?;
        let batches = batches + self.fetch_all_due().await?;
        let due = self.due_now().await?;
        let many = due.len() + batches;
        let mut working: FuturesUnordered<_> = due.into_iter().map(InHand::work).collect();
        while working.next().await.is_some() {}
        Ok(many)
    }

    /// Hears what the banks have told; has batches that are due compared, beside everything else.
    async fn listen(self: &Arc<Self>) {
        if !self.store.is_ready() {
            return;
        }
        if let Err(error) = self.listen_once().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "Cannot look at what the banks have told; will look again");
        }
    }

    async fn listen_once(self: &Arc<Self>) -> Result<(), CommandError> {
        self.hear_banks().await?;
        let now = self.clock.now();
        if !self.batches_due(now).await?.is_empty() {
            let pcs = Arc::clone(self);
            drop(tokio::spawn(async move { pcs.reconcile_all_due().await }));
        }
        if !self.uploads_due(now).await?.is_empty() {
            let pcs = Arc::clone(self);
            drop(tokio::spawn(async move { pcs.upload_all_due().await }));
        }
        if !self.parameters_due(now).await?.is_empty() {
            let pcs = Arc::clone(self);
            drop(tokio::spawn(async move { pcs.fetch_all_due().await }));
        }
        Ok(())
    }

    /// What is due and in nobody's hand, taken in hand.
    async fn due_now(self: &Arc<Self>) -> Result<Vec<InHand>, CommandError> {
        if !self.store.is_ready() {
            // A bank's answer could not be recorded, so it would be asked again and again.
            return Err(CommandError::Unavailable("the store takes no commits now".into()));
        }
        let (mut taken, now) = (Vec::new(), self.clock.now());
        let overdue_ms = self.overdue_ms();
        for (kind, due) in [(EXCHANGE, now.plus_ms(-overdue_ms)), (PURSUIT, now), (EXPIRY, now)] {
            // Those in hand are still in the store, so they must not fill the window.
            let window = AT_ONCE + self.in_hand.lock().len();
            for due in self.store.tasks(kind, Some(due), window).await? {
                let task: Task = from_bytes(&due.body)?;
                if self.in_hand.lock().len() < AT_ONCE
                    && let Some(hand) = self.take_in_hand(kind, task.number())
                {
                    taken.push(InHand { task, hand });
                }
            }
        }
        Ok(taken)
    }

    /// How long after its bank's time is up a message without an outcome is left to whoever has sent it.
    pub(crate) fn overdue_ms(&self) -> i64 {
        self.take_over_ms.unwrap_or(OVERDUE_MS)
    }

    /// Takes a task in hand, unless somebody in this process has it.
    pub(crate) fn take_in_hand(self: &Arc<Self>, kind: u8, number: u128) -> Option<Hand> {
        let name = (kind, number);
        let is_free = self.in_hand.lock().insert(name);
        is_free.then(|| Hand { pcs: Arc::clone(self), name })
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

/// Whoever has it has the task; nobody else in this process takes it up until it is dropped.
pub(crate) struct Hand {
    pcs: Arc<Pcs>,
    name: (u8, u128),
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.pcs.in_hand.lock().remove(&self.name);
    }
}

/// A task in hand.
struct InHand {
    task: Task,
    hand: Hand,
}

impl InHand {
    async fn work(self) {
        let (pcs, task) = (&self.hand.pcs, &self.task);
        let kind = self.hand.name.0;
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
        let put_off = match kind {
            PURSUIT => pcs.put_off(task, &error).await,
            _ => pcs.postpone(kind, task).await,
        };
        if let Err(error) = put_off {
            tracing::warn!(error = &error as &dyn std::error::Error, "It could not be postponed either");
        }
    }
}
