//! The writer: one transaction a batch.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use super::base::{FileBase, Remembered, Rows};
use super::checkpoint::Checkpointer;
use super::claims::ClaimIndex;
use super::open::{self, SqliteOptions};
use super::queries;
use super::write::{Dropped, NotAsPlanned, Written, drop_claims, write};
use crate::engine::Outcomes;
use crate::plan::{Plan, plan};
use crate::{Engine, Shard, StoreError, Unit};

/// How often a batch is decided on again after the file had changed beneath it.
const RACES: usize = 8;

/// The engine over one file. Dropping it gives the file back.
pub struct SqliteEngine {
    connection: Connection,
    path: PathBuf,
    options: SqliteOptions,
    epochs: Vec<u64>,
    remembered: Remembered,
    claims: Arc<ClaimIndex>,
    /// Up to which day each shard's expired claims are gone.
    dropped: HashMap<Shard, i32>,
    checkpointer: Checkpointer,
    /// Last, so that the lock outlives the connection.
    _lock: File,
}

/// What became of a try.
enum Tried {
    Done(Outcomes),
    /// The file had changed; nothing was written.
    Raced,
}

impl SqliteEngine {
    pub(super) fn new(
        path: &Path,
        options: SqliteOptions,
        connection: Connection,
        epochs: Vec<u64>,
        claims: Arc<ClaimIndex>,
        checkpointer: Checkpointer,
        lock: File,
    ) -> Self {
        Self {
            connection,
            path: path.to_owned(),
            options,
            epochs,
            remembered: Remembered::default(),
            claims,
            dropped: HashMap::new(),
            checkpointer,
            _lock: lock,
        }
    }

    fn attempt(&mut self, batch: &[Unit]) -> Result<Tried, StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(not_written)?;
        let mut base = FileBase {
            connection: &self.connection,
            remembered: &self.remembered,
            claims: &self.claims,
            shards: self.options.shards,
            epochs: &self.epochs,
            found: Rows::new(),
        };
        let (plan, outcomes) = plan(&mut base, batch, self.options.retention_days)?;
        if plan.is_empty() {
            self.roll_back()?;
            return Ok(Tried::Done(outcomes));
        }
        let written = match write(&self.connection, &plan, &self.remembered, &base.found) {
            Ok(written) => written,
            Err(NotAsPlanned::Head | NotAsPlanned::Row) => {
                self.roll_back()?;
                return Ok(Tried::Raced);
            }
            Err(NotAsPlanned::Sqlite(error)) => return Err(not_written(error)),
            Err(NotAsPlanned::Store(error)) => return Err(error),
        };
        let dropped = self.drop_expired(&plan).map_err(not_written)?;
        match self.connection.execute_batch("COMMIT") {
            Ok(()) => {}
            Err(error) => self.settle(&plan, error)?,
        }
        self.remember(&plan, written, &dropped);
        Ok(Tried::Done(outcomes))
    }

    /// A COMMIT that failed: what the file says decides. After an I/O error even the file's word is worth nothing until
    /// it is opened again, because what cannot be synchronized may still be read.
    fn settle(&mut self, plan: &Plan<'_>, error: rusqlite::Error) -> Result<(), StoreError> {
        if could_not_write(&error) {
            self.roll_back()?;
            return Err(StoreError::NotWritten(error.to_string()));
        }
        if matches!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt))
        {
            return Err(StoreError::Unknown(error.to_string()));
        }
        self.roll_back()?;
        let unknown = |second: StoreError| StoreError::Unknown(format!("{error}; then: {second}"));
        for (&shard, (before, after)) in &plan.heads {
            let found = queries::head(&self.connection, shard).map_err(unknown)?;
            if found != *after || before == after {
                return Err(StoreError::NotWritten(error.to_string()));
            }
        }
        Ok(())
    }

    fn roll_back(&self) -> Result<(), StoreError> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        // A transaction that cannot be rolled back is gone with its connection, which recovery replaces.
        self.connection.execute_batch("ROLLBACK").map_err(not_written)
    }

    fn drop_expired(&mut self, plan: &Plan<'_>) -> rusqlite::Result<Dropped> {
        let day = plan.today.saturating_sub(i32::from(self.options.retention_days));
        let mut all = Dropped::new();
        for &shard in plan.heads.keys() {
            if self.dropped.get(&shard).is_some_and(|&done| done >= day) {
                continue;
            }
            let dropped = drop_claims(&self.connection, shard, day)?;
            if dropped.is_empty() {
                self.dropped.insert(shard, day);
            }
            all.extend(dropped);
        }
        Ok(all)
    }

    /// Makes the next commit begin at the start of the write-ahead log. False: a reader is in the way.
    fn empty_log(&self) -> rusqlite::Result<bool> {
        self.connection.busy_timeout(LOG_WAIT)?;
        let emptied = self
            .connection
            .query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| Ok(row.get::<_, i64>(0)? == 0));
        self.connection.busy_timeout(Duration::from_millis(self.options.lock_wait_ms.into()))?;
        emptied
    }

    /// After the commit.
    fn remember(&mut self, plan: &Plan<'_>, written: Written, dropped: &Dropped) {
        self.remembered.update(plan, written, dropped);
        let added = plan.claims.iter().map(|((shard, place), new)| ((*shard, new.claim.key), *place));
        if !plan.claims.is_empty() || !dropped.is_empty() {
            self.claims.update(added, dropped);
        }
        let records: usize = plan.records.iter().map(|record| record.bytes.len()).sum();
        let own =
            plan.rows.values().filter_map(|row| row.now).map(|(_, said)| said.own_bytes()).sum::<usize>();
        self.checkpointer.written((records + own + plan.rows.len() * ROW_BYTES) as u64);
        if self.checkpointer.is_full() {
            // The checkpoint thread could not keep up, or a reader holds on to old pages: the writer waits once, shortly.
            let emptied = self.empty_log();
            if !matches!(emptied, Ok(true)) {
                tracing::warn!(result = ?emptied, "A reader keeps the write-ahead log from being emptied; it goes on growing");
            }
            self.checkpointer.emptied(matches!(emptied, Ok(true)));
        }
    }
}

/// About what a row and what goes with it take, but for its body.
const ROW_BYTES: usize = 500;
/// How long the writer waits, once, for readers to let go of the write-ahead log.
const LOG_WAIT: Duration = Duration::from_millis(50);

/// As much as a large batch takes.
const ROOM_BYTES: usize = 4 << 20;

/// Whether a file of [`ROOM_BYTES`] can be written beside the store.
fn has_room(store: &Path) -> std::io::Result<()> {
    let path = open::beside(store, ".room");
    let written = std::fs::write(&path, vec![0; ROOM_BYTES]);
    // Written in part it must go, too.
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}

/// Whether a COMMIT ended because the log could not be written: a quota, a limit, a file that may not grow. The frame that
/// makes a transaction one is the last that is written, before anything is synchronized, so it is not whole, and what stands
/// before it counts for nothing (SQLite file format, section 4.1).
fn could_not_write(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_WRITE)
}

/// An error before COMMIT: nothing of the batch is in the file.
fn not_written(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(error.to_string()),
        _ => StoreError::NotWritten(error.to_string()),
    }
}

impl Engine for SqliteEngine {
    fn commit(&mut self, batch: &[Unit]) -> Result<Outcomes, StoreError> {
        for _ in 0..RACES {
            match self.attempt(batch) {
                Ok(Tried::Done(outcomes)) => return Ok(outcomes),
                Ok(Tried::Raced) => self.remembered = Remembered::default(),
                Err(error) => {
                    self.remembered = Remembered::default();
                    if !matches!(error, StoreError::Unknown(_)) {
                        self.roll_back()?;
                    }
                    return Err(match error {
                        // A read that failed while deciding: the batch was not written either.
                        StoreError::Read(text) => StoreError::NotWritten(text),
                        other => other,
                    });
                }
            }
        }
        Err(StoreError::NotWritten(format!("the file changed beneath the writer {RACES} times")))
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.remembered = Remembered::default();
        let again = |error: StoreError| StoreError::NotWritten(error.to_string());
        let connection = open::writer(&self.path, &self.options).map_err(again)?;
        for (number, &ours) in self.epochs.iter().enumerate() {
            let shard = Shard(number as u16);
            let found = queries::head(&connection, shard).map_err(again)?.epoch;
            if found != ours {
                return Err(StoreError::Superseded { shard, ours, found });
            }
        }
        // A disk that is full can be read, and a small commit may fit into what the log has left. So there must be room for a
        // large one, and a write that changes nothing must succeed.
        has_room(&self.path)
            .map_err(|error| StoreError::NotWritten(format!("no room on the disk: {error}")))?;
        let write = "BEGIN IMMEDIATE; UPDATE shard_head SET epoch = epoch; COMMIT";
        connection.execute_batch(write).map_err(|error| again(not_written(error)))?;
        self.connection = connection;
        Ok(())
    }
}
