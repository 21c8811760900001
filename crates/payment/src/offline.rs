//! Whether a sale that a chip approved offline is one that the gateway tells a bank of.

use card::OfflineApproval;
use serde::{Deserialize, Serialize};
use types::{Currency, Money, Timestamp};

use crate::CaptureMethod;

const DAY_MS: i64 = 86_400_000;

/// Days within which an offline sale is told, where the operator says nothing else, and the most that he may say: for so long a store
/// remembers its idempotency key. A terminal that sends the same sale later would have made a second payment of it.
pub const DAYS: u32 = 7;

/// What a merchant's terminals may approve by themselves: the operator decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfflineTerms {
    /// The largest amount of one sale; sales in other currencies are not approved offline.
    pub floor_limit: Money,
    /// Days within which it must be told.
    pub days: u32,
}

impl OfflineTerms {
    /// Whether an operator may set them.
    ///
    /// # Errors
    /// [`DaysOutOfRange`].
    pub fn check(self) -> Result<(), DaysOutOfRange> {
        if (1..=DAYS).contains(&self.days) { Ok(()) } else { Err(DaysOutOfRange) }
    }
}

/// So many days nobody may give a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be from 1 to {DAYS}: for {DAYS} days the gateway knows a sale that is sent again by its idempotency key"
)]
pub struct DaysOutOfRange;

/// Why an offline sale is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfflineError {
    /// The operator has not allowed any.
    #[error("this merchant's terminals may not approve sales offline; the operator sets its floor limit")]
    NotAllowed,
    /// What is only held is decided by its bank.
    #[error("must be automatic: what a chip has approved offline is a sale")]
    NotASale,
    /// More than a terminal may decide.
    #[error(
        "must not be above the floor limit of {} minor units of {} for offline sales",
        .floor_limit.minor(),
        .floor_limit.currency()
    )]
    AboveFloor {
        /// The most.
        floor_limit: Money,
    },
    /// A limit says nothing about another currency.
    #[error("must be {currency} beside offline: the floor limit for offline sales is in that currency")]
    OtherCurrency {
        /// The floor limit's.
        currency: Currency,
    },
    /// It has not happened yet.
    #[error("must not be in the future: the sale has happened")]
    InFuture,
    /// The bank would not take it any more.
    #[error("must not be more than {days} days ago")]
    TooOld {
        /// The most.
        days: u32,
    },
}

/// Whether a merchant with these terms may have such a sale told now.
///
/// # Errors
/// [`OfflineError`].
pub fn check(
    terms: Option<OfflineTerms>,
    (amount, method): (Money, CaptureMethod),
    offline: &OfflineApproval,
    now: Timestamp,
) -> Result<(), OfflineError> {
    let Some(OfflineTerms { floor_limit, days }) = terms.filter(|terms| !terms.floor_limit.is_zero()) else {
        return Err(OfflineError::NotAllowed);
    };
    if method != CaptureMethod::Automatic {
        return Err(OfflineError::NotASale);
    }
    if amount.currency() != floor_limit.currency() {
        return Err(OfflineError::OtherCurrency { currency: floor_limit.currency() });
    }
    if amount.minor() > floor_limit.minor() {
        return Err(OfflineError::AboveFloor { floor_limit });
    }
    // Terms that are older than this bound are held to it too.
    let days = days.min(DAYS);
    let age_ms = now.ms_since(offline.approved_at);
    if age_ms < 0 {
        Err(OfflineError::InFuture)
    } else if age_ms > i64::from(days) * DAY_MS {
        Err(OfflineError::TooOld { days })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_000);

    fn cny(fen: u64) -> Money {
        Money::new(fen, Currency::CNY).unwrap()
    }

    fn said(terms: Option<OfflineTerms>, minor: u64, ago_ms: i64) -> Option<OfflineError> {
        let offline = OfflineApproval { approved_at: NOW.plus_ms(-ago_ms), authorization_code: None };
        let sale = (cny(minor), CaptureMethod::Automatic);
        check(terms, sale, &offline, NOW).err()
    }

    #[test]
    fn a_sale_within_floor_and_days_is_told_and_no_other() {
        let terms = Some(OfflineTerms { floor_limit: cny(50_00), days: 3 });
        assert_eq!(said(terms, 50_00, 0), None);
        assert_eq!(said(terms, 50_00, 3 * DAY_MS), None);
        assert_eq!(said(terms, 50_00, 3 * DAY_MS + 1), Some(OfflineError::TooOld { days: 3 }));
        assert_eq!(said(terms, 50_00, -1), Some(OfflineError::InFuture));
        let above = OfflineError::AboveFloor { floor_limit: cny(50_00) };
        assert_eq!(said(terms, 50_01, 0), Some(above));
        for none in [None, Some(OfflineTerms { floor_limit: cny(0), days: 3 })] {
            assert_eq!(said(none, 1, 0), Some(OfflineError::NotAllowed));
        }
    }

    #[test]
    fn a_limit_in_one_currency_allows_nothing_in_another() {
        let terms = Some(OfflineTerms { floor_limit: cny(50_00), days: 3 });
        let offline = OfflineApproval { approved_at: NOW, authorization_code: None };
        let yen = (Money::new(1, Currency::JPY).unwrap(), CaptureMethod::Automatic);
        let refused = OfflineError::OtherCurrency { currency: Currency::CNY };
        assert_eq!(check(terms, yen, &offline, NOW), Err(refused));
    }

    #[test]
    fn nobody_may_give_more_days_than_a_key_is_remembered() {
        for days in 0..=40 {
            let terms = OfflineTerms { floor_limit: cny(50_00), days };
            assert_eq!(terms.check().is_ok(), (1..=DAYS).contains(&days), "{days}");
        }
        let terms = Some(OfflineTerms { floor_limit: cny(50_00), days: 30 });
        assert_eq!(said(terms, 50_00, i64::from(DAYS) * DAY_MS), None);
        assert_eq!(
            said(terms, 50_00, i64::from(DAYS) * DAY_MS + 1),
            Some(OfflineError::TooOld { days: DAYS })
        );
    }

    #[test]
    fn what_is_only_held_is_not_decided_by_a_terminal() {
        let terms = Some(OfflineTerms { floor_limit: cny(50_00), days: 3 });
        let offline = OfflineApproval { approved_at: NOW, authorization_code: None };
        let hold = (cny(1), CaptureMethod::Manual);
        assert_eq!(check(terms, hold, &offline, NOW), Err(OfflineError::NotASale));
    }
}
