//! A sale comes to another amount after the fact: a tip. What was agreed on is its least.

use types::Timestamp;

use super::outcome::{self, Outcome, to};
use crate::{
    Approval, Decline, Exchange, Money64, Notice, Payment, Refused, State, Statistic, Undo, postings,
};

impl Payment {
    pub(super) fn adjust_requested(
        &mut self,
        amount: Money64,
        exchange: Exchange,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        if !self.is_sale_adjustable(now) {
            return Err(Refused::NotAdjustable);
        }
        let least = self.terms.amount.minor();
        if amount < least || amount == self.captured {
            return Err(Refused::AdjustsNothing { least });
        }
        self.money(amount)?;
        self.adjustment = Some(Box::new(exchange));
        Ok(to(State::Adjusting { to: amount, in_doubt: false }))
    }

    pub(super) fn adjust_approved(
        &mut self,
        (amount, in_doubt): (Money64, bool),
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let approved = approval.amount;
        if let Some(exchange) = &mut self.adjustment {
            exchange.approved(approval, now);
        }
        if approved != amount {
            return Ok(outcome::reversing(Undo::Adjust { to: amount }, in_doubt));
        }
        self.flagged |= flagged;
        let (before, fee_before) = (self.captured, self.fee);
        let fee = self.terms.fee_plan.fee_on(self.money(amount)?)?;
        let entry = postings::adjusted(
            self,
            (self.money(before)?, self.money(amount)?),
            (self.money(fee_before)?, fee),
        )?;
        (self.captured, self.authorized, self.fee) = (amount, amount, fee.minor());
        self.decline = None;
        Ok(to(State::Captured)
            .entry(entry)
            .changed(Statistic::Captured, before, amount)
            .changed(Statistic::Fee, fee_before, self.fee)
            .resolved(in_doubt)
            .notice(Notice::Adjusted))
    }

    pub(super) fn adjust_declined(&mut self, in_doubt: bool, decline: Decline, now: Timestamp) -> Outcome {
        if let Some(exchange) = &mut self.adjustment {
            exchange.answered(decline.network_code.clone(), now);
        }
        self.stands(State::Captured, decline, in_doubt)
    }

    /// The first try surely never left: the sale stands. A repeat that never left changes nothing.
    pub(super) fn adjust_never_left(&mut self, amount: Money64, in_doubt: bool) -> Outcome {
        if in_doubt {
            return to(State::Adjusting { to: amount, in_doubt });
        }
        self.stands(State::Captured, Decline::never_left(), false)
    }
}

/// The dialect decides whether an adjustment that was met by silence is repeated as the same advice, or undone.
pub(super) fn silent(amount: Money64, was_in_doubt: bool, repeat: bool) -> Outcome {
    if !repeat {
        return outcome::reversing(Undo::Adjust { to: amount }, was_in_doubt);
    }
    let waiting = to(State::Adjusting { to: amount, in_doubt: true });
    if was_in_doubt { waiting } else { waiting.notice(Notice::InDoubt) }
}
