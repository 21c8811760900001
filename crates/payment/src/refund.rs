//! Refunds. A refund is never reversed: after a silence the same advice is repeated until the bank answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Currency, MerchantId, PaymentId, RefundId, Timestamp};

use crate::payment::{Approval, Change, Decline, Exchange, Money64, Notice, Payment, Stat, Statistic};
use crate::postings;
use crate::state::State;
use crate::step::Refused;

/// Where a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The advice is recorded; the bank has not answered yet.
    Pending,
    /// The bank was silent; the same advice is being repeated.
    InDoubt,
    /// The money went back.
    Succeeded,
    /// The bank refused, or the advice surely never left.
    Failed,
}

/// A refund of part or all of a captured payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The refund's id.
    pub id: RefundId,
    /// The payment it gives back.
    pub payment: PaymentId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// Minor units.
    pub amount: Money64,
    /// The payment's currency.
    pub currency: Currency,
    /// Where it is.
    pub state: RefundState,
    /// Why, in the merchant's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The merchant's own number, unique per merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_reference: Option<String>,
    /// The merchant's own data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The advice.
    pub exchange: Exchange,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
}

/// What a merchant asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRefund {
    /// The refund's id.
    pub id: RefundId,
    /// Minor units; none gives back all that is left.
    pub amount: Option<Money64>,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// The merchant's own number.
    pub merchant_reference: Option<String>,
    /// The merchant's own data.
    pub metadata: BTreeMap<String, String>,
    /// The advice about to be recorded and sent.
    pub exchange: Exchange,
}

/// What happened to the advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundEvent {
    /// The bank took it.
    Approved(Approval),
    /// The bank refused it.
    Declined(Decline),
    /// No believable answer; it may have left.
    Silent,
    /// It surely never left.
    NeverLeft,
}

/// What changes in a refund and its payment, committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundChange {
    /// The refund afterwards.
    pub refund: Refund,
    /// The payment afterwards, with the entry, notices and statistics.
    pub change: Change,
}

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
            decline: None,
        };
        let notices = vec![Notice::RefundCreated];
        Ok(RefundChange {
            refund,
            change: Change { payment, entry: Some(entry), notices, stats: Vec::new() },
        })
    }

    /// Takes what happened to a refund's advice.
    ///
    /// # Errors
    /// [`Refused`]: the refund is settled already.
    pub fn refund_step(
        &self,
        refund: &Refund,
        event: RefundEvent,
        now: Timestamp,
    ) -> Result<RefundChange, Refused> {
        let (mut refund, mut payment) = (refund.clone(), self.clone());
        let was_in_doubt = match refund.state {
            RefundState::Pending => false,
            RefundState::InDoubt => true,
            RefundState::Succeeded | RefundState::Failed => {
                return Err(Refused::InvalidState { state: self.state, event: "settle a refund twice" });
            }
        };
        refund.version += 1;
        payment.version += 1;
        let money = payment.money(refund.amount)?;
        let (mut entry, mut notices, mut stats) = (None, Vec::new(), Vec::new());
        match event {
            RefundEvent::Approved(approval) => {
                refund.exchange.response_code = Some(approval.response_code);
                refund.exchange.answered_at = Some(now);
                refund.exchange.rrn = approval.rrn.or(refund.exchange.rrn.take());
                refund.state = RefundState::Succeeded;
                payment.refund_pending -= refund.amount;
                payment.refunded += refund.amount;
                entry = Some(postings::refunded(&payment, money)?);
                notices.push(Notice::RefundSucceeded);
                stats.push(Stat { statistic: Statistic::Refunded, count: 1, amount: refund.amount as i64 });
            }
            RefundEvent::Declined(decline) => {
                refund.exchange.response_code.clone_from(&decline.network_code);
                refund.exchange.answered_at = Some(now);
                refund.decline = Some(decline);
                entry = Some(fail(&mut refund, &mut payment)?);
                notices.push(Notice::RefundFailed);
            }
            // A first try that surely never left can be given up; a repeat cannot, an earlier one may have arrived.
            RefundEvent::NeverLeft if !was_in_doubt => {
                refund.decline = Some(Decline {
                    code: "host_unavailable".to_owned(),
                    network_code: None,
                    advice: "try_again_later".to_owned(),
                });
                entry = Some(fail(&mut refund, &mut payment)?);
                notices.push(Notice::RefundFailed);
            }
            RefundEvent::Silent | RefundEvent::NeverLeft => {
                refund.state = RefundState::InDoubt;
                if !was_in_doubt {
                    notices.push(Notice::RefundInDoubt);
                }
            }
        }
        Ok(RefundChange { refund, change: Change { payment, entry, notices, stats } })
    }
}

fn fail(refund: &mut Refund, payment: &mut Payment) -> Result<ledger::Entry, Refused> {
    refund.state = RefundState::Failed;
    payment.refund_pending -= refund.amount;
    postings::refund_given_up(payment, payment.money(refund.amount)?)
}
