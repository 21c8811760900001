//! The vault of a store: the key file that the store's cards are sealed under, and no other.

use std::path::Path;
use std::sync::Arc;

use store::{CommitError, Refused, RowChange, RowKey, Shard, Store, Table, Unit};
use types::{Clock, Entropy};
use vault::Vault;

use crate::fault::{Fault, Tried as _};

/// The store remembers a keyed hash by which it knows its vault again. It tells nothing of the key.
const CHECK: RowKey = RowKey { table: Table::Setting, owner: 0, id: 1 };
const CHECKED: &str = "the vault of this store";

/// Opens the vault, or makes it for a store that has none yet.
///
/// # Errors
/// The store's cards are sealed under another key, or its key file is missing.
pub async fn open(
    store: &Store,
    key_file: &Path,
    clock: &dyn Clock,
    entropy: Arc<dyn Entropy>,
) -> Result<Arc<Vault>, Fault> {
    let known = known(store).await?;
    if known.is_some() && !key_file.exists() {
        return Err(Fault::plain(format!(
            "{} is missing: it is the key under which this store's cards are sealed; a new one could open none of them",
            key_file.display()
        )));
    }
    let vault = Arc::new(Vault::open_or_create(key_file, entropy).tried("cannot open the vault")?);
    let ours = vault.api_key_hash(CHECKED).to_vec();
    let known = match known {
        Some(known) => known,
        None => remember(store, &ours, clock).await?,
    };
    if known != ours {
        return Err(Fault::plain(format!(
            "{} is not the key under which this store's cards are sealed; all processes of a store need the same file",
            key_file.display()
        )));
    }
    Ok(vault)
}

async fn known(store: &Store) -> Result<Option<Vec<u8>>, Fault> {
    let row = store.get(Shard(0), CHECK).await.tried("cannot read the store")?;
    Ok(row.map(|row| row.body))
}

/// Writes the hash, unless another process has just written its own; returns what stands.
async fn remember(store: &Store, ours: &[u8], clock: &dyn Clock) -> Result<Vec<u8>, Fault> {
    let mut unit = Unit::new(Shard(0), clock.now());
    unit.rows.push(RowChange { key: CHECK, expected: None, body: Some(ours.to_vec().into()) });
    match store.commit(unit).await {
        Ok(_) => Ok(ours.to_vec()),
        Err(CommitError::Refused(Refused::VersionConflict { .. })) => {
            let known = known(store).await?;
            known.ok_or_else(|| Fault::plain("the store has lost the hash of its vault"))
        }
        Err(error) => Err(Fault::new("cannot write to the store", error)),
    }
}

#[cfg(test)]
mod tests {
    use types::SystemClock;
    use vault::SystemEntropy;

    use super::*;

    #[tokio::test]
    async fn a_store_knows_its_vault_again_and_takes_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (engine, reads) = store::Memory::new(1, 7).open();
        let store = Store::inline(engine, reads);
        let open = async |name: &str| {
            let path = dir.path().join(name);
            open(&store, &path, &SystemClock, Arc::new(SystemEntropy))
                .await
                .map(drop)
                .map_err(|fault| fault.to_string())
        };
        open("vault.key").await.unwrap();
        open("vault.key").await.unwrap();
        assert!(open("missing.key").await.unwrap_err().contains("is missing"));
        assert!(
            !dir.path().join("missing.key").exists(),
            "no key is made that could seal what nobody else can open"
        );
        drop(Vault::open_or_create(&dir.path().join("other.key"), Arc::new(SystemEntropy)).unwrap());
        assert!(open("other.key").await.unwrap_err().contains("is not the key"));
    }
}
