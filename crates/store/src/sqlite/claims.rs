//! The index of idempotency keys, in memory: key to place. On disk keys only ever go to the end of their day's bucket.

use std::collections::HashMap;

use parking_lot::RwLock;
use rusqlite::Connection;

use super::columns::bytes;
use super::read_error;
use crate::plan::ClaimPlace;
use crate::{Shard, StoreError};

type Index = HashMap<(Shard, [u8; 16]), ClaimPlace>;

/// Shared by the writer, which adds to it after each commit, and the readers.
pub(crate) struct ClaimIndex {
    index: RwLock<Index>,
}

impl ClaimIndex {
    /// Reads every key that is kept.
    pub fn load(connection: &Connection) -> Result<Self, StoreError> {
        let mut index = Index::new();
        let mut select = connection
            .prepare("SELECT shard, day, number, key FROM claim ORDER BY shard, day, number")
            .map_err(read_error)?;
        let mut rows = select.query([]).map_err(read_error)?;
        while let Some(row) = rows.next().map_err(read_error)? {
            let mut add = || -> rusqlite::Result<()> {
                let place = ClaimPlace { day: row.get(1)?, number: row.get(2)? };
                // A key that was claimed again after its time is found at its later place.
                index.insert((Shard(row.get(0)?), bytes(row, 3)?), place);
                Ok(())
            };
            add().map_err(read_error)?;
        }
        Ok(Self { index: RwLock::new(index) })
    }

    pub fn find(&self, shard: Shard, key: &[u8; 16]) -> Option<ClaimPlace> {
        self.index.read().get(&(shard, *key)).copied()
    }

    /// Adds what a batch has claimed and takes out what it has dropped.
    pub fn update(
        &self,
        added: impl Iterator<Item = ((Shard, [u8; 16]), ClaimPlace)>,
        dropped: &[((Shard, [u8; 16]), ClaimPlace)],
    ) {
        let mut index = self.index.write();
        for (key, place) in dropped {
            // The key may have been claimed again since.
            if index.get(key) == Some(place) {
                index.remove(key);
            }
        }
        index.extend(added);
    }
}
