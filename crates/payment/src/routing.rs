//! Which bank a payment goes to.

use serde::{Deserialize, Serialize};
use types::Currency;

/// A merchant's contract with one bank: its numbers there and what it takes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acquirer {
    /// The bank's name in our configuration.
    pub bank: String,
    /// DE 41, the merchant's terminal at this bank.
    pub terminal: String,
    /// DE 42, the merchant's number at this bank.
    pub acceptor: String,
    /// What it may be paid in there.
    pub currencies: Vec<Currency>,
    /// Card brands taken there; empty takes all.
    #[serde(default)]
    pub brands: Vec<String>,
}

/// Why no bank was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoute {
    /// No contract covers this currency and brand.
    #[error("no bank of this merchant takes this brand in {currency}")]
    NotOffered {
        /// The payment's currency.
        currency: Currency,
    },
    /// Contracts exist, but none of their banks can be reached now.
    #[error("no bank that takes this payment can be reached now")]
    Unreachable,
}

/// Chooses the first contract, in the merchant's order, that takes the brand in the currency at a bank that is up.
///
/// # Errors
/// [`NoRoute`].
pub fn route<'a>(
    acquirers: &'a [Acquirer],
    currency: Currency,
    brand: &str,
    mut is_up: impl FnMut(&str) -> bool,
) -> Result<&'a Acquirer, NoRoute> {
    let mut offered = acquirers
        .iter()
        .filter(|a| a.currencies.contains(&currency))
        .filter(|a| a.brands.is_empty() || a.brands.iter().any(|known| known == brand))
        .peekable();
    if offered.peek().is_none() {
        return Err(NoRoute::NotOffered { currency });
    }
    offered.find(|a| is_up(&a.bank)).ok_or(NoRoute::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(bank: &str, currencies: &[Currency], brands: &[&str]) -> Acquirer {
        Acquirer {
            bank: bank.to_owned(),
            terminal: "00000001".to_owned(),
            acceptor: "000000000000001".to_owned(),
            currencies: currencies.to_vec(),
            brands: brands.iter().map(|&brand| brand.to_owned()).collect(),
        }
    }

    #[test]
    fn the_first_reachable_contract_that_fits_is_taken() {
        let contracts =
            [at("north", &[Currency::CNY], &["unionpay"]), at("south", &[Currency::CNY, Currency::EUR], &[])];
        let to = |currency, brand, up: &[&str]| {
            route(&contracts, currency, brand, |bank| up.contains(&bank)).map(|a| a.bank.clone())
        };
        assert_eq!(to(Currency::CNY, "unionpay", &["north", "south"]), Ok("north".to_owned()));
        assert_eq!(to(Currency::CNY, "unionpay", &["south"]), Ok("south".to_owned()));
        assert_eq!(to(Currency::EUR, "visa", &["north"]), Err(NoRoute::Unreachable));
        assert_eq!(
            to(Currency::JPY, "visa", &["south"]),
            Err(NoRoute::NotOffered { currency: Currency::JPY })
        );
    }
}
