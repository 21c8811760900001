//! Opening a file: the lock, the settings, the migrations, the new epoch.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::checkpoint::Checkpointer;
use super::claims::ClaimIndex;
use super::engine::SqliteEngine;
use super::projections::Projections;
use super::reads::{Pool, SqliteReads};
use super::{queries, read_error};
use crate::journal::GENESIS;
use crate::{Reads, Shard, StoreError};

/// How a SQLite store is made and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How many shards; fixed once the file is made. One is right for one file.
    pub shards: u16,
    /// How many days after its own an idempotency key is kept.
    pub retention_days: u16,
    /// Pages kept in memory by the writer, in MiB. Each commit walks over all of them once a page was split (SQLite looks
    /// for pages past the end of the file), so more is not better; the operating system keeps the rest.
    pub cache_mib: u32,
    /// The checkpoint thread starts to work when so many bytes of the write-ahead log are not yet in the file.
    pub checkpoint_bytes: u64,
    /// The writer itself makes room when the write-ahead log has grown to so many bytes, and then writes over it: a log that
    /// does not grow needs no change of the file system's tables at each commit.
    pub wal_limit_bytes: u64,
    /// How long, in milliseconds, a lock within the file is waited for. Only checkpoints and other programs hold one.
    pub lock_wait_ms: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            shards: 1,
            retention_days: 7,
            cache_mib: 12,
            checkpoint_bytes: 2 << 20,
            wal_limit_bytes: 64 << 20,
            lock_wait_ms: 10_000,
        }
    }
}

/// `Lian` in ASCII, so that a file of something else is not taken for ours.
const APPLICATION_ID: i32 = 0x4c69_616e;
/// Journal records of about 2 KiB stay within a page of this size.
const PAGE_BYTES: u32 = 8_192;
/// The journal's key gives 48 bits to the sequence number, and a signed 64-bit key leaves 15 to the shard.
const MOST_SHARDS: u16 = 1_024;
/// How long a reader waits for a lock within the file; only its recovery after a crash ever holds one against it.
const READER_WAIT: Duration = Duration::from_secs(10);

/// Every change of the tables, in order. The file's `user_version` says how many it has seen.
const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/sqlite/0001_store.sql"),
    include_str!("../../../../migrations/sqlite/0002_rows_in_order.sql"),
];

/// Takes a file over for writing, and makes it if it does not exist.
///
/// # Errors
/// [`StoreError::Open`]: another process has it, it is not ours, it is of a newer program or of another number of
/// shards, or the disk refuses.
pub fn open(path: &Path, options: &SqliteOptions) -> Result<(SqliteEngine, Arc<dyn Reads>), StoreError> {
    if options.shards == 0 || options.shards > MOST_SHARDS {
        return Err(StoreError::Open(format!("shards must be 1 to {MOST_SHARDS}, not {}", options.shards)));
    }
    let lock = lock(path)?;
    let mut connection = writer(path, options)?;
    migrate(path, &mut connection, options.shards)?;
    let epochs = take_over(path, &mut connection, options.shards)?;
    let claims = Arc::new(ClaimIndex::load(&connection)?);
    let pool = Pool::new(path);
    let projections = Arc::new(Projections::open(path, true)?);
    projections.forget_what_is_ahead(&connection, options.shards)?;
    let reads = SqliteReads::new(pool, Arc::clone(&claims), projections, options.shards);
    let checkpointer = Checkpointer::start(path, options)?;
    let engine = SqliteEngine::new(path, *options, connection, epochs, claims, checkpointer, lock);
    Ok((engine, Arc::new(reads)))
}

/// Opens a file for reading only, while another process may write to it.
///
/// # Errors
/// [`StoreError::Open`]: there is no such store.
pub fn open_read_only(path: &Path) -> Result<Arc<dyn Reads>, StoreError> {
    let connection = reader(path)?;
    check_application(path, &connection)?;
    let version = user_version(&connection).map_err(|error| cannot(path, error))?;
    if version != MIGRATIONS.len() {
        return Err(StoreError::Open(format!(
            "{} has tables of version {version}, this program reads version {}",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    let shards = queries::shards(&connection)?;
    let claims = Arc::new(ClaimIndex::load(&connection)?);
    let projections = Arc::new(Projections::open(path, false)?);
    Ok(Arc::new(SqliteReads::new(Pool::new(path), claims, projections, shards)))
}

/// How many shards the store of a file was made with, whatever version its tables have.
pub(crate) fn shards_of(path: &Path) -> Result<u16, StoreError> {
    let connection = reader(path)?;
    check_application(path, &connection)?;
    queries::shards(&connection)
}

fn cannot(path: &Path, error: impl std::fmt::Display) -> StoreError {
    StoreError::Open(format!("cannot open the store {}: {error}", path.display()))
}

/// `path` with something after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// How often a lock that is taken is asked for again, and how long is waited in between.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The lock is the operating system's, so a crash gives it back. One that is taken is asked for again for a second: a program
/// that this process is just starting holds a copy of the lock until it runs, also when the store was closed meanwhile.
fn lock(path: &Path) -> Result<File, StoreError> {
    let name = beside(path, ".lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&name);
    let file = file.map_err(|error| cannot(&name, error))?;
    for tries in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(std::fs::TryLockError::WouldBlock) if tries < LOCK_TRIES => std::thread::sleep(LOCK_PAUSE),
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(StoreError::Open(format!(
                    "the store {} is in use by another process; only one may write to it",
                    path.display()
                )));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(cannot(&name, error)),
        }
    }
    Ok(file)
}

/// The writer's connection, with its settings.
pub(super) fn writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let set = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_millis(u64::from(options.lock_wait_ms)))?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cache_size", -i64::from(options.cache_mib) * 1_024)?;
        keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    let connection = set().map_err(|error| cannot(path, error))?;
    let mode: String = connection
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(|error| cannot(path, error))?;
    if mode != "wal" {
        return Err(StoreError::Open(format!(
            "{}: the file system does not allow a write-ahead log",
            path.display()
        )));
    }
    Ok(connection)
}

/// Keeps a statement's plan whatever is bound to it. Without this, SQLite prepares a cached statement anew each time a value
/// is bound that might have changed the plan, which cost a fifth of a payment's CPU.
pub(super) fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A reader's connection.
pub(crate) fn reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let set = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(READER_WAIT)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    set().map_err(|error| cannot(path, error))
}

/// How many migrations the file has seen.
pub(super) fn user_version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| Ok(usize::from(row.get::<_, u16>(0)?)))
}

pub(super) fn check_application(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    let id: i32 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| cannot(path, error))?;
    if id != APPLICATION_ID {
        return Err(StoreError::Open(format!("{} is not a store of this program", path.display())));
    }
    Ok(())
}

/// Brings the tables to this program's version, in one transaction.
fn migrate(path: &Path, connection: &mut Connection, shards: u16) -> Result<(), StoreError> {
    let version = user_version(connection).map_err(|error| cannot(path, error))?;
    let objects: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| cannot(path, error))?;
    if objects > 0 {
        check_application(path, connection)?;
    }
    if version > MIGRATIONS.len() {
        return Err(StoreError::Open(format!(
            "{} was written by a newer program (tables of version {version}, this one knows {})",
            path.display(),
            MIGRATIONS.len()
        )));
    }
    let run = |connection: &mut Connection| -> rusqlite::Result<()> {
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for sql in &MIGRATIONS[version..] {
            change.execute_batch(sql)?;
        }
        change.pragma_update(None, "application_id", APPLICATION_ID)?;
        change.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
        change.execute("INSERT INTO store (one, shards) VALUES (1, ?1) ON CONFLICT DO NOTHING", [shards])?;
        change.commit()
    };
    if version < MIGRATIONS.len() {
        run(connection).map_err(|error| cannot(path, error))?;
    }
    let made_with = queries::shards(connection)?;
    if made_with != shards {
        return Err(StoreError::Open(format!(
            "{} was made with {made_with} shards and is configured with {shards}",
            path.display()
        )));
    }
    Ok(())
}

/// Starts a new epoch of every shard. Whoever wrote under the one before can write no more.
fn take_over(path: &Path, connection: &mut Connection, shards: u16) -> Result<Vec<u64>, StoreError> {
    let run = |connection: &mut Connection| -> rusqlite::Result<()> {
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for shard in 0..shards {
            change.execute(
                "INSERT INTO shard_head (shard, epoch, seq, hash) VALUES (?1, 1, 0, ?2)
                 ON CONFLICT (shard) DO UPDATE SET epoch = epoch + 1",
                (shard, GENESIS),
            )?;
        }
        change.commit()
    };
    run(connection).map_err(|error| cannot(path, error))?;
    (0..shards).map(|shard| Ok(queries::head(connection, Shard(shard))?.epoch)).collect()
}

/// A transaction that only reads, held open.
pub(super) fn pin(connection: &Connection) -> Result<(), StoreError> {
    // The first read fixes what is seen; BEGIN alone would not.
    connection.execute_batch("BEGIN; SELECT count(*) FROM store;").map_err(read_error)
}
