//! Payments and refunds as the API shows them. Pure: the same payment always gives the same body.

use std::collections::BTreeMap;

use payment::{
    CancellationReason, CaptureMethod, CardSummary, Evidence, Exchange, Payment, ProcessingReason, Status,
};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

use crate::body::attempt::{AttemptBody, attempts};

/// A payment's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// A card is missing.
    RequiresPaymentMethod,
    /// `confirm` is missing.
    RequiresConfirmation,
    /// A bank has been or is being asked; `processing_reason` says more.
    Processing,
    /// Funds are held and wait for a capture.
    RequiresCapture,
    /// The money has moved.
    Succeeded,
    /// Declined, or never sent.
    Failed,
    /// Undone; `cancellation_reason` says why.
    Canceled,
}

/// How the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethodBody {
    /// Consume (sale): one message moves the money.
    Automatic,
    /// Authorize: the funds are held, a capture moves them later.
    Manual,
}

/// Why a payment is `processing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingReasonBody {
    /// The bank has been asked and still has time to answer.
    HostPending,
    /// The bank was silent; the outcome is being found out. Of an offline sale: it has not acknowledged it yet.
    InDoubt,
    /// The bank was silent; what it may have done is being undone.
    ReversalPending,
}

/// Why a payment was canceled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CancellationReasonBody {
    /// Voided by the merchant.
    Voided,
    /// The authorization or the unpaid payment reached its end.
    Expired,
    /// The bank was silent, and what it may have done is undone: nothing was taken.
    TimeoutReversed,
    /// Canceled before any bank was asked.
    Abandoned,
}

/// What a terminal said of a sale that a chip approved there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = OfflineApproval)]
pub struct OfflineBody {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub approved_at: Timestamp,
    /// The approval code that the terminal made.
    #[schema(example = "Y1OFFL")]
    pub authorization_code: Option<String>,
}

/// What may be shown of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CardBody {
    /// `unionpay`, `visa`, `mastercard`, …
    #[schema(example = "unionpay")]
    pub brand: String,
    /// The last four digits.
    #[schema(example = "0005", min_length = 4, max_length = 4)]
    pub last4: String,
    /// Month of expiry.
    #[schema(minimum = 1, maximum = 12)]
    pub exp_month: u8,
    /// Year of expiry, four digits.
    #[schema(example = 2030)]
    pub exp_year: u16,
}

/// A payment. Amounts count minor units of `currency`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentBody {
    /// The payment's id.
    #[schema(example = "pay_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `payment`.
    #[schema(pattern = "^payment$")]
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
    /// Where it is.
    pub status: PaymentStatus,
    /// The bank's effect is not known yet: do not charge again.
    pub in_doubt: bool,
    /// Why people have to end the doubt: the gateway alone does not get further.
    pub needs_operator: Option<String>,
    /// Why it is `processing`.
    pub processing_reason: Option<ProcessingReasonBody>,
    /// Why it was canceled.
    pub cancellation_reason: Option<CancellationReasonBody>,
    /// What can be asked for in this state.
    #[schema(example = json!(["refund", "void"]))]
    pub allowed_actions: Vec<&'static str>,
    /// The order's amount.
    #[schema(example = 1250)]
    pub amount: u64,
    /// ISO 4217, upper case.
    #[schema(example = "CNY")]
    pub currency: &'static str,
    /// What the bank holds or held.
    pub amount_authorized: u64,
    /// What a capture may still take.
    pub amount_capturable: u64,
    /// What was captured.
    pub amount_captured: u64,
    /// What was given back.
    pub amount_refunded: u64,
    /// What refunds may still give back.
    pub amount_refundable: u64,
    /// The gateway's fee within `amount_captured`.
    pub fee: u64,
    /// How the money is taken.
    pub capture_method: CaptureMethodBody,
    /// When it was captured.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub captured_at: Option<Timestamp>,
    /// When an authorization that was not captured is given back.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub authorization_expires_at: Option<Timestamp>,
    /// The customer.
    pub customer: Option<String>,
    /// The stored card.
    pub payment_method: Option<String>,
    /// What may be shown of the card.
    pub card: Option<CardBody>,
    /// A chip approved it at its terminal, without asking its bank.
    pub offline: Option<OfflineBody>,
    /// The hosted checkout it belongs to.
    pub checkout_session: Option<String>,
    /// The merchant's own number.
    pub merchant_reference: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// The merchant's own data.
    pub metadata: BTreeMap<String, String>,
    /// Why a bank refused last, in our words.
    #[schema(example = "insufficient_funds")]
    pub decline_code: Option<String>,
    /// The bank's own code (ISO 8583 DE 39).
    #[schema(example = "51")]
    pub network_decline_code: Option<String>,
    /// What the payer can do.
    pub advice: Option<String>,
    /// Who consented: `merchant_initiated`, `passkey`, `guest`, `terminal` or `mail_or_telephone`.
    pub consent: Option<&'static str>,
    /// The bank approved with a reservation of its own; it is reconciled first.
    pub flagged: bool,
    /// The exchanges with banks, oldest first.
    pub attempts: Vec<AttemptBody>,
}

/// A payment as the API shows it. Only the last four digits of a card come near it.
pub fn payment_body(payment: &Payment, livemode: bool) -> PaymentBody {
    let decline = payment.decline.as_ref();
    let held = matches!(payment.state, payment::State::Authorized | payment::State::Authorizing);
    PaymentBody {
        id: payment.id.to_string(),
        object: "payment",
        livemode,
        version: payment.version,
        created: payment.created,
        merchant: payment.merchant.to_string(),
        status: payment.state.status().into(),
        in_doubt: payment.state.in_doubt(),
        needs_operator: payment.needs_operator.clone(),
        processing_reason: payment.state.processing_reason().map(Into::into),
        cancellation_reason: match payment.state {
            payment::State::Canceled { reason } => Some(reason.into()),
            _ => None,
        },
        allowed_actions: payment.actions(),
        amount: payment.terms.amount.minor(),
        currency: payment.currency().alpha(),
        amount_authorized: payment.authorized,
        amount_capturable: payment.capturable(),
        amount_captured: payment.captured,
        amount_refunded: payment.refunded,
        amount_refundable: payment.refundable(),
        fee: payment.fee,
        capture_method: payment.terms.capture_method.into(),
        captured_at: payment.captured_at,
        authorization_expires_at: held.then_some(payment.terms.authorization_expires_at),
        customer: payment.customer.map(|id| id.to_string()),
        payment_method: payment.payment_method.map(|id| id.to_string()),
        card: payment.card.as_ref().map(card_body),
        offline: payment.original.as_deref().and_then(offline_body),
        checkout_session: payment.checkout_session.map(|id| id.to_string()),
        merchant_reference: payment.terms.merchant_reference.clone(),
        description: payment.terms.description.clone(),
        metadata: payment.terms.metadata.clone(),
        decline_code: decline.map(|decline| decline.code.clone()),
        network_decline_code: decline.and_then(|decline| decline.network_code.clone()),
        advice: decline.map(|decline| decline.advice.clone()),
        consent: payment.evidence.as_ref().map(|evidence| match evidence {
            Evidence::MerchantInitiated => "merchant_initiated",
            Evidence::Passkey { .. } => "passkey",
            Evidence::Guest { .. } => "guest",
            Evidence::Terminal { .. } => "terminal",
            Evidence::MailOrTelephone => "mail_or_telephone",
        }),
        flagged: payment.flagged,
        attempts: attempts(payment),
    }
}

fn offline_body(original: &Exchange) -> Option<OfflineBody> {
    let offline = original.offline.as_ref()?;
    let authorization_code = offline.authorization_code.clone();
    Some(OfflineBody { approved_at: offline.approved_at, authorization_code })
}

/// The first six digits stay inside: routing needs them, merchants do not.
pub(super) fn card_body(card: &CardSummary) -> CardBody {
    CardBody {
        brand: card.brand.clone(),
        last4: card.last4.clone(),
        exp_month: card.exp_month,
        exp_year: card.exp_year,
    }
}

impl From<Status> for PaymentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::RequiresPaymentMethod => Self::RequiresPaymentMethod,
            Status::RequiresConfirmation => Self::RequiresConfirmation,
            Status::Processing => Self::Processing,
            Status::RequiresCapture => Self::RequiresCapture,
            Status::Succeeded => Self::Succeeded,
            Status::Failed => Self::Failed,
            Status::Canceled => Self::Canceled,
        }
    }
}

impl From<CaptureMethod> for CaptureMethodBody {
    fn from(method: CaptureMethod) -> Self {
        match method {
            CaptureMethod::Automatic => Self::Automatic,
            CaptureMethod::Manual => Self::Manual,
        }
    }
}

impl From<ProcessingReason> for ProcessingReasonBody {
    fn from(reason: ProcessingReason) -> Self {
        match reason {
            ProcessingReason::HostPending => Self::HostPending,
            ProcessingReason::InDoubt => Self::InDoubt,
            ProcessingReason::ReversalPending => Self::ReversalPending,
        }
    }
}

impl From<CancellationReason> for CancellationReasonBody {
    fn from(reason: CancellationReason) -> Self {
        match reason {
            CancellationReason::Voided => Self::Voided,
            CancellationReason::Expired => Self::Expired,
            CancellationReason::TimeoutReversed => Self::TimeoutReversed,
            CancellationReason::Abandoned => Self::Abandoned,
        }
    }
}
