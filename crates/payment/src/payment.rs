//! The payment: what a flow loads, steps and commits.

use serde::{Deserialize, Serialize};
use types::{
    CheckoutSessionId, Currency, CustomerId, MerchantId, Money, MoneyError, PaymentId, PaymentMethodId,
    Timestamp,
};

use crate::state::Undo;
use crate::{CardSummary, Decline, Evidence, Exchange, Notice, OrderTerms, Refused, Stat, State};

/// A count of minor units in the payment's own currency.
pub type Money64 = u64;

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
    /// The authorization or sale. Exchanges are apart because most payments have one of the four, and payments are moved a lot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Box<Exchange>>,
    /// The latest increment of an authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub increment: Option<Box<Exchange>>,
    /// The completion of an authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion: Option<Box<Exchange>>,
    /// The latest adjustment of a sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<Box<Exchange>>,
    /// The latest cancel or void.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub void: Option<Box<Exchange>>,
    /// The latest refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
    /// Why people have to end its doubt: the gateway alone does not get further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_operator: Option<String>,
    /// The bank's yes came with a doubt of its own ("defective success"): reconcile it first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flagged: bool,
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
    /// A new payment, before any bank is asked.
    ///
    /// # Errors
    /// [`Refused::ZeroAmount`].
    pub fn create(
        id: PaymentId,
        merchant: MerchantId,
        terms: OrderTerms,
        now: Timestamp,
    ) -> Result<Change, Refused> {
        if terms.amount.is_zero() {
            return Err(Refused::ZeroAmount);
        }
        let payment = Payment {
            id,
            merchant,
            version: 1,
            created: now,
            terms,
            state: State::RequiresPaymentMethod,
            customer: None,
            payment_method: None,
            card: None,
            checkout_session: None,
            evidence: None,
            authorized: 0,
            captured: 0,
            captured_at: None,
            fee: 0,
            refunded: 0,
            refund_pending: 0,
            original: None,
            increment: None,
            completion: None,
            adjustment: None,
            void: None,
            decline: None,
            needs_operator: None,
            flagged: false,
        };
        Ok(Change { payment, entry: None, notices: vec![Notice::Created], stats: Vec::new() })
    }

    /// The payment's currency.
    pub const fn currency(&self) -> Currency {
        self.terms.amount.currency()
    }

    /// The bank that holds or moved the money.
    pub fn bank(&self) -> Option<&str> {
        self.original.as_ref().map(|exchange| exchange.bank.as_str())
    }

    /// The exchange whose answer this payment waits for, reversals of it included; none when no bank is being asked.
    pub fn awaited(&self) -> Option<&Exchange> {
        match self.state {
            State::Authorizing
            | State::Consuming
            | State::Advising { .. }
            | State::Reversing { undo: Undo::Original } => self.original.as_deref(),
            State::Capturing { .. } | State::Reversing { undo: Undo::Capture { .. } } => {
                self.completion.as_deref()
            }
            State::Incrementing { .. } | State::Reversing { undo: Undo::Increment { .. } } => {
                self.increment.as_deref()
            }
            State::Adjusting { .. } | State::Reversing { undo: Undo::Adjust { .. } } => {
                self.adjustment.as_deref()
            }
            State::Voiding { .. } | State::Reversing { undo: Undo::Void { .. } } => self.void.as_deref(),
            State::RequiresPaymentMethod
            | State::RequiresConfirmation
            | State::Authorized
            | State::Captured
            | State::Failed
            | State::Canceled { .. } => None,
        }
    }

    pub(crate) fn money(&self, minor: Money64) -> Result<Money, MoneyError> {
        Money::new(minor, self.currency())
    }
}
