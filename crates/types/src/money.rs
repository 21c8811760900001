//! Exact, unsigned amounts.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Currency;

/// An exact, unsigned amount. `minor` counts the currency's smallest unit, as ISO 4217 gives it: 1250 EUR is twelve
/// euros fifty, 1250 JPY is 1250 yen. No float, no `Default`, no `+`: direction is a debit or a credit, never a sign.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: u64,
    currency: Currency,
}

/// Two amounts that cannot be joined, or a result that cannot be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are of two currencies.
    #[error("amounts of two currencies, {0} and {1}, cannot be joined")]
    CurrencyMismatch(Currency, Currency),
    /// The result is below zero or above what 63 bits hold.
    #[error("the result is out of range")]
    OutOfRange,
}

impl Money {
    /// The largest amount that one message can carry: ISO 8583 DE 4 has twelve digits.
    pub const MAX_MESSAGE_MINOR: u64 = 999_999_999_999;

    /// `minor` smallest units of `currency`.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] above 63 bits, so that every amount also fits a signed balance.
    pub const fn new(minor: u64, currency: Currency) -> Result<Self, MoneyError> {
        if minor > i64::MAX as u64 { Err(MoneyError::OutOfRange) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The count of smallest units.
    pub const fn minor(self) -> u64 {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError`] when the currencies differ or the sum cannot be held.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?;
        Money::new(minor, self.currency)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError`] when the currencies differ or `other` is larger.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        let minor = self.minor.checked_sub(other.minor).ok_or(MoneyError::OutOfRange)?;
        Ok(Money { minor, currency: self.currency })
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(MoneyError::CurrencyMismatch(self.currency, other.currency))
        }
    }
}

impl fmt::Display for Money {
    /// `12.50 EUR`, `1250 JPY`: decimal point by the currency's exponent, letters always visible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = usize::from(self.currency.exponent());
        let unit = 10u64.pow(exponent as u32);
        if exponent == 0 {
            write!(f, "{} {}", self.minor, self.currency)
        } else {
            write!(f, "{}.{:0exponent$} {}", self.minor / unit, self.minor % unit, self.currency)
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: u64) -> Money {
        Money::new(minor, Currency::EUR).unwrap()
    }

    #[test]
    fn amounts_print_by_the_exponent_of_their_currency() {
        assert_eq!(eur(12_50).to_string(), "12.50 EUR");
        assert_eq!(Money::new(1250, Currency::JPY).unwrap().to_string(), "1250 JPY");
        assert_eq!(Money::new(1250, Currency::KWD).unwrap().to_string(), "1.250 KWD");
    }

    #[test]
    fn nothing_goes_below_zero_or_across_currencies() {
        assert_eq!(eur(1).checked_sub(eur(2)), Err(MoneyError::OutOfRange));
        let yen = Money::new(1, Currency::JPY).unwrap();
        assert_eq!(eur(1).checked_add(yen), Err(MoneyError::CurrencyMismatch(Currency::EUR, Currency::JPY)));
        assert_eq!(Money::new(u64::MAX, Currency::EUR), Err(MoneyError::OutOfRange));
    }
}
