//! A store is copied while it is written to: the copy is one moment of it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use store::{
    Engine as _, Record, RecordKind, RowChange, RowKey, Shard, SqliteOptions, Table, Unit, copy_sqlite,
    open_sqlite, open_sqlite_read_only, verify,
};
use types::Timestamp;

const S: Shard = Shard(0);

fn unit(id: u128) -> Unit {
    let mut unit = Unit::new(S, Timestamp::from_ms(1_800_000_000_000));
    let key = RowKey { table: Table::Payment, owner: 1, id };
    unit.rows.push(RowChange { key, expected: None, body: Some(vec![7; 2_000].into()) });
    let (kind, event) = (RecordKind(1), b"{}".to_vec());
    unit.records.push(Record { kind, owner: 1, subject: id, subject_version: 1, legs: None, event });
    unit
}

fn journal(path: &Path) -> Vec<store::RawRecord> {
    open_sqlite_read_only(path).unwrap().raw_journal(S, 1, 1_000_000).unwrap()
}

#[test]
fn a_copy_that_is_taken_under_load_is_one_moment_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store"), folder.path().join("copy"));
    let (mut engine, _reads) = open_sqlite(&path, &SqliteOptions::default()).unwrap();
    let first: Vec<Unit> = (0..5_000).map(unit).collect();
    assert!(engine.commit(&first).unwrap().iter().all(Result::is_ok));
    let (copied, mut steps) = (AtomicBool::new(false), 0);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut id = 5_000;
            // At least some after the copy, so that it is a part of the store and not all of it.
            while !copied.load(Ordering::Acquire) || id < 5_010 {
                assert!(engine.commit(&[unit(id)]).unwrap()[0].is_ok());
                id += 1;
            }
            assert!(engine.commit(&[unit(id)]).unwrap()[0].is_ok());
        });
        copy_sqlite(&path, &copy, |_, _| steps += 1).unwrap();
        copied.store(true, Ordering::Release);
        writing.join().unwrap();
    });
    let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "others may read the copy: {mode:o}");
    assert!(steps > 1, "one step proves nothing about writing in between");
    let (whole, part) = (journal(&path), journal(&copy));
    assert!(part.len() >= 5_000 && part.len() < whole.len());
    assert_eq!(whole[..part.len()], part);
    let reads = open_sqlite_read_only(&copy).unwrap();
    assert_eq!(verify(&*reads, |_, _| ()).unwrap().records, part.len() as u64);
    assert!(copy_sqlite(&path, &copy, |_, _| ()).unwrap_err().to_string().contains("exists already"));
}

#[test]
fn what_is_no_store_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("other"), folder.path().join("copy"));
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let refused = copy_sqlite(&path, &copy, |_, _| ()).unwrap_err().to_string();
    assert!(refused.contains("is not a store of this program"), "{refused}");
    assert!(!copy.exists());
}
