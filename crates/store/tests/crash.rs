//! A process is killed in the middle of its commits, again and again. What it acknowledged is there, and the store is
//! whole.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use store::conformance::Chance;
use store::{
    Claim, Record, RecordKind, RowChange, RowKey, Settings, Shard, SqliteOptions, Store, Table, Unit,
    open_sqlite, verify,
};
use types::Timestamp;

/// Tells this test, run again as a child, where to write.
const PATH: &str = "LIAN_STORE_CRASH_PATH";
/// And which numbers nobody has used.
const FIRST: &str = "LIAN_STORE_CRASH_FIRST";
const AT: Timestamp = Timestamp::from_ms(1_796_113_800_007);
const AT_ONCE: u128 = 16;

fn key(id: u128) -> RowKey {
    RowKey { table: Table::Payment, owner: 1, id }
}

fn unit(id: u128) -> Unit {
    let mut unit = Unit::new(Shard(0), AT);
    unit.claim = Some(Claim { key: id.to_be_bytes(), digest: [0; 32], subject: id });
    unit.rows.push(RowChange { key: key(id), expected: None, body: Some(vec![1; 300].into()) });
    let (kind, event) = (RecordKind(1), vec![2; 300]);
    unit.records.push(Record { kind, owner: 1, subject: id, subject_version: 1, legs: None, event });
    unit
}

/// Commits until it is killed, and says what was acknowledged.
async fn write_until_killed(path: &Path, first: u128) {
    let options = SqliteOptions { checkpoint_bytes: 1 << 18, ..SqliteOptions::default() };
    let (engine, reads) = open_sqlite(path, &options).unwrap();
    let store = Arc::new(Store::start(engine, reads, Settings::default()).unwrap());
    let writers: Vec<_> = (0..AT_ONCE)
        .map(|lane| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for id in (first + lane..).step_by(AT_ONCE as usize) {
                    store.commit(unit(id)).await.unwrap();
                    // One write a line, so that no line is cut.
                    std::io::stdout().write_all(format!("\nacknowledged {id}\n").as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_that_it_acknowledged() {
    if let (Ok(path), Ok(first)) = (std::env::var(PATH), std::env::var(FIRST)) {
        return write_until_killed(Path::new(&path), first.parse().unwrap()).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut chance = Chance(7);
    let mut acknowledged: Vec<u128> = Vec::new();
    for life in 0..6u128 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_killed_process_loses_nothing_that_it_acknowledged", "--nocapture"])
            .env(PATH, &path)
            .env(FIRST, (life << 32).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.strip_prefix("acknowledged ").and_then(|id| id.parse::<u128>().ok());
        let some = 1 + chance.below(600) as usize;
        acknowledged.extend(lines.by_ref().filter_map(number).take(some));
        child.kill().unwrap();
        // What was in the pipe was acknowledged, too.
        acknowledged.extend(lines.filter_map(number));
        child.wait().unwrap();

        let (_engine, reads) = open_sqlite(&path, &SqliteOptions::default()).unwrap();
        for &id in &acknowledged {
            assert!(reads.get(Shard(0), key(id)).unwrap().is_some(), "life {life}: {id} is lost");
            assert!(
                reads.idempotency(Shard(0), id.to_be_bytes()).unwrap().is_some(),
                "life {life}: key of {id}"
            );
        }
        let verified = verify(&*reads, |_, _| ()).unwrap();
        assert!(verified.records >= acknowledged.len() as u64);
        // At most what was in flight in each life was written without being acknowledged.
        assert!(verified.records <= acknowledged.len() as u64 + AT_ONCE as u64 * (life as u64 + 1));
    }
    assert!(acknowledged.len() >= 6, "only {} units were acknowledged", acknowledged.len());
}
