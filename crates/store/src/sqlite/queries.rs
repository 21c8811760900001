//! Single questions, for the writer and for readers alike.

use ledger::{AccountId, Balance};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{account, balance as balance_at, bytes, currency, row_key, u64_at, u128_at};
use super::read_error;
use crate::journal::Hash;
use crate::plan::{ClaimPlace, Claimed, CountKey};
use crate::{Answer, DayCount, Head, RawRecord, Row, RowKey, Shard, StoreError, Table};

/// Bits of the sequence number in the journal's key.
const SEQ_BITS: u32 = 48;

/// The journal's key of a record. Opening refuses so many shards that this would pass 63 bits.
pub(super) fn journal_id(shard: Shard, seq: u64) -> i64 {
    i64::from(shard.0) << SEQ_BITS | (seq as i64)
}

pub(super) fn shards(connection: &Connection) -> Result<u16, StoreError> {
    connection.query_row("SELECT shards FROM store", [], |row| row.get(0)).map_err(read_error)
}

pub(super) fn head(connection: &Connection, shard: Shard) -> Result<Head, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT epoch, seq, hash FROM shard_head WHERE shard = ?1")
        .map_err(read_error)?;
    select
        .query_row([shard.0], |row| {
            Ok(Head { epoch: u64_at(row, 0)?, seq: u64_at(row, 1)?, hash: bytes(row, 2)? })
        })
        .map_err(read_error)
}

/// How many rows a shard has ever had.
pub(super) fn objects(connection: &Connection, shard: Shard) -> Result<u64, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT objects FROM shard_head WHERE shard = ?1").map_err(read_error)?;
    select.query_row([shard.0], |row| u64_at(row, 0)).map_err(read_error)
}

/// A row's version, and its number.
pub(super) fn version(
    connection: &Connection,
    shard: Shard,
    key: &RowKey,
) -> Result<Option<(u32, i64)>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT version, num FROM object WHERE shard = ?1 AND tab = ?2 AND id = ?3 AND owner = ?4",
        )
        .map_err(read_error)?;
    let name = params![shard.0, key.table as u8, key.id.to_be_bytes(), key.owner.to_be_bytes()];
    select.query_row(name, |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(read_error)
}

/// A row, wherever its body lies.
pub(super) fn row(connection: &Connection, shard: Shard, key: RowKey) -> Result<Option<Row>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT version, coalesce(body, substr(journal.record, at + 1, len)) FROM object
             LEFT JOIN journal ON journal.id = object.record
             WHERE shard = ?1 AND tab = ?2 AND object.id = ?3 AND owner = ?4",
        )
        .map_err(read_error)?;
    let name = params![shard.0, key.table as u8, key.id.to_be_bytes(), key.owner.to_be_bytes()];
    let found = select.query_row(name, |row| Ok((row.get(0)?, row.get(1)?))).optional();
    let Some((version, body)) = found.map_err(read_error)? else { return Ok(None) };
    let missing = || StoreError::Damaged(format!("{shard:?} has no record where {key:?} says to be told"));
    Ok(Some(Row { key, version, body: Option::ok_or_else(body, missing)? }))
}

/// How many rows a table has.
pub(super) fn count_rows(connection: &Connection, shard: Shard, table: Table) -> Result<u64, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT count(*) FROM object WHERE shard = ?1 AND tab = ?2")
        .map_err(read_error)?;
    select.query_row(params![shard.0, table as u8], |row| u64_at(row, 0)).map_err(read_error)
}

/// Names of rows that came after a number, in their order.
pub(super) fn came_after(
    connection: &Connection,
    shard: Shard,
    num: u64,
    limit: usize,
) -> Result<Vec<(u64, RowKey)>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT num, tab, owner, id FROM object WHERE num > ?1 AND num < ?2 ORDER BY num LIMIT ?3",
        )
        .map_err(read_error)?;
    let (from, end) = (journal_id(shard, num), journal_id(shard, (1 << SEQ_BITS) - 1));
    let mut rows = select.query(params![from, end, limit as i64]).map_err(read_error)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(read_error)? {
        let num = u64_at(row, 0).map_err(read_error)? & ((1 << SEQ_BITS) - 1);
        found.push((num, row_key(row, 1)?));
    }
    Ok(found)
}

pub(super) fn alias(
    connection: &Connection,
    shard: Shard,
    space: u8,
    key: &[u8; 16],
) -> Result<Option<RowKey>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT tab, owner, id FROM alias WHERE shard = ?1 AND space = ?2 AND key = ?3")
        .map_err(read_error)?;
    let mut rows = select.query(params![shard.0, space, key]).map_err(read_error)?;
    let row = rows.next().map_err(read_error)?;
    row.map(|row| row_key(row, 0)).transpose()
}

pub(super) fn claim(
    connection: &Connection,
    shard: Shard,
    key: &[u8; 16],
    place: ClaimPlace,
) -> Result<Option<Claimed>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT claim.digest, claim.subject, answer.status, answer.body FROM claim
             LEFT JOIN answer USING (shard, day, number)
             WHERE claim.shard = ?1 AND claim.day = ?2 AND claim.number = ?3 AND claim.key = ?4",
        )
        .map_err(read_error)?;
    select
        .query_row(params![shard.0, place.day, place.number, key], |row| {
            let status: Option<u16> = row.get(2)?;
            let answer = match status {
                Some(status) => Some(Answer { key: *key, status, body: row.get(3)? }),
                None => None,
            };
            Ok(Claimed { place, digest: bytes(row, 0)?, subject: u128_at(row, 1)?, answer })
        })
        .optional()
        .map_err(read_error)
}

pub(super) fn next_claim(connection: &Connection, shard: Shard, day: i32) -> Result<u32, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT coalesce(max(number) + 1, 0) FROM claim WHERE shard = ?1 AND day = ?2")
        .map_err(read_error)?;
    select.query_row(params![shard.0, day], |row| row.get(0)).map_err(read_error)
}

pub(super) fn balance(
    connection: &Connection,
    shard: Shard,
    account: &AccountId,
) -> Result<Balance, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT debits_pending, credits_pending, debits_posted, credits_posted FROM balance
             WHERE shard = ?1 AND account = ?2",
        )
        .map_err(read_error)?;
    let found = select.query_row(params![shard.0, account.to_bytes()], |row| balance_at(row, 0)).optional();
    Ok(found.map_err(read_error)?.unwrap_or_default())
}

pub(super) fn balances(
    connection: &Connection,
    shard: Shard,
) -> Result<Vec<(AccountId, Balance)>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT account, debits_pending, credits_pending, debits_posted, credits_posted FROM balance
             WHERE shard = ?1 ORDER BY account",
        )
        .map_err(read_error)?;
    let mut rows = select.query([shard.0]).map_err(read_error)?;
    let mut balances = Vec::new();
    while let Some(row) = rows.next().map_err(read_error)? {
        balances.push((account(row, 0)?, balance_at(row, 1).map_err(read_error)?));
    }
    Ok(balances)
}

pub(super) fn count(connection: &Connection, shard: Shard, key: &CountKey) -> Result<(i64, i64), StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT count, amount FROM rollup
             WHERE shard = ?1 AND owner = ?2 AND day = ?3 AND currency = ?4 AND metric = ?5",
        )
        .map_err(read_error)?;
    let name = params![shard.0, key.owner.to_be_bytes(), key.day, key.currency.numeric(), key.metric];
    let found = select.query_row(name, |row| Ok((row.get(0)?, row.get(1)?))).optional();
    Ok(found.map_err(read_error)?.unwrap_or_default())
}

/// Statistics of one owner, or of all.
pub(super) fn counts(
    connection: &Connection,
    shard: Shard,
    owner: Option<u128>,
    from: i32,
    to: i32,
) -> Result<Vec<(u128, DayCount)>, StoreError> {
    let (low, high) = (owner.unwrap_or(0), owner.unwrap_or(u128::MAX));
    let mut select = connection
        .prepare_cached(
            "SELECT owner, day, currency, metric, count, amount FROM rollup
             WHERE shard = ?1 AND owner BETWEEN ?2 AND ?3 AND day BETWEEN ?4 AND ?5
             ORDER BY owner, day, currency, metric",
        )
        .map_err(read_error)?;
    let range = params![shard.0, low.to_be_bytes(), high.to_be_bytes(), from, to];
    let mut rows = select.query(range).map_err(read_error)?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next().map_err(read_error)? {
        let currency = currency(row, 2)?;
        let read = || -> rusqlite::Result<_> {
            let count = DayCount {
                day: row.get(1)?,
                currency,
                metric: row.get(3)?,
                count: row.get(4)?,
                amount: row.get(5)?,
            };
            Ok((u128_at(row, 0)?, count))
        };
        counts.push(read().map_err(read_error)?);
    }
    Ok(counts)
}

pub(super) fn cursor(connection: &Connection, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT seq FROM consumer WHERE shard = ?1 AND name = ?2")
        .map_err(read_error)?;
    let found = select.query_row(params![shard.0, consumer], |row| u64_at(row, 0)).optional();
    Ok(found.map_err(read_error)?.unwrap_or(0))
}

pub(super) fn counter(connection: &Connection, shard: Shard, counter: &[u8; 16]) -> Result<u64, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT number FROM counter WHERE shard = ?1 AND name = ?2")
        .map_err(read_error)?;
    let found = select.query_row(params![shard.0, counter], |row| u64_at(row, 0)).optional();
    Ok(found.map_err(read_error)?.unwrap_or(0))
}

pub(super) fn raw_journal(
    connection: &Connection,
    shard: Shard,
    from: u64,
    limit: usize,
) -> Result<Vec<RawRecord>, StoreError> {
    let last = (1u64 << SEQ_BITS) - 1;
    let mut select = connection
        .prepare_cached(
            "SELECT id, record, hash FROM journal WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
        )
        .map_err(read_error)?;
    let range = params![journal_id(shard, from.clamp(1, last)), journal_id(shard, last), limit as i64];
    let records = select.query_map(range, |row| {
        Ok(RawRecord { seq: u64_at(row, 0)? & last, record: row.get(1)?, hash: bytes(row, 2)? })
    });
    records.and_then(Iterator::collect).map_err(read_error)
}

/// The chain's link at a record.
pub(super) fn link(connection: &Connection, shard: Shard, seq: u64) -> Result<Option<Hash>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT hash FROM journal WHERE id = ?1").map_err(read_error)?;
    select.query_row([journal_id(shard, seq)], |row| bytes(row, 0)).optional().map_err(read_error)
}
