//! Lists by owner, kept beside the store: rows themselves lie in the order in which they came. They are behind until somebody
//! reads them; a read first lists what has come since. A row that is gone stays listed, and is passed over by who reads.

use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{u64_at, u128_at};
use super::projections::begin;
use super::{queries, read_error};
use crate::{Shard, StoreError, Table};

/// How many rows are listed at a time.
const LIST_AT_ONCE: usize = 5_000;

/// Which way a list is read.
#[derive(Clone, Copy)]
pub(super) enum Order {
    NewestFirst,
    OldestFirst,
}

/// The last row of a shard that is listed.
pub(super) fn listed_to(lines: &Connection, shard: Shard) -> Result<u64, StoreError> {
    let mut select =
        lines.prepare_cached("SELECT num FROM listed_to WHERE shard = ?1").map_err(read_error)?;
    let found = select.query_row([shard.0], |row| u64_at(row, 0)).optional();
    Ok(found.map_err(read_error)?.unwrap_or(0))
}

/// Lists everything that `store` has.
pub(super) fn extend(lines: &mut Connection, store: &Connection, shard: Shard) -> Result<(), StoreError> {
    loop {
        // A look without a lock first: most reads find nothing to list.
        if queries::came_after(store, shard, listed_to(lines, shard)?, 1)?.is_empty() {
            return Ok(());
        }
        let change = begin(lines)?;
        let new = queries::came_after(store, shard, listed_to(&change, shard)?, LIST_AT_ONCE)?;
        let put = || -> rusqlite::Result<()> {
            let mut line = change.prepare_cached(
                "INSERT INTO listed (shard, tab, owner, id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            )?;
            for (_, key) in &new {
                line.execute(params![
                    shard.0,
                    key.table as u8,
                    key.owner.to_be_bytes(),
                    key.id.to_be_bytes()
                ])?;
            }
            if let Some((num, _)) = new.last() {
                let sql = "REPLACE INTO listed_to (shard, num) VALUES (?1, ?2)";
                change.prepare_cached(sql)?.execute(params![shard.0, *num as i64])?;
            }
            Ok(())
        };
        put().map_err(read_error)?;
        change.commit().map_err(read_error)?;
        if new.len() < LIST_AT_ONCE {
            return Ok(());
        }
    }
}

/// Gives the ids of an owner's rows within a range, both ends included, to `take` until it says that it has enough.
pub(super) fn walk(
    lines: &Connection,
    (shard, table, owner): (Shard, Table, u128),
    (low, high): (u128, u128),
    order: Order,
    take: &mut dyn FnMut(u128) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let sql = match order {
        Order::NewestFirst => {
            "SELECT id FROM listed WHERE shard = ?1 AND tab = ?2 AND owner = ?3 AND id BETWEEN ?4 AND ?5
             ORDER BY id DESC"
        }
        Order::OldestFirst => {
            "SELECT id FROM listed WHERE shard = ?1 AND tab = ?2 AND owner = ?3 AND id BETWEEN ?4 AND ?5
             ORDER BY id"
        }
    };
    let mut select = lines.prepare_cached(sql).map_err(read_error)?;
    let range = params![shard.0, table as u8, owner.to_be_bytes(), low.to_be_bytes(), high.to_be_bytes()];
    let mut ids = select.query(range).map_err(read_error)?;
    while let Some(row) = ids.next().map_err(read_error)? {
        if !take(u128_at(row, 0).map_err(read_error)?)? {
            return Ok(());
        }
    }
    Ok(())
}
