//! Every engine, the same traces.

use std::sync::Arc;

use store::conformance::{RETENTION_DAYS, SHARDS, Subject, play, trace};
use store::{Engine, Memory, PostgresOptions, Reads, SqliteOptions, open_postgres, open_sqlite};

mod support;

struct InMemory(Memory);

impl Subject for InMemory {
    fn open(&mut self) -> (Box<dyn Engine>, Arc<dyn Reads>) {
        let (engine, reads) = self.0.open();
        (Box::new(engine), reads)
    }
}

fn in_memory() -> InMemory {
    InMemory(Memory::new(SHARDS, RETENTION_DAYS))
}

struct OnSqlite(tempfile::TempDir);

impl Subject for OnSqlite {
    fn open(&mut self) -> (Box<dyn Engine>, Arc<dyn Reads>) {
        let options =
            SqliteOptions { shards: SHARDS, retention_days: RETENTION_DAYS, ..SqliteOptions::default() };
        let (engine, reads) = open_sqlite(&self.0.path().join("store"), &options).unwrap();
        (Box::new(engine), reads)
    }
}

fn on_sqlite() -> OnSqlite {
    OnSqlite(tempfile::tempdir().unwrap())
}

struct OnPostgres(String);

impl Subject for OnPostgres {
    fn open(&mut self) -> (Box<dyn Engine>, Arc<dyn Reads>) {
        let options =
            PostgresOptions { shards: SHARDS, retention_days: RETENTION_DAYS, ..PostgresOptions::default() };
        let (engine, reads) = open_postgres(&self.0, &options).unwrap();
        (Box::new(engine), reads)
    }
}

const UNITS: usize = 400;

#[test]
fn how_units_are_grouped_leaves_no_trace() {
    for seed in 0..8 {
        let units = trace(seed, UNITS);
        let alone = play(&mut in_memory(), &units, 0);
        for grouping in [3, 40] {
            let grouped = play(&mut in_memory(), &units, grouping);
            assert_eq!(alone.0, grouped.0, "outcomes of seed {seed} in groups of {grouping}");
            assert_eq!(alone.1, grouped.1, "contents of seed {seed} in groups of {grouping}");
        }
    }
}

#[test]
fn sqlite_and_memory_agree_to_the_byte() {
    for seed in 100..106 {
        let units = trace(seed, UNITS);
        let memory = play(&mut in_memory(), &units, 0);
        let sqlite = play(&mut on_sqlite(), &units, seed % 40);
        assert_eq!(memory.0, sqlite.0, "outcomes of seed {seed}");
        assert_eq!(memory.1, sqlite.1, "contents of seed {seed}");
    }
}

#[test]
fn postgresql_and_memory_agree_to_the_byte() {
    let server = support::server();
    for seed in 200..206 {
        let units = trace(seed, UNITS);
        let memory = play(&mut in_memory(), &units, 0);
        let postgres = play(&mut OnPostgres(server.database(&format!("seed_{seed}"))), &units, seed % 40);
        assert_eq!(memory.0, postgres.0, "outcomes of seed {seed}");
        assert_eq!(memory.1, postgres.1, "contents of seed {seed}");
    }
}

/// A trace in which everything is accepted, or everything refused, would show nothing.
#[test]
fn the_traces_meet_every_rule() {
    let mut seen = std::collections::BTreeSet::new();
    let mut committed = 0;
    for seed in 0..8 {
        for outcome in play(&mut in_memory(), &trace(seed, UNITS), 5).0 {
            match outcome {
                Ok(_) => committed += 1,
                Err(refused) => drop(seen.insert(name(&refused))),
            }
        }
    }
    assert!(committed > UNITS, "only {committed} units were committed");
    let all = ["alias", "answered", "count", "cursor", "key", "ledger", "malformed", "unknown", "version"];
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), all);
}

fn name(refused: &store::Refused) -> &'static str {
    use store::Refused::*;
    match refused {
        KeyTaken { .. } => "key",
        KeyUnknown => "unknown",
        KeyAnswered => "answered",
        VersionConflict { .. } => "version",
        AliasTaken { .. } => "alias",
        Ledger { .. } => "ledger",
        CountOutOfRange => "count",
        CursorMoved { .. } => "cursor",
        CounterOutOfRange => "counter",
        Malformed(_) => "malformed",
    }
}
