//! The store on PostgreSQL: many gateway processes over one database, any of which may write to any shard.
//!
//! A commit is one transaction that begins by locking the heads of its shards. So the writers of several processes take
//! turns, the queue in the database is never longer than there are processes, and what a writer remembers of a shard is
//! good for exactly as long as the shard's turn is the one that it made itself.

mod columns;
mod connect;
mod engine;
mod fetch;
mod migrate;
mod projections;
mod queries;
mod reads;
mod settle;
mod tls;
mod write;

use std::sync::Arc;

pub(crate) use connect::{Conn, Target};
pub use engine::PostgresEngine;
pub(crate) use migrate::{is_moving, migrate};
pub(crate) use queries::read_error;

use crate::{Reads, StoreError};

/// How a store on PostgreSQL is made and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresOptions {
    /// How many shards; fixed once the tables are made.
    pub shards: u16,
    /// How many days after its own an idempotency key is kept.
    pub retention_days: u16,
    /// Connections for reading.
    pub readers: usize,
    /// How long one statement may take, in milliseconds, before the server breaks it off.
    pub statement_ms: u32,
    /// How long a batch may take, in milliseconds, before its connection is given up: a server that vanished without a
    /// word must not hold the queue.
    pub batch_ms: u32,
    /// How long, in milliseconds, a connection that broke in the middle of a COMMIT is made anew to find out how it ended.
    pub settle_ms: u32,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            shards: 1,
            retention_days: 7,
            readers: 4,
            statement_ms: 10_000,
            batch_ms: 15_000,
            settle_ms: 20_000,
        }
    }
}

/// More shards than this help nobody; the number must fit a `smallint`.
const MOST_SHARDS: u16 = 1_024;

/// Opens the store of a database for reading and writing, and makes its tables if there are none. Other processes may have
/// it open, too.
///
/// # Errors
/// [`StoreError::Open`]: the server cannot be reached or is too old, the tables are of a newer program or of another number
/// of shards.
pub fn open(url: &str, options: &PostgresOptions) -> Result<(PostgresEngine, Arc<dyn Reads>), StoreError> {
    if options.shards == 0 || options.shards > MOST_SHARDS {
        return Err(StoreError::Open(format!("shards must be 1 to {MOST_SHARDS}, not {}", options.shards)));
    }
    let target = connect::Target::parse(url, options)?;
    let engine = PostgresEngine::open(target.clone(), *options)?;
    let reads = reads::PostgresReads::open(target, options.shards, options.readers)?;
    Ok((engine, Arc::new(reads)))
}

/// Opens the store of a database for reading only.
///
/// # Errors
/// [`StoreError::Open`]: there is no such store.
pub fn open_read_only(url: &str) -> Result<Arc<dyn Reads>, StoreError> {
    let options = PostgresOptions::default();
    let target = connect::Target::parse(url, &options)?;
    let shards = migrate::shards_of(&target)?;
    Ok(Arc::new(reads::PostgresReads::open(target, shards, 2)?))
}
