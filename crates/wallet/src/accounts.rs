//! Where wallets are kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use types::WalletId;

use crate::account::Account;
use crate::port::Eventually;

/// The accounts cannot be read or written right now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the wallets' accounts: {0}")]
pub struct AccountsError(pub String);

/// Whether a write took place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is durable.
    Done,
    /// Somebody else was first: read again.
    Stale,
}

/// Keeps accounts. Writes are durable when they return.
pub trait Accounts: Send + Sync {
    /// The account of a wallet.
    fn get(&self, wallet: WalletId) -> Eventually<'_, Result<Option<Account>, AccountsError>>;

    /// Writes an account as its next version: `account.version` is the new one, so 1 must not exist yet.
    fn put(&self, account: Account) -> Eventually<'_, Result<Written, AccountsError>>;
}

/// Accounts in memory, for tests and previews.
#[derive(Debug, Default)]
pub struct MemoryAccounts(Mutex<HashMap<WalletId, Account>>);

impl Accounts for MemoryAccounts {
    fn get(&self, wallet: WalletId) -> Eventually<'_, Result<Option<Account>, AccountsError>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&wallet).cloned();
        Box::pin(async move { Ok(found) })
    }

    fn put(&self, account: Account) -> Eventually<'_, Result<Written, AccountsError>> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = accounts.get(&account.id).map_or(0, |stored| stored.version);
        let written = if stored + 1 == account.version {
            accounts.insert(account.id, account);
            Written::Done
        } else {
            Written::Stale
        };
        Box::pin(async move { Ok(written) })
    }
}
