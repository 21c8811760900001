//! A store is moved from SQLite to PostgreSQL: all of it, also when the move is broken off in between, and never half of it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::conformance::{RETENTION_DAYS, SHARDS, Subject, contents, play, trace};
use store::{
    Engine, Moved, PostgresOptions, Proof, Reads, RowChange, RowKey, Shard, SqliteOptions, StoreError, Table,
    Unit, move_to_postgres, open_postgres, open_postgres_read_only, open_sqlite, verify,
};
use types::Timestamp;

mod support;

struct Embedded {
    folder: tempfile::TempDir,
}

impl Embedded {
    fn path(&self) -> PathBuf {
        self.folder.path().join("store")
    }
}

impl Subject for Embedded {
    fn open(&mut self) -> (Box<dyn Engine>, Arc<dyn Reads>) {
        let (engine, reads) = sqlite(&self.path());
        (engine, reads)
    }
}

fn sqlite(path: &Path) -> (Box<dyn Engine>, Arc<dyn Reads>) {
    let options =
        SqliteOptions { shards: SHARDS, retention_days: RETENTION_DAYS, ..SqliteOptions::default() };
    let (engine, reads) = open_sqlite(path, &options).unwrap();
    (Box::new(engine), reads)
}

fn postgres(url: &str) -> Result<(impl Engine, Arc<dyn Reads>), StoreError> {
    let options =
        PostgresOptions { shards: SHARDS, retention_days: RETENTION_DAYS, ..PostgresOptions::default() };
    open_postgres(url, &options)
}

/// A store with everything in it that a trace leaves, and enough rows that a table takes several steps.
fn full() -> Embedded {
    let mut embedded = Embedded { folder: tempfile::tempdir().unwrap() };
    play(&mut embedded, &trace(7, 400), 20);
    let (mut engine, _) = embedded.open();
    let many: Vec<Unit> = (1_000..6_000).map(row).collect();
    assert!(engine.commit(&many).unwrap().iter().all(Result::is_ok));
    drop(engine);
    embedded
}

fn row(id: u128) -> Unit {
    let mut unit = Unit::new(Shard(1), Timestamp::from_ms(1_800_000_000_000));
    let key = RowKey { table: Table::Invoice, owner: 5, id };
    unit.rows.push(RowChange { key, expected: None, body: Some(b"{}".to_vec().into()) });
    unit
}

fn whole(from: &Path, url: &str) -> Result<Proof, StoreError> {
    move_to_postgres(from, url, |_| ControlFlow::Continue(()))
        .map(|proof| proof.expect("nobody broke it off"))
}

/// Breaks the move off at its `steps`th word, as a kill between two of its transactions does.
fn broken_off(from: &Path, url: &str, steps: usize) -> Moved {
    let (mut left, mut last) = (steps, None);
    let moved = move_to_postgres(from, url, |moved| {
        last = Some(moved);
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(moved.unwrap(), None);
    last.unwrap()
}

fn refusal<T>(result: Result<T, StoreError>) -> String {
    result.err().expect("a refusal").to_string()
}

#[test]
fn a_store_that_was_moved_reads_the_same_and_goes_on() {
    let (server, mut embedded) = (support::server(), full());
    let url = server.database("moved");
    let proof = whole(&embedded.path(), &url).unwrap();
    let objects = proof.tables.iter().find(|(name, _)| *name == "object").unwrap().1;
    assert!(objects.rows > 5_000, "{objects:?}");

    let (mut engine, reads) = postgres(&url).unwrap();
    let (_, theirs) = embedded.open();
    assert_eq!(contents(&*reads), contents(&*theirs));
    for (shard, seq, hash) in proof.heads {
        let head = reads.head(shard).unwrap();
        assert_eq!((head.seq, head.hash), (seq, hash));
    }
    assert!(engine.commit(&[row(9_000)]).unwrap()[0].is_ok());
    verify(&*reads, |_, _| ()).unwrap();
}

#[test]
fn a_move_that_was_broken_off_is_not_served_and_goes_on_where_it_was() {
    let (server, embedded) = (support::server(), full());
    let url = server.database("broken");
    let mut before = 0;
    // In the journal; in the midst of the rows, which take several steps; and behind them.
    for steps in [1, 4, 2] {
        let moved = broken_off(&embedded.path(), &url, steps);
        assert!(moved.done >= before, "{moved:?} after {before}");
        before = moved.done;
        for refused in [refusal(postgres(&url)), refusal(open_postgres_read_only(&url))] {
            assert!(refused.contains("has not arrived"), "{refused}");
        }
    }
    assert!(before > 2_000, "{before} rows were moved before the last break");
    let proof = whole(&embedded.path(), &url).unwrap();
    let (_, reads) = postgres(&url).unwrap();
    verify(&*reads, |_, _| ()).unwrap();
    assert_eq!(proof, whole(&embedded.path(), &server.database("in_one_go")).unwrap());
}

#[test]
fn what_must_not_be_mixed_is_refused() {
    let (server, mut embedded) = (support::server(), full());
    let (url, path) = (server.database("mixed"), embedded.path());

    let missing = refusal(whole(&path.with_file_name("nothing"), &url));
    assert!(missing.contains("there is no store"), "{missing}");
    let (mut engine, reads) = embedded.open();
    let served = refusal(whole(&path, &url));
    assert!(served.contains("in use by another process"), "{served}");

    // Broken off, and then the source goes on: the part that was moved is of the past.
    drop((engine, reads));
    broken_off(&path, &url, 3);
    (engine, _) = embedded.open();
    let mut later = row(9_001);
    later.records.push(store::Record {
        kind: store::RecordKind(1),
        owner: 5,
        subject: 1,
        subject_version: 1,
        legs: None,
        event: b"{}".to_vec(),
    });
    assert!(engine.commit(&[later]).unwrap()[0].is_ok());
    drop(engine);
    let other = refusal(whole(&path, &url));
    assert!(other.contains("the beginning of a move from another store"), "{other}");

    let used = server.database("used");
    let (mut engine, _) = postgres(&used).unwrap();
    assert!(engine.commit(&[row(1)]).unwrap()[0].is_ok());
    let full = refusal(whole(&path, &used));
    assert!(full.contains("its table object is not empty"), "{full}");
}

#[test]
fn a_row_that_changes_on_the_way_is_found() {
    let (server, embedded) = (support::server(), full());
    let url = server.database("altered");
    broken_off(&embedded.path(), &url, 5);
    support::run(
        &url,
        "UPDATE object SET version = version + 1 WHERE id = (SELECT id FROM object ORDER BY id LIMIT 1)",
    );
    let damaged = refusal(whole(&embedded.path(), &url));
    assert!(damaged.contains("the table object does not hold the same"), "{damaged}");
    assert!(refusal(postgres(&url)).contains("has not arrived"));
}
