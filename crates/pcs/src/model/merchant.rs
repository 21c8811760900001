//! Merchants and their secret keys.

use payment::{FeePlan, OfflineTerms, limits::Limits, routing::Acquirer};
use serde::{Deserialize, Serialize};
use types::{MerchantId, Timestamp};

/// Whether a merchant may be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatus {
    /// May be paid.
    Active,
    /// May read and refund, not be paid.
    Suspended,
}

/// A merchant: who is paid, at which banks, at which price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merchant {
    /// The merchant's id.
    pub id: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The name shoppers see.
    pub name: String,
    /// Whether it may be paid.
    pub status: MerchantStatus,
    /// What the gateway charges.
    pub fee_plan: FeePlan,
    /// Bounds for one payment.
    pub limits: Limits,
    /// Its contracts with banks, in order of preference.
    pub acquirers: Vec<Acquirer>,
    /// How long an authorization is kept before it is given back.
    pub authorization_days: u32,
    /// It may send card data itself: from terminals, from letters and telephone orders. It is within the scope of PCI DSS
    /// then, so the operator decides it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sends_card_data: bool,
    /// What chips may approve at its terminals without their banks; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineTerms>,
}

/// A secret key, kept as a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Names the key in logs and audit; shows nothing of the secret.
    pub id: String,
    /// Whose key it is.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
