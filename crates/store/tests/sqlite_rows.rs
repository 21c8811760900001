//! How rows lie in the file: in the order in which they came, some of them told in the journal, listed beside it.

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, params};
use store::{
    Body, Engine as _, Listing, Reads, Record, RecordKind, Row, RowChange, RowKey, Shard, SqliteEngine,
    SqliteOptions, Table, Unit, open_sqlite,
};
use types::Timestamp;

const S: Shard = Shard(0);
const AT: Timestamp = Timestamp::from_ms(1_796_113_800_000);
const OWNER: u128 = 7;

fn open(path: &Path) -> (SqliteEngine, Arc<dyn Reads>) {
    open_sqlite(path, &SqliteOptions::default()).unwrap()
}

fn key(id: u128) -> RowKey {
    RowKey { table: Table::Payment, owner: OWNER, id }
}

fn change(id: u128, expected: Option<u32>, body: Option<Body>) -> Unit {
    let mut unit = Unit::new(S, AT);
    unit.rows.push(RowChange { key: key(id), expected, body });
    unit
}

/// A row whose body is the middle of its record's event.
fn told(id: u128, expected: Option<u32>, body: &str) -> Unit {
    let mut unit = change(id, expected, Some(Body::InRecord { record: 0, at: 5, len: body.len() }));
    let event = format!("said({body}) and more").into_bytes();
    let (kind, owner) = (RecordKind(1), OWNER);
    unit.records.push(Record { kind, owner, subject: id, subject_version: 1, legs: None, event });
    unit
}

fn commit(engine: &mut SqliteEngine, units: &[Unit]) {
    for outcome in engine.commit(units).unwrap() {
        outcome.unwrap();
    }
}

fn body(reads: &dyn Reads, id: u128) -> Option<String> {
    reads.get(S, key(id)).unwrap().map(|row| String::from_utf8(row.body).unwrap())
}

fn listed(reads: &dyn Reads) -> Vec<u128> {
    let rows = reads.list(S, Table::Payment, OWNER, Listing { limit: 100, ..Listing::default() }).unwrap();
    rows.into_iter().map(|Row { key, .. }| key.id).collect()
}

#[test]
fn a_row_that_is_told_in_the_journal_reads_as_one_that_holds_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut engine, reads) = open(&folder.path().join("store"));
    commit(&mut engine, &[told(1, None, "first"), change(2, None, Some(b"own".to_vec().into()))]);
    assert_eq!(body(&*reads, 1).as_deref(), Some("first"));
    assert_eq!(body(&*reads, 2).as_deref(), Some("own"));
    // Each may become the other, also twice within a batch.
    commit(
        &mut engine,
        &[told(2, Some(1), "told by now"), told(1, Some(1), "second"), told(1, Some(2), "third")],
    );
    commit(&mut engine, &[change(1, Some(3), Some(b"own by now".to_vec().into()))]);
    assert_eq!(body(&*reads, 1).as_deref(), Some("own by now"));
    assert_eq!(body(&*reads, 2).as_deref(), Some("told by now"));
    assert_eq!(reads.get(S, key(1)).unwrap().unwrap().version, 4);
}

#[test]
fn a_list_passes_over_what_is_gone_and_misses_nothing_that_comes_after() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (mut engine, reads) = open(&path);
    let new = |id| change(id, None, Some(b"{}".to_vec().into()));
    commit(&mut engine, &[new(10), new(30), new(20)]);
    assert_eq!(listed(&*reads), [30, 20, 10]);
    // The last to come goes, and its number must not be given to another.
    commit(&mut engine, &[change(20, Some(1), None)]);
    drop((engine, reads));
    let (mut engine, reads) = open(&path);
    assert_eq!(listed(&*reads), [30, 10]);
    commit(&mut engine, &[new(25), new(20)]);
    assert_eq!(listed(&*reads), [30, 25, 20, 10]);
}

/// Whoever checks the rows of a table must not be led by its lists alone.
#[test]
fn a_row_that_was_put_where_no_list_looks_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (mut engine, reads) = open(&path);
    commit(&mut engine, &[change(10, None, Some(b"{}".to_vec().into()))]);
    assert_eq!(listed(&*reads), [10]);
    let hidden = params![OWNER.to_be_bytes(), 11u128.to_be_bytes()];
    let put =
        "INSERT INTO object (num, shard, tab, owner, id, version, body) VALUES (0, 0, 6, ?1, ?2, 1, x'7b7d')";
    Connection::open(&path).unwrap().execute(put, hidden).unwrap();
    assert_eq!((listed(&*reads), reads.count_rows(S, Table::Payment).unwrap()), (vec![10], 2));
}

#[test]
fn lists_of_a_store_that_was_brought_back_from_an_older_copy_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store"), folder.path().join("copy"));
    let new = |id| change(id, None, Some(b"{}".to_vec().into()));
    let (mut engine, reads) = open(&path);
    commit(&mut engine, &[new(1)]);
    drop((reads, engine));
    assert!(!folder.path().join("store-wal").exists());
    std::fs::copy(&path, &copy).unwrap();
    let (mut engine, reads) = open(&path);
    commit(&mut engine, &[new(2), new(3)]);
    assert_eq!(listed(&*reads), [3, 2, 1]);
    drop((engine, reads));
    for beside in ["store-wal", "store-shm"] {
        // The last to close may have taken them away.
        let _ = std::fs::remove_file(folder.path().join(beside));
    }
    std::fs::copy(&copy, &path).unwrap();
    let (mut engine, reads) = open(&path);
    assert_eq!(listed(&*reads), [1]);
    commit(&mut engine, &[new(4)]);
    assert_eq!(listed(&*reads), [4, 1]);
}

#[test]
fn a_file_of_the_first_version_is_brought_forward_with_all_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../../migrations/sqlite/0001_store.sql")).unwrap();
    old.execute_batch(
        "INSERT INTO store VALUES (1, 1); INSERT INTO shard_head VALUES (0, 1, 0, zeroblob(32))",
    )
    .unwrap();
    old.pragma_update(None, "application_id", 0x4c69_616e).unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    for id in [5u128, 3] {
        let names = params![OWNER.to_be_bytes(), id.to_be_bytes()];
        old.execute("INSERT INTO object VALUES (0, 6, ?1, ?2, 4, x'6f6c64')", names).unwrap();
    }
    drop(old);
    let (mut engine, reads) = open(&path);
    assert_eq!(body(&*reads, 3).as_deref(), Some("old"));
    commit(&mut engine, &[told(3, Some(4), "new"), told(9, None, "newer")]);
    assert_eq!(body(&*reads, 3).as_deref(), Some("new"));
    assert_eq!(listed(&*reads), [9, 5, 3]);
}

#[test]
fn a_row_that_is_told_where_nothing_is_is_reported_as_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let (mut engine, reads) = open(&path);
    commit(&mut engine, &[told(1, None, "said")]);
    Connection::open(&path).unwrap().execute("DELETE FROM journal", []).unwrap();
    assert!(reads.get(S, key(1)).unwrap_err().to_string().contains("has no record"));
}
