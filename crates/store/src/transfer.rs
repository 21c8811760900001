//! Moves a store from SQLite to PostgreSQL: every row, in chunks, so that a move that was broken off goes on where it was; and a
//! proof at the end that both hold the same.

mod rows;
mod source;
pub(crate) mod tables;
mod target;

use std::ops::ControlFlow;
use std::path::Path;

pub use rows::Checksum;
use source::Source;
use tables::TABLES;
use target::{Progress, Target};

use crate::{Hash, Shard, StoreError};

/// Rows that are moved at once.
const AT_ONCE: usize = 2_000;

/// How far a move has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// What is being done: the table that is moved, or `proof`.
    pub step: &'static str,
    /// Rows moved or compared.
    pub done: u64,
    /// Of so many.
    pub all: u64,
}

/// That two stores hold the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The end of each shard's journal and its link of the chain, which are the same in both.
    pub heads: Vec<(Shard, u64, Hash)>,
    /// Each table with its checksum, which is the same in both.
    pub tables: Vec<(&'static str, Checksum)>,
}

/// Moves a store to an empty database, or goes on with a move that was broken off. `told` hears how far it is, and may break it
/// off. Whoever wants to serve the source is refused meanwhile, and the target is refused until the proof holds.
///
/// Returns none when it was broken off.
///
/// # Errors
/// [`StoreError::Open`]: there is no such store, somebody serves it, or the database is not empty. [`StoreError::Damaged`]: the
/// two do not hold the same. [`StoreError::Read`]: one of them cannot be read or written.
pub fn move_to_postgres(
    from: &Path,
    url: &str,
    told: impl FnMut(Moved) -> ControlFlow<()> + Send,
) -> Result<Option<Proof>, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StoreError::Open(error.to_string()))?;
    // On a thread of its own: the caller may be inside a runtime, where nothing may block.
    let moved =
        std::thread::scope(|scope| scope.spawn(move || runtime.block_on(run(from, url, told))).join());
    moved.unwrap_or_else(|_| Err(StoreError::Read("the moving thread panicked".to_owned())))
}

async fn run(
    from: &Path,
    url: &str,
    mut told: impl FnMut(Moved) -> ControlFlow<()>,
) -> Result<Option<Proof>, StoreError> {
    let source = Source::open(from)?;
    let counts = TABLES.iter().map(|table| source.count(table)).collect::<Result<Vec<u64>, _>>()?;
    let all = counts.iter().sum();
    let (mut target, Progress { table: first, mut after }) = Target::open(url, &source.heads).await?;
    let mut done = counts.iter().take(first).sum();
    for (step, table) in TABLES.iter().enumerate().skip(first) {
        loop {
            if told(Moved { step: table.name, done, all }).is_break() {
                return Ok(None);
            }
            let placed = source.rows(table, &after, AT_ONCE)?;
            let Some((_, last)) = placed.last() else { break };
            after.clone_from(last);
            let rows: Vec<_> = placed.into_iter().map(|(row, _)| row).collect();
            target.add(table, &rows, &Progress { table: step, after: after.clone() }).await?;
            done += rows.len() as u64;
        }
        after.clear();
    }
    let tables = prove(&source, &mut target, all, &mut told).await?;
    target.end(&source.heads).await?;
    let heads = source.heads.iter().enumerate();
    let heads = heads.map(|(shard, head)| (Shard(shard as u16), head.seq, head.hash)).collect();
    Ok(Some(Proof { heads, tables }))
}

/// Reads both again, and compares.
async fn prove(
    source: &Source,
    target: &mut Target,
    all: u64,
    told: &mut impl FnMut(Moved) -> ControlFlow<()>,
) -> Result<Vec<(&'static str, Checksum)>, StoreError> {
    let (mut sums, mut done) = (Vec::new(), 0);
    for table in TABLES {
        let (mut theirs, mut after) = (Checksum::default(), Vec::new());
        loop {
            let placed = source.rows(table, &after, AT_ONCE)?;
            let Some((_, last)) = placed.last() else { break };
            after.clone_from(last);
            placed.iter().for_each(|(row, _)| theirs.add(row));
        }
        let ours = target.checksum(table, |rows| {
            done += rows;
            // Too late to break it off: what is left is to look.
            let _ = told(Moved { step: "proof", done, all });
        });
        let ours = ours.await?;
        if ours != theirs {
            return Err(StoreError::Damaged(format!(
                "the table {} does not hold the same ({} rows, and {} where it was moved to); if the store was served since the \
                 move began, empty the database and move it again",
                table.name, theirs.rows, ours.rows
            )));
        }
        sums.push((table.name, ours));
    }
    Ok(sums)
}
