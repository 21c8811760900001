//! More is held, on top of a hold (additional pre-authorization): a hotel's longer stay, a larger bill.

use types::Timestamp;

use super::outcome::{self, Outcome, to};
use crate::{Approval, Decline, Exchange, Money64, Notice, Payment, Refused, State, Undo, postings};

impl Payment {
    pub(super) fn increment_requested(
        &mut self,
        amount: Money64,
        exchange: Exchange,
    ) -> Result<Outcome, Refused> {
        if amount == 0 {
            return Err(Refused::ZeroAmount);
        }
        // What is held in all has to stay an amount.
        self.money(self.authorized)?.checked_add(self.money(amount)?)?;
        self.increment = Some(Box::new(exchange));
        Ok(to(State::Incrementing { amount }))
    }

    pub(super) fn increment_approved(
        &mut self,
        amount: Money64,
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let approved = approval.amount;
        if let Some(exchange) = &mut self.increment {
            exchange.approved(approval, now);
        }
        if approved != amount {
            return Ok(outcome::reversing(Undo::Increment { amount }, false));
        }
        self.flagged |= flagged;
        self.authorized += amount;
        self.decline = None;
        let entry = postings::held(self, self.money(amount)?)?;
        Ok(to(State::Authorized).entry(entry).notice(Notice::Incremented))
    }

    pub(super) fn increment_declined(&mut self, decline: Decline, now: Timestamp) -> Outcome {
        if let Some(exchange) = &mut self.increment {
            exchange.answered(decline.network_code.clone(), now);
        }
        self.stands(State::Authorized, decline, false)
    }
}
