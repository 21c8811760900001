//! An offline sale: a chip approved it at its terminal, and the goods are gone. The bank is told; whatever it says or does not say, nothing
//! is undone, and only people end it without the bank's acknowledgement.

use types::Timestamp;

use super::outcome::{Outcome, to};
use crate::{Approval, Decline, Notice, Payment, Refused, State, Statistic};

impl Payment {
    pub(super) fn advice_acknowledged(
        &mut self,
        was_in_doubt: bool,
        approval: Approval,
        flagged: bool,
        now: Timestamp,
    ) -> Result<Outcome, Refused> {
        let (amount, approved) = (self.terms.amount, approval.amount);
        if let Some(exchange) = &mut self.original {
            exchange.approved(approval, now);
        }
        if approved != amount.minor() {
            self.needs_operator = Some("the bank has acknowledged another amount".to_owned());
            return Ok(still_told(was_in_doubt));
        }
        self.flagged |= flagged;
        self.authorized = approved;
        let entry = self.take(amount, None, now)?;
        Ok(self.captured_outcome(entry).resolved(was_in_doubt).notice(Notice::Succeeded))
    }

    /// The bank does not want it, but it has happened.
    pub(super) fn advice_refused(&mut self, was_in_doubt: bool, decline: Decline, now: Timestamp) -> Outcome {
        if let Some(exchange) = &mut self.original {
            exchange.answered(decline.network_code.clone(), now);
        }
        let with =
            decline.network_code.as_ref().map_or(String::new(), |code| format!(" with response code {code}"));
        self.needs_operator = Some(format!("the bank has refused it{with}"));
        self.decline = Some(decline);
        still_told(was_in_doubt)
    }

    /// People have found out that the bank will not do it: the merchant is not paid for its goods.
    pub(super) fn given_up(&mut self, decline: Decline) -> Outcome {
        self.decline = Some(decline);
        to(State::Failed)
            .resolved(true)
            .notice(Notice::Failed)
            .more(Statistic::Declined, self.terms.amount.minor())
    }
}

/// It has not been acknowledged, so it is told again. The merchant hears of a doubt once, when it begins.
pub(super) fn still_told(was_in_doubt: bool) -> Outcome {
    let waiting = to(State::Advising { in_doubt: true });
    if was_in_doubt { waiting } else { waiting.notice(Notice::InDoubt) }
}
