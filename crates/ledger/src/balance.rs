//! Balances: four counters an account.

use serde::{Deserialize, Serialize};

use crate::{AccountCode, Leg, Movement, Side};

/// The four counters of an account, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Debits promised.
    pub debits_pending: i64,
    /// Credits promised.
    pub credits_pending: i64,
    /// Debits moved.
    pub debits_posted: i64,
    /// Credits moved.
    pub credits_posted: i64,
}

/// Why a leg cannot be applied. The books stay as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// More is released than was held.
    #[error("more would be released than is held")]
    NegativePending,
    /// The account's limit.
    #[error("the account's debits would exceed its credits")]
    DebitsExceedCredits,
    /// 63 bits are not enough.
    #[error("the balance would pass 63 bits")]
    OutOfRange,
}

impl Balance {
    /// The balance after a leg.
    ///
    /// # Errors
    /// [`BalanceError`].
    pub fn apply(mut self, leg: &Leg) -> Result<Self, BalanceError> {
        let amount = i64::try_from(leg.amount).map_err(|_| BalanceError::OutOfRange)?;
        let (counter, delta) = match (leg.movement, leg.side) {
            (Movement::Hold, Side::Debit) => (&mut self.debits_pending, amount),
            (Movement::Hold, Side::Credit) => (&mut self.credits_pending, amount),
            (Movement::Release, Side::Debit) => (&mut self.debits_pending, -amount),
            (Movement::Release, Side::Credit) => (&mut self.credits_pending, -amount),
            (Movement::Post, Side::Debit) => (&mut self.debits_posted, amount),
            (Movement::Post, Side::Credit) => (&mut self.credits_posted, amount),
        };
        *counter = counter.checked_add(delta).ok_or(BalanceError::OutOfRange)?;
        if *counter < 0 {
            return Err(BalanceError::NegativePending);
        }
        self.check(leg.account.code)
    }

    fn check(self, code: AccountCode) -> Result<Self, BalanceError> {
        let debits = i128::from(self.debits_posted) + i128::from(self.debits_pending);
        if code.debits_must_not_exceed_credits() && debits > i128::from(self.credits_posted) {
            return Err(BalanceError::DebitsExceedCredits);
        }
        Ok(self)
    }

    /// Posted debits less posted credits.
    pub fn net_posted(&self) -> i128 {
        i128::from(self.debits_posted) - i128::from(self.credits_posted)
    }

    /// Pending debits less pending credits.
    pub fn net_pending(&self) -> i128 {
        i128::from(self.debits_pending) - i128::from(self.credits_pending)
    }

    /// The sum of two balances, for accounts that exist once per shard.
    ///
    /// # Errors
    /// [`BalanceError::OutOfRange`].
    pub fn checked_add(self, other: Balance) -> Result<Balance, BalanceError> {
        let add = |a: i64, b: i64| a.checked_add(b).ok_or(BalanceError::OutOfRange);
        Ok(Balance {
            debits_pending: add(self.debits_pending, other.debits_pending)?,
            credits_pending: add(self.credits_pending, other.credits_pending)?,
            debits_posted: add(self.debits_posted, other.debits_posted)?,
            credits_posted: add(self.credits_posted, other.credits_posted)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use types::Currency;

    use super::*;
    use crate::{AccountId, Owner};

    fn leg(side: Side, movement: Movement, amount: u64) -> Leg {
        let account = AccountId { code: AccountCode::FeeIncome, owner: Owner::None, currency: Currency::CNY };
        Leg { account, side, movement, amount }
    }

    #[test]
    fn a_hold_is_released_at_most_once() {
        let held = Balance::default().apply(&leg(Side::Debit, Movement::Hold, 10)).unwrap();
        let released = held.apply(&leg(Side::Debit, Movement::Release, 10)).unwrap();
        assert_eq!(released, Balance::default());
        assert_eq!(
            released.apply(&leg(Side::Debit, Movement::Release, 1)),
            Err(BalanceError::NegativePending)
        );
    }

    #[test]
    fn a_balance_never_wraps() {
        let full = Balance { credits_posted: i64::MAX, ..Balance::default() };
        assert_eq!(full.apply(&leg(Side::Credit, Movement::Post, 1)), Err(BalanceError::OutOfRange));
    }
}
