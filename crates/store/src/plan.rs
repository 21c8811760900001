//! Decides on a batch, unit by unit, without writing: one set of rules for every engine.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use ledger::{AccountId, Balance};
use types::{Currency, Timestamp};

use crate::engine::Outcomes;
use crate::journal::{Hash, chain, encode};
use crate::{Answer, Body, Claim, Committed, Head, Refused, RowKey, Shard, StoreError, Unit, shape};

/// Milliseconds of a day; claims are kept, and dropped, by the day.
const DAY_MS: i64 = 86_400_000;

type Balances = BTreeMap<(Shard, AccountId), Balance>;
type Sums = BTreeMap<(Shard, CountKey), (i64, i64)>;
type Tasks<'a> = BTreeMap<(Shard, u8, u128), Option<(Timestamp, &'a [u8])>>;
/// A rule's word on a unit, unless the store itself fails.
type Checked<T> = Result<Result<T, Refused>, StoreError>;

/// What the rules must know of what is committed.
pub(crate) trait Base {
    fn shards(&self) -> u16;
    fn head(&mut self, shard: Shard) -> Result<Head, StoreError>;
    fn version(&mut self, shard: Shard, key: &RowKey) -> Result<Option<u32>, StoreError>;
    fn alias(&mut self, shard: Shard, space: u8, key: &[u8; 16]) -> Result<Option<RowKey>, StoreError>;
    fn claim(&mut self, shard: Shard, key: &[u8; 16]) -> Result<Option<Claimed>, StoreError>;
    /// The number for the next claim of a day, from 0.
    fn next_claim(&mut self, shard: Shard, day: i32) -> Result<u32, StoreError>;
    fn balance(&mut self, shard: Shard, account: &AccountId) -> Result<Balance, StoreError>;
    fn count(&mut self, shard: Shard, key: &CountKey) -> Result<(i64, i64), StoreError>;
    fn cursor(&mut self, shard: Shard, consumer: &str) -> Result<u64, StoreError>;
    /// The next number of a counter, from 0.
    fn counter(&mut self, shard: Shard, counter: &[u8; 16]) -> Result<u64, StoreError>;
}

/// Where a claim lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClaimPlace {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// Its number of that day.
    pub number: u32,
}

/// A committed claim.
#[derive(Clone)]
pub(crate) struct Claimed {
    pub place: ClaimPlace,
    pub digest: [u8; 32],
    pub subject: u128,
    pub answer: Option<Answer>,
}

/// The name of a statistic within its shard, in the order of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CountKey {
    pub owner: u128,
    pub day: i32,
    pub currency: Currency,
    pub metric: u16,
}

/// A row's change over the whole batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowWrite<'a> {
    /// Before the batch.
    pub was: Option<u32>,
    /// After it.
    pub now: Option<(u32, Said<'a>)>,
}

/// What a row says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    Own(&'a [u8]),
    /// Bytes `at..at + len` of a record of its shard, which this batch appends.
    InJournal {
        seq: u64,
        at: u32,
        len: u32,
    },
}

impl Said<'_> {
    /// How many bytes the row itself takes.
    pub fn own_bytes(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::InJournal { .. } => 0,
        }
    }
}

/// A claim of this batch, with the answer it got in this batch.
pub(crate) struct NewClaim<'a> {
    pub claim: &'a Claim,
    pub answer: Option<&'a Answer>,
}

pub(crate) struct NewRecord {
    pub shard: Shard,
    pub seq: u64,
    pub bytes: Vec<u8>,
    pub hash: Hash,
}

/// Everything to write, in the order of the keys. Values are final, not deltas, so writing is blind.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    /// Each head before and after.
    pub heads: BTreeMap<Shard, (Head, Head)>,
    pub rows: BTreeMap<(Shard, RowKey), RowWrite<'a>>,
    pub aliases: BTreeMap<(Shard, u8, [u8; 16]), Option<RowKey>>,
    pub claims: BTreeMap<(Shard, ClaimPlace), NewClaim<'a>>,
    /// Answers to claims of earlier batches.
    pub answers: BTreeMap<(Shard, ClaimPlace), &'a Answer>,
    pub records: Vec<NewRecord>,
    pub balances: Balances,
    pub counts: Sums,
    pub tasks: Tasks<'a>,
    pub cursors: BTreeMap<(Shard, &'a str), u64>,
    pub counters: BTreeMap<(Shard, [u8; 16]), u64>,
    /// The latest day of a unit, by which claims expire.
    pub today: i32,
    claim_index: BTreeMap<(Shard, [u8; 16]), ClaimPlace>,
    next_claims: BTreeMap<(Shard, i32), u32>,
}

/// The day of an instant.
pub(crate) fn day_of(at: Timestamp) -> i32 {
    // The shape check keeps instants within the years 1970 to 9999.
    at.ms().div_euclid(DAY_MS) as i32
}

/// Decides on a batch. `retention_days` is how long claims are kept after their day.
pub(crate) fn plan<'a>(
    base: &mut dyn Base,
    batch: &'a [Unit],
    retention_days: u16,
) -> Result<(Plan<'a>, Outcomes), StoreError> {
    let mut plan = Plan::default();
    let outcomes =
        batch.iter().map(|unit| plan.take(base, unit, retention_days)).collect::<Result<Outcomes, _>>()?;
    Ok((plan, outcomes))
}

/// What a unit changes where rules need the sum of its parts; joined to the plan once the unit is accepted.
struct Effects {
    balances: Balances,
    counts: Sums,
    answer: Option<ClaimPlace>,
    reserved: Vec<u64>,
}

impl<'a> Plan<'a> {
    /// Whether anything is to be written.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
            && self.aliases.is_empty()
            && self.claims.is_empty()
            && self.answers.is_empty()
            && self.records.is_empty()
            && self.tasks.is_empty()
            && self.cursors.is_empty()
            && self.counters.is_empty()
    }

    fn take(&mut self, base: &mut dyn Base, unit: &'a Unit, retention_days: u16) -> Checked<Committed> {
        if let Err(malformed) = shape::check(unit, base.shards()) {
            return Ok(Err(malformed.into()));
        }
        if let Slot::Vacant(slot) = self.heads.entry(unit.shard) {
            let head = base.head(unit.shard)?;
            slot.insert((head, head));
        }
        match self.check(base, unit, retention_days)? {
            Ok(effects) => self.apply(base, unit, effects).map(Ok),
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// Whether the unit may be committed. Changes nothing.
    fn check(&self, base: &mut dyn Base, unit: &Unit, retention_days: u16) -> Checked<Effects> {
        macro_rules! accept {
            ($result:expr) => {
                match $result? {
                    Ok(value) => value,
                    Err(refused) => return Ok(Err(refused)),
                }
            };
        }
        accept!(self.check_claim(base, unit, retention_days));
        accept!(self.check_rows(base, unit));
        accept!(self.check_aliases(base, unit));
        let answer = accept!(self.check_answer(base, unit, retention_days));
        accept!(self.check_cursors(base, unit));
        let balances = accept!(self.new_balances(base, unit));
        let counts = accept!(self.new_counts(base, unit));
        let reserved = accept!(self.reserve(base, unit));
        Ok(Ok(Effects { balances, counts, answer, reserved }))
    }

    /// What is known of a key at the time of a unit: claims of this batch, then those committed and not expired.
    fn known(
        &self,
        base: &mut dyn Base,
        unit: &Unit,
        key: &[u8; 16],
        retention_days: u16,
    ) -> Result<Option<Claimed>, StoreError> {
        let found = match self.claim_index.get(&(unit.shard, *key)) {
            Some(&place) => self.claims.get(&(unit.shard, place)).map(|new| Claimed {
                place,
                digest: new.claim.digest,
                subject: new.claim.subject,
                answer: new.answer.cloned(),
            }),
            None => base.claim(unit.shard, key)?.map(|mut claimed| {
                if let Some(&answer) = self.answers.get(&(unit.shard, claimed.place)) {
                    claimed.answer = Some(answer.clone());
                }
                claimed
            }),
        };
        let age = |place: ClaimPlace| i64::from(day_of(unit.at)) - i64::from(place.day);
        Ok(found.filter(|claimed| age(claimed.place) <= i64::from(retention_days)))
    }

    fn check_claim(&self, base: &mut dyn Base, unit: &Unit, retention_days: u16) -> Checked<()> {
        let Some(claim) = &unit.claim else { return Ok(Ok(())) };
        Ok(match self.known(base, unit, &claim.key, retention_days)? {
            None => Ok(()),
            Some(Claimed { digest, subject, answer, .. }) => {
                Err(Refused::KeyTaken { digest, subject, answer })
            }
        })
    }

    /// Where the claim lies that the unit answers; none when it is the unit's own.
    fn check_answer(
        &self,
        base: &mut dyn Base,
        unit: &Unit,
        retention_days: u16,
    ) -> Checked<Option<ClaimPlace>> {
        let Some(answer) = &unit.answer else { return Ok(Ok(None)) };
        if unit.claim.as_ref().is_some_and(|claim| claim.key == answer.key) {
            return Ok(Ok(None));
        }
        Ok(match self.known(base, unit, &answer.key, retention_days)? {
            None => Err(Refused::KeyUnknown),
            Some(Claimed { answer: Some(_), .. }) => Err(Refused::KeyAnswered),
            Some(Claimed { place, .. }) => Ok(Some(place)),
        })
    }

    fn check_rows(&self, base: &mut dyn Base, unit: &Unit) -> Checked<()> {
        for change in &unit.rows {
            let found = match self.rows.get(&(unit.shard, change.key)) {
                Some(write) => write.now.map(|(version, _)| version),
                None => base.version(unit.shard, &change.key)?,
            };
            if found != change.expected {
                return Ok(Err(Refused::VersionConflict { key: change.key, found }));
            }
        }
        Ok(Ok(()))
    }

    fn check_aliases(&self, base: &mut dyn Base, unit: &Unit) -> Checked<()> {
        for change in unit.aliases.iter().filter(|change| change.target.is_some()) {
            let found = match self.aliases.get(&(unit.shard, change.space, change.key)) {
                Some(&target) => target,
                None => base.alias(unit.shard, change.space, &change.key)?,
            };
            if let Some(target) = found {
                return Ok(Err(Refused::AliasTaken { space: change.space, key: change.key, target }));
            }
        }
        Ok(Ok(()))
    }

    fn check_cursors(&self, base: &mut dyn Base, unit: &Unit) -> Checked<()> {
        let last = self.heads.get(&unit.shard).map_or(0, |(_, head)| head.seq);
        for cursor in &unit.cursors {
            let found = match self.cursors.get(&(unit.shard, cursor.consumer.as_str())) {
                Some(&seq) => seq,
                None => base.cursor(unit.shard, &cursor.consumer)?,
            };
            if cursor.seq <= found || cursor.seq > last {
                let consumer = cursor.consumer.clone();
                return Ok(Err(Refused::CursorMoved { consumer, found, last }));
            }
        }
        Ok(Ok(()))
    }

    fn new_balances(&self, base: &mut dyn Base, unit: &Unit) -> Checked<Balances> {
        let mut changed = BTreeMap::new();
        for leg in
            unit.records.iter().filter_map(|record| record.legs.as_ref()).flat_map(|entry| entry.legs())
        {
            let name = (unit.shard, leg.account);
            let before = match changed.get(&name).or_else(|| self.balances.get(&name)) {
                Some(&balance) => balance,
                None => base.balance(unit.shard, &leg.account)?,
            };
            match before.apply(leg) {
                Ok(after) => changed.insert(name, after),
                Err(error) => return Ok(Err(Refused::Ledger { account: leg.account, error })),
            };
        }
        Ok(Ok(changed))
    }

    fn new_counts(&self, base: &mut dyn Base, unit: &Unit) -> Checked<Sums> {
        let mut changed = BTreeMap::new();
        for delta in &unit.counts {
            let key = CountKey {
                owner: delta.owner,
                day: delta.day,
                currency: delta.currency,
                metric: delta.metric,
            };
            let name = (unit.shard, key);
            let (count, amount) = match changed.get(&name).or_else(|| self.counts.get(&name)) {
                Some(&sums) => sums,
                None => base.count(unit.shard, &key)?,
            };
            match (count.checked_add(delta.count), amount.checked_add(delta.amount)) {
                (Some(count), Some(amount)) => changed.insert(name, (count, amount)),
                _ => return Ok(Err(Refused::CountOutOfRange)),
            };
        }
        Ok(Ok(changed))
    }

    /// The first number of each block.
    fn reserve(&self, base: &mut dyn Base, unit: &Unit) -> Checked<Vec<u64>> {
        let mut firsts = Vec::with_capacity(unit.reserves.len());
        for reserve in &unit.reserves {
            let first = match self.counters.get(&(unit.shard, reserve.counter)) {
                Some(&next) => next,
                None => base.counter(unit.shard, &reserve.counter)?,
            };
            if first > i64::MAX as u64 - u64::from(reserve.numbers) {
                return Ok(Err(Refused::CounterOutOfRange));
            }
            firsts.push(first);
        }
        Ok(Ok(firsts))
    }

    /// Joins an accepted unit to the plan.
    fn apply(
        &mut self,
        base: &mut dyn Base,
        unit: &'a Unit,
        effects: Effects,
    ) -> Result<Committed, StoreError> {
        let shard = unit.shard;
        self.today = self.today.max(day_of(unit.at));
        if let Some(claim) = &unit.claim {
            self.add_claim(base, unit, claim)?;
        }
        if let (Some(place), Some(answer)) = (effects.answer, &unit.answer) {
            match self.claims.get_mut(&(shard, place)) {
                Some(claim) => claim.answer = Some(answer),
                None => drop(self.answers.insert((shard, place), answer)),
            }
        }
        let first_record = self.records.len();
        let (first_seq, last_seq) = self.append(unit);
        for change in &unit.rows {
            let said = change.body.as_ref().map(|body| self.said(body, unit, first_record));
            let now = said.map(|said| (change.expected.unwrap_or(0) + 1, said));
            self.rows
                .entry((shard, change.key))
                .and_modify(|write| write.now = now)
                .or_insert(RowWrite { was: change.expected, now });
        }
        self.aliases.extend(unit.aliases.iter().map(|alias| ((shard, alias.space, alias.key), alias.target)));
        self.tasks.extend(unit.tasks.iter().map(|task| {
            ((shard, task.kind, task.id), task.put.as_ref().map(|(due, body)| (*due, body.as_slice())))
        }));
        self.cursors
            .extend(unit.cursors.iter().map(|cursor| ((shard, cursor.consumer.as_str()), cursor.seq)));
        for (reserve, first) in unit.reserves.iter().zip(&effects.reserved) {
            self.counters.insert((shard, reserve.counter), first + u64::from(reserve.numbers));
        }
        self.balances.extend(effects.balances);
        self.counts.extend(effects.counts);
        Ok(Committed { first_seq, last_seq, reserved: effects.reserved })
    }

    /// Where a row's body lies once the unit's records are appended, the first of them as `first_record`.
    fn said(&self, body: &'a Body, unit: &Unit, first_record: usize) -> Said<'a> {
        match body {
            Body::Own(bytes) => Said::Own(bytes),
            Body::InRecord { record, at, len } => {
                let (appended, event) = (&self.records[first_record + record], &unit.records[*record].event);
                // The event is the end of its record, and no record is longer than some megabytes.
                let event_at = appended.bytes.len() - event.len();
                Said::InJournal { seq: appended.seq, at: (event_at + at) as u32, len: *len as u32 }
            }
        }
    }

    fn add_claim(&mut self, base: &mut dyn Base, unit: &'a Unit, claim: &'a Claim) -> Result<(), StoreError> {
        let day = day_of(unit.at);
        let number = match self.next_claims.get(&(unit.shard, day)) {
            Some(&number) => number,
            None => base.next_claim(unit.shard, day)?,
        };
        let next = number
            .checked_add(1)
            .ok_or_else(|| StoreError::NotWritten("a day can take 4294967295 idempotency keys".to_owned()))?;
        self.next_claims.insert((unit.shard, day), next);
        let place = ClaimPlace { day, number };
        let answer = unit.answer.as_ref().filter(|answer| answer.key == claim.key);
        self.claims.insert((unit.shard, place), NewClaim { claim, answer });
        self.claim_index.insert((unit.shard, claim.key), place);
        Ok(())
    }

    /// Appends the unit's records to the journal; its statistics go with the last.
    fn append(&mut self, unit: &Unit) -> (u64, u64) {
        let Some((_, head)) = self.heads.get_mut(&unit.shard) else { return (1, 0) };
        let first_seq = head.seq + 1;
        for (index, record) in unit.records.iter().enumerate() {
            let counts = if index + 1 == unit.records.len() { &unit.counts[..] } else { &[] };
            head.seq += 1;
            let bytes = encode(unit.shard, head.seq, unit.at, record, counts);
            head.hash = chain(&head.hash, &bytes);
            self.records.push(NewRecord { shard: unit.shard, seq: head.seq, bytes, hash: head.hash });
        }
        (first_seq, head.seq)
    }
}
