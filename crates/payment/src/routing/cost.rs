//! What a bank charges the gateway for a payment.

use serde::{Deserialize, Serialize};
use types::{Currency, Money};

/// Parts of a minor unit in which costs are compared: one basis point of one minor unit.
const PARTS: u128 = 10_000;

/// What one bank charges for a payment: a share of its amount and a fixed part. Of several that fit, the first counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// The bank's name in our configuration.
    pub bank: String,
    /// Of cards of this brand; none: of all.
    #[serde(default)]
    pub brand: Option<String>,
    /// Of payments in this currency; none: in all.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Hundredths of a percent of the amount.
    pub bps: u32,
    /// Minor units of `currency`, for each payment.
    #[serde(default)]
    pub fixed: u64,
}

impl Cost {
    pub(super) fn fits(&self, bank: &str, brand: &str, currency: Currency) -> bool {
        self.bank == bank
            && self.brand.as_deref().is_none_or(|of| of == brand)
            && self.currency.is_none_or(|of| of == currency)
    }

    pub(super) fn of(&self, amount: Money) -> Charge {
        let parts = u128::from(amount.minor()) * u128::from(self.bps) + u128::from(self.fixed) * PARTS;
        Charge { parts, currency: amount.currency() }
    }
}

/// An exact cost, in parts of a minor unit: rounded ones would make banks equal that are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Charge {
    pub parts: u128,
    currency: Currency,
}

impl Charge {
    /// Rounded half up to the minor unit, for people; none when it is no amount any more.
    pub fn rounded(self) -> Option<Money> {
        let minor = (self.parts + PARTS / 2) / PARTS;
        Money::new(u64::try_from(minor).ok()?, self.currency).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_exact_where_it_is_compared_and_rounded_where_it_is_shown() {
        let cost = |bps, fixed| {
            let cost =
                Cost { bank: "north".to_owned(), brand: None, currency: Some(Currency::EUR), bps, fixed };
            cost.of(Money::new(12_50, Currency::EUR).unwrap())
        };
        assert_eq!(cost(120, 5).rounded().unwrap().minor(), 20);
        assert_eq!(cost(121, 5).rounded(), cost(120, 5).rounded());
        assert!(cost(121, 5).parts > cost(120, 5).parts);
        assert_eq!(cost(10_000, u64::MAX).rounded(), None);
    }
}
