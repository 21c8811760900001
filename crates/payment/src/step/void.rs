//! Taking back: the cancel of a hold, the void of a sale on its own day, and a payment that no bank has seen.

use types::Timestamp;

use super::outcome::{self, Outcome, to};
use crate::{
    Approval, CancellationReason, Decline, Exchange, Held, Notice, Payment, Refused, State, Statistic, Undo,
    VoidReason, postings,
};

/// No bank knows of it: there is nothing to take back.
pub(super) fn abandoned(why: VoidReason) -> Outcome {
    let reason = match why {
        VoidReason::Requested => CancellationReason::Abandoned,
        VoidReason::Expired => CancellationReason::Expired,
    };
    to(State::Canceled { reason }).notice(Notice::Canceled)
}

impl Payment {
    pub(super) fn void_of_hold_requested(&mut self, why: VoidReason, exchange: Exchange) -> Outcome {
        self.void = Some(Box::new(exchange));
        to(State::Voiding { of: Held::Hold, why })
    }

    pub(super) fn void_of_sale_requested(
        &mut self,
        why: VoidReason,
        exchange: Exchange,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        // Only a hold expires: an expiry that finds the money captured has come too late.
        if why == VoidReason::Expired || !self.is_sale_voidable(now) {
            return Err(Refused::TooLateToVoid);
        }
        self.void = Some(Box::new(exchange));
        Ok(to(State::Voiding { of: Held::Sale, why }))
    }

    pub(super) fn void_approved(
        &mut self,
        (of, why): (Held, VoidReason),
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let approved = approval.amount;
        if let Some(exchange) = &mut self.void {
            exchange.approved(approval, now);
        }
        let asked = match of {
            Held::Hold => self.authorized,
            Held::Sale => self.captured,
        };
        // A void is always of the whole: a yes to another amount is not the one we asked for.
        if approved != asked {
            return Ok(outcome::reversing(Undo::Void { of, why }, false));
        }
        self.flagged |= flagged;
        self.voided(of, why)
    }

    pub(super) fn void_declined(
        &mut self,
        (of, why): (Held, VoidReason),
        decline: Decline,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        if let Some(exchange) = &mut self.void {
            exchange.answered(decline.network_code.clone(), now);
        }
        // A hold whose time is over lapses at the bank by itself, whatever the bank says to our cancel.
        if (of, why) == (Held::Hold, VoidReason::Expired) {
            return self.voided(of, why);
        }
        Ok(self.stands(of.state(), decline, false))
    }

    pub(super) fn void_never_left(&mut self, of: Held) -> Outcome {
        self.stands(of.state(), Decline::never_left(), false)
    }

    fn voided(&mut self, of: Held, why: VoidReason) -> Result<Outcome, Refused> {
        let canceled = to(State::Canceled { reason: why.into() }).notice(Notice::Canceled);
        match of {
            Held::Hold => {
                let entry = postings::released(self, self.money(self.authorized)?)?;
                Ok(canceled.entry(entry))
            }
            Held::Sale => {
                let (sale, fee) = (self.captured, self.fee);
                let entry = postings::capture_taken_back(self, self.money(sale)?, self.money(fee)?)?;
                (self.captured, self.fee, self.captured_at) = (0, 0, None);
                Ok(canceled.entry(entry).more(Statistic::Voided, sale).less(Statistic::Fee, fee))
            }
        }
    }
}
