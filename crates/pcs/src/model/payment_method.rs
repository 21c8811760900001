//! Stored cards, as tokens.

use payment::CardSummary;
use serde::{Deserialize, Serialize};
use types::{CustomerId, MerchantId, PaymentMethodId, Timestamp};

/// Whether a card can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethodStatus {
    /// Can be used again.
    Active,
    /// Given for one payment only (a guest's card): kept for its refunds and reversals.
    SingleUse,
    /// Detached by its owner: kept for refunds and reversals only.
    Detached,
}

/// A stored card. The number itself is sealed by the vault in `sealed`; nothing else here reveals it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentMethod {
    /// The token.
    pub id: PaymentMethodId,
    /// Whose customer's card it is; none for a card of the shopper's own wallet, which pays at any merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<MerchantId>,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was stored.
    pub created: Timestamp,
    /// The customer it belongs to; none for a guest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// What may be shown.
    pub card: CardSummary,
    /// Equal for equal cards of one merchant; a keyed hash, hex.
    pub fingerprint: String,
    /// Whether it can be used.
    pub status: PaymentMethodStatus,
    /// The card, sealed by the vault for this token; base64.
    pub sealed: String,
}
