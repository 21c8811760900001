//! Give an authorization back at its end: the bank is asked to cancel the hold.

use std::sync::Arc;

use payment::{State, VoidReason};

use crate::model::Actor;
use crate::task::{EXPIRY, Task};
use crate::{CommandError, Pcs};

impl Pcs {
    pub(crate) async fn expire(self: &Arc<Self>, task: &Task) -> Result<(), CommandError> {
        let payment = self.must_load(task.merchant, task.payment).await?;
        match payment.state {
            State::Authorized => {}
            State::Captured | State::Failed | State::Canceled { .. } => {
                return self.forget(EXPIRY, task).await;
            }
            // The hold may stand again, and whoever sees to that may be faster than we are: forgetting could then
            // forget the new expiry.
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorizing
            | State::Consuming
            | State::Advising { .. }
            | State::Capturing { .. }
            | State::Incrementing { .. }
            | State::Adjusting { .. }
            | State::Voiding { .. }
            | State::Reversing { .. } => return self.postpone(EXPIRY, task).await,
        }
        let (pcs, merchant, id) = (Arc::clone(self), task.merchant, task.payment);
        match pcs.void(merchant, Actor::Gateway, None, id, VoidReason::Expired).await {
            Ok(_) => Ok(()),
            // Captured or voided a moment ago, or the bank cannot be asked: another look later tells.
            Err(CommandError::Refused { .. } | CommandError::Route(_)) => self.postpone(EXPIRY, task).await,
            Err(other) => Err(other),
        }
    }
}
