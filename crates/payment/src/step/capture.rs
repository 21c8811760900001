//! The completion of an authorization.

use types::Timestamp;

use super::outcome::{self, Outcome, to};
use crate::{Approval, Decline, Exchange, Money64, Notice, Payment, Refused, State, Undo};

impl Payment {
    pub(super) fn capture_requested(
        &mut self,
        amount: Money64,
        exchange: Exchange,
    ) -> Result<Outcome, Refused> {
        if amount == 0 {
            return Err(Refused::ZeroAmount);
        }
        if amount > self.capturable() {
            return Err(Refused::ExceedsCapturable { capturable: self.capturable() });
        }
        self.completion = Some(Box::new(exchange));
        Ok(to(State::Capturing { amount, in_doubt: false }))
    }

    pub(super) fn capture_approved(
        &mut self,
        (amount, in_doubt): (Money64, bool),
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let approved = approval.amount;
        if let Some(exchange) = &mut self.completion {
            exchange.approved(approval, now);
        }
        if approved != amount {
            return Ok(outcome::reversing(Undo::Capture { amount }, in_doubt));
        }
        self.flagged |= flagged;
        let hold = self.money(self.authorized)?;
        let entry = self.take(self.money(amount)?, Some(hold), now)?;
        let captured = self.captured_outcome(entry).resolved(in_doubt);
        Ok(captured.notice(Notice::Captured).notice(Notice::Succeeded))
    }

    pub(super) fn capture_declined(&mut self, in_doubt: bool, decline: Decline, now: Timestamp) -> Outcome {
        if let Some(exchange) = &mut self.completion {
            exchange.answered(decline.network_code.clone(), now);
        }
        self.stands(State::Authorized, decline, in_doubt)
    }

    /// The first try surely never left: the hold stands. A repeat that never left changes nothing.
    pub(super) fn capture_never_left(&mut self, amount: Money64, in_doubt: bool) -> Outcome {
        if in_doubt {
            return to(State::Capturing { amount, in_doubt });
        }
        self.stands(State::Authorized, Decline::never_left(), false)
    }

    /// A capture or void was refused: the payment stands as before.
    pub(super) fn stands(&mut self, state: State, decline: Decline, was_in_doubt: bool) -> Outcome {
        self.decline = Some(decline);
        to(state).resolved(was_in_doubt).notice(Notice::ActionFailed)
    }
}

/// The dialect decides whether a completion that was met by silence is repeated as the same advice, or undone.
pub(super) fn silent(amount: Money64, was_in_doubt: bool, repeat: bool) -> Outcome {
    if !repeat {
        return outcome::reversing(Undo::Capture { amount }, was_in_doubt);
    }
    let waiting = to(State::Capturing { amount, in_doubt: true });
    if was_in_doubt { waiting } else { waiting.notice(Notice::InDoubt) }
}
