//! Hosted checkouts.

use pcs::model::{CheckoutSession, SessionStatus};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

use crate::body::payment::CaptureMethodBody;

/// Where a checkout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatusBody {
    /// Waits for the shopper.
    Open,
    /// A payment is on its way; its outcome is not known yet.
    Processing,
    /// Paid, or authorized.
    Complete,
    /// Too late, or ended by the merchant.
    Expired,
}

/// Whether a checkout is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionPaymentStatus {
    /// Not paid, as far as is known.
    Unpaid,
    /// Paid, or authorized with `capture_method: manual`.
    Paid,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Line)]
pub struct LineBody {
    /// What is sold.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Minor units for one.
    pub unit_amount: u64,
}

/// A hosted checkout for one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = CheckoutSession)]
pub struct CheckoutSessionBody {
    /// The session's id.
    #[schema(example = "cs_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `checkout_session`.
    #[schema(pattern = "^checkout_session$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it closes.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Where it is.
    pub status: SessionStatusBody,
    /// Whether it is paid.
    pub payment_status: SessionPaymentStatus,
    /// Where to send the shopper.
    #[schema(example = "https://pay.example/c/cs_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub url: String,
    /// Minor units.
    pub amount: u64,
    /// ISO 4217, upper case.
    pub currency: &'static str,
    /// How the money is taken.
    pub capture_method: CaptureMethodBody,
    /// The merchant's own number.
    pub merchant_reference: Option<String>,
    /// What is bought.
    pub lines: Vec<LineBody>,
    /// The merchant's customer.
    pub customer: Option<String>,
    /// Where the shopper goes after paying.
    pub success_url: String,
    /// Where the shopper goes after giving up.
    pub cancel_url: String,
    /// `en` or `zh-CN`.
    pub locale: Option<String>,
    /// The payment of this session: it can be read once the shopper has consented.
    pub payment: String,
    /// How many payments of this session have failed.
    pub failed_tries: u32,
    /// SHA-256 of the order information, hex: what the shopper signs names this order and no other.
    pub order_digest: String,
}

/// A checkout as the API shows it.
pub fn checkout_session_body(
    session: &CheckoutSession,
    checkout_base: &str,
    livemode: bool,
) -> CheckoutSessionBody {
    CheckoutSessionBody {
        id: session.id.to_string(),
        object: "checkout_session",
        livemode,
        version: session.version,
        created: session.created,
        expires_at: session.expires_at,
        status: match session.status {
            SessionStatus::Open => SessionStatusBody::Open,
            SessionStatus::Processing => SessionStatusBody::Processing,
            SessionStatus::Complete => SessionStatusBody::Complete,
            SessionStatus::Expired => SessionStatusBody::Expired,
        },
        payment_status: match session.status {
            SessionStatus::Complete => SessionPaymentStatus::Paid,
            SessionStatus::Open | SessionStatus::Processing | SessionStatus::Expired => {
                SessionPaymentStatus::Unpaid
            }
        },
        url: format!("{checkout_base}/c/{}", session.id),
        amount: session.amount.minor(),
        currency: session.amount.currency().alpha(),
        capture_method: session.capture_method.into(),
        merchant_reference: session.merchant_reference.clone(),
        lines: session
            .lines
            .iter()
            .map(|line| LineBody {
                name: line.name.clone(),
                quantity: line.quantity,
                unit_amount: line.unit_amount,
            })
            .collect(),
        customer: session.customer.map(|id| id.to_string()),
        success_url: session.success_url.clone(),
        cancel_url: session.cancel_url.clone(),
        locale: session.locale.clone(),
        payment: session.payment.to_string(),
        failed_tries: session.failed_tries,
        order_digest: session.order_digest.clone(),
    }
}
