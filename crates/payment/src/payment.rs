//! The payment, what an event changes in it, and what goes with the change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{
    AttemptId, CheckoutSessionId, Currency, CustomerId, MerchantId, Money, MoneyError, PaymentId,
    PaymentMethodId, Timestamp,
};

use crate::{FeePlan, State};

/// A count of minor units in the payment's own currency.
pub type Money64 = u64;

/// How the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// Consume (sale): one 0200 moves the money.
    Automatic,
    /// Authorize: a 0100 holds it, a capture moves it later.
    Manual,
}

/// Why a payment was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReason {
    /// Voided by the merchant.
    Voided,
    /// The authorization or the unpaid payment reached its end.
    Expired,
    /// The bank was silent and the reversal is acknowledged: nothing was taken.
    TimeoutReversed,
    /// Canceled before any bank was asked.
    Abandoned,
}

/// What may be shown of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSummary {
    /// `unionpay`, `visa`, …
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// The first six digits, for routing and for masked messages.
    pub bin: String,
    /// Month of expiry, 1 to 12.
    pub exp_month: u8,
    /// Year of expiry, four digits.
    pub exp_year: u16,
}

/// Who consented, and how it can be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// The merchant's server asked with its secret key; the merchant answers for the consent.
    MerchantInitiated,
    /// The customer's passkey signed LINK.
    Passkey {
        /// SHA-256 of LINK, hex.
        link_digest: String,
        /// The key that the customer's certificate names: the passkey.
        certificate_key: String,
    },
    /// A guest entered a card; the wallet server alone signed LINK.
    Guest {
        /// SHA-256 of LINK, hex.
        link_digest: String,
    },
}

/// One exchange with a bank: what later messages must name to refer to it. Never a card number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The attempt's id.
    pub attempt: AttemptId,
    /// The bank's name in our configuration.
    pub bank: String,
    /// DE 41.
    pub terminal: String,
    /// DE 42.
    pub acceptor: String,
    /// What was asked: `authorize`, `consume`, `capture`, `refund`, …
    pub transaction: String,
    /// DE 11.
    pub stan: u32,
    /// DE 37: ours until the bank answers with its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrn: Option<String>,
    /// DE 38.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<String>,
    /// DE 39 of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code: Option<String>,
    /// DE 60.2 at the time of sending, where the dialect has batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// When the message was recorded to be sent.
    pub sent_at: Timestamp,
    /// When the answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
}

/// A bank's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// DE 4 of the answer, in minor units.
    pub amount: Money64,
    /// DE 39.
    pub response_code: String,
    /// DE 37.
    pub rrn: Option<String>,
    /// DE 38.
    pub authorization_code: Option<String>,
}

/// A bank's no, or our own before the bank was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// Our name for the reason, for example `insufficient_funds`.
    pub code: String,
    /// DE 39, when a bank gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_code: Option<String>,
    /// What the payer can do, for example `try_another_card`.
    pub advice: String,
}

/// What the merchant and the customer agreed on, fixed when the payment is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTerms {
    /// How much.
    pub amount: Money,
    /// How it is taken.
    pub capture_method: CaptureMethod,
    /// The merchant's own number for the order, unique per merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_reference: Option<String>,
    /// Free text for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The merchant's own data.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// What the gateway charges, as agreed when the payment was made.
    pub fee_plan: FeePlan,
    /// When an authorization that was not captured is given back.
    pub authorization_expires_at: Timestamp,
}

/// A payment: the aggregate that a flow loads, steps and commits. `version` counts its changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The payment's id.
    pub id: PaymentId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The order.
    #[serde(flatten)]
    pub terms: OrderTerms,
    /// Where it is.
    #[serde(flatten)]
    pub state: State,
    /// The customer, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// The stored card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<PaymentMethodId>,
    /// What may be shown of the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardSummary>,
    /// The hosted checkout it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session: Option<CheckoutSessionId>,
    /// Who consented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Minor units that the bank holds or held.
    #[serde(default)]
    pub authorized: Money64,
    /// Minor units captured.
    #[serde(default)]
    pub captured: Money64,
    /// When they were captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured_at: Option<Timestamp>,
    /// Minor units of our fee within the captured amount.
    #[serde(default)]
    pub fee: Money64,
    /// Minor units given back.
    #[serde(default)]
    pub refunded: Money64,
    /// Minor units promised to refunds that are still on their way.
    #[serde(default)]
    pub refund_pending: Money64,
    /// The authorization or sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Exchange>,
    /// The completion of an authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<Exchange>,
    /// The latest cancel or void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<Exchange>,
    /// The latest refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
    /// The bank's yes came with a doubt of its own ("defective success"): reconcile it first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
}

/// A notice for the merchant: the type of a webhook event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Notice {
    /// A payment exists.
    #[serde(rename = "payment.created")]
    Created,
    /// Funds are held.
    #[serde(rename = "payment.authorized")]
    Authorized,
    /// A completion moved the money.
    #[serde(rename = "payment.captured")]
    Captured,
    /// The payment is paid.
    #[serde(rename = "payment.succeeded")]
    Succeeded,
    /// The payment failed.
    #[serde(rename = "payment.failed")]
    Failed,
    /// The payment was canceled.
    #[serde(rename = "payment.canceled")]
    Canceled,
    /// The bank was silent.
    #[serde(rename = "payment.in_doubt")]
    InDoubt,
    /// The doubt is gone.
    #[serde(rename = "payment.in_doubt_resolved")]
    InDoubtResolved,
    /// A capture or void was refused; the payment stands as before.
    #[serde(rename = "payment.action_failed")]
    ActionFailed,
    /// A refund exists.
    #[serde(rename = "refund.created")]
    RefundCreated,
    /// A refund's bank was silent; the same advice is being repeated.
    #[serde(rename = "refund.in_doubt")]
    RefundInDoubt,
    /// The money went back.
    #[serde(rename = "refund.succeeded")]
    RefundSucceeded,
    /// The refund was refused.
    #[serde(rename = "refund.failed")]
    RefundFailed,
}

impl Notice {
    /// The event type's name.
    pub const fn name(self) -> &'static str {
        match self {
            Notice::Created => "payment.created",
            Notice::Authorized => "payment.authorized",
            Notice::Captured => "payment.captured",
            Notice::Succeeded => "payment.succeeded",
            Notice::Failed => "payment.failed",
            Notice::Canceled => "payment.canceled",
            Notice::InDoubt => "payment.in_doubt",
            Notice::InDoubtResolved => "payment.in_doubt_resolved",
            Notice::ActionFailed => "payment.action_failed",
            Notice::RefundCreated => "refund.created",
            Notice::RefundInDoubt => "refund.in_doubt",
            Notice::RefundSucceeded => "refund.succeeded",
            Notice::RefundFailed => "refund.failed",
        }
    }
}

/// What a statistic counts. The number is stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Statistic {
    /// Sales and completions; amounts are gross.
    Captured = 1,
    /// Captured sales taken back on the same day.
    Voided = 2,
    /// Refunds that succeeded.
    Refunded = 3,
    /// Payments that a bank refused.
    Declined = 4,
    /// Payments that were reversed after a bank's silence.
    Reversed = 5,
    /// Fees charged (given back ones counted negative).
    Fee = 6,
}

/// One step of a statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What is counted.
    pub statistic: Statistic,
    /// How many.
    pub count: i64,
    /// Minor units.
    pub amount: i64,
}

/// What one event changes: everything in it is committed together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The payment afterwards, one version on.
    pub payment: Payment,
    /// The ledger entry, when money is held, released or moved.
    pub entry: Option<ledger::Entry>,
    /// The notices, in order.
    pub notices: Vec<Notice>,
    /// The statistics.
    pub stats: Vec<Stat>,
}

impl Payment {
    /// Minor units that a capture may still take.
    pub const fn capturable(&self) -> Money64 {
        match self.state {
            State::Authorized => self.authorized,
            _ => 0,
        }
    }

    /// Minor units that refunds may still give back: captured, less refunded, less promised.
    pub const fn refundable(&self) -> Money64 {
        match self.state {
            State::Captured => {
                self.captured.saturating_sub(self.refunded).saturating_sub(self.refund_pending)
            }
            _ => 0,
        }
    }

    /// The payment's currency.
    pub const fn currency(&self) -> Currency {
        self.terms.amount.currency()
    }

    /// The bank that holds or moved the money.
    pub fn bank(&self) -> Option<&str> {
        self.original.as_ref().map(|exchange| exchange.bank.as_str())
    }

    pub(crate) fn money(&self, minor: Money64) -> Result<Money, MoneyError> {
        Money::new(minor, self.currency())
    }
}
