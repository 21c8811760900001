//! The writer: one transaction a batch, in two round trips.

use std::collections::HashMap;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::PostgresOptions;
use super::connect::{Conn, Target, words};
use super::fetch::{self, DatabaseBase, Fetched, Remembered, fetch};
use super::migrate;
use super::settle::{Ending, settle};
use super::write::{self, write};
use crate::engine::Outcomes;
use crate::plan::{Plan, plan};
use crate::{Engine, Shard, StoreError, Unit};

/// How often a batch is tried again after the server broke off its transaction for the sake of another.
const TRIES: usize = 16;

/// The engine over one database.
pub struct PostgresEngine {
    target: Target,
    options: PostgresOptions,
    runtime: Runtime,
    conn: Option<Conn>,
    remembered: HashMap<Shard, Remembered>,
    /// Up to which day each shard's expired claims are gone.
    dropped: HashMap<Shard, i32>,
}

/// Why a try came to nothing.
pub(super) enum Failed {
    /// The server says no, or is gone. Its COMMIT was not sent, or was refused with the rest: nothing was written.
    Database(tokio_postgres::Error),
    /// What was read is not what was written.
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Failed {
    /// Two writers stood in each other's way; trying again can help.
    fn is_race(&self) -> bool {
        let Self::Database(error) = self else { return false };
        let races = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        error.code().is_some_and(|code| races.contains(code))
    }

    fn into_error(self) -> StoreError {
        match self {
            Self::Database(error) => StoreError::NotWritten(words(&error)),
            Self::Store(StoreError::Read(text)) => StoreError::NotWritten(text),
            Self::Store(error) => error,
        }
    }
}

impl PostgresEngine {
    /// Connects, and makes or brings forward the tables.
    pub(super) fn open(target: Target, options: PostgresOptions) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Open(error.to_string()))?;
        // On a thread of its own: the caller may be inside a runtime, where nothing may block.
        let opening = std::thread::spawn(move || {
            let conn = runtime.block_on(async {
                let mut conn = target.open().await?;
                migrate::migrate(&mut conn, options.shards, false).await?;
                prepare(&conn).await.map_err(|error| StoreError::Open(words(&error)))?;
                Ok::<_, StoreError>(conn)
            })?;
            Ok((target, runtime, conn))
        });
        let opened = opening
            .join()
            .unwrap_or_else(|_| Err(StoreError::Open("the opening thread panicked".to_owned())));
        let (target, runtime, conn) = opened?;
        let (remembered, dropped) = (HashMap::new(), HashMap::new());
        Ok(Self { target, options, runtime, conn: Some(conn), remembered, dropped })
    }

    fn connect(&mut self) -> Result<(), StoreError> {
        let connected = self.runtime.block_on(async {
            let conn = self.target.connect().await.map_err(StoreError::NotWritten)?;
            conn.within(prepare(&conn)).await?;
            Ok(conn)
        });
        self.conn = Some(connected.map_err(|error: StoreError| StoreError::NotWritten(error.to_string()))?);
        Ok(())
    }

    fn attempt(&mut self, batch: &[Unit]) -> Result<Tried, StoreError> {
        if self.conn.as_ref().is_none_or(|conn| conn.client.is_closed()) {
            self.connect()?;
        }
        let Some(conn) = &self.conn else { return Err(StoreError::NotWritten("no connection".to_owned())) };
        let wait = Duration::from_millis(self.options.batch_ms.into());
        let fetching = fetch(conn, batch, self.options.shards, &mut self.remembered);
        let fetched = self.runtime.block_on(async { tokio::time::timeout(wait, fetching).await });
        let mut fetched = match fetched {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(failed)) => return self.give_up(failed),
            Err(_) => return Err(self.lose("the database did not answer in time")),
        };
        let mut base = DatabaseBase { fetched: &mut fetched, remembered: &self.remembered };
        let decided = plan(&mut base, batch, self.options.retention_days);
        let (plan, outcomes) = match decided {
            Ok(decided) => decided,
            Err(error) => return self.give_up(Failed::Store(error)),
        };
        if plan.is_empty() {
            self.roll_back()?;
            return Ok(Tried::Done(outcomes));
        }
        match self.write(&plan, &fetched)? {
            true => Ok(Tried::Done(outcomes)),
            false => Ok(Tried::Raced),
        }
    }

    /// The second round trip. False: a race was lost.
    fn write(&mut self, plan: &Plan<'_>, fetched: &Fetched) -> Result<bool, StoreError> {
        let Some(conn) = &self.conn else { return Err(StoreError::NotWritten("no connection".to_owned())) };
        let mut batch = [0u8; 16];
        aws_lc_rs::rand::fill(&mut batch)
            .map_err(|_| StoreError::NotWritten("no random bytes".to_owned()))?;
        let expired = self.expired(plan);
        let wait = Duration::from_millis(self.options.batch_ms.into());
        let writing = write(conn, plan, &fetched.turns, &batch, &expired);
        let written = self.runtime.block_on(async { tokio::time::timeout(wait, writing).await });
        let ending = match written {
            Ok(Ok((moved, _))) if moved != plan.heads.len() as u64 => {
                Ending::Unknown("a head was changed beneath its lock".to_owned())
            }
            Ok(Ok((_, dropped))) => {
                for (shard, day) in expired.into_iter().filter(|_| dropped == 0) {
                    self.dropped.insert(shard, day);
                }
                Ending::Written
            }
            // The server's own no: nothing was written.
            Ok(Err(error)) if is_refusal(&error) => {
                return match self.give_up(Failed::Database(error))? {
                    Tried::Raced => Ok(false),
                    Tried::Done(_) => Ok(true),
                };
            }
            // The connection broke with the COMMIT perhaps on its way: the database itself tells how it ended.
            _ => {
                self.drop_session();
                let within = Duration::from_millis(self.options.settle_ms.into());
                self.runtime.block_on(settle(&self.target, plan, &fetched.turns, &batch, within))
            }
        };
        match ending {
            Ending::Written => {
                let written = fetched.turns.iter().filter(|(shard, _)| plan.heads.contains_key(shard));
                let turns = written.map(|(shard, turn)| (*shard, turn + 1)).collect();
                Remembered::update(&mut self.remembered, plan, &turns);
                Ok(true)
            }
            Ending::NotWritten => Err(self.lose("the connection to the database broke")),
            Ending::Unknown(text) => {
                self.remembered.clear();
                Err(StoreError::Unknown(text))
            }
        }
    }

    /// Shards whose expired claims have not all been dropped yet, with the day before which they have.
    fn expired(&self, plan: &Plan<'_>) -> Vec<(Shard, i32)> {
        let day = plan.today.saturating_sub(i32::from(self.options.retention_days));
        let done = |shard: &Shard| self.dropped.get(shard).is_some_and(|&done| done >= day);
        plan.heads.keys().filter(|shard| !done(shard)).map(|&shard| (shard, day)).collect()
    }

    /// Ends a transaction that came to nothing before its COMMIT was sent.
    fn give_up(&mut self, failed: Failed) -> Result<Tried, StoreError> {
        let rolled_back = self.roll_back();
        self.remembered.clear();
        if failed.is_race() && rolled_back.is_ok() {
            return Ok(Tried::Raced);
        }
        Err(failed.into_error())
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        let Some(conn) = &self.conn else { return Ok(()) };
        let wait = Duration::from_millis(self.options.batch_ms.into());
        let rolling = async { tokio::time::timeout(wait, conn.client.batch_execute("ROLLBACK")).await };
        match self.runtime.block_on(rolling) {
            Ok(Ok(())) => Ok(()),
            _ => Err(self.lose("the connection to the database broke")),
        }
    }

    fn drop_session(&mut self) {
        if let Some(conn) = self.conn.take() {
            conn.give_up();
        }
    }

    /// Gives the connection up; the server rolls back what it had not been told to commit.
    fn lose(&mut self, why: &str) -> StoreError {
        self.drop_session();
        self.remembered.clear();
        StoreError::NotWritten(why.to_owned())
    }
}

/// Whether the server has refused a statement and stays. One that says good-bye (FATAL, as at a shutdown) may do so after a
/// COMMIT that it has carried out.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    matches!(error.as_db_error().and_then(DbError::parsed_severity), Some(Severity::Error))
}

/// What became of a try.
enum Tried {
    Done(Outcomes),
    /// Broken off for the sake of another writer; nothing was written.
    Raced,
}

async fn prepare(conn: &Conn) -> Result<(), tokio_postgres::Error> {
    for sql in fetch::ALL.iter().chain(write::ALL) {
        conn.prepare(sql).await?;
    }
    Ok(())
}

impl Engine for PostgresEngine {
    fn commit(&mut self, batch: &[Unit]) -> Result<Outcomes, StoreError> {
        for _ in 0..TRIES {
            if let Tried::Done(outcomes) = self.attempt(batch)? {
                return Ok(outcomes);
            }
        }
        Err(StoreError::NotWritten(format!("other writers were in the way {TRIES} times")))
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.remembered.clear();
        self.connect()
    }

    fn outlives_unknown(&self) -> bool {
        true
    }
}
