//! What wallet and PCS say to each other: `/wallet/v1/…` over mutual TLS, each request signed (RFC 9421).
//!
//! | request                                    | body                  | answer            |
//! |--------------------------------------------|-----------------------|-------------------|
//! | `GET /wallet/v1/checkout_sessions/{id}`    |                       | [`Session`]       |
//! | `POST /wallet/v1/instructions`             | [`NewInstruction`]    | [`PaymentResult`] |
//! | `GET /wallet/v1/payments/{id}`             |                       | [`PaymentResult`] |
//! | `POST /wallet/v1/payment_methods`          | [`NewPaymentMethod`]  | [`StoredCard`]    |
//!
//! A refusal is a problem document (RFC 9457) with the `code` of the API. A declined payment is a 200: the question was
//! answered. Both sides share these types, so neither can drift.

use order::Instruction;
use payment::CaptureMethod;
use serde::{Deserialize, Serialize};
use types::{
    CheckoutSessionId, Currency, CustomerId, MerchantId, Money, PaymentId, PaymentMethodId, Timestamp,
};

/// The `tag` of the wallet's HTTP message signatures (RFC 9421 section 2.3).
pub const SIGNATURE_TAG: &str = "lian-wallet-v1";

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

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Minor units for one.
    pub unit_amount: u64,
}

/// A checkout session as its wallet sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The session.
    pub id: CheckoutSessionId,
    /// Where it is.
    pub status: SessionStatus,
    /// The payment that is on its way or was made; while the session is open, the one that the next consent is for.
    pub payment: PaymentId,
    /// Who is paid.
    pub merchant: MerchantId,
    /// The name shoppers see.
    pub merchant_name: String,
    /// Minor units.
    pub amount: u64,
    /// Of this currency.
    pub currency: Currency,
    /// Consume, or authorize.
    pub capture_method: CaptureMethod,
    /// The merchant's number for the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_reference: Option<String>,
    /// What is bought.
    #[serde(default)]
    pub lines: Vec<Line>,
    /// OI, in canonical JSON.
    pub order_information: String,
    /// The certificate of the PCS's key that opens instructions, DER as base64url. Believed only under the node CA.
    #[serde(with = "pki::b64::bytes")]
    pub recipient_certificate: Vec<u8>,
    /// The brands that the merchant's banks take, by their codes (`unionpay`, `visa`, …).
    pub accepted_brands: Vec<String>,
    /// When it closes.
    pub expires_at: Timestamp,
    /// Where the shopper goes after paying.
    pub success_url: String,
    /// Where the shopper goes after giving up.
    pub cancel_url: String,
    /// The language that the merchant asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether real money moves.
    pub livemode: bool,
}

impl Session {
    /// The amount with its currency; nothing when it is out of range, which no PCS of ours sends.
    pub fn money(&self) -> Option<Money> {
        Money::new(self.amount, self.currency).ok()
    }
}

/// A consent to act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInstruction {
    /// The session that it is for.
    pub session: CheckoutSessionId,
    /// LINK, evidence, witness and the sealed payment instruction.
    pub instruction: Instruction,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money has moved.
    Paid,
    /// The money is held.
    Authorized,
    /// Nothing was taken, and nothing will be: the bank said no, or was never asked.
    Declined,
    /// Nothing is taken any more: undone, voided or expired.
    Canceled,
    /// The bank still has time to answer.
    Processing,
    /// The bank was silent: the outcome is unknown and is being driven to certainty.
    InDoubt,
}

impl Outcome {
    /// Whether the outcome is still to come.
    pub const fn pending(self) -> bool {
        matches!(self, Self::Processing | Self::InDoubt)
    }
}

/// What may be shown of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardFace {
    /// The brand's code.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
}

/// Why nothing was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decline {
    /// `insufficient_funds`, `host_unavailable`, …
    pub code: String,
    /// What the payer can do: `try_another_card`, …
    pub advice: String,
}

/// How the customer consented, as the PCS verified it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentKind {
    /// With a passkey.
    Passkey,
    /// As a guest.
    Guest,
}

/// A payment as its wallet sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentResult {
    /// The payment.
    pub payment: PaymentId,
    /// The session that it belongs to.
    pub session: CheckoutSessionId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why nothing was taken, when it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
    /// Whether a canceled payment was undone because the bank was silent.
    #[serde(default)]
    pub undone: bool,
    /// The card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardFace>,
    /// The bank's approval (DE 38).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval_code: Option<String>,
    /// How the customer consented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentKind>,
    /// When it came to be as it is.
    pub at: Timestamp,
}

/// A card to keep for a wallet. The envelope is that of a payment instruction for `payment`, which has been made, without
/// the security code; no LINK holds its hash, so nothing can be paid with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPaymentMethod {
    /// The payment that the card was just used for.
    pub payment: PaymentId,
    /// The customer, as its certificate names it: the only one whose passkeys may pay with this card.
    pub holder: CustomerId,
    /// The card, sealed to the PCS.
    pub envelope: String,
}

/// A kept card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredCard {
    /// Its token.
    pub payment_method: PaymentMethodId,
    /// The brand's code.
    pub brand: String,
    /// The last four digits.
    pub last4: String,
    /// Month of expiry, 1 to 12.
    pub exp_month: u8,
    /// Year of expiry, four digits.
    pub exp_year: u16,
}
