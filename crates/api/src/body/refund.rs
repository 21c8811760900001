//! Refunds.

use std::collections::BTreeMap;

use payment::{Refund, RefundState};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

use crate::body::attempt::{AttemptBody, AttemptOutcome, attempt};

/// A refund's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// The bank has been told and still has time to answer.
    Pending,
    /// The bank was silent; the same advice is repeated until it answers. Do not refund again.
    Processing,
    /// The money went back.
    Succeeded,
    /// The bank refused, or it could not be reached.
    Failed,
}

/// A refund. The amount counts minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Refund)]
pub struct RefundBody {
    /// The refund's id.
    #[schema(example = "ref_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `refund`.
    #[schema(pattern = "^refund$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// The merchant.
    pub merchant: String,
    /// The payment that it gives back.
    pub payment: String,
    /// Where it is.
    pub status: RefundStatus,
    /// The bank's effect is not known yet: do not refund again.
    pub in_doubt: bool,
    /// Why people have to end the doubt: the gateway alone does not get further.
    pub needs_operator: Option<String>,
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: &'static str,
    /// Why, in the merchant's words.
    pub reason: Option<String>,
    /// The merchant's own number.
    pub merchant_reference: Option<String>,
    /// The merchant's own data.
    pub metadata: BTreeMap<String, String>,
    /// Why the bank refused, in our words.
    pub decline_code: Option<String>,
    /// The bank's own code (ISO 8583 DE 39).
    pub network_decline_code: Option<String>,
    /// What can be done.
    pub advice: Option<String>,
    /// The exchange with the bank.
    pub attempt: AttemptBody,
}

/// A refund as the API shows it.
pub fn refund_body(refund: &Refund, livemode: bool) -> RefundBody {
    let decline = refund.decline.as_ref();
    let (status, outcome) = match refund.state {
        RefundState::Pending => (RefundStatus::Pending, AttemptOutcome::Pending),
        RefundState::InDoubt => (RefundStatus::Processing, AttemptOutcome::Timeout),
        RefundState::Succeeded => (RefundStatus::Succeeded, AttemptOutcome::Approved),
        RefundState::Failed if refund.exchange.response_code.is_some() => {
            (RefundStatus::Failed, AttemptOutcome::Declined)
        }
        RefundState::Failed => (RefundStatus::Failed, AttemptOutcome::Error),
    };
    RefundBody {
        id: refund.id.to_string(),
        object: "refund",
        livemode,
        version: refund.version,
        created: refund.created,
        merchant: refund.merchant.to_string(),
        payment: refund.payment.to_string(),
        status,
        in_doubt: refund.state == RefundState::InDoubt,
        needs_operator: refund.needs_operator.clone(),
        amount: refund.amount,
        currency: refund.currency.alpha(),
        reason: refund.reason.clone(),
        merchant_reference: refund.merchant_reference.clone(),
        metadata: refund.metadata.clone(),
        decline_code: decline.map(|decline| decline.code.clone()),
        network_decline_code: decline.and_then(|decline| decline.network_code.clone()),
        advice: decline.map(|decline| decline.advice.clone()),
        attempt: attempt(&refund.exchange, "refund", outcome),
    }
}
