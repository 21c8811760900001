//! The index of idempotency keys, in memory: key to place. On disk keys only ever go to the end of their day's bucket.

use std::collections::HashMap;

use parking_lot::RwLock;
use rusqlite::Connection;

use super::columns::bytes;
use super::read_error;
use crate::plan::ClaimPlace;
use crate::{Shard, StoreError};

type Part = HashMap<(Shard, [u8; 16]), ClaimPlace>;

/// How many maps there are. A single one would now and then be made anew at twice its size, while everybody waits: 14 to 31 ms at a quarter
/// of a million keys (measured). Of so many, each is small.
const PARTS: usize = 4_096;

/// Shared by the writer, which adds to it after each commit, and the readers.
pub(crate) struct ClaimIndex {
    parts: Vec<RwLock<Part>>,
}

impl ClaimIndex {
    /// Reads every key that is kept.
    pub fn load(connection: &Connection) -> Result<Self, StoreError> {
        let index = Self { parts: (0..PARTS).map(|_| RwLock::default()).collect() };
        let mut select = connection
            .prepare("SELECT shard, day, number, key FROM claim ORDER BY shard, day, number")
            .map_err(read_error)?;
        let mut rows = select.query([]).map_err(read_error)?;
        while let Some(row) = rows.next().map_err(read_error)? {
            let add = || -> rusqlite::Result<()> {
                let place = ClaimPlace { day: row.get(1)?, number: row.get(2)? };
                let name = (Shard(row.get(0)?), bytes(row, 3)?);
                // A key that was claimed again after its time is found at its later place.
                index.part(&name.1).write().insert(name, place);
                Ok(())
            };
            add().map_err(read_error)?;
        }
        Ok(index)
    }

    /// Where a key is kept. Keys are hashes, so any of their bits are as good as others.
    fn part(&self, key: &[u8; 16]) -> &RwLock<Part> {
        &self.parts[usize::from(u16::from_be_bytes([key[0], key[1]])) % PARTS]
    }

    pub fn find(&self, shard: Shard, key: &[u8; 16]) -> Option<ClaimPlace> {
        self.part(key).read().get(&(shard, *key)).copied()
    }

    /// Adds what a batch has claimed and takes out what it has dropped.
    pub fn update(
        &self,
        added: impl Iterator<Item = ((Shard, [u8; 16]), ClaimPlace)>,
        dropped: &[((Shard, [u8; 16]), ClaimPlace)],
    ) {
        for (name, place) in dropped {
            let mut part = self.part(&name.1).write();
            // The key may have been claimed again since.
            if part.get(name) == Some(place) {
                part.remove(name);
            }
        }
        for (name, place) in added {
            self.part(&name.1).write().insert(name, place);
        }
    }
}
