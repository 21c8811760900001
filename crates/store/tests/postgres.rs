//! PostgreSQL as it is in life: several writers at once, a server that is killed, tables of a newer program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use store::{
    Claim, CommitError, Engine, PostgresOptions, Reads, Record, RecordKind, Refused, Reserve, RowChange,
    RowKey, Settings, Shard, Store, StoreError, Table, Unit, open_postgres, open_postgres_read_only, verify,
};
use types::Timestamp;

mod support;

/// How long the writer may take to come back before the test fails.
const PATIENCE: Duration = Duration::from_secs(120);
const AT: Timestamp = Timestamp::from_ms(1_796_113_800_007);

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

fn open(url: &str) -> (Store, Arc<dyn Reads>) {
    let options = PostgresOptions { settle_ms: 60_000, ..PostgresOptions::default() };
    let (engine, reads) = open_postgres(url, &options).unwrap();
    (Store::start(engine, Arc::clone(&reads), Settings::default()).unwrap(), reads)
}

/// Two processes, as far as the database can tell.
#[tokio::test]
async fn two_writers_of_one_shard_take_turns_and_nothing_is_lost_or_done_twice() {
    let server = support::server();
    let url = tokio::task::spawn_blocking(move || (server.database("race"), server)).await.unwrap();
    let (url, _server) = url;
    let writers = [open(&url).0, open(&url).0];
    let tasks: Vec<_> = (0..400u128)
        .map(|number| {
            // Each number is tried by both writers at once; one of them may have it.
            let stores = writers.clone();
            tokio::spawn(async move {
                let (one, two) = tokio::join!(stores[0].commit(unit(number)), stores[1].commit(unit(number)));
                let taken = |outcome: &Result<_, CommitError>| {
                    matches!(outcome, Err(CommitError::Refused(Refused::KeyTaken { .. })))
                };
                assert!(
                    one.is_ok() && taken(&two) || two.is_ok() && taken(&one),
                    "{number}: {one:?} and {two:?}"
                );
                let (one, two) = tokio::join!(stores[0].reserve([7; 16], 3), stores[1].reserve([7; 16], 3));
                [one.unwrap(), two.unwrap()]
            })
        })
        .collect();
    let mut blocks = Vec::new();
    for task in tasks {
        blocks.extend(task.await.unwrap());
    }
    blocks.sort_unstable();
    let expected: Vec<u64> = (0..800).map(|block| block * 3).collect();
    assert_eq!(blocks, expected, "every block of numbers is given once");
    let verified = verified(&url).await;
    assert_eq!(verified.records, 400);
}

async fn verified(url: &str) -> store::Verified {
    let url = url.to_owned();
    let checked = tokio::task::spawn_blocking(move || {
        let reads = open_postgres_read_only(&url).unwrap();
        verify(&*reads.snapshot().unwrap(), |_, _| ()).unwrap()
    });
    checked.await.unwrap()
}

/// kill -9 of PostgreSQL, three times, while units are committed: what was acknowledged is there, the writer goes on alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_loses_nothing_and_the_writer_resumes_alone() {
    let server = support::server();
    let (url, mut server) =
        tokio::task::spawn_blocking(move || (server.database("killed"), server)).await.unwrap();
    let (store, reads) = open(&url);
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let lanes: Vec<_> = (0..16u128)
        .map(|lane| {
            let (store, stop, acknowledged) = (store.clone(), Arc::clone(&stop), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut done = Vec::new();
                let mut refused = 0u32;
                for id in (lane..).step_by(16) {
                    if stop.load(Ordering::Acquire) {
                        break;
                    }
                    match store.commit(unit(id)).await {
                        Ok(_) => {
                            acknowledged.fetch_add(1, Ordering::AcqRel);
                            done.push(id);
                        }
                        Err(CommitError::Unavailable) => refused += 1,
                        Err(error) => panic!("{id}: {error}"),
                    }
                    tokio::task::yield_now().await;
                }
                (done, refused)
            })
        })
        .collect();
    for _ in 0..3 {
        wait_for(&acknowledged, 200).await;
        server = tokio::task::spawn_blocking(move || {
            server.server.kill().unwrap();
            server.server.start_again().unwrap();
            server
        })
        .await
        .unwrap();
    }
    wait_for(&acknowledged, 200).await;
    stop.store(true, Ordering::Release);
    let (mut done, mut refused) = (Vec::new(), 0);
    for lane in lanes {
        let (lane, not) = lane.await.unwrap();
        done.extend(lane);
        refused += not;
    }
    assert!(done.len() >= 800);
    println!("{} acknowledged, {refused} refused, over three kills", done.len());
    let found = tokio::task::spawn_blocking(move || {
        let lost = |id: &u128| reads.get(Shard(0), key(*id)).unwrap().is_none();
        done.iter().copied().filter(lost).collect::<Vec<u128>>()
    });
    assert_eq!(found.await.unwrap(), Vec::<u128>::new(), "acknowledged and lost");
    verified(&url).await;
}

/// Until so many more are acknowledged; a writer that never comes back fails the test.
async fn wait_for(acknowledged: &AtomicU64, more: u64) {
    let from = acknowledged.load(Ordering::Acquire);
    let more = async {
        while acknowledged.load(Ordering::Acquire) < from + more {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, more).await.expect("the writer resumes");
}

#[test]
fn tables_of_a_newer_program_or_of_other_shards_are_refused_in_words() {
    let server = support::server();
    let url = server.database("newer");
    drop(open_postgres(&url, &PostgresOptions::default()).unwrap());
    let other = PostgresOptions { shards: 2, ..PostgresOptions::default() };
    let Err(StoreError::Open(text)) = open_postgres(&url, &other) else { panic!("two shards were taken") };
    assert_eq!(text, "the store was made with 1 shards and is configured with 2");
    support::run(&url, "UPDATE store SET version = 99");
    let Err(StoreError::Open(text)) = open_postgres(&url, &PostgresOptions::default()) else {
        panic!("opened")
    };
    assert!(text.contains("newer program (tables of version 99"), "{text}");
    let Err(StoreError::Open(text)) = open_postgres_read_only(&url) else { panic!("opened to read") };
    assert!(text.contains("newer program"), "{text}");
}

/// What is altered by hand is found, here as on SQLite.
#[test]
fn an_altered_table_is_found_by_the_rule_that_it_breaks() {
    let server = support::server();
    let alterations = [
        ("UPDATE journal SET record = set_byte(record, 40, 7) WHERE seq = 2", "the hash chain is broken"),
        ("DELETE FROM journal WHERE seq = 2", "the sequence has a gap"),
        ("UPDATE shard_head SET hash = decode(repeat('00', 32), 'hex')", "the journal's head says"),
        ("UPDATE history SET seq = 9 WHERE seq = 1", "histories or statements are missing"),
    ];
    for (number, (sql, rule)) in alterations.into_iter().enumerate() {
        let url = server.database(&format!("altered_{number}"));
        let (mut engine, reads) = open_postgres(&url, &PostgresOptions::default()).unwrap();
        assert!(engine.commit(&[unit(1), unit(2), unit(3)]).unwrap().iter().all(Result::is_ok));
        verify(&*reads.snapshot().unwrap(), |_, _| ()).unwrap();
        support::run(&url, sql);
        let found = verify(&*reads.snapshot().unwrap(), |_, _| ()).unwrap_err().to_string();
        assert!(found.contains(rule), "{sql}: {found}");
    }
}

/// The reservation of numbers needs no journal record, and still no two writers get the same.
#[test]
fn a_writer_sees_what_another_has_written_without_a_record() {
    let server = support::server();
    let url = server.database("counters");
    let (mut one, _reads) = open_postgres(&url, &PostgresOptions::default()).unwrap();
    let (mut two, _reads) = open_postgres(&url, &PostgresOptions::default()).unwrap();
    let mut reserve = Unit::new(Shard(0), AT);
    reserve.reserves.push(Reserve { counter: [1; 16], numbers: 10 });
    let batch = [reserve];
    let firsts: Vec<u64> = (0..6)
        .map(|turn| {
            let engine = if turn % 2 == 0 { &mut one } else { &mut two };
            engine.commit(&batch).unwrap()[0].as_ref().unwrap().reserved[0]
        })
        .collect();
    assert_eq!(firsts, [0, 10, 20, 30, 40, 50]);
}

/// As a primary whose disk hangs: its kernel still takes connections.
#[test]
fn a_host_that_takes_connections_and_says_nothing_is_passed_over() {
    let server = support::server();
    let url = server.database("second");
    let mute = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (listening, real) = (mute.local_addr().unwrap().port(), server.server.address().port());
    let both = url.replace(&format!(":{real}/"), &format!(":{listening},127.0.0.1:{real}/"));
    assert_ne!(both, url);
    let (_engine, reads) = open_postgres(&both, &PostgresOptions::default()).unwrap();
    assert_eq!(reads.head(Shard(0)).unwrap().seq, 0);
}
