//! OI, the order information: what the merchant sells and the customer buys. The PCS never sees it, only its hash.

use serde::{Deserialize, Serialize};
use types::{Currency, MerchantId, PaymentId};

use crate::canonical::{self, NotCanonical, V1};
use crate::hash::{Digest, ORDER, Salt};
use crate::minor;

/// No order is longer.
const MAX_LEN: usize = 64 * 1024;

/// The order information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderInformation {
    /// Version of the form.
    pub v: V1,
    /// The payment.
    pub payment: PaymentId,
    /// The payee.
    pub merchant: MerchantId,
    /// The merchant's own name for the order.
    pub reference: String,
    /// What is bought.
    pub lines: Vec<Line>,
    /// The whole amount, in minor units.
    #[serde(with = "minor")]
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// Keeps the hash from being searched.
    pub salt: Salt,
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is.
    pub description: String,
    /// How many.
    pub quantity: u32,
    /// The amount of the whole line, in minor units.
    #[serde(with = "minor")]
    pub amount: u64,
}

impl OrderInformation {
    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, NotCanonical> {
        canonical::from_slice(bytes, MAX_LEN)
    }

    /// The canonical form.
    pub fn to_canonical(&self) -> Vec<u8> {
        canonical::to_vec(self)
    }

    /// h(OI): what LINK holds, and what everybody but merchant and customer sees.
    pub fn digest(&self) -> Digest {
        Digest::of(ORDER, &self.to_canonical())
    }
}
