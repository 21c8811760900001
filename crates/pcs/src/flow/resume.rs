//! After a crash: every message that was recorded and has no outcome may have left. It is in doubt; it is never sent
//! again as new. What the dialect reverses is reversed, what it repeats is repeated.

use std::sync::Arc;

use crate::bank::Heard;
use crate::resource::from_bytes;
use crate::task::{EXCHANGE, Task};
use crate::{CommandError, Pcs};

const AT_ONCE: usize = 256;

impl Pcs {
    /// Takes up what a crash has left, and returns how many payments and refunds that concerns. Call it once, before
    /// taking requests; the answers come from [`Pcs::work`].
    ///
    /// # Errors
    /// [`CommandError::Unavailable`]: the store does not answer.
    pub async fn resume(self: &Arc<Self>) -> Result<usize, CommandError> {
        let mut resumed = 0;
        loop {
            let left = self.store.tasks(EXCHANGE, None, AT_ONCE).await?;
            if left.is_empty() {
                return Ok(resumed);
            }
            for task in left {
                let task: Task = from_bytes(&task.body)?;
                self.resume_one(&task).await?;
                resumed += 1;
            }
        }
    }

    async fn resume_one(&self, task: &Task) -> Result<(), CommandError> {
        let Some(message) = task.message.clone() else { return self.forget(EXCHANGE, task).await };
        let heard = Heard::silent("the gateway stopped before the answer was recorded".to_owned(), "98");
        let concluded = match task.refund {
            Some(refund) => self.conclude_refund(task.merchant, refund, message, heard, None, 0).await,
            None => {
                let payment = self.must_load(task.merchant, task.payment).await?;
                self.conclude(payment, message, heard, None).await
            }
        };
        match concluded {
            // Settled already: only the note of it was left.
            Err(CommandError::Refused { .. }) => self.forget(EXCHANGE, task).await,
            other => other.map(drop),
        }
    }
}
