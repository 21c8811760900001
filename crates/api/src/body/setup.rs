//! What merchants set up: customers, cards, webhook endpoints; and the merchant itself.

use std::collections::BTreeMap;

use pcs::model::{Customer, Merchant, MerchantStatus, PaymentMethod, PaymentMethodStatus};
use serde::Serialize;
use types::Timestamp;
use utoipa::ToSchema;

use crate::body::payment::{CardBody, card_body};

/// A customer of a merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Customer)]
pub struct CustomerBody {
    /// The customer's id.
    #[schema(example = "cus_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `customer`.
    #[schema(pattern = "^customer$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// As the merchant gives it.
    pub name: Option<String>,
    /// As the merchant gives it.
    pub email: Option<String>,
    /// The merchant's own data.
    pub metadata: BTreeMap<String, String>,
}

/// A customer as the API shows it.
pub fn customer_body(customer: &Customer, livemode: bool) -> CustomerBody {
    CustomerBody {
        id: customer.id.to_string(),
        object: "customer",
        livemode,
        version: customer.version,
        created: customer.created,
        name: customer.name.clone(),
        email: customer.email.clone(),
        metadata: customer.metadata.clone(),
    }
}

/// Something that was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Deleted)]
pub struct DeletedBody {
    /// Its id.
    pub id: String,
    /// What it was.
    pub object: &'static str,
    /// Always true.
    pub deleted: bool,
}

/// Whether a card can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethodStatusBody {
    /// Can be used again.
    Active,
    /// Given for one payment only.
    SingleUse,
    /// Detached; kept for refunds only.
    Detached,
}

/// A stored card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PaymentMethod)]
pub struct PaymentMethodBody {
    /// The token.
    #[schema(example = "pm_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `payment_method`.
    #[schema(pattern = "^payment_method$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// The customer it belongs to.
    pub customer: Option<String>,
    /// Whether it can be used.
    pub status: PaymentMethodStatusBody,
    /// What may be shown.
    pub card: CardBody,
    /// Equal for equal cards of one merchant.
    pub fingerprint: String,
}

/// A stored card as the API shows it.
pub fn payment_method_body(method: &PaymentMethod, livemode: bool) -> PaymentMethodBody {
    PaymentMethodBody {
        id: method.id.to_string(),
        object: "payment_method",
        livemode,
        created: method.created,
        customer: method.customer.map(|id| id.to_string()),
        status: match method.status {
            PaymentMethodStatus::Active => PaymentMethodStatusBody::Active,
            PaymentMethodStatus::SingleUse => PaymentMethodStatusBody::SingleUse,
            PaymentMethodStatus::Detached => PaymentMethodStatusBody::Detached,
        },
        card: card_body(&method.card),
        fingerprint: method.fingerprint.clone(),
    }
}

/// Whether a merchant may be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MerchantStatusBody {
    /// May be paid.
    Active,
    /// May read and refund, not be paid.
    Suspended,
}

/// What the gateway charges, in minor units of the payment's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FeePlan)]
pub struct FeePlanBody {
    /// Hundredths of a percent of the captured amount.
    #[schema(example = 60)]
    pub bps: u32,
    /// Charged on every capture.
    pub fixed: u64,
    /// The least charged.
    pub min: Option<u64>,
    /// The most charged.
    pub cap: Option<u64>,
}

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Merchant)]
pub struct MerchantBody {
    /// The merchant's id.
    #[schema(example = "mer_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub id: String,
    /// Always `merchant`.
    #[schema(pattern = "^merchant$")]
    pub object: &'static str,
    /// Whether real money moves.
    pub livemode: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// The name shoppers see.
    pub name: String,
    /// Whether it may be paid.
    pub status: MerchantStatusBody,
    /// What the gateway charges.
    pub fee_plan: FeePlanBody,
    /// The least amount of one payment, in minor units of its currency.
    pub min_amount: u64,
    /// The largest amount of one payment, in minor units of its currency.
    pub max_amount: u64,
    /// The currencies it can be paid in.
    #[schema(example = json!(["CNY", "EUR"]))]
    pub currencies: Vec<&'static str>,
    /// Days that an authorization is kept before it is given back.
    pub authorization_days: u32,
    /// Whether it may send card data itself.
    pub sends_card_data: bool,
    /// The largest amount that a chip may approve at its terminals without its bank, in minor units of `offline_currency`; 0:
    /// none.
    pub offline_floor_limit: u64,
    /// The one currency that a chip may approve in; none where there is no floor limit.
    #[schema(example = "CNY")]
    pub offline_currency: Option<&'static str>,
    /// Days within which such a sale must be sent; none where there is no floor limit.
    pub offline_days: Option<u32>,
}

/// A merchant as the API shows it. Its contracts with banks stay inside; what they allow is shown.
pub fn merchant_body(merchant: &Merchant, livemode: bool) -> MerchantBody {
    let mut currencies: Vec<&'static str> = merchant
        .acquirers
        .iter()
        .flat_map(|acquirer| &acquirer.currencies)
        .map(|currency| currency.alpha())
        .collect();
    currencies.sort_unstable();
    currencies.dedup();
    MerchantBody {
        id: merchant.id.to_string(),
        object: "merchant",
        livemode,
        created: merchant.created,
        name: merchant.name.clone(),
        status: match merchant.status {
            MerchantStatus::Active => MerchantStatusBody::Active,
            MerchantStatus::Suspended => MerchantStatusBody::Suspended,
        },
        fee_plan: FeePlanBody {
            bps: merchant.fee_plan.bps,
            fixed: merchant.fee_plan.fixed,
            min: merchant.fee_plan.min,
            cap: merchant.fee_plan.cap,
        },
        min_amount: merchant.limits.min,
        max_amount: merchant.limits.max,
        currencies,
        authorization_days: merchant.authorization_days,
        sends_card_data: merchant.sends_card_data,
        offline_floor_limit: merchant.offline.map_or(0, |offline| offline.floor_limit.minor()),
        offline_currency: merchant.offline.map(|offline| offline.floor_limit.currency().alpha()),
        offline_days: merchant.offline.map(|offline| offline.days),
    }
}
