//! Tables: made once, brought forward by numbered files. Processes of the version before may go on meanwhile unless a file says
//! otherwise; 0002 does.

use tokio_postgres::GenericClient;

use super::connect::{Conn, Target, words};
use crate::StoreError;
use crate::journal::GENESIS;

const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/postgres/0001_store.sql"),
    include_str!("../../../../migrations/postgres/0002_rows_tell_where.sql"),
];
/// Two processes that make the first table at the same moment: one is told to try again.
const TRIES: usize = 5;

fn cannot(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Open(format!("cannot open the store of the database: {}", words(error)))
}

/// Brings the tables to this program's version and counts this opening. The row of `store` is the lock.
/// `may_be_moving`: also of a database that a store is being moved to.
pub(crate) async fn migrate(conn: &mut Conn, shards: u16, may_be_moving: bool) -> Result<(), StoreError> {
    let made = "CREATE TABLE IF NOT EXISTS store (one smallint PRIMARY KEY CHECK (one = 1),
                version integer NOT NULL, shards smallint NOT NULL)";
    let mut tries = 0;
    while let Err(error) = conn.client.batch_execute(made).await {
        tries += 1;
        if tries == TRIES || error.as_db_error().is_none() {
            return Err(cannot(&error));
        }
    }
    let change = conn.client.transaction().await.map_err(|error| cannot(&error))?;
    let first = "INSERT INTO store (one, version, shards) VALUES (1, 0, $1) ON CONFLICT DO NOTHING";
    change.execute(first, &[&(shards as i16)]).await.map_err(|error| cannot(&error))?;
    let row = change.query_one("SELECT version, shards FROM store WHERE one = 1 FOR UPDATE", &[]).await;
    let row = row.map_err(|error| cannot(&error))?;
    let (version, made_with) = (row.get::<_, i32>(0), row.get::<_, i16>(1));
    check(version, made_with, Some(shards))?;
    if !may_be_moving && is_moving(&change).await? {
        return Err(moving());
    }
    for sql in &MIGRATIONS[version.max(0) as usize..] {
        change.batch_execute(sql).await.map_err(|error| cannot(&error))?;
    }
    let reached = MIGRATIONS.len() as i32;
    change.execute("UPDATE store SET version = $1", &[&reached]).await.map_err(|error| cannot(&error))?;
    let opened = "INSERT INTO shard_head (shard, epoch, turn, seq, hash, batch)
                  SELECT shard, 1, 0, 0, $2, $3 FROM generate_series(0, $1::int4 - 1) AS shard
                  ON CONFLICT (shard) DO UPDATE SET epoch = shard_head.epoch + 1";
    let bound: super::connect::Bound<'_> = &[&i32::from(shards), &&GENESIS[..], &&[0u8; 16][..]];
    change.execute(opened, bound).await.map_err(|error| cannot(&error))?;
    change.commit().await.map_err(|error| cannot(&error))
}

/// Whether a store is being moved here.
pub(crate) async fn is_moving(within: &impl GenericClient) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'moving'";
    within.query_one(sql, &[]).await.map(|row| row.get::<_, i64>(0) > 0).map_err(|error| cannot(&error))
}

fn moving() -> StoreError {
    StoreError::Open(
        "a store is being moved to this database and has not arrived; run lian migrate again, to its end"
            .to_owned(),
    )
}

fn check(version: i32, made_with: i16, wanted: Option<u16>) -> Result<(), StoreError> {
    if version as usize > MIGRATIONS.len() {
        return Err(StoreError::Open(format!(
            "the database was written by a newer program (tables of version {version}, this one knows {})",
            MIGRATIONS.len()
        )));
    }
    match wanted {
        Some(shards) if i32::from(made_with) != i32::from(shards) => Err(StoreError::Open(format!(
            "the store was made with {made_with} shards and is configured with {shards}"
        ))),
        _ => Ok(()),
    }
}

/// How many shards the store of a database was made with.
pub(super) fn shards_of(target: &Target) -> Result<u16, StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| StoreError::Open(error.to_string()))?;
    let target = target.clone();
    // On a thread of its own: the caller may be inside a runtime, where nothing may block.
    let asked = std::thread::spawn(move || {
        runtime.block_on(async {
            let conn = target.open().await?;
            let row = conn.client.query_one("SELECT version, shards FROM store WHERE one = 1", &[]).await;
            let row = row.map_err(|error| cannot(&error))?;
            let (version, shards) = (row.get::<_, i32>(0), row.get::<_, i16>(1));
            check(version, shards, None)?;
            if is_moving(&conn.client).await? {
                return Err(moving());
            }
            if (version as usize) < MIGRATIONS.len() {
                return Err(StoreError::Open(format!(
                    "the tables are of version {version}, this program reads version {}",
                    MIGRATIONS.len()
                )));
            }
            Ok(shards as u16)
        })
    });
    asked.join().unwrap_or_else(|_| Err(StoreError::Open("the opening thread panicked".to_owned())))
}
