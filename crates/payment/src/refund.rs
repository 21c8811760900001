//! Refunds. A refund is never reversed: after a silence the same advice is repeated until the bank answers.

mod step;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Currency, MerchantId, PaymentId, RefundId, Timestamp};

use crate::payment::Change;
use crate::{Approval, Decline, Exchange, Money64};

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
    /// Why people have to end its doubt: the gateway alone does not get further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_operator: Option<String>,
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
    /// The gateway alone does not get the doubt ended.
    Stuck {
        /// Why.
        why: String,
    },
}

/// What changes in a refund and its payment, committed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundChange {
    /// The refund afterwards.
    pub refund: Refund,
    /// The payment afterwards, with the entry, notices and statistics.
    pub change: Change,
}
