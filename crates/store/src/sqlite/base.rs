//! What the rules ask of the file, through what the writer remembers: it is the only one who changes it.

use std::collections::HashMap;

use ledger::{AccountId, Balance};
use rusqlite::Connection;

use super::claims::ClaimIndex;
use super::queries;
use super::write::{Dropped, Written};
use crate::plan::{Base, Claimed, CountKey, Plan};
use crate::{Claim, Head, RowKey, Shard, StoreError};

/// How many balances or statistics are remembered; then all are forgotten, as no batch needs the old ones again.
const MOST: usize = 200_000;

/// How many rows are remembered: those of payments that wait for their banks, and more.
const MOST_ROWS: usize = 16_000;

/// Versions of rows, and their numbers.
pub(super) type Rows = HashMap<(Shard, RowKey), (u32, i64)>;

/// What the writer remembers of its last commits.
#[derive(Default)]
pub(super) struct Remembered {
    pub heads: HashMap<Shard, Head>,
    /// How many rows each shard has ever had.
    pub objects: HashMap<Shard, u64>,
    rows: Rows,
    /// Claims that have no answer yet: of payments that wait for their banks.
    open_claims: HashMap<(Shard, [u8; 16]), Claimed>,
    balances: HashMap<(Shard, AccountId), Balance>,
    counts: HashMap<(Shard, CountKey), (i64, i64)>,
    next_claims: HashMap<(Shard, i32), u32>,
}

impl Remembered {
    /// After a commit: what is in the file now.
    pub fn update(&mut self, plan: &Plan<'_>, written: Written, dropped: &Dropped) {
        if self.rows.len() > MOST_ROWS {
            self.rows.clear();
        }
        if self.open_claims.len() > MOST_ROWS {
            self.open_claims.clear();
        }
        for name in plan.rows.iter().filter(|(_, row)| row.now.is_none()).map(|(name, _)| name) {
            self.rows.remove(name);
        }
        self.rows.extend(written.rows);
        self.objects.extend(written.objects);
        if self.balances.len() > MOST {
            self.balances.clear();
        }
        if self.counts.len() > MOST {
            self.counts.clear();
        }
        self.heads.extend(plan.heads.iter().map(|(shard, (_, head))| (*shard, *head)));
        self.balances.extend(plan.balances.iter().map(|(name, balance)| (*name, *balance)));
        self.counts.extend(plan.counts.iter().map(|(name, sums)| (*name, *sums)));
        // Days come and go; two or three are in use at a time.
        self.next_claims.retain(|(_, day), _| *day >= plan.today - 2);
        for (&(shard, place), new) in &plan.claims {
            self.next_claims.insert((shard, place.day), place.number.saturating_add(1));
            let Claim { key, digest, subject } = *new.claim;
            // An older claim of the key, whose time is over, must not stand before this one.
            match new.answer {
                None => drop(
                    self.open_claims.insert((shard, key), Claimed { place, digest, subject, answer: None }),
                ),
                Some(_) => drop(self.open_claims.remove(&(shard, key))),
            }
        }
        for (name, place) in dropped {
            if self.open_claims.get(name).is_some_and(|open| open.place == *place) {
                self.open_claims.remove(name);
            }
        }
        for ((shard, _), answer) in &plan.answers {
            self.open_claims.remove(&(*shard, answer.key));
        }
    }
}

/// The file as the writer sees it.
pub(super) struct FileBase<'a> {
    pub connection: &'a Connection,
    pub remembered: &'a Remembered,
    pub claims: &'a ClaimIndex,
    pub shards: u16,
    pub epochs: &'a [u64],
    /// The rows that were asked for and are there.
    pub found: Rows,
}

impl Base for FileBase<'_> {
    fn shards(&self) -> u16 {
        self.shards
    }

    fn head(&mut self, shard: Shard) -> Result<Head, StoreError> {
        let head = match self.remembered.heads.get(&shard) {
            Some(&head) => head,
            None => queries::head(self.connection, shard)?,
        };
        let ours = self.epochs[usize::from(shard.0)];
        if head.epoch != ours {
            return Err(StoreError::Superseded { shard, ours, found: head.epoch });
        }
        Ok(head)
    }

    fn version(&mut self, shard: Shard, key: &RowKey) -> Result<Option<u32>, StoreError> {
        let name = (shard, *key);
        let found = match self.remembered.rows.get(&name) {
            Some(&found) => Some(found),
            None => queries::version(self.connection, shard, key)?,
        };
        if let Some(found) = found {
            self.found.insert(name, found);
        }
        Ok(found.map(|(version, _)| version))
    }

    fn alias(&mut self, shard: Shard, space: u8, key: &[u8; 16]) -> Result<Option<RowKey>, StoreError> {
        queries::alias(self.connection, shard, space, key)
    }

    fn claim(&mut self, shard: Shard, key: &[u8; 16]) -> Result<Option<Claimed>, StoreError> {
        if let Some(open) = self.remembered.open_claims.get(&(shard, *key)) {
            return Ok(Some(open.clone()));
        }
        match self.claims.find(shard, key) {
            Some(place) => queries::claim(self.connection, shard, key, place),
            None => Ok(None),
        }
    }

    fn next_claim(&mut self, shard: Shard, day: i32) -> Result<u32, StoreError> {
        match self.remembered.next_claims.get(&(shard, day)) {
            Some(&number) => Ok(number),
            None => queries::next_claim(self.connection, shard, day),
        }
    }

    fn balance(&mut self, shard: Shard, account: &AccountId) -> Result<Balance, StoreError> {
        match self.remembered.balances.get(&(shard, *account)) {
            Some(&balance) => Ok(balance),
            None => queries::balance(self.connection, shard, account),
        }
    }

    fn count(&mut self, shard: Shard, key: &CountKey) -> Result<(i64, i64), StoreError> {
        match self.remembered.counts.get(&(shard, *key)) {
            Some(&sums) => Ok(sums),
            None => queries::count(self.connection, shard, key),
        }
    }

    fn cursor(&mut self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        queries::cursor(self.connection, shard, consumer)
    }

    fn counter(&mut self, shard: Shard, counter: &[u8; 16]) -> Result<u64, StoreError> {
        queries::counter(self.connection, shard, counter)
    }
}
