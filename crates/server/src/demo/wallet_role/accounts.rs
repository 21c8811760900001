//! Wallets in the store.

use std::sync::Arc;

use store::{CommitError, Refused, RowChange, RowKey, Shard, Store, Table, Unit};
use types::{Clock, WalletId};
use wallet::{Account, Accounts, AccountsError, Eventually, Written};

/// Keeps wallets as rows of the gateway's own shard. They hold personal data, so nothing of them enters the journal.
pub struct StoreAccounts {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
}

impl Accounts for StoreAccounts {
    fn get(&self, wallet: WalletId) -> Eventually<'_, Result<Option<Account>, AccountsError>> {
        Box::pin(async move {
            let row = self.store.get(Shard(0), key(wallet)).await.map_err(failed)?;
            row.map(|row| serde_json::from_slice(&row.body).map_err(failed)).transpose()
        })
    }

    fn put(&self, account: Account) -> Eventually<'_, Result<Written, AccountsError>> {
        Box::pin(async move {
            let mut unit = Unit::new(Shard(0), self.clock.now());
            let body = serde_json::to_vec(&account).map_err(failed)?;
            let expected = account.version.checked_sub(1).filter(|&before| before > 0);
            unit.rows.push(RowChange { key: key(account.id), expected, body: Some(body.into()) });
            match self.store.commit(unit).await {
                Ok(_) => Ok(Written::Done),
                Err(CommitError::Refused(Refused::VersionConflict { .. })) => Ok(Written::Stale),
                Err(error) => Err(failed(error)),
            }
        })
    }
}

fn key(wallet: WalletId) -> RowKey {
    RowKey { table: Table::Wallet, owner: 0, id: wallet.to_u128() }
}

fn failed(error: impl std::fmt::Display) -> AccountsError {
    AccountsError(error.to_string())
}
