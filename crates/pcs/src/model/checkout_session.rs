//! Hosted checkouts.

use payment::CaptureMethod;
use serde::{Deserialize, Serialize};
use types::{CheckoutSessionId, CustomerId, MerchantId, Money, PaymentId, Timestamp};

/// Where a checkout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Waits for the shopper.
    Open,
    /// A payment is on its way; its outcome is not known yet.
    Processing,
    /// Paid, or authorized.
    Complete,
    /// Too late, or ended by the merchant.
    Expired,
}

/// One line of an order, as the shop names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineItem {
    /// What is sold.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Minor units for one.
    pub unit_amount: u64,
}

/// A checkout that a merchant opened for one order. Its order information (OI) is fixed here; its payment's id is
/// reserved here, so that LINK can name it before it exists. A failed try takes a new payment id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutSession {
    /// The session's id.
    pub id: CheckoutSessionId,
    /// Who is paid.
    pub merchant: MerchantId,
    /// The name shoppers see.
    pub merchant_name: String,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it closes.
    pub expires_at: Timestamp,
    /// Where it is.
    pub status: SessionStatus,
    /// How much.
    pub amount: Money,
    /// How it is taken.
    pub capture_method: CaptureMethod,
    /// The merchant's number for the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_reference: Option<String>,
    /// What is bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineItem>,
    /// The merchant's customer, when the shop knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Where the shopper goes after paying.
    pub success_url: String,
    /// Where the shopper goes after giving up.
    pub cancel_url: String,
    /// `en` or `zh-CN`; none follows the browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The id of the payment that the next consent is for.
    pub payment: PaymentId,
    /// How many payments of this session have failed.
    #[serde(default)]
    pub failed_tries: u32,
    /// OI, in canonical JSON; the wallet and the merchant see it, a bank never does.
    pub order_information: String,
    /// SHA-256 of OI with its domain, hex: the merchant's order digest.
    pub order_digest: String,
}
