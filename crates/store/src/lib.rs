//! The only SQL: units of work, group commit, the hash-chained journal.
//!
//! A flow puts everything that one decision changes into a [`Unit`] and hands it to [`Store::commit`]: rows under
//! compare-and-set, an idempotency key and its answer, journal records with their ledger entries, to-dos, statistics.
//! It is committed as a whole or refused as a whole, together with whatever else was queued at that moment.
//!
//! The journal is the truth: one gapless, hash-chained sequence of records for each shard, the same bytes whatever the
//! engine and however units were grouped. [`verify`] recomputes everything else from it.
//!
//! The store knows nothing of payments. Rows and events are bytes to it.

#[cfg(feature = "conformance")]
pub mod conformance;
mod engine;
mod error;
mod journal;
mod memory;
mod plan;
mod postgres;
mod projection;
mod read;
mod shape;
mod shard;
mod sqlite;
mod store;
mod transfer;
mod unit;
mod verify;
mod writer;

pub use engine::{Engine, Outcomes};
pub use error::{CommitError, Malformed, Refused, StoreError};
pub use journal::{GENESIS, Hash, RecordError, StoredRecord, chain};
pub use memory::{Fault, Memory, MemoryEngine};
pub use postgres::{
    PostgresEngine, PostgresOptions, open as open_postgres, open_read_only as open_postgres_read_only,
};
pub use read::{
    DayCount, DueTask, Head, Known, Listing, Place, Posting, ProjectionSize, RawRecord, Reads, Row,
};
pub use shard::{Shard, shard_of};
pub use sqlite::{
    SqliteEngine, SqliteOptions, copy as copy_sqlite, open as open_sqlite,
    open_read_only as open_sqlite_read_only,
};
pub use store::Store;
pub use transfer::{Checksum, Moved, Proof, move_to_postgres};
pub use unit::{
    AliasChange, Answer, Body, Claim, Committed, Count, CursorMove, Record, RecordKind, Reserve, RowChange,
    RowKey, Table, TaskChange, Unit,
};
pub use verify::{Breach, Rule, Verified, VerifyError, verify};
pub use writer::{Settings, Written};
