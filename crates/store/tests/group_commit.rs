//! The queue in front of the engine: what it refuses, what it answers, and what it never promises.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use store::{
    CommitError, Engine, Fault, Memory, Outcomes, Record, RecordKind, Refused, RowChange, RowKey, Settings,
    Shard, Store, StoreError, Table, Unit, verify,
};
use types::Timestamp;

const AT: Timestamp = Timestamp::from_ms(1_796_113_800_007);

fn key(id: u128) -> RowKey {
    RowKey { table: Table::Payment, owner: 1, id }
}

/// Writes a row over a version, with a record.
fn write(id: u128, expected: Option<u32>) -> Unit {
    let mut unit = Unit::new(Shard(0), AT);
    unit.rows.push(RowChange { key: key(id), expected, body: Some(b"{}".to_vec().into()) });
    unit.records.push(Record {
        kind: RecordKind(1),
        owner: 1,
        subject: id,
        subject_version: expected.unwrap_or(0) + 1,
        legs: None,
        event: b"{}".to_vec(),
    });
    unit
}

fn store(memory: &Memory) -> Store {
    let (engine, reads) = memory.open();
    Store::start(engine, reads, Settings::default()).unwrap()
}

/// An engine that tells when it has a batch, and commits it once it is allowed to.
struct Gated {
    engine: store::MemoryEngine,
    arrived: Sender<usize>,
    allowed: Receiver<()>,
}

impl Engine for Gated {
    fn commit(&mut self, batch: &[Unit]) -> Result<Outcomes, StoreError> {
        self.arrived.send(batch.len()).unwrap();
        self.allowed.recv().unwrap();
        self.engine.commit(batch)
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.engine.recover()
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_what_waited_becomes_one_batch() {
    let memory = Memory::new(1, 7);
    let (engine, reads) = memory.open();
    let ((arrived, arrivals), (allow, allowed)) = (channel(), channel());
    let gated = Gated { engine, arrived, allowed };
    let store = Store::start(gated, reads, Settings { queue_units: 3, batch_units: 8 }).unwrap();

    let commit = |id| {
        tokio::spawn({
            let store = store.clone();
            async move { store.commit(write(id, None)).await }
        })
    };
    let first = commit(1);
    tokio::task::yield_now().await;
    assert_eq!(arrivals.recv(), Ok(1));
    let waiting = [commit(2), commit(3), commit(4)];
    tokio::task::yield_now().await;
    assert!(matches!(store.commit(write(5, None)).await, Err(CommitError::Busy)));

    allow.send(()).unwrap();
    assert!(first.await.unwrap().is_ok());
    assert_eq!(arrivals.recv(), Ok(3));
    allow.send(()).unwrap();
    for waited in waiting {
        assert!(waited.await.unwrap().is_ok());
    }
    assert_eq!(store.get(Shard(0), key(5)).await.unwrap(), None);
}

/// Callers of one batch are told through each other; one that goes away takes nobody's answer with it.
#[tokio::test]
async fn a_caller_that_goes_away_cancels_neither_its_unit_nor_its_neighbours_answers() {
    let memory = Memory::new(1, 7);
    let (engine, reads) = memory.open();
    let ((arrived, arrivals), (allow, allowed)) = (channel(), channel());
    let store = Store::start(Gated { engine, arrived, allowed }, reads, Settings::default()).unwrap();
    let commit = |id| {
        let store = store.clone();
        tokio::spawn(async move { store.commit(write(id, None)).await })
    };
    let first = commit(0);
    tokio::task::yield_now().await;
    assert_eq!(arrivals.recv(), Ok(1));
    let batch: Vec<_> = (1..=6).map(commit).collect();
    tokio::task::yield_now().await;
    // Gone before the answer, and gone with the answer in its hands.
    batch[5].abort();
    tokio::task::yield_now().await;
    allow.send(()).unwrap();
    assert_eq!(arrivals.recv(), Ok(6));
    allow.send(()).unwrap();
    while memory.reads().head(Shard(0)).unwrap().seq < 7 {
        std::thread::yield_now();
    }
    batch[4].abort();
    for (number, caller) in batch.into_iter().enumerate() {
        let answer = caller.await;
        assert_eq!(answer.is_ok(), number < 4, "caller {number}");
        assert!(answer.is_err() || answer.unwrap().is_ok());
    }
    assert!(first.await.unwrap().is_ok());
}

#[tokio::test]
async fn of_a_thousand_that_race_for_a_version_one_wins_and_the_rest_leave_nothing() {
    let memory = Memory::new(1, 7);
    let store = store(&memory);
    store.commit(write(1, None)).await.unwrap();
    let racing: Vec<_> = (0..1_000)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(write(1, Some(1))).await })
        })
        .collect();
    let mut winners = 0;
    for one in racing {
        match one.await.unwrap() {
            Ok(_) => winners += 1,
            Err(CommitError::Refused(Refused::VersionConflict { found, .. })) => assert_eq!(found, Some(2)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(store.get(Shard(0), key(1)).await.unwrap().unwrap().version, 2);
    assert_eq!(store.journal(Shard(0), 1, 10).await.unwrap().len(), 2);
    verify(&*store.reads().snapshot().unwrap(), |_, _| ()).unwrap();
}

#[test]
fn a_loser_is_refused_alone() {
    let memory = Memory::new(1, 7);
    let (mut engine, reads) = memory.open();
    let outcomes =
        engine.commit(&[write(1, None), write(1, None), write(2, Some(4)), write(3, None)]).unwrap();
    let committed: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(committed, [true, false, false, true]);
    assert_eq!(reads.head(Shard(0)).unwrap().seq, 2);
}

#[tokio::test]
async fn after_a_batch_that_surely_was_not_written_the_store_recovers() {
    let memory = Memory::new(1, 7);
    let store = store(&memory);
    memory.order_fault(Fault::NotWritten);
    assert!(matches!(store.commit(write(1, None)).await, Err(CommitError::Unavailable)));
    tokio::select! {
        biased;
        () = store.stopped() => panic!("it only has to wait"),
        () = std::future::ready(()) => {}
    }
    while !store.is_ready() {
        tokio::task::yield_now().await;
    }
    store.commit(write(1, None)).await.unwrap();
}

/// Whether it was written or not, nothing is acknowledged, nothing more is taken, and the next life finds out.
#[tokio::test]
async fn after_a_batch_of_unknown_fate_the_store_stops_until_it_is_opened_again() {
    for (fault, written) in
        [(Fault::WrittenUnknown, true), (Fault::LostUnknown, false), (Fault::Panic, false)]
    {
        let memory = Memory::new(1, 7);
        let first = store(&memory);
        memory.order_fault(fault);
        assert!(matches!(first.commit(write(1, None)).await, Err(CommitError::Unavailable)), "{fault:?}");
        first.stopped().await;
        assert!(!first.is_ready());
        assert!(matches!(first.commit(write(2, None)).await, Err(CommitError::Unavailable)), "{fault:?}");
        drop(first);

        let second = store(&memory);
        assert_eq!(second.get(Shard(0), key(1)).await.unwrap().is_some(), written, "{fault:?}");
        second.commit(write(3, None)).await.unwrap();
        verify(&*memory.reads(), |_, _| ()).unwrap();
    }
}

#[tokio::test]
async fn whoever_lost_the_shard_writes_no_more() {
    let memory = Memory::new(1, 7);
    let old = store(&memory);
    old.commit(write(1, None)).await.unwrap();
    let new = store(&memory);
    assert!(matches!(old.commit(write(2, None)).await, Err(CommitError::Unavailable)));
    new.commit(write(2, None)).await.unwrap();
    assert!(matches!(old.commit(write(3, None)).await, Err(CommitError::Unavailable)));
}

#[tokio::test]
async fn what_is_queued_when_the_store_is_closed_is_written() {
    let memory = Memory::new(1, 7);
    let closing = store(&memory);
    let commits: Vec<_> = (0..50)
        .map(|id| {
            let store = closing.clone();
            tokio::spawn(async move { store.commit(write(id, None)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(closing);
    for commit in commits {
        commit.await.unwrap().unwrap();
    }
    assert_eq!(memory.reads().head(Shard(0)).unwrap().seq, 50);
}

#[tokio::test]
async fn a_number_is_never_given_twice_not_even_after_a_crash() {
    let memory = Memory::new(1, 7);
    let mut given = std::collections::BTreeSet::new();
    for life in 0..4 {
        let (engine, reads) = memory.open();
        let store = Store::inline(engine, reads);
        for _ in 0..3 {
            let first = store.reserve([7; 16], 10).await.unwrap();
            assert!((first..first + 10).all(|number| given.insert(number)), "life {life}");
        }
        // A unit whose fate is unknown may have taken its numbers: they are skipped.
        memory.order_fault(Fault::WrittenUnknown);
        assert!(store.reserve([7; 16], 10).await.is_err());
    }
    assert_eq!(given.len(), 120);
    assert_eq!(Arc::strong_count(&memory.reads()), 1);
}
