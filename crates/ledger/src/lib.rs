//! Chart of accounts, entries and balances of double entry. Pure: what is recorded where is the store's work.
//!
//! Semantics are those of two-phase transfers: every account has four counters (debits and credits, pending and
//! posted); a hold adds to the pending ones, a release takes from them, a post moves money. An entry balances per
//! currency and movement, is never changed, and is corrected only by another entry.

mod account;
mod balance;
mod entry;

pub use account::{AccountCode, AccountError, AccountId, BankName, Class, Owner};
pub use balance::{Balance, BalanceError};
pub use entry::{Entry, EntryError, Leg, Movement, Side};
