//! Reads from the maps.

use std::ops::Bound;
use std::sync::Arc;

use ledger::{AccountId, Balance};
use parking_lot::Mutex;
use types::Timestamp;

use super::state::State;
use crate::plan::{Base, CountKey};
use crate::projection::{Lines, lines};
use crate::read::{ProjectionSize, decode};
use crate::{
    DayCount, DueTask, Head, Known, Listing, Place, Posting, RawRecord, Reads, Row, RowKey, Shard,
    StoreError, StoredRecord, Table,
};

pub(crate) struct MemoryReads {
    pub state: Arc<Mutex<State>>,
}

fn row((name, (version, body)): (&(Shard, RowKey), &(u32, Vec<u8>))) -> Row {
    Row { key: name.1, version: *version, body: body.clone() }
}

/// The numbers between two, both left out.
fn between(
    shard: Shard,
    table: Table,
    owner: u128,
    low: Option<u128>,
    high: Option<u128>,
) -> [Bound<(Shard, RowKey)>; 2] {
    let name = |id| (shard, RowKey { table, owner, id });
    [
        low.map_or(Bound::Included(name(0)), |id| Bound::Excluded(name(id))),
        high.map_or(Bound::Included(name(u128::MAX)), |id| Bound::Excluded(name(id))),
    ]
}

impl Reads for MemoryReads {
    fn in_memory(&self) -> bool {
        true
    }

    fn shards(&self) -> u16 {
        self.state.lock().shards()
    }

    fn get(&self, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError> {
        Ok(self.state.lock().rows.get_key_value(&(shard, key)).map(row))
    }

    fn list(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        listing: Listing,
    ) -> Result<Vec<Row>, StoreError> {
        let Listing { after, before, limit } = listing;
        if let (Some(after), Some(before)) = (after, before)
            && after <= before.saturating_add(1)
        {
            return Ok(Vec::new());
        }
        let [low, high] = between(shard, table, owner, before, after);
        let state = self.state.lock();
        let rows = state.rows.range((low, high));
        if before.is_none() {
            return Ok(rows.rev().take(limit).map(row).collect());
        }
        let mut nearest: Vec<Row> = rows.take(limit).map(row).collect();
        nearest.reverse();
        Ok(nearest)
    }

    fn scan(
        &self,
        shard: Shard,
        table: Table,
        owner: u128,
        after: Option<u128>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        if after == Some(u128::MAX) {
            return Ok(Vec::new());
        }
        let [low, high] = between(shard, table, owner, after, None);
        Ok(self.state.lock().rows.range((low, high)).take(limit).map(row).collect())
    }

    fn count_rows(&self, shard: Shard, table: Table) -> Result<u64, StoreError> {
        let state = self.state.lock();
        Ok(state.rows.keys().filter(|(at, key)| *at == shard && key.table == table).count() as u64)
    }

    fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError> {
        self.state.lock().alias(shard, space, &key)
    }

    fn idempotency(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError> {
        let claimed = self.state.lock().claim(shard, &key)?;
        Ok(claimed.map(|claimed| Known {
            digest: claimed.digest,
            subject: claimed.subject,
            answer: claimed.answer,
        }))
    }

    fn tasks(&self, kind: u8, due: Option<Timestamp>, limit: usize) -> Result<Vec<DueTask>, StoreError> {
        let state = self.state.lock();
        let last = due.unwrap_or(Timestamp::from_ms(i64::MAX));
        let from = (kind, Timestamp::from_ms(i64::MIN), Shard(0), 0);
        let found = state.due.range(from..=(kind, last, Shard(u16::MAX), u128::MAX)).take(limit);
        Ok(found
            .filter_map(|&(kind, due, shard, id)| {
                let (_, body) = state.tasks.get(&(shard, kind, id))?;
                Some(DueTask { shard, kind, id, due, body: body.clone() })
            })
            .collect())
    }

    fn head(&self, shard: Shard) -> Result<Head, StoreError> {
        self.state.lock().head(shard)
    }

    fn raw_journal(&self, shard: Shard, from: u64, limit: usize) -> Result<Vec<RawRecord>, StoreError> {
        let state = self.state.lock();
        let first = from.max(1);
        let links = state.journals[usize::from(shard.0)].iter().skip(first as usize - 1).take(limit);
        Ok(links
            .zip(first..)
            .map(|(link, seq)| RawRecord { seq, record: link.record.clone(), hash: link.hash })
            .collect())
    }

    fn history(&self, shard: Shard, subject: u128) -> Result<Vec<StoredRecord>, StoreError> {
        let state = self.state.lock();
        let journal = &state.journals[usize::from(shard.0)];
        let places = state.histories.get(&(shard, subject)).into_iter().flatten();
        places.map(|&seq| decode(&journal[seq as usize - 1].record)).collect()
    }

    fn entries(
        &self,
        shard: Shard,
        account: AccountId,
        after: Place,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        let state = self.state.lock();
        let postings = state.statements.get(&(shard, account)).into_iter().flatten();
        let later = postings.filter(|posting| (posting.seq, posting.leg) > (after.seq, after.leg));
        Ok(later.take(limit).copied().collect())
    }

    fn balance(&self, shard: Shard, account: AccountId) -> Result<Balance, StoreError> {
        Base::balance(&mut *self.state.lock(), shard, &account)
    }

    fn balances(&self, shard: Shard) -> Result<Vec<(AccountId, Balance)>, StoreError> {
        let state = self.state.lock();
        let mine = state.balances.iter().filter(|((of, _), _)| *of == shard);
        let mut balances: Vec<_> = mine.map(|((_, account), balance)| (*account, *balance)).collect();
        balances.sort_by_key(|(account, _)| account.to_bytes());
        Ok(balances)
    }

    fn counts(&self, shard: Shard, owner: u128, from: i32, to: i32) -> Result<Vec<DayCount>, StoreError> {
        let all = self.all_counts(shard)?.into_iter();
        let mine = all.filter(|(of, count)| *of == owner && (from..=to).contains(&count.day));
        Ok(mine.map(|(_, count)| count).collect())
    }

    fn all_counts(&self, shard: Shard) -> Result<Vec<(u128, DayCount)>, StoreError> {
        let state = self.state.lock();
        let mine = state.counts.iter().filter(|((of, _), _)| *of == shard);
        Ok(mine
            .map(|((_, CountKey { owner, day, currency, metric }), &(count, amount))| {
                (*owner, DayCount { day: *day, currency: *currency, metric: *metric, count, amount })
            })
            .collect())
    }

    fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        Base::cursor(&mut *self.state.lock(), shard, consumer)
    }

    fn is_projected(&self, record: &StoredRecord) -> Result<bool, StoreError> {
        let state = self.state.lock();
        let histories = state.histories.get(&(record.shard, record.record.subject));
        if histories.is_none_or(|places| places.binary_search(&record.seq).is_err()) {
            return Ok(false);
        }
        let before = |shard: Shard, account: AccountId| {
            let postings = state.statements.get(&(shard, account)).into_iter().flatten();
            let earlier = postings.take_while(|posting| posting.seq < record.seq).last();
            Ok(earlier.map_or(Balance::default(), |posting| posting.balance))
        };
        let Lines { postings, .. } = lines(record, before)?;
        Ok(postings.iter().all(|(account, posting)| {
            state.statements.get(&(record.shard, *account)).is_some_and(|lines| lines.contains(posting))
        }))
    }

    fn projection_size(&self, shard: Shard) -> Result<ProjectionSize, StoreError> {
        let state = self.state.lock();
        let histories =
            state.histories.iter().filter(|((of, _), _)| *of == shard).map(|(_, lines)| lines.len());
        let postings =
            state.statements.iter().filter(|((of, _), _)| *of == shard).map(|(_, lines)| lines.len());
        Ok(ProjectionSize {
            histories: histories.sum::<usize>() as u64,
            postings: postings.sum::<usize>() as u64,
        })
    }

    fn snapshot(&self) -> Result<Box<dyn Reads>, StoreError> {
        let state = self.state.lock().clone();
        Ok(Box::new(MemoryReads { state: Arc::new(Mutex::new(state)) }))
    }
}
