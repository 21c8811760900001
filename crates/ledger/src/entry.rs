//! Entries: legs that balance.

use serde::{Deserialize, Serialize};
use types::Currency;

use crate::AccountId;

/// The side of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Side {
    /// Left.
    Debit = 0,
    /// Right.
    Credit = 1,
}

/// What a leg does to its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Movement {
    /// Adds to the pending counter: promised, not moved.
    Hold = 0,
    /// Takes from the pending counter: the promise is over.
    Release = 1,
    /// Adds to the posted counter: moved.
    Post = 2,
}

/// One line of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Which account.
    pub account: AccountId,
    /// Which side of it.
    pub side: Side,
    /// What happens.
    pub movement: Movement,
    /// Minor units, never zero.
    pub amount: u64,
}

/// Legs that balance: per currency and movement, debits equal credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Entry {
    legs: Vec<Leg>,
}

/// Why legs are not an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// An entry says something.
    #[error("an entry needs at least two legs")]
    Empty,
    /// A leg of nothing.
    #[error("a leg's amount must be above zero and fit 63 bits")]
    Amount,
    /// Debits and credits differ.
    #[error("debits and credits of {movement:?} in {currency} differ by {difference} minor units")]
    Unbalanced {
        /// In this currency.
        currency: Currency,
        /// Of this kind.
        movement: Movement,
        /// Debits less credits.
        difference: i128,
    },
    /// The account's owner cannot be named.
    #[error("the account's owner is not known")]
    UnknownOwner,
}

impl Entry {
    /// The only way to make an entry.
    ///
    /// # Errors
    /// [`EntryError`] names the first rule that is broken.
    pub fn new(legs: Vec<Leg>) -> Result<Self, EntryError> {
        if legs.len() < 2 {
            return Err(EntryError::Empty);
        }
        if legs.iter().any(|leg| leg.amount == 0 || leg.amount > i64::MAX as u64) {
            return Err(EntryError::Amount);
        }
        for leg in &legs {
            let (currency, movement) = (leg.account.currency, leg.movement);
            let difference: i128 = legs
                .iter()
                .filter(|other| (other.account.currency, other.movement) == (currency, movement))
                .map(|other| match other.side {
                    Side::Debit => i128::from(other.amount),
                    Side::Credit => -i128::from(other.amount),
                })
                .sum();
            if difference != 0 {
                return Err(EntryError::Unbalanced { currency, movement, difference });
            }
        }
        Ok(Self { legs })
    }

    /// The legs, in the order they were given.
    pub fn legs(&self) -> &[Leg] {
        &self.legs
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Entry::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{AccountCode, Owner};

    fn leg(currency: Currency, side: Side, movement: Movement, amount: u64) -> Leg {
        Leg {
            account: AccountId { code: AccountCode::FeeIncome, owner: Owner::None, currency },
            side,
            movement,
            amount,
        }
    }

    #[test]
    fn an_entry_balances_per_currency_and_per_movement() {
        let (cny, eur) = (Currency::CNY, Currency::EUR);
        let post = |currency, side, amount| leg(currency, side, Movement::Post, amount);
        assert!(
            Entry::new(vec![
                post(cny, Side::Debit, 3),
                post(cny, Side::Credit, 2),
                post(cny, Side::Credit, 1)
            ])
            .is_ok()
        );
        let across = Entry::new(vec![post(cny, Side::Debit, 3), post(eur, Side::Credit, 3)]);
        assert_eq!(
            across,
            Err(EntryError::Unbalanced { currency: cny, movement: Movement::Post, difference: 3 })
        );
        let mixed = Entry::new(vec![post(cny, Side::Debit, 3), leg(cny, Side::Credit, Movement::Hold, 3)]);
        assert!(matches!(mixed, Err(EntryError::Unbalanced { .. })));
        assert_eq!(Entry::new(vec![]), Err(EntryError::Empty));
        assert_eq!(
            Entry::new(vec![post(cny, Side::Debit, 0), post(cny, Side::Credit, 0)]),
            Err(EntryError::Amount)
        );
    }

    #[test]
    fn an_unbalanced_entry_cannot_be_read_back_either() {
        let good = Entry::new(vec![
            leg(Currency::CNY, Side::Debit, Movement::Post, 5),
            leg(Currency::CNY, Side::Credit, Movement::Post, 5),
        ]);
        let json = serde_json::to_string(&good.unwrap()).unwrap();
        assert!(serde_json::from_str::<Entry>(&json).is_ok());
        assert!(serde_json::from_str::<Entry>(&json.replacen('5', "6", 1)).is_err());
    }

    proptest! {
        #[test]
        fn no_unbalanced_legs_ever_become_an_entry(amounts in prop::collection::vec((any::<bool>(), 1u64..1_000), 2..8)) {
            let legs: Vec<Leg> = amounts
                .iter()
                .map(|&(debit, amount)| leg(Currency::CNY, if debit { Side::Debit } else { Side::Credit }, Movement::Post, amount))
                .collect();
            let sum: i64 = amounts.iter().map(|&(debit, amount)| if debit { amount as i64 } else { -(amount as i64) }).sum();
            prop_assert_eq!(Entry::new(legs).is_ok(), sum == 0);
        }
    }
}
