//! The end of a reversal, and answers that come after it was sent.

use types::Timestamp;

use super::outcome::{Outcome, to};
use crate::{Approval, CancellationReason, Notice, Payment, Refused, State, Statistic, Undo};

impl Payment {
    pub(super) fn reversed(&mut self, undo: Undo) -> Outcome {
        // No bank has refused this try; the refusal of an earlier one would read as its reason.
        self.decline = None;
        match undo {
            Undo::Original => to(State::Canceled { reason: CancellationReason::TimeoutReversed })
                .resolved(true)
                .notice(Notice::Canceled)
                .more(Statistic::Reversed, self.terms.amount.minor()),
            Undo::Capture { .. } | Undo::Increment { .. } => {
                to(State::Authorized).resolved(true).notice(Notice::ActionFailed)
            }
            Undo::Adjust { .. } => to(State::Captured).resolved(true).notice(Notice::ActionFailed),
            Undo::Void { of, .. } => to(of.state()).resolved(true).notice(Notice::ActionFailed),
        }
    }

    /// What was to be undone is in effect at the bank, and stays so: the payment goes on as if its answer had come in time.
    pub(super) fn stands_after_all(
        &mut self,
        undo: Undo,
        approval: Approval,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        match undo {
            Undo::Original => Ok(self.original_approved(approval, true, now)?.resolved(true)),
            Undo::Capture { amount } => self.capture_approved((amount, true), approval, true, now),
            Undo::Increment { amount } => {
                Ok(self.increment_approved(amount, approval, true, now)?.resolved(true))
            }
            Undo::Adjust { to } => self.adjust_approved((to, true), approval, true, now),
            Undo::Void { of, why } => Ok(self.void_approved((of, why), approval, true, now)?.resolved(true)),
        }
    }

    /// The reversal is on its way already; the approval is kept as a fact, for those who look into it.
    pub(super) fn approved_too_late(&mut self, undo: Undo, approval: Approval, now: Timestamp) -> Outcome {
        let exchange = match undo {
            Undo::Original => &mut self.original,
            Undo::Capture { .. } => &mut self.completion,
            Undo::Increment { .. } => &mut self.increment,
            Undo::Adjust { .. } => &mut self.adjustment,
            Undo::Void { .. } => &mut self.void,
        };
        if let Some(exchange) = exchange {
            exchange.approved(approval, now);
        }
        to(State::Reversing { undo })
    }
}
