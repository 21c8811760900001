//! Give an authorization back at its end: the bank is asked to cancel the hold.

use std::sync::Arc;

use payment::{State, VoidReason};

use crate::model::Actor;
use crate::task::{EXPIRY, Task};
use crate::{CommandError, Pcs};

impl Pcs {
    pub(crate) async fn expire(self: &Arc<Self>, task: &Task) -> Result<(), CommandError> {
        let payment = self.must_load(task.merchant, task.payment).await?;
        if payment.state != State::Authorized {
            return self.forget(EXPIRY, task).await;
        }
        let pcs = Arc::clone(self);
        let (merchant, id) = (task.merchant, task.payment);
        match pcs.void(merchant, Actor::Gateway, None, id, VoidReason::Expired).await {
            Ok(_) => Ok(()),
            // Captured or voided a moment ago: then there is nothing to give back.
            Err(CommandError::Refused { .. }) => self.forget(EXPIRY, task).await,
            // The bank cannot be asked now: another time, and not at once.
            Err(CommandError::Route(_)) => {
                let mut unit = self.unit(task.merchant, self.clock.now());
                unit.tasks.push(task.put(EXPIRY, self.clock.now().plus_ms(60_000))?);
                self.commit(unit).await.map(drop)
            }
            Err(other) => Err(other),
        }
    }
}
