//! How a refund moves. Payment and refund change together, in one commit.

use types::{MoneyError, Timestamp};

use super::{NewRefund, Refund, RefundChange, RefundEvent, RefundState};
use crate::postings;
use crate::{Change, Decline, Notice, Payment, Refused, Stat, State, Statistic};

impl Payment {
    /// Promises part of what was captured to a refund. The amount is set aside in the payment and in the books before
    /// the bank is asked, so that refunds that race can never give back more than was captured.
    ///
    /// # Errors
    /// [`Refused`]: not captured, or more than what is left.
    pub fn refund(&self, new: NewRefund, now: Timestamp) -> Result<RefundChange, Refused> {
        if self.state != State::Captured {
            return Err(Refused::InvalidState { state: self.state, event: "refund" });
        }
        let refundable = self.refundable();
        let amount = new.amount.unwrap_or(refundable);
        if amount > refundable || refundable == 0 {
            return Err(Refused::ExceedsRefundable { refundable });
        }
        if amount == 0 {
            return Err(Refused::ZeroAmount);
        }
        let mut payment = self.clone();
        payment.version += 1;
        payment.refund_pending += amount;
        let entry = postings::refund_promised(&payment, payment.money(amount)?)?;
        let refund = Refund {
            id: new.id,
            payment: self.id,
            merchant: self.merchant,
            version: 1,
            created: now,
            amount,
            currency: self.currency(),
            state: RefundState::Pending,
            reason: new.reason,
            merchant_reference: new.merchant_reference,
            metadata: new.metadata,
            exchange: new.exchange,
            needs_operator: None,
            decline: None,
        };
        let notices = vec![Notice::RefundCreated];
        Ok(RefundChange {
            refund,
            change: Change { payment, entry: Some(entry), notices, stats: Vec::new() },
        })
    }

    /// Takes what happened to a refund's advice. The refund must be one of this payment's.
    ///
    /// # Errors
    /// [`Refused`]: the refund is settled already, or it is another payment's.
    pub fn refund_step(
        &self,
        refund: &Refund,
        event: RefundEvent,
        now: Timestamp,
    ) -> Result<RefundChange, Refused> {
        if refund.payment != self.id {
            return Err(Refused::InvalidState {
                state: self.state,
                event: "settle another payment's refund",
            });
        }
        let first_try = match refund.state {
            RefundState::Pending => true,
            RefundState::InDoubt => false,
            RefundState::Succeeded | RefundState::Failed => {
                return Err(Refused::InvalidState { state: self.state, event: "settle a refund twice" });
            }
        };
        let (mut refund, mut payment) = (refund.clone(), self.clone());
        refund.version += 1;
        payment.version += 1;
        match event {
            RefundEvent::Stuck { why } => {
                refund.needs_operator = Some(why);
                Ok(in_doubt(refund, payment, first_try))
            }
            RefundEvent::Approved(approval) if approval.amount == refund.amount => {
                refund.exchange.approved(approval, now);
                given_back(refund, payment)
            }
            // A yes to another amount is no answer to this advice. There is nothing to reverse it with: it stays in
            // doubt and is repeated, until the bank says what it was asked or an operator settles it with the bank.
            RefundEvent::Approved(_) => Ok(in_doubt(refund, payment, first_try)),
            RefundEvent::Declined(decline) => {
                refund.exchange.answered(decline.network_code.clone(), now);
                given_up(refund, payment, decline)
            }
            // A first try that surely never left can be given up; a repeat cannot, an earlier one may have arrived.
            RefundEvent::NeverLeft if first_try => given_up(refund, payment, Decline::never_left()),
            RefundEvent::Silent | RefundEvent::NeverLeft => Ok(in_doubt(refund, payment, first_try)),
        }
    }

    /// Part of what refunds were promised is given back or withdrawn.
    fn take_from_promised(&mut self, refund: &Refund) -> Result<(), MoneyError> {
        self.refund_pending = self.refund_pending.checked_sub(refund.amount).ok_or(MoneyError::OutOfRange)?;
        Ok(())
    }
}

fn given_back(mut refund: Refund, mut payment: Payment) -> Result<RefundChange, Refused> {
    refund.state = RefundState::Succeeded;
    refund.needs_operator = None;
    payment.take_from_promised(&refund)?;
    payment.refunded += refund.amount;
    let entry = Some(postings::refunded(&payment, payment.money(refund.amount)?)?);
    let stats = vec![Stat::more(Statistic::Refunded, refund.amount)];
    Ok(RefundChange {
        refund,
        change: Change { payment, entry, notices: vec![Notice::RefundSucceeded], stats },
    })
}

fn given_up(mut refund: Refund, mut payment: Payment, why: Decline) -> Result<RefundChange, Refused> {
    refund.state = RefundState::Failed;
    refund.needs_operator = None;
    refund.decline = Some(why);
    payment.take_from_promised(&refund)?;
    let entry = Some(postings::refund_given_up(&payment, payment.money(refund.amount)?)?);
    let notices = vec![Notice::RefundFailed];
    Ok(RefundChange { refund, change: Change { payment, entry, notices, stats: Vec::new() } })
}

fn in_doubt(mut refund: Refund, payment: Payment, first_try: bool) -> RefundChange {
    refund.state = RefundState::InDoubt;
    let notices = if first_try { vec![Notice::RefundInDoubt] } else { Vec::new() };
    RefundChange { refund, change: Change { payment, entry: None, notices, stats: Vec::new() } }
}
