//! A store whose journal is long: a read of it takes until the test lets it end, and is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ledger::{AccountId, Balance};
use parking_lot::{Condvar, Mutex};
use store::{
    DayCount, DueTask, Head, Known, Listing, Place, Posting, ProjectionSize, RawRecord, Reads, Row, RowKey,
    Shard, Store, StoreError, StoredRecord, Table,
};
use testkit::World;
use types::Timestamp;

/// What the test has of it.
#[derive(Clone, Default)]
pub struct Reading(Arc<State>);

#[derive(Default)]
struct State {
    reads: AtomicUsize,
    stops_next: AtomicBool,
    stopped: Mutex<bool>,
    goes_on: Condvar,
}

impl Reading {
    /// A world over such a store.
    pub async fn world(&self, seed: u64) -> World {
        let reading = self.clone();
        World::over(seed, move |engine, reads| Store::inline(engine, Arc::new(Slow { reads, reading }))).await
    }

    /// How often the journal was read.
    pub fn many(&self) -> usize {
        self.0.reads.load(Ordering::SeqCst)
    }

    /// The next read stands still until [`Reading::go_on`].
    pub fn stop_next(&self) {
        self.0.stops_next.store(true, Ordering::SeqCst);
    }

    pub fn is_stopped(&self) -> bool {
        *self.0.stopped.lock()
    }

    pub fn go_on(&self) {
        *self.0.stopped.lock() = false;
        self.0.goes_on.notify_all();
    }

    fn read(&self) {
        self.0.reads.fetch_add(1, Ordering::SeqCst);
        if self.0.stops_next.swap(false, Ordering::SeqCst) {
            let mut stopped = self.0.stopped.lock();
            *stopped = true;
            while *stopped {
                self.0.goes_on.wait(&mut stopped);
            }
        }
    }
}

struct Slow {
    reads: Arc<dyn Reads>,
    reading: Reading,
}

/// All but the journal goes straight through.
impl Reads for Slow {
    fn shards(&self) -> u16 {
        self.reads.shards()
    }
    fn get(&self, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError> {
        self.reads.get(shard, key)
    }
    fn list(&self, shard: Shard, table: Table, owner: u128, at: Listing) -> Result<Vec<Row>, StoreError> {
        self.reads.list(shard, table, owner, at)
    }
    fn scan(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.reads.scan(shard, table, owner, after, limit)
    }
    fn count_rows(&self, shard: Shard, table: Table) -> Result<u64, StoreError> {
        self.reads.count_rows(shard, table)
    }
    fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError> {
        self.reads.alias(shard, space, key)
    }
    fn idempotency(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError> {
        self.reads.idempotency(shard, key)
    }
    fn tasks(&self, kind: u8, due: Option<Timestamp>, limit: usize) -> Result<Vec<DueTask>, StoreError> {
        self.reads.tasks(kind, due, limit)
    }
    fn head(&self, shard: Shard) -> Result<Head, StoreError> {
        self.reads.head(shard)
    }
    fn raw_journal(&self, shard: Shard, from: u64, limit: usize) -> Result<Vec<RawRecord>, StoreError> {
        self.reading.read();
        self.reads.raw_journal(shard, from, limit)
    }
    fn history(&self, shard: Shard, subject: u128) -> Result<Vec<StoredRecord>, StoreError> {
        self.reads.history(shard, subject)
    }
    fn entries(
        &self,
        shard: Shard,
        account: AccountId,
        after: Place,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        self.reads.entries(shard, account, after, limit)
    }
    fn balance(&self, shard: Shard, account: AccountId) -> Result<Balance, StoreError> {
        self.reads.balance(shard, account)
    }
    fn balances(&self, shard: Shard) -> Result<Vec<(AccountId, Balance)>, StoreError> {
        self.reads.balances(shard)
    }
    fn counts(&self, shard: Shard, owner: u128, from: i32, to: i32) -> Result<Vec<DayCount>, StoreError> {
        self.reads.counts(shard, owner, from, to)
    }
    fn all_counts(&self, shard: Shard) -> Result<Vec<(u128, DayCount)>, StoreError> {
        self.reads.all_counts(shard)
    }
    fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        self.reads.cursor(shard, consumer)
    }
    fn is_projected(&self, record: &StoredRecord) -> Result<bool, StoreError> {
        self.reads.is_projected(record)
    }
    fn projection_size(&self, shard: Shard) -> Result<ProjectionSize, StoreError> {
        self.reads.projection_size(shard)
    }
    fn snapshot(&self) -> Result<Box<dyn Reads>, StoreError> {
        self.reads.snapshot()
    }
}
