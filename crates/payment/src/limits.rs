//! What a merchant may charge.

use serde::{Deserialize, Serialize};
use types::{Currency, Money};

/// A merchant's bounds for one payment, in minor units of the payment's own currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The least.
    pub min: u64,
    /// The most; never above what ISO 8583 DE 4 can carry.
    pub max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min: 1, max: Money::MAX_MESSAGE_MINOR }
    }
}

/// An amount outside the merchant's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Below the least.
    #[error("the amount is below the least of {min} minor units of {currency}")]
    TooSmall {
        /// The least.
        min: u64,
        /// Of this currency.
        currency: Currency,
    },
    /// Above the most.
    #[error("the amount is above the most of {max} minor units of {currency}")]
    TooLarge {
        /// The most.
        max: u64,
        /// Of this currency.
        currency: Currency,
    },
}

impl Limits {
    /// Checks an amount.
    ///
    /// # Errors
    /// [`LimitError`] names the bound.
    pub fn check(&self, amount: Money) -> Result<(), LimitError> {
        let (min, max) = (self.min.max(1), self.max.min(Money::MAX_MESSAGE_MINOR));
        if amount.minor() < min {
            Err(LimitError::TooSmall { min, currency: amount.currency() })
        } else if amount.minor() > max {
            Err(LimitError::TooLarge { max, currency: amount.currency() })
        } else {
            Ok(())
        }
    }
}
