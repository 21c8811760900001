//! The authorization or sale: the first message of a payment.

use ledger::Entry;
use types::{Money, PaymentMethodId, Timestamp};

use super::outcome::{self, Outcome, to};
use crate::{
    Approval, CaptureMethod, CardSummary, Decline, Evidence, Exchange, Notice, Payment, Refused, State,
    Statistic, Undo, postings,
};

impl Payment {
    pub(super) fn attached(&mut self, method: PaymentMethodId, card: CardSummary) -> Outcome {
        self.payment_method = Some(method);
        self.card = Some(card);
        to(State::RequiresConfirmation)
    }

    pub(super) fn confirmed(&mut self, exchange: Exchange, evidence: Evidence) -> Outcome {
        let has_happened = exchange.offline.is_some();
        self.original = Some(Box::new(exchange));
        self.evidence = Some(evidence);
        to(match self.terms.capture_method {
            CaptureMethod::Automatic if has_happened => State::Advising { in_doubt: false },
            CaptureMethod::Automatic => State::Consuming,
            // Nothing is held that has happened: `offline.rs` refuses it before.
            CaptureMethod::Manual => State::Authorizing,
        })
    }

    pub(super) fn original_approved(
        &mut self,
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let amount = self.terms.amount;
        let approved = approval.amount;
        if let Some(exchange) = &mut self.original {
            exchange.approved(approval, now);
        }
        // We never ask for a partial approval, so an approval of another amount is not the one we asked for.
        if approved != amount.minor() {
            return Ok(outcome::reversing(Undo::Original, false));
        }
        self.flagged |= flagged;
        self.authorized = approved;
        match self.terms.capture_method {
            CaptureMethod::Manual => {
                let entry = postings::held(self, amount)?;
                Ok(to(State::Authorized).entry(entry).notice(Notice::Authorized))
            }
            CaptureMethod::Automatic => {
                let entry = self.take(amount, None, now)?;
                Ok(self.captured_outcome(entry).notice(Notice::Succeeded))
            }
        }
    }

    pub(super) fn original_declined(&mut self, decline: Decline, now: Timestamp) -> Outcome {
        if let Some(exchange) = &mut self.original {
            exchange.answered(decline.network_code.clone(), now);
        }
        self.failed(decline).more(Statistic::Declined, self.terms.amount.minor())
    }

    pub(super) fn original_never_left(&mut self) -> Outcome {
        self.failed(Decline::never_left())
    }

    pub(super) fn rerouted(&mut self, exchange: Exchange) -> Outcome {
        self.original = Some(Box::new(exchange));
        to(self.state)
    }

    fn failed(&mut self, why: Decline) -> Outcome {
        self.decline = Some(why);
        to(State::Failed).notice(Notice::Failed)
    }

    /// Moves the money in the books: the sale is posted, a hold is released.
    pub(super) fn take(
        &mut self,
        amount: Money,
        hold: Option<Money>,
        now: Timestamp,
    ) -> Result<Entry, Refused> {
        let fee = self.terms.fee_plan.fee_on(amount)?;
        let entry = postings::captured(self, amount, fee, hold)?;
        self.captured = amount.minor();
        self.captured_at = Some(now);
        self.fee = fee.minor();
        self.decline = None;
        Ok(entry)
    }

    pub(super) fn captured_outcome(&self, entry: Entry) -> Outcome {
        to(State::Captured)
            .entry(entry)
            .more(Statistic::Captured, self.captured)
            .more(Statistic::Fee, self.fee)
    }
}
