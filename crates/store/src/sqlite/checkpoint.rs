//! Moves the write-ahead log into the file on a thread of its own, so that no commit waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::open::SqliteOptions;
use crate::StoreError;

/// The writer wakes the thread each time it has written about so many bytes.
const NUDGE_BYTES: u64 = 1 << 20;
/// How often the thread tries to catch up with the writer before the log is begun anew, and when it has.
const MOST_PASSES: usize = 4;
const FEW_FRAMES: u64 = 32;
/// The thread looks by itself so often, for what trickles in.
const LOOK: Duration = Duration::from_secs(2);

struct Shared {
    stop: AtomicBool,
    /// The log has passed its limit; the writer must empty it.
    full: AtomicBool,
    /// That limit, in frames. It doubles while a reader keeps the log from being emptied, so that the writer does not
    /// wait for that reader over and over.
    limit_frames: AtomicU64,
    /// Bytes written since the last nudge, roughly.
    written: AtomicU64,
}

/// The thread and the way to wake it. Dropping it ends the thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    /// The limit as it was set.
    limit_frames: u64,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub fn start(path: &Path, options: &SqliteOptions) -> Result<Self, StoreError> {
        let cannot =
            |error: &dyn std::fmt::Display| StoreError::Open(format!("cannot start checkpoints: {error}"));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| cannot(&error))?;
        // A checkpoint that finds the writer at it has all the time in the world.
        connection.pragma_update(None, "synchronous", "FULL").map_err(|error| cannot(&error))?;
        let page: u64 = connection
            .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0))
            .map_err(|error| cannot(&error))? as u64;
        let limit_frames = options.wal_limit_bytes / page;
        let shared = Arc::new(Shared {
            limit_frames: limit_frames.into(),
            stop: AtomicBool::new(false),
            full: AtomicBool::new(false),
            written: AtomicU64::new(0),
        });
        let work =
            Work { connection, shared: Arc::clone(&shared), start_frames: options.checkpoint_bytes / page };
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || work.run())
            .map_err(|error| cannot(&error))?;
        Ok(Self { shared, limit_frames, thread: Some(thread) })
    }

    /// The writer has written so many bytes more.
    pub fn written(&self, bytes: u64) {
        let before = self.shared.written.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes >= NUDGE_BYTES
            && let Some(thread) = &self.thread
        {
            self.shared.written.store(0, Ordering::Relaxed);
            thread.thread().unpark();
        }
    }

    /// Whether the writer must empty the log itself.
    pub fn is_full(&self) -> bool {
        self.shared.full.load(Ordering::Relaxed)
    }

    /// It has tried, with or without success.
    pub fn emptied(&self, success: bool) {
        let limit = self.shared.limit_frames.load(Ordering::Relaxed);
        let next = if success { self.limit_frames } else { limit.saturating_mul(2) };
        self.shared.limit_frames.store(next, Ordering::Relaxed);
        self.shared.full.store(false, Ordering::Relaxed);
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("The checkpoint thread had panicked");
            }
        }
    }
}

struct Work {
    connection: Connection,
    shared: Arc<Shared>,
    start_frames: u64,
}

impl Work {
    fn run(self) {
        while !self.shared.stop.load(Ordering::Acquire) {
            if let Err(error) = self.look() {
                tracing::warn!(error = %error, "A checkpoint failed; will try again");
            }
            std::thread::park_timeout(LOOK);
        }
    }

    fn look(&self) -> rusqlite::Result<()> {
        let (mut frames, mut moved) = self.checkpoint("NOOP")?;
        if frames.saturating_sub(moved) >= self.start_frames {
            (frames, moved) = self.checkpoint("PASSIVE")?;
        }
        if frames >= self.shared.limit_frames.load(Ordering::Relaxed) {
            // What is left then, the writer moves while everybody waits: so little as can be. Each pass leaves only what was
            // written during it.
            for _ in 0..MOST_PASSES {
                if frames.saturating_sub(moved) <= FEW_FRAMES {
                    break;
                }
                (frames, moved) = self.checkpoint("PASSIVE")?;
            }
            self.shared.full.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Frames in the log, and how many of them are in the file too.
    fn checkpoint(&self, mode: &str) -> rusqlite::Result<(u64, u64)> {
        self.connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            Ok((row.get::<_, i64>(1)?.max(0) as u64, row.get::<_, i64>(2)?.max(0) as u64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The look at the log must not itself be a checkpoint, or each of them would wait for the disk.
    #[test]
    fn a_look_at_the_log_moves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("file")).unwrap();
        connection.pragma_update(None, "journal_mode", "WAL").unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        let shared =
            Shared { stop: false.into(), full: false.into(), written: 0.into(), limit_frames: 2.into() };
        let work = Work { connection, shared: Arc::new(shared), start_frames: 1 };
        let (frames, moved) = work.checkpoint("NOOP").unwrap();
        assert!(frames >= 2);
        assert_eq!(moved, 0);
        work.look().unwrap();
        assert_eq!(work.checkpoint("NOOP").unwrap(), (frames, frames));
        assert!(work.shared.full.load(Ordering::Relaxed));
    }
}
