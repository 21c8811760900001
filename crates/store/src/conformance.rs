//! The suite that every engine must pass: seeded traces, the same for all, whose outcomes, journals and reads must be
//! equal to the byte, however the units are grouped.

mod trace;

use std::sync::Arc;

pub use trace::{Chance, trace};

use crate::engine::Outcomes;
use crate::{
    DayCount, DueTask, Engine, Head, Known, Listing, Place, Posting, RawRecord, Reads, Row, Shard,
    StoredRecord, Unit, verify,
};
use ledger::{AccountId, Balance};

/// An engine's store that can be closed and opened again.
pub trait Subject {
    /// Opens the store; the one opened before has been dropped.
    fn open(&mut self) -> (Box<dyn Engine>, Arc<dyn Reads>);
}

/// How many shards the traces use.
pub const SHARDS: u16 = 3;
/// How many days idempotency keys are kept in the traces.
pub const RETENTION_DAYS: u16 = 2;

/// Everything that can be read after a trace.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // Each is the read of the same name.
pub struct Contents {
    pub heads: Vec<(u64, crate::Hash)>,
    pub journal: Vec<Vec<RawRecord>>,
    pub rows: Vec<Vec<Row>>,
    pub pages: Vec<Vec<Row>>,
    pub aliases: Vec<Option<crate::RowKey>>,
    pub known: Vec<Option<Known>>,
    pub tasks: Vec<Vec<DueTask>>,
    pub histories: Vec<Vec<StoredRecord>>,
    pub statements: Vec<Vec<Posting>>,
    pub balances: Vec<Vec<(AccountId, Balance)>>,
    pub counts: Vec<Vec<DayCount>>,
    pub cursors: Vec<u64>,
}

/// Commits a trace in groups whose sizes come from `grouping`, opening the store anew now and then, and returns what
/// became of each unit and all that can be read in the end. The store is verified on the way.
///
/// # Panics
/// When the engine fails or verification finds a breach.
pub fn play(subject: &mut dyn Subject, units: &[Unit], grouping: u64) -> (Outcomes, Contents) {
    let mut chance = Chance(grouping);
    let mut outcomes = Vec::with_capacity(units.len());
    let (mut engine, mut reads) = subject.open();
    let mut rest = units;
    while !rest.is_empty() {
        let many = (1 + chance.below(1 + grouping.min(40)) as usize).min(rest.len());
        let (batch, later) = rest.split_at(many);
        let committed = engine.commit(batch).expect("a batch");
        assert_eq!(committed.len(), batch.len());
        outcomes.extend(committed);
        rest = later;
        if chance.below(20) == 0 {
            drop(engine);
            (engine, reads) = subject.open();
        }
    }
    let snapshot = reads.snapshot().expect("a snapshot");
    let verified = verify(&*snapshot, |_, _| ()).expect("a whole store");
    assert_eq!(verified.heads.len(), usize::from(SHARDS));
    (outcomes, contents(&*reads))
}

/// Reads everything that a trace can have left.
///
/// # Panics
/// When a read fails.
pub fn contents(reads: &dyn Reads) -> Contents {
    let shards: Vec<Shard> = (0..reads.shards()).map(Shard).collect();
    let each = |shard: Shard| (0..trace::IDS).map(move |id| (shard, id));
    let page = |after, before| Listing { after, before, limit: 3 };
    let lists = || shards.iter().flat_map(|&shard| trace::OWNERS.map(|owner| (shard, owner)));
    Contents {
        heads: shards
            .iter()
            .map(|&shard| reads.head(shard).map(|Head { seq, hash, .. }| (seq, hash)).unwrap())
            .collect(),
        journal: shards.iter().map(|&shard| reads.raw_journal(shard, 1, 100_000).unwrap()).collect(),
        rows: lists()
            .map(|(shard, owner)| reads.scan(shard, trace::TABLE, owner, None, 100).unwrap())
            .collect(),
        pages: lists()
            .flat_map(|(shard, owner)| {
                [
                    (None, None),
                    (Some(7), None),
                    (None, Some(4)),
                    (Some(9), Some(2)),
                    (Some(3), Some(2)),
                    (Some(0), None),
                ]
                .map(|(after, before)| reads.list(shard, trace::TABLE, owner, page(after, before)).unwrap())
            })
            .collect(),
        aliases: shards
            .iter()
            .flat_map(|&shard| each(shard))
            .map(|(shard, id)| reads.alias(shard, trace::SPACE, [id as u8; 16]).unwrap())
            .collect(),
        known: shards
            .iter()
            .flat_map(|&shard| (0..trace::KEYS).map(move |key| (shard, key)))
            .map(|(shard, key)| reads.idempotency(shard, [key as u8; 16]).unwrap())
            .collect(),
        tasks: [None, Some(trace::START.plus_ms(86_400_000))]
            .map(|due| reads.tasks(trace::TASK, due, 50).unwrap())
            .to_vec(),
        histories: shards
            .iter()
            .flat_map(|&shard| each(shard))
            .map(|(shard, id)| reads.history(shard, u128::from(id)).unwrap())
            .collect(),
        statements: shards
            .iter()
            .flat_map(|&shard| trace::accounts().map(|account| (shard, account)))
            .map(|(shard, account)| statement(reads, shard, account))
            .collect(),
        balances: shards.iter().map(|&shard| reads.balances(shard).unwrap()).collect(),
        counts: lists()
            .map(|(shard, owner)| reads.counts(shard, owner, i32::MIN, i32::MAX).unwrap())
            .collect(),
        cursors: shards.iter().map(|&shard| reads.cursor(shard, trace::CONSUMER).unwrap()).collect(),
    }
}

/// A whole statement, page by page.
fn statement(reads: &dyn Reads, shard: Shard, account: AccountId) -> Vec<Posting> {
    let mut lines: Vec<Posting> = Vec::new();
    loop {
        let after = lines.last().map_or(Place::default(), |line| Place { seq: line.seq, leg: line.leg });
        // A leg at (0, 0) does not exist, as sequence numbers begin at 1.
        let page = reads.entries(shard, account, after, 7).unwrap();
        if page.is_empty() {
            return lines;
        }
        lines.extend(page);
    }
}
