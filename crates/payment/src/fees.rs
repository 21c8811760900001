//! What the gateway charges a merchant for a captured payment.

use serde::{Deserialize, Serialize};
use types::{Money, MoneyError};

/// A merchant's price: basis points of the captured amount plus a fixed part, not below `min`, not above `cap`. All
/// amounts are minor units of the payment's own currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeePlan {
    /// Hundredths of a percent: 60 is 0.60 %.
    pub bps: u32,
    /// Charged on every capture.
    #[serde(default)]
    pub fixed: u64,
    /// The least charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u64>,
    /// The most charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<u64>,
}

impl FeePlan {
    /// The fee on a captured amount. The percentage is rounded half up to a whole minor unit *before* the fixed part is
    /// added; then the minimum and the cap are applied; and a fee never exceeds the amount it is charged on.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] when the sum cannot be held.
    pub fn fee_on(&self, captured: Money) -> Result<Money, MoneyError> {
        let share = (u128::from(captured.minor()) * u128::from(self.bps) + 5_000) / 10_000;
        let fee = share.saturating_add(u128::from(self.fixed));
        let fee = fee.max(u128::from(self.min.unwrap_or(0)));
        let fee = fee.min(u128::from(self.cap.unwrap_or(u64::MAX))).min(u128::from(captured.minor()));
        Money::new(u64::try_from(fee).map_err(|_| MoneyError::OutOfRange)?, captured.currency())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use types::Currency;

    use super::*;

    fn fee(plan: FeePlan, minor: u64) -> u64 {
        plan.fee_on(Money::new(minor, Currency::CNY).unwrap()).unwrap().minor()
    }

    #[test]
    fn a_percentage_is_rounded_half_up_before_the_fixed_part() {
        let plan = FeePlan { bps: 60, fixed: 0, min: None, cap: None };
        assert_eq!(fee(plan, 100_00), 60);
        assert_eq!(fee(plan, 83), 0); // 0.498
        assert_eq!(fee(plan, 84), 1); // 0.504
        assert_eq!(fee(plan, 250), 2); // 1.5 rounds up
        assert_eq!(fee(FeePlan { fixed: 30, ..plan }, 250), 32);
    }

    #[test]
    fn minimum_and_cap_bound_the_fee_and_the_amount_bounds_both() {
        let plan = FeePlan { bps: 60, fixed: 0, min: Some(10), cap: Some(13_00) };
        assert_eq!(fee(plan, 100), 10);
        assert_eq!(fee(plan, 10_000_000_00), 13_00);
        assert_eq!(fee(plan, 7), 7);
    }

    proptest! {
        #[test]
        fn a_fee_never_exceeds_its_amount(bps in 0u32..20_000, fixed in 0u64..1_000_000, min: Option<u32>, cap: Option<u32>, minor in 0u64..=Money::MAX_MESSAGE_MINOR) {
            let plan = FeePlan { bps, fixed, min: min.map(u64::from), cap: cap.map(u64::from) };
            prop_assert!(fee(plan, minor) <= minor);
        }
    }
}
