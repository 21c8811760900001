//! Every message that was recorded and has no outcome may have left. It is in doubt; it is never sent again as new. What
//! the dialect reverses is reversed, what it repeats is repeated.
//!
//! That is so after a crash, and in a living process when the store did not take the outcome: such an exchange is taken
//! up once it is long overdue (`work.rs`).

use std::collections::HashSet;
use std::sync::Arc;

use crate::bank::Heard;
use crate::model::JournalEvent;
use crate::resource::from_bytes;
use crate::task::{Asked, EXCHANGE, Message, Task};
use crate::{CommandError, Pcs};

const AT_ONCE: usize = 256;

impl Pcs {
    /// Takes up what a crash has left, and returns how many payments and refunds that concerns. Call it once, before
    /// taking requests; the answers come from [`Pcs::work`]. One that cannot be taken up now is left to [`Pcs::work`] too.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`]: the store does not answer.
    pub async fn resume(self: &Arc<Self>) -> Result<usize, CommandError> {
        let mut seen = HashSet::new();
        // Where others share the store, an exchange may be one of theirs and alive: then only what is overdue is taken up.
        let due = self.take_over_ms.map(|take_over_ms| self.clock.now().plus_ms(-take_over_ms));
        loop {
            let left = self.store.tasks(EXCHANGE, due, AT_ONCE + seen.len()).await?;
            let before = seen.len();
            for task in left {
                let task: Task = from_bytes(&task.body)?;
                if !seen.insert(task.number()) {
                    continue;
                }
                match self.resume_one(&task).await {
                    Ok(()) => {}
                    Err(error @ CommandError::Unavailable(_)) => return Err(error),
                    Err(error) => tracing::error!(
                        payment.id = %task.payment,
                        error = &error as &dyn std::error::Error,
                        "An unfinished exchange cannot be taken up now; will be tried again"
                    ),
                }
            }
            if seen.len() == before {
                return Ok(seen.len());
            }
        }
    }

    pub(crate) async fn resume_one(&self, task: &Task) -> Result<(), CommandError> {
        let message = match (&task.message, task.asked) {
            (Some(message), _) => message.clone(),
            (None, Some(asked)) => self.told(task, asked).await?,
            (None, None) => return self.forget(EXCHANGE, task).await,
        };
        let heard = Heard::silent("the gateway has no record of the outcome".to_owned(), "98");
        match task.refund {
            Some(refund) => self.conclude_refund(task.merchant, refund, message, heard, None).await.map(drop),
            None => {
                let payment = self.must_load(task.merchant, task.payment).await?;
                self.conclude(payment, message, heard, None).await.map(drop)
            }
        }
    }

    /// The message of an exchange, as the record that came with its task tells it.
    async fn told(&self, task: &Task, asked: Asked) -> Result<Message, CommandError> {
        let tell = |event: JournalEvent| {
            let fields = event.sent?;
            let payment = event.payment.map(|payment| *payment);
            let of_payment = payment
                .into_iter()
                .flat_map(|it| [it.original, it.increment, it.completion, it.adjustment, it.void])
                .flatten()
                .map(|exchange| *exchange);
            let of_refund = event.refund.map(|refund| refund.exchange);
            let exchange = of_payment.chain(of_refund).find(|exchange| exchange.attempt == asked.attempt)?;
            let chip_data = task.chip_data.clone();
            let Asked { transaction, amount, .. } = asked;
            Some(Message { transaction, amount, exchange, fields, chip_data })
        };
        self.find_in_history(task.merchant, task.payment, tell).await
    }
}
