//! Writes a plan, table by table, within the batch's transaction. Values are final; what each statement must find is
//! checked again by the number of rows it changed.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::base::{Remembered, Rows};
use super::columns::bytes;
use super::queries::{self, journal_id};
use crate::plan::{ClaimPlace, Plan, Said};
use crate::{Shard, StoreError};

/// How many expired claims a batch takes with it, so that no batch is long.
const DROPPED_AT_ONCE: usize = 512;

/// The file is not as the plan was made for.
pub(super) enum NotAsPlanned {
    /// Somebody else has moved a shard's head.
    Head,
    /// A row is missing, or is there.
    Row,
    /// SQLite failed.
    Sqlite(rusqlite::Error),
    /// What had to be read could not be.
    Store(StoreError),
}

impl From<StoreError> for NotAsPlanned {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for NotAsPlanned {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// What a batch has written, for the writer to remember.
#[derive(Default)]
pub(super) struct Written {
    /// Versions and numbers of rows.
    pub rows: Rows,
    /// How many rows each shard has had.
    pub objects: HashMap<Shard, u64>,
}

/// Writes a plan over the rows that were `found` when it was made.
pub(super) fn write(
    connection: &Connection,
    plan: &Plan<'_>,
    remembered: &Remembered,
    found: &Rows,
) -> Result<Written, NotAsPlanned> {
    let mut before = HashMap::new();
    for &shard in plan.heads.keys() {
        let objects = match remembered.objects.get(&shard) {
            Some(&objects) => objects,
            None => queries::objects(connection, shard)?,
        };
        before.insert(shard, objects);
    }
    let mut written = Written { objects: before.clone(), ..Written::default() };
    for ((shard, _), row) in &plan.rows {
        let is_new = row.was.is_none() && row.now.is_some();
        *written.objects.entry(*shard).or_default() += u64::from(is_new);
    }
    // First of all, so that a lost race costs nothing more.
    heads(connection, plan, &written)?;
    rows(connection, plan, found, before, &mut written)?;
    aliases(connection, plan)?;
    claims(connection, plan)?;
    let mut insert =
        connection.prepare_cached("INSERT INTO journal (id, hash, record) VALUES (?1, ?2, ?3)")?;
    for record in &plan.records {
        insert.execute(params![journal_id(record.shard, record.seq), record.hash, record.bytes])?;
    }
    sums(connection, plan)?;
    tasks(connection, plan)?;
    places(connection, plan)?;
    Ok(written)
}

fn heads(connection: &Connection, plan: &Plan<'_>, written: &Written) -> Result<(), NotAsPlanned> {
    let mut update = connection.prepare_cached(
        "UPDATE shard_head SET seq = ?1, hash = ?2, objects = ?6 WHERE shard = ?3 AND epoch = ?4 AND seq = ?5",
    )?;
    for (&shard, (before, after)) in &plan.heads {
        let objects = written.objects.get(&shard).map_or(0, |&objects| objects as i64);
        let moved =
            params![after.seq as i64, after.hash, shard.0, before.epoch as i64, before.seq as i64, objects];
        if update.execute(moved)? != 1 {
            return Err(NotAsPlanned::Head);
        }
    }
    Ok(())
}

fn rows(
    connection: &Connection,
    plan: &Plan<'_>,
    found: &Rows,
    mut numbers: HashMap<Shard, u64>,
    written: &mut Written,
) -> Result<(), NotAsPlanned> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO object (num, shard, tab, owner, id, version, body, record, at, len)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut update = connection.prepare_cached(
        "UPDATE object SET version = ?3, body = ?4, record = ?5, at = ?6, len = ?7 WHERE num = ?1 AND version = ?2",
    )?;
    let mut delete = connection.prepare_cached("DELETE FROM object WHERE num = ?1 AND version = ?2")?;
    for (&(shard, key), row) in &plan.rows {
        let num = match (row.was, found.get(&(shard, key))) {
            (None, _) => next(&mut numbers, shard, row.now.is_some()),
            (Some(_), Some(&(_, num))) => num,
            (Some(_), None) => return Err(NotAsPlanned::Row),
        };
        let changed = match (row.was, row.now) {
            (None, Some((version, said))) => {
                let (body, record, at, len) = columns(shard, said);
                let (table, owner, id) = (key.table as u8, key.owner.to_be_bytes(), key.id.to_be_bytes());
                written.rows.insert((shard, key), (version, num));
                insert.execute(params![num, shard.0, table, owner, id, version, body, record, at, len])?
            }
            (Some(was), Some((version, said))) => {
                let (body, record, at, len) = columns(shard, said);
                written.rows.insert((shard, key), (version, num));
                update.execute(params![num, was, version, body, record, at, len])?
            }
            (Some(was), None) => delete.execute(params![num, was])?,
            // Made and deleted within the batch.
            (None, None) => 1,
        };
        if changed != 1 {
            return Err(NotAsPlanned::Row);
        }
    }
    Ok(())
}

/// The number of a shard's next row, which is used up if there is to be one.
fn next(numbers: &mut HashMap<Shard, u64>, shard: Shard, is_used: bool) -> i64 {
    let last = numbers.entry(shard).or_default();
    *last += u64::from(is_used);
    journal_id(shard, *last)
}

/// The columns body, record, at and len.
type Columns<'a> = (Option<&'a [u8]>, Option<i64>, Option<u32>, Option<u32>);

fn columns(shard: Shard, said: Said<'_>) -> Columns<'_> {
    match said {
        Said::Own(bytes) => (Some(bytes), None, None, None),
        Said::InJournal { seq, at, len } => (None, Some(journal_id(shard, seq)), Some(at), Some(len)),
    }
}

fn aliases(connection: &Connection, plan: &Plan<'_>) -> Result<(), NotAsPlanned> {
    // An alias may be given up and claimed again within a batch.
    let mut put = connection.prepare_cached(
        "REPLACE INTO alias (shard, space, key, tab, owner, id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut delete =
        connection.prepare_cached("DELETE FROM alias WHERE shard = ?1 AND space = ?2 AND key = ?3")?;
    for ((shard, space, key), target) in &plan.aliases {
        match target {
            Some(to) => put.execute(params![
                shard.0,
                space,
                key,
                to.table as u8,
                to.owner.to_be_bytes(),
                to.id.to_be_bytes()
            ])?,
            None => delete.execute(params![shard.0, space, key])?,
        };
    }
    Ok(())
}

fn claims(connection: &Connection, plan: &Plan<'_>) -> Result<(), NotAsPlanned> {
    let mut claim = connection.prepare_cached(
        "INSERT INTO claim (shard, day, number, key, digest, subject) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut answer = connection.prepare_cached(
        "INSERT INTO answer (shard, day, number, status, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ((shard, place), new) in &plan.claims {
        let subject = new.claim.subject.to_be_bytes();
        claim.execute(params![shard.0, place.day, place.number, new.claim.key, new.claim.digest, subject])?;
    }
    let at_once = plan.claims.iter().filter_map(|(name, new)| new.answer.map(|answer| (name, answer)));
    for ((shard, place), given) in at_once.chain(plan.answers.iter().map(|(name, answer)| (name, *answer))) {
        answer.execute(params![shard.0, place.day, place.number, given.status, given.body])?;
    }
    Ok(())
}

fn sums(connection: &Connection, plan: &Plan<'_>) -> Result<(), NotAsPlanned> {
    let mut balance = connection.prepare_cached(
        "INSERT INTO balance (shard, account, debits_pending, credits_pending, debits_posted, credits_posted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET debits_pending = excluded.debits_pending,
             credits_pending = excluded.credits_pending, debits_posted = excluded.debits_posted,
             credits_posted = excluded.credits_posted",
    )?;
    for ((shard, account), now) in &plan.balances {
        balance.execute(params![
            shard.0,
            account.to_bytes(),
            now.debits_pending,
            now.credits_pending,
            now.debits_posted,
            now.credits_posted
        ])?;
    }
    let mut rollup = connection.prepare_cached(
        "INSERT INTO rollup (shard, owner, day, currency, metric, count, amount) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET count = excluded.count, amount = excluded.amount",
    )?;
    for ((shard, key), (count, amount)) in &plan.counts {
        let owner = key.owner.to_be_bytes();
        rollup.execute(params![
            shard.0,
            owner,
            key.day,
            key.currency.numeric(),
            key.metric,
            count,
            amount
        ])?;
    }
    Ok(())
}

fn tasks(connection: &Connection, plan: &Plan<'_>) -> Result<(), NotAsPlanned> {
    let mut put = connection.prepare_cached(
        "INSERT INTO task (shard, kind, id, due, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET due = excluded.due, body = excluded.body",
    )?;
    let mut delete =
        connection.prepare_cached("DELETE FROM task WHERE shard = ?1 AND kind = ?2 AND id = ?3")?;
    for ((shard, kind, id), task) in &plan.tasks {
        match task {
            Some((due, body)) => put.execute(params![shard.0, kind, id.to_be_bytes(), due.ms(), body])?,
            None => delete.execute(params![shard.0, kind, id.to_be_bytes()])?,
        };
    }
    Ok(())
}

fn places(connection: &Connection, plan: &Plan<'_>) -> Result<(), NotAsPlanned> {
    let mut consumer = connection.prepare_cached(
        "INSERT INTO consumer (shard, name, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET seq = excluded.seq",
    )?;
    for ((shard, name), seq) in &plan.cursors {
        consumer.execute(params![shard.0, name, *seq as i64])?;
    }
    let mut counter = connection.prepare_cached(
        "INSERT INTO counter (shard, name, number) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET number = excluded.number",
    )?;
    for ((shard, name), number) in &plan.counters {
        counter.execute(params![shard.0, name, *number as i64])?;
    }
    Ok(())
}

/// Keys of claims, with where the claims lay.
pub(super) type Dropped = Vec<((Shard, [u8; 16]), ClaimPlace)>;

/// Drops some claims, and their answers, of days before `day`, and returns them.
pub(super) fn drop_claims(connection: &Connection, shard: Shard, day: i32) -> rusqlite::Result<Dropped> {
    let mut select = connection.prepare_cached(
        "SELECT day, number, key FROM claim WHERE shard = ?1 AND day < ?2 ORDER BY day, number LIMIT ?3",
    )?;
    let dropped: Vec<_> = select
        .query_map(params![shard.0, day, DROPPED_AT_ONCE as i64], |row| {
            Ok(((shard, bytes(row, 2)?), ClaimPlace { day: row.get(0)?, number: row.get(1)? }))
        })?
        .collect::<Result<_, _>>()?;
    if let Some((_, last)) = dropped.last() {
        let up_to = params![shard.0, last.day, last.number];
        for table in ["claim", "answer"] {
            connection
                .prepare_cached(&format!(
                    "DELETE FROM {table} WHERE shard = ?1 AND (day < ?2 OR (day = ?2 AND number <= ?3))"
                ))?
                .execute(up_to)?;
        }
    }
    Ok(dropped)
}
