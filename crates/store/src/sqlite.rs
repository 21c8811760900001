//! The embedded engine: one SQLite file, one writer, checkpoints on a thread of their own, readers beside.
//!
//! | file               | what                                                                              |
//! |--------------------|-----------------------------------------------------------------------------------|
//! | `x`, `x-wal`, `x-shm` | the store; WAL, `synchronous=FULL`: an acknowledged commit survives a power cut |
//! | `x.lock`           | held by the one process that may write                                            |
//! | `x-projections`    | statements, histories and lists, folded from the store; made anew when missing    |

mod base;
mod checkpoint;
mod claims;
mod columns;
mod copy;
mod engine;
mod lists;
mod open;
mod projections;
mod queries;
mod reads;
mod write;

pub use copy::copy;
pub use engine::SqliteEngine;
pub use open::{SqliteOptions, open, open_read_only};
pub(crate) use open::{reader, shards_of};

use crate::StoreError;

/// A read that failed.
fn read_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            StoreError::Damaged(error.to_string())
        }
        _ => StoreError::Read(error.to_string()),
    }
}
