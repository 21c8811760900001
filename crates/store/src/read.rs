//! Reads. What has been acknowledged is seen; what has not been committed never is.

use ledger::{AccountId, Balance, Movement, Side};
use types::{Currency, Timestamp};

use crate::journal::{Hash, StoredRecord};
use crate::{Answer, RecordKind, RowKey, Shard, StoreError, Table};

/// A current row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub key: RowKey,
    /// How often it was written.
    pub version: u32,
    /// What it says.
    pub body: Vec<u8>,
}

/// Which part of a list: rows are given newest (highest number) first, whichever way one pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Only rows older than the one with this number.
    pub after: Option<u128>,
    /// Only rows newer than the one with this number, the nearest of them.
    pub before: Option<u128>,
    /// At most so many.
    pub limit: usize,
}

/// What is known of an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Digest of the request that claimed it.
    pub digest: [u8; 32],
    /// The object that request is about.
    pub subject: u128,
    /// Its answer, once there is one.
    pub answer: Option<Answer>,
}

/// A durable to-do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueTask {
    /// Where.
    pub shard: Shard,
    /// Which kind.
    pub kind: u8,
    /// What it is about.
    pub id: u128,
    /// When.
    pub due: Timestamp,
    /// What it says.
    pub body: Vec<u8>,
}

/// A leg on its account's statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The journal record.
    pub seq: u64,
    /// Its place among the record's legs, from 0.
    pub leg: u16,
    /// When it was decided.
    pub at: Timestamp,
    /// What the record is about.
    pub kind: RecordKind,
    /// The object whose history it belongs to.
    pub subject: u128,
    /// The side.
    pub side: Side,
    /// What happened.
    pub movement: Movement,
    /// Minor units.
    pub amount: u64,
    /// The account of this shard after it.
    pub balance: Balance,
}

/// A place on an account's statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The journal record.
    pub seq: u64,
    /// The leg.
    pub leg: u16,
}

/// A statistic of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayCount {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// Of the amount.
    pub currency: Currency,
    /// What is counted.
    pub metric: u16,
    /// How many.
    pub count: i64,
    /// Minor units.
    pub amount: i64,
}

/// The end of a shard's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Grows each time a process takes the shard over.
    pub epoch: u64,
    /// The last record; 0 for none.
    pub seq: u64,
    /// Its link of the chain.
    pub hash: Hash,
}

/// A record as bytes, with its link: what `verify` and exports read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// Its place.
    pub seq: u64,
    /// The canonical bytes.
    pub record: Vec<u8>,
    /// Its link of the chain.
    pub hash: Hash,
}

/// What is kept for statements and histories, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectionSize {
    /// Lines of histories.
    pub histories: u64,
    /// Lines of statements.
    pub postings: u64,
}

/// All reads of an engine. They block for as long as the disk takes.
#[allow(clippy::missing_errors_doc)] // Each: [`StoreError::Read`] or [`StoreError::Damaged`].
pub trait Reads: Send + Sync {
    /// Whether reads never wait for a disk, so that they need no thread of their own.
    fn in_memory(&self) -> bool {
        false
    }
    /// Whether each read goes over the network, so that even a small one would hold up the caller's thread.
    fn is_remote(&self) -> bool {
        false
    }
    /// How many shards there are.
    fn shards(&self) -> u16;
    /// A row.
    fn get(&self, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError>;
    /// Rows of an owner, newest first.
    fn list(&self, shard: Shard, table: Table, owner: u128, listing: Listing)
    -> Result<Vec<Row>, StoreError>;
    /// Rows of an owner with higher numbers than `after`, oldest first.
    fn scan(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;
    /// How many rows a table has, whether or not a list names them.
    fn count_rows(&self, shard: Shard, table: Table) -> Result<u64, StoreError>;
    /// Where a second key leads.
    fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError>;
    /// What is known of an idempotency key.
    fn idempotency(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError>;
    /// To-dos of a kind in all shards that are due at `due` or before (none: all), the earliest first.
    fn tasks(&self, kind: u8, due: Option<Timestamp>, limit: usize) -> Result<Vec<DueTask>, StoreError>;
    /// The end of the journal.
    fn head(&self, shard: Shard) -> Result<Head, StoreError>;
    /// Records from `from` on, in their order, as bytes.
    fn raw_journal(&self, shard: Shard, from: u64, limit: usize) -> Result<Vec<RawRecord>, StoreError>;
    /// Records about an object, oldest first.
    fn history(&self, shard: Shard, subject: u128) -> Result<Vec<StoredRecord>, StoreError>;
    /// An account's statement in one shard, oldest first, after a place.
    fn entries(
        &self,
        shard: Shard,
        account: AccountId,
        after: Place,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError>;
    /// An account's balance in one shard.
    fn balance(&self, shard: Shard, account: AccountId) -> Result<Balance, StoreError>;
    /// Every account of a shard.
    fn balances(&self, shard: Shard) -> Result<Vec<(AccountId, Balance)>, StoreError>;
    /// Statistics of an owner in one shard, both days included, in the order of day, currency and metric.
    fn counts(&self, shard: Shard, owner: u128, from: i32, to: i32) -> Result<Vec<DayCount>, StoreError>;
    /// Every statistic of a shard, with its owner.
    fn all_counts(&self, shard: Shard) -> Result<Vec<(u128, DayCount)>, StoreError>;
    /// A consumer's place; 0 before its first move.
    fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError>;
    /// Whether the record's lines in histories and statements are as they should be.
    fn is_projected(&self, record: &StoredRecord) -> Result<bool, StoreError>;
    /// How many lines histories and statements have.
    fn projection_size(&self, shard: Shard) -> Result<ProjectionSize, StoreError>;
    /// The store as it is now, unmoved by commits, for checks that take long.
    fn snapshot(&self) -> Result<Box<dyn Reads>, StoreError>;

    /// Records from `from` on, in their order.
    fn journal(&self, shard: Shard, from: u64, limit: usize) -> Result<Vec<StoredRecord>, StoreError> {
        self.raw_journal(shard, from, limit)?.iter().map(|raw| decode(&raw.record)).collect()
    }
}

pub(crate) fn decode(record: &[u8]) -> Result<StoredRecord, StoreError> {
    StoredRecord::decode(record).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The numbers between two, both left out; none when there are none.
pub(crate) fn between(after: Option<u128>, before: Option<u128>) -> Option<(u128, u128)> {
    let low = before.map_or(Some(0), |before| before.checked_add(1))?;
    let high = after.map_or(Some(u128::MAX), |after| after.checked_sub(1))?;
    (low <= high).then_some((low, high))
}
