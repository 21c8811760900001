//! Statements and histories, folded from the journal when they are read. The row of `folded` is the lock.

use std::collections::{BTreeSet, HashMap};

use ledger::{AccountId, Balance, Movement, Side};
use types::Timestamp;

use super::columns::{account, at, balance, bytes, small2, small4, u64_at, u128_at};
use super::connect::{Bound, Conn};
use crate::journal::GENESIS;
use crate::projection::{Lines, lines};
use crate::read::decode;
use crate::{Place, Posting, ProjectionSize, RecordKind, Shard, StoreError, StoredRecord};

/// How many records one fold takes.
const FOLD_AT_ONCE: usize = 2_000;

fn number(shard: Shard) -> i16 {
    shard.0 as i16
}

/// Folds everything that there is up to `head`.
pub(super) async fn fold(conn: &Conn, shard: Shard, head: u64) -> Result<(), StoreError> {
    loop {
        // A look without a lock first: most reads find nothing to fold.
        let rows = conn.ask("SELECT seq FROM folded WHERE shard = $1", &[&number(shard)]).await?;
        if rows.first().map(|row| u64_at(row, 0)).transpose()?.unwrap_or(0) >= head {
            return Ok(());
        }
        conn.within(conn.client.batch_execute("BEGIN")).await?;
        let folded = fold_some(conn, shard).await;
        let end = if folded.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = conn.within(conn.client.batch_execute(end)).await;
        folded?;
        ended?;
    }
}

async fn fold_some(conn: &Conn, shard: Shard) -> Result<(), StoreError> {
    let first = "INSERT INTO folded (shard, seq, hash) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING";
    conn.within(conn.execute(first, &[&number(shard), &&GENESIS[..]])).await?;
    let rows =
        conn.ask("SELECT seq, hash FROM folded WHERE shard = $1 FOR UPDATE", &[&number(shard)]).await?;
    let row = rows.first().ok_or_else(|| StoreError::Read("the fold's row is gone".to_owned()))?;
    let (mut seq, hash) = (u64_at(row, 0)?, bytes(row, 1)?);
    // A store that was brought back from an older copy has another journal than the one that was folded.
    if seq > 0 && conn.link(shard, seq).await? != Some(hash) {
        for sql in ["DELETE FROM history WHERE shard = $1", "DELETE FROM posting WHERE shard = $1"] {
            conn.within(conn.execute(sql, &[&number(shard)])).await?;
        }
        seq = 0;
    }
    let raw = conn.raw_journal(shard, seq + 1, FOLD_AT_ONCE).await?;
    let records = raw.iter().map(|raw| decode(&raw.record)).collect::<Result<Vec<_>, _>>()?;
    let mut last = balances_before(conn, shard, &accounts(&records), u64::MAX).await?;
    let mut folded = Vec::with_capacity(records.len());
    for record in &records {
        let added = lines(record, |_, account| Ok(last.get(&account).copied().unwrap_or_default()))?;
        last.extend(added.postings.iter().map(|(account, posting)| (*account, posting.balance)));
        folded.push((record.seq, added));
    }
    insert(conn, shard, &folded).await?;
    if let Some(newest) = raw.last() {
        let sql = "UPDATE folded SET seq = $2, hash = $3 WHERE shard = $1";
        let bound: Bound<'_> = &[&number(shard), &(newest.seq as i64), &&newest.hash[..]];
        conn.within(conn.execute(sql, bound)).await?;
    }
    Ok(())
}

fn accounts<'a>(records: impl IntoIterator<Item = &'a StoredRecord>) -> BTreeSet<AccountId> {
    let entries = records.into_iter().filter_map(|record| record.record.legs.as_ref());
    entries.flat_map(|entry| entry.legs()).map(|leg| leg.account).collect()
}

async fn insert(conn: &Conn, shard: Shard, folded: &[(u64, Lines)]) -> Result<(), StoreError> {
    let subjects: Vec<Vec<u8>> =
        folded.iter().map(|(_, lines)| lines.subject.to_be_bytes().to_vec()).collect();
    let seqs: Vec<i64> = folded.iter().map(|(seq, _)| *seq as i64).collect();
    let history =
        "INSERT INTO history (shard, subject, seq) SELECT $1, * FROM unnest($2::bytea[], $3::int8[])";
    conn.within(conn.execute(history, &[&number(shard), &subjects, &seqs])).await?;

    let all: Vec<&(AccountId, Posting)> = folded.iter().flat_map(|(_, lines)| &lines.postings).collect();
    let column = |of: fn(&Posting) -> i64| all.iter().map(|(_, posting)| of(posting)).collect::<Vec<i64>>();
    let accounts: Vec<Vec<u8>> = all.iter().map(|(account, _)| account.to_bytes().to_vec()).collect();
    let subjects: Vec<Vec<u8>> = all.iter().map(|(_, line)| line.subject.to_be_bytes().to_vec()).collect();
    let (seqs, ats, amounts) = (column(|p| p.seq as i64), column(|p| p.at.ms()), column(|p| p.amount as i64));
    let legs: Vec<i32> = all.iter().map(|(_, line)| line.leg.into()).collect();
    let kinds: Vec<i32> = all.iter().map(|(_, line)| line.kind.0.into()).collect();
    let flags: Vec<i16> =
        all.iter().map(|(_, line)| i16::from(line.side as u8 | (line.movement as u8) << 1)).collect();
    let (dp, cp) = (column(|p| p.balance.debits_pending), column(|p| p.balance.credits_pending));
    let (d, c) = (column(|p| p.balance.debits_posted), column(|p| p.balance.credits_posted));
    let posting = "INSERT INTO posting (shard, account, seq, leg, at, kind, subject, flags, amount, debits_pending,
            credits_pending, debits_posted, credits_posted)
        SELECT $1, * FROM unnest($2::bytea[], $3::int8[], $4::int4[], $5::int8[], $6::int4[], $7::bytea[], $8::int2[],
            $9::int8[], $10::int8[], $11::int8[], $12::int8[], $13::int8[])";
    let bound: Bound<'_> = &[
        &number(shard),
        &accounts,
        &seqs,
        &legs,
        &ats,
        &kinds,
        &subjects,
        &flags,
        &amounts,
        &dp,
        &cp,
        &d,
        &c,
    ];
    conn.within(conn.execute(posting, bound)).await.map(drop)
}

/// Balances of accounts after their last legs before a record.
async fn balances_before(
    conn: &Conn,
    shard: Shard,
    accounts: &BTreeSet<AccountId>,
    seq: u64,
) -> Result<HashMap<AccountId, Balance>, StoreError> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<Vec<u8>> = accounts.iter().map(|account| account.to_bytes().to_vec()).collect();
    let sql = "SELECT n.account, p.debits_pending, p.credits_pending, p.debits_posted, p.credits_posted
        FROM unnest($2::bytea[]) AS n (account) CROSS JOIN LATERAL (SELECT * FROM posting
            WHERE shard = $1 AND account = n.account AND seq < $3 ORDER BY seq DESC, leg DESC LIMIT 1) AS p";
    let rows = conn.ask(sql, &[&number(shard), &names, &(seq.min(i64::MAX as u64) as i64)]).await?;
    rows.iter().map(|row| Ok((account(row, 0)?, balance(row, 1)?))).collect()
}

/// An object's records, up to `head`, as places.
pub(super) async fn history(
    conn: &Conn,
    shard: Shard,
    subject: u128,
    head: u64,
) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT seq FROM history WHERE shard = $1 AND subject = $2 AND seq <= $3 ORDER BY seq";
    let rows = conn.ask(sql, &[&number(shard), &&subject.to_be_bytes()[..], &(head as i64)]).await?;
    rows.iter().map(|row| at(row, 0)).collect()
}

/// An account's statement after a place, up to `head`.
pub(super) async fn entries(
    conn: &Conn,
    shard: Shard,
    of: AccountId,
    after: Place,
    head: u64,
    limit: usize,
) -> Result<Vec<Posting>, StoreError> {
    let sql =
        "SELECT seq, leg, at, kind, subject, flags, amount, debits_pending, credits_pending, debits_posted,
            credits_posted FROM posting
        WHERE shard = $1 AND account = $2 AND (seq, leg) > ($3, $4) AND seq <= $5 ORDER BY seq, leg LIMIT $6";
    let (from, name) = (after.seq.min(i64::MAX as u64) as i64, of.to_bytes());
    let bound: Bound<'_> = &[
        &number(shard),
        &&name[..],
        &from,
        &i32::from(after.leg),
        &(head as i64),
        &(limit.min(1 << 40) as i64),
    ];
    conn.ask(sql, bound).await?.iter().map(posting).collect()
}

fn posting(row: &tokio_postgres::Row) -> Result<Posting, StoreError> {
    let flags: u8 = small2(row, 5)?;
    let movement = match flags >> 1 {
        0 => Movement::Hold,
        1 => Movement::Release,
        _ => Movement::Post,
    };
    Ok(Posting {
        seq: u64_at(row, 0)?,
        leg: small4(row, 1)?,
        at: Timestamp::from_ms(at(row, 2)?),
        kind: RecordKind(small4(row, 3)?),
        subject: u128_at(row, 4)?,
        side: if flags & 1 == 0 { Side::Debit } else { Side::Credit },
        movement,
        amount: u64_at(row, 6)?,
        balance: balance(row, 7)?,
    })
}

/// Whether the lines of a record are as they should be.
pub(super) async fn is_projected(conn: &Conn, record: &StoredRecord) -> Result<bool, StoreError> {
    let (shard, named) = (record.shard, accounts([record]));
    let subject = record.record.subject.to_be_bytes();
    let names: Vec<Vec<u8>> = named.iter().map(|account| account.to_bytes().to_vec()).collect();
    let seq = record.seq as i64;
    let there = "SELECT 1 FROM history WHERE shard = $1 AND subject = $2 AND seq = $3";
    let of_record = "SELECT p.seq, p.leg, p.at, p.kind, p.subject, p.flags, p.amount, p.debits_pending,
            p.credits_pending, p.debits_posted, p.credits_posted, p.account
        FROM unnest($2::bytea[]) AS n (account)
        JOIN posting p ON p.shard = $1 AND p.account = n.account AND p.seq = $3 ORDER BY p.leg";
    let (bound_there, bound_lines): (Bound<'_>, Bound<'_>) =
        (&[&number(shard), &&subject[..], &seq], &[&number(shard), &names, &seq]);
    let (there, rows, before) = tokio::try_join!(
        conn.ask(there, bound_there),
        conn.ask(of_record, bound_lines),
        balances_before(conn, shard, &named, record.seq)
    )?;
    let expected = lines(record, |_, account| Ok(before.get(&account).copied().unwrap_or_default()))?;
    let found = rows
        .iter()
        .map(|row| Ok((account(row, 11)?, posting(row)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(!there.is_empty() && found == expected.postings)
}

/// How many lines there are up to `head`.
pub(super) async fn size(conn: &Conn, shard: Shard, head: u64) -> Result<ProjectionSize, StoreError> {
    let bound: Bound<'_> = &[&number(shard), &(head as i64)];
    let histories = conn.ask("SELECT count(*) FROM history WHERE shard = $1 AND seq <= $2", bound).await?;
    let postings = conn.ask("SELECT count(*) FROM posting WHERE shard = $1 AND seq <= $2", bound).await?;
    let count = |rows: &[tokio_postgres::Row]| rows.first().map_or(Ok(0), |row| u64_at(row, 0));
    Ok(ProjectionSize { histories: count(&histories)?, postings: count(&postings)? })
}
