//! What a payment is agreed on: the order, the card, the consent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{Money, TerminalId, Timestamp};

use crate::FeePlan;

/// How the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptureMethod {
    /// Consume (sale): one 0200 moves the money.
    Automatic,
    /// Authorize: a 0100 holds it, a capture moves it later.
    Manual,
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
    /// The card was at one of the merchant's terminals.
    Terminal {
        /// Which.
        terminal: TerminalId,
    },
    /// The customer ordered by letter or telephone; the merchant answers for the consent.
    MailOrTelephone,
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
