//! Readers, each on a connection of its own, so that they never wait for the writer nor it for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ledger::{AccountId, Balance};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use types::Timestamp;

use super::claims::ClaimIndex;
use super::columns::u128_at;
use super::lists::{self, Order};
use super::projections::{self, Projections};
use super::{open, queries, read_error};
use crate::read::{between, decode};
use crate::{
    DayCount, DueTask, Head, Known, Listing, Place, Posting, ProjectionSize, RawRecord, Reads, Row, RowKey,
    Shard, StoreError, StoredRecord, Table,
};

/// How many idle connections are kept.
const IDLE: usize = 8;

/// Connections that nobody reads with right now.
pub(super) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub fn new(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), idle: Mutex::default() })
    }
}

enum Source {
    /// Each read sees the newest commit.
    Newest,
    /// All reads see one moment.
    Moment(Box<Mutex<Connection>>),
}

pub(super) struct SqliteReads {
    source: Source,
    pool: Arc<Pool>,
    claims: Arc<ClaimIndex>,
    projections: Arc<Projections>,
    shards: u16,
}

impl SqliteReads {
    pub fn new(pool: Arc<Pool>, claims: Arc<ClaimIndex>, projections: Arc<Projections>, shards: u16) -> Self {
        Self { source: Source::Newest, pool, claims, projections, shards }
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let pool = match &self.source {
            Source::Moment(connection) => return read(&connection.lock()),
            Source::Newest => &self.pool,
        };
        let idle = pool.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open::reader(&pool.path)?,
        };
        let result = read(&connection);
        let mut idle = pool.idle.lock();
        // A connection that saw an error is not trusted again.
        if result.is_ok() && idle.len() < IDLE {
            idle.push(connection);
        }
        result
    }

    /// Lists what has come since, then reads lists.
    fn listed<T>(
        &self,
        shard: Shard,
        read: impl FnOnce(&Connection, &Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|store| self.projections.listed(store, shard, |lines| read(store, lines)))
    }

    /// Folds what is missing, then reads lines up to the head that is seen.
    fn folded<T>(
        &self,
        shard: Shard,
        read: impl FnOnce(&Connection, &Connection, u64) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.with(|store| {
            let head = queries::head(store, shard)?.seq;
            self.projections.read(store, shard, |lines| read(store, lines, head))
        })
    }
}

/// Rows of an owner, one after the other as they are listed, those that are still there.
fn rows(
    store: &Connection,
    lines: &Connection,
    (shard, table, owner): (Shard, Table, u128),
    range: (u128, u128),
    order: Order,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let mut found = Vec::new();
    let mut take = |id| -> Result<bool, StoreError> {
        if found.len() < limit {
            found.extend(queries::row(store, shard, RowKey { table, owner, id })?);
        }
        Ok(found.len() < limit)
    };
    lists::walk(lines, (shard, table, owner), range, order, &mut take)?;
    Ok(found)
}

impl Reads for SqliteReads {
    fn shards(&self) -> u16 {
        self.shards
    }

    fn get(&self, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError> {
        self.with(|connection| queries::row(connection, shard, key))
    }

    fn list(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        listing: Listing,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(range) = between(listing.after, listing.before) else { return Ok(Vec::new()) };
        let of = (shard, table, owner);
        self.listed(shard, |store, lines| {
            if listing.before.is_none() {
                return rows(store, lines, of, range, Order::NewestFirst, listing.limit);
            }
            let mut nearest = rows(store, lines, of, range, Order::OldestFirst, listing.limit)?;
            nearest.reverse();
            Ok(nearest)
        })
    }

    fn scan(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let Some(range) = between(None, after) else { return Ok(Vec::new()) };
        let of = (shard, table, owner);
        self.listed(shard, |store, lines| rows(store, lines, of, range, Order::OldestFirst, limit))
    }

    fn count_rows(&self, shard: Shard, table: Table) -> Result<u64, StoreError> {
        self.with(|connection| queries::count_rows(connection, shard, table))
    }

    fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError> {
        self.with(|connection| queries::alias(connection, shard, space, &key))
    }

    fn idempotency(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError> {
        let Some(place) = self.claims.find(shard, &key) else { return Ok(None) };
        let claimed = self.with(|connection| queries::claim(connection, shard, &key, place))?;
        Ok(claimed.map(|claimed| Known {
            digest: claimed.digest,
            subject: claimed.subject,
            answer: claimed.answer,
        }))
    }

    fn tasks(&self, kind: u8, due: Option<Timestamp>, limit: usize) -> Result<Vec<DueTask>, StoreError> {
        self.with(|connection| {
            let mut select = connection
                .prepare_cached(
                    "SELECT shard, id, due, body FROM task WHERE kind = ?1 AND due <= ?2
                     ORDER BY due, shard, id LIMIT ?3",
                )
                .map_err(read_error)?;
            let last = due.map_or(i64::MAX, Timestamp::ms);
            let found = select.query_map(params![kind, last, limit.min(i64::MAX as usize) as i64], |row| {
                Ok(DueTask {
                    shard: Shard(row.get(0)?),
                    kind,
                    id: u128_at(row, 1)?,
                    due: Timestamp::from_ms(row.get(2)?),
                    body: row.get(3)?,
                })
            });
            found.and_then(Iterator::collect).map_err(read_error)
        })
    }

    fn head(&self, shard: Shard) -> Result<Head, StoreError> {
        self.with(|connection| queries::head(connection, shard))
    }

    fn raw_journal(&self, shard: Shard, from: u64, limit: usize) -> Result<Vec<RawRecord>, StoreError> {
        self.with(|connection| queries::raw_journal(connection, shard, from, limit))
    }

    fn history(&self, shard: Shard, subject: u128) -> Result<Vec<StoredRecord>, StoreError> {
        self.folded(shard, |store, lines, head| {
            let places = projections::history(lines, shard, subject, head)?;
            let mut select =
                store.prepare_cached("SELECT record FROM journal WHERE id = ?1").map_err(read_error)?;
            let mut records = Vec::with_capacity(places.len());
            for seq in places {
                let id = queries::journal_id(shard, seq);
                let bytes: Option<Vec<u8>> =
                    select.query_row([id], |row| row.get(0)).optional().map_err(read_error)?;
                let missing = || StoreError::Damaged(format!("record {seq} of {shard:?} is missing"));
                records.push(decode(&bytes.ok_or_else(missing)?)?);
            }
            Ok(records)
        })
    }

    fn entries(
        &self,
        shard: Shard,
        account: AccountId,
        after: Place,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        self.folded(shard, |_, lines, head| projections::entries(lines, shard, account, after, head, limit))
    }

    fn balance(&self, shard: Shard, account: AccountId) -> Result<Balance, StoreError> {
        self.with(|connection| queries::balance(connection, shard, &account))
    }

    fn balances(&self, shard: Shard) -> Result<Vec<(AccountId, Balance)>, StoreError> {
        self.with(|connection| queries::balances(connection, shard))
    }

    fn counts(&self, shard: Shard, owner: u128, from: i32, to: i32) -> Result<Vec<DayCount>, StoreError> {
        let counts = self.with(|connection| queries::counts(connection, shard, Some(owner), from, to))?;
        Ok(counts.into_iter().map(|(_, count)| count).collect())
    }

    fn all_counts(&self, shard: Shard) -> Result<Vec<(u128, DayCount)>, StoreError> {
        self.with(|connection| queries::counts(connection, shard, None, i32::MIN, i32::MAX))
    }

    fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        self.with(|connection| queries::cursor(connection, shard, consumer))
    }

    fn is_projected(&self, record: &StoredRecord) -> Result<bool, StoreError> {
        self.folded(record.shard, |_, lines, _| projections::is_projected(lines, record))
    }

    fn projection_size(&self, shard: Shard) -> Result<ProjectionSize, StoreError> {
        self.folded(shard, |_, lines, head| projections::size(lines, shard, head))
    }

    fn snapshot(&self) -> Result<Box<dyn Reads>, StoreError> {
        let connection = open::reader(&self.pool.path)?;
        open::pin(&connection)?;
        Ok(Box::new(SqliteReads {
            source: Source::Moment(Box::new(Mutex::new(connection))),
            pool: Arc::clone(&self.pool),
            claims: Arc::clone(&self.claims),
            projections: Arc::clone(&self.projections),
            shards: self.shards,
        }))
    }
}
