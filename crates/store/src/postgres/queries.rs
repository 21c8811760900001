//! Single questions of readers.

use ledger::{AccountId, Balance};
use types::Timestamp;

use super::columns::{
    account, at, balance, bytes, currency, head, row_key, small, small2, small4, u64_at, u128_at,
};
use super::connect::{Bound, Conn, words};
use super::fetch::claimed;
use crate::journal::Hash;
use crate::{DayCount, DueTask, Head, Known, RawRecord, Row, RowKey, Shard, StoreError, Table};

pub(crate) fn read_error(error: tokio_postgres::Error) -> StoreError {
    StoreError::Read(words(&error))
}

fn number(shard: Shard) -> i16 {
    shard.0 as i16
}

fn most(limit: usize) -> i64 {
    limit.min(i64::MAX as usize) as i64
}

impl Conn {
    pub async fn ask(
        &self,
        sql: &'static str,
        bound: Bound<'_>,
    ) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        self.within(self.query(sql, bound)).await
    }

    pub async fn rows(
        &self,
        sql: &'static str,
        (shard, table, owner): (Shard, Table, u128),
        (low, high): (u128, u128),
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (owner_be, low, high) = (owner.to_be_bytes(), low.to_be_bytes(), high.to_be_bytes());
        let bound: Bound<'_> =
            &[&number(shard), &(table as i16), &&owner_be[..], &&low[..], &&high[..], &most(limit)];
        let read = |row: &tokio_postgres::Row| {
            let key = RowKey { table, owner, id: u128_at(row, 0)? };
            let missing =
                || StoreError::Damaged(format!("{shard:?} has no record where {key:?} says to be told"));
            let body: Option<Vec<u8>> = at(row, 2)?;
            Ok(Row { key, version: small(row, 1)?, body: body.ok_or_else(missing)? })
        };
        self.ask(sql, bound).await?.iter().map(read).collect()
    }

    pub async fn count_rows(&self, shard: Shard, table: Table) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM object WHERE shard = $1 AND tab = $2";
        let rows = self.ask(sql, &[&number(shard), &(table as i16)]).await?;
        Ok(rows.first().map(|row| u64_at(row, 0)).transpose()?.unwrap_or_default())
    }

    pub async fn alias(&self, shard: Shard, space: u8, key: [u8; 16]) -> Result<Option<RowKey>, StoreError> {
        let sql = "SELECT tab, owner, id FROM alias WHERE shard = $1 AND space = $2 AND key = $3";
        let rows = self.ask(sql, &[&number(shard), &i16::from(space), &&key[..]]).await?;
        rows.first().map(|row| row_key(row, 0)).transpose()
    }

    pub async fn known(&self, shard: Shard, key: [u8; 16]) -> Result<Option<Known>, StoreError> {
        let sql = "SELECT c.shard, c.key, c.day, c.number, c.digest, c.subject, a.status, a.body FROM claim c
                   LEFT JOIN answer a ON (a.shard, a.day, a.number) = (c.shard, c.day, c.number)
                   WHERE c.shard = $1 AND c.key = $2 ORDER BY c.day DESC, c.number DESC LIMIT 1";
        let rows = self.ask(sql, &[&number(shard), &&key[..]]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (_, claimed) = claimed(row)?;
        Ok(Some(Known { digest: claimed.digest, subject: claimed.subject, answer: claimed.answer }))
    }

    pub async fn due_tasks(
        &self,
        kind: u8,
        due: Option<Timestamp>,
        limit: usize,
    ) -> Result<Vec<DueTask>, StoreError> {
        let sql = "SELECT shard, id, due, body FROM task WHERE kind = $1 AND due <= $2 ORDER BY due, shard, id LIMIT $3";
        let last = due.map_or(i64::MAX, Timestamp::ms);
        let rows = self.ask(sql, &[&i16::from(kind), &last, &most(limit)]).await?;
        let read = |row: &tokio_postgres::Row| {
            let (shard, due) = (Shard(small2(row, 0)?), Timestamp::from_ms(at(row, 2)?));
            Ok(DueTask { shard, kind, id: u128_at(row, 1)?, due, body: at(row, 3)? })
        };
        rows.iter().map(read).collect()
    }

    pub async fn head(&self, shard: Shard) -> Result<Head, StoreError> {
        let sql = "SELECT epoch, seq, hash FROM shard_head WHERE shard = $1";
        let rows = self.ask(sql, &[&number(shard)]).await?;
        let missing = || StoreError::Damaged(format!("{shard:?} has no head"));
        head(rows.first().ok_or_else(missing)?, 0)
    }

    pub async fn raw_journal(
        &self,
        shard: Shard,
        from: u64,
        limit: usize,
    ) -> Result<Vec<RawRecord>, StoreError> {
        let sql =
            "SELECT seq, record, hash FROM journal WHERE shard = $1 AND seq >= $2 ORDER BY seq LIMIT $3";
        let from = from.min(i64::MAX as u64) as i64;
        let rows = self.ask(sql, &[&number(shard), &from, &most(limit)]).await?;
        let read = |row: &tokio_postgres::Row| {
            Ok(RawRecord { seq: u64_at(row, 0)?, record: at(row, 1)?, hash: bytes(row, 2)? })
        };
        rows.iter().map(read).collect()
    }

    /// The chain's link at a record.
    pub async fn link(&self, shard: Shard, seq: u64) -> Result<Option<Hash>, StoreError> {
        let sql = "SELECT hash FROM journal WHERE shard = $1 AND seq = $2";
        let rows = self.ask(sql, &[&number(shard), &(seq as i64)]).await?;
        rows.first().map(|row| bytes(row, 0)).transpose()
    }

    pub async fn balance(&self, shard: Shard, of: AccountId) -> Result<Balance, StoreError> {
        let sql = "SELECT debits_pending, credits_pending, debits_posted, credits_posted FROM balance
                   WHERE shard = $1 AND account = $2";
        let rows = self.ask(sql, &[&number(shard), &&of.to_bytes()[..]]).await?;
        Ok(rows.first().map(|row| balance(row, 0)).transpose()?.unwrap_or_default())
    }

    pub async fn balances(&self, shard: Shard) -> Result<Vec<(AccountId, Balance)>, StoreError> {
        let sql =
            "SELECT account, debits_pending, credits_pending, debits_posted, credits_posted FROM balance
                   WHERE shard = $1 ORDER BY account";
        let rows = self.ask(sql, &[&number(shard)]).await?;
        rows.iter().map(|row| Ok((account(row, 0)?, balance(row, 1)?))).collect()
    }

    /// Statistics of one owner, or of all.
    pub async fn counts(
        &self,
        shard: Shard,
        owner: Option<u128>,
        from: i32,
        to: i32,
    ) -> Result<Vec<(u128, DayCount)>, StoreError> {
        let sql = "SELECT owner, day, currency, metric, count, amount FROM rollup
                   WHERE shard = $1 AND owner BETWEEN $2 AND $3 AND day BETWEEN $4 AND $5
                   ORDER BY owner, day, currency, metric";
        let (low, high) = (owner.unwrap_or(0).to_be_bytes(), owner.unwrap_or(u128::MAX).to_be_bytes());
        let rows = self.ask(sql, &[&number(shard), &&low[..], &&high[..], &from, &to]).await?;
        let read = |row: &tokio_postgres::Row| {
            let count = DayCount {
                day: at(row, 1)?,
                currency: currency(row, 2)?,
                metric: small4(row, 3)?,
                count: at(row, 4)?,
                amount: at(row, 5)?,
            };
            Ok((u128_at(row, 0)?, count))
        };
        rows.iter().map(read).collect()
    }

    pub async fn cursor(&self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        let sql = "SELECT seq FROM consumer WHERE shard = $1 AND name = $2";
        let rows = self.ask(sql, &[&number(shard), &consumer]).await?;
        Ok(rows.first().map(|row| u64_at(row, 0)).transpose()?.unwrap_or_default())
    }
}
