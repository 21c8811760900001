//! Statements and histories, folded from the journal into a file of their own. They are behind until somebody reads
//! them; a read first folds what is missing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ledger::{AccountId, Balance, Movement, Side};
use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use types::Timestamp;

use super::columns::{balance as balance_at, bytes, u64_at, u128_at};
use super::open::{beside, user_version};
use super::{lists, queries, read_error};
use crate::journal::{GENESIS, Hash};
use crate::projection::{Lines, lines};
use crate::read::decode;
use crate::{Place, Posting, ProjectionSize, RecordKind, Shard, StoreError, StoredRecord};

const MIGRATIONS: &[&str] = &[
    include_str!("../../../../migrations/sqlite-projections/0001_projections.sql"),
    include_str!("../../../../migrations/sqlite-projections/0002_lists.sql"),
];
/// How many records one fold takes.
const FOLD_AT_ONCE: usize = 2_000;

pub(super) struct Projections {
    connection: Mutex<Connection>,
}

fn cannot(path: &Path, error: rusqlite::Error) -> StoreError {
    StoreError::Open(format!(
        "cannot open {}; it may be deleted, and is then made anew: {error}",
        path.display()
    ))
}

impl Projections {
    /// Opens the file beside the store. Only the owner of the store replaces one of another version.
    pub fn open(store: &Path, owner: bool) -> Result<Self, StoreError> {
        let path = beside(store, "-projections");
        let connection = connect(&path)?;
        let version = user_version(&connection).map_err(|error| cannot(&path, error))?;
        let connection = match version {
            // Older ones are brought up to date below.
            version if version <= MIGRATIONS.len() => connection,
            _ if owner => {
                drop(connection);
                remove(&path)?;
                connect(&path)?
            }
            version => {
                return Err(StoreError::Open(format!("{} is of another version, {version}", path.display())));
            }
        };
        let mut connection = connection;
        make(&mut connection).map_err(|error| cannot(&path, error))?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Forgets the fold of a journal that is no longer there: the store was brought back from an older copy.
    pub fn forget_what_is_ahead(&self, store: &Connection, shards: u16) -> Result<(), StoreError> {
        let mut connection = self.connection.lock();
        for shard in (0..shards).map(Shard) {
            let change = begin(&mut connection)?;
            let (seq, hash) = folded(&change, shard)?;
            let is_ahead = lists::listed_to(&change, shard)? > queries::objects(store, shard)?;
            if is_ahead || seq > 0 && queries::link(store, shard, seq)? != Some(hash) {
                forget(&change, shard).map_err(read_error)?;
            }
            change.commit().map_err(read_error)?;
        }
        Ok(())
    }

    /// Folds everything that `store` has, then reads.
    pub fn read<T>(
        &self,
        store: &Connection,
        shard: Shard,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        while fold(&mut connection, store, shard)? == FOLD_AT_ONCE {}
        read(&connection)
    }

    /// Lists every row that `store` has, then reads.
    pub fn listed<T>(
        &self,
        store: &Connection,
        shard: Shard,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut connection = self.connection.lock();
        lists::extend(&mut connection, store, shard)?;
        read(&connection)
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let set = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(std::time::Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What a power cut takes is folded again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        super::open::keep_plans(&connection)?;
        connection.set_prepared_statement_cache_capacity(32);
        Ok(connection)
    };
    set().map_err(|error| cannot(path, error))
}

fn remove(path: &Path) -> Result<(), StoreError> {
    let files: [PathBuf; 3] = [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")];
    for file in files {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Open(format!("cannot delete {}: {error}", file.display())));
            }
            _ => {}
        }
    }
    Ok(())
}

fn make(connection: &mut Connection) -> rusqlite::Result<()> {
    let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked within the transaction: another process may just have made the tables.
    let version = user_version(&change)?;
    for sql in MIGRATIONS.get(version..).unwrap_or_default() {
        change.execute_batch(sql)?;
    }
    change.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    change.commit()
}

pub(super) fn begin(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(read_error)
}

/// How far a shard's fold has come.
fn folded(connection: &Connection, shard: Shard) -> Result<(u64, Hash), StoreError> {
    let mut select =
        connection.prepare_cached("SELECT seq, hash FROM folded WHERE shard = ?1").map_err(read_error)?;
    let found = select.query_row([shard.0], |row| Ok((u64_at(row, 0)?, bytes(row, 1)?))).optional();
    Ok(found.map_err(read_error)?.unwrap_or((0, GENESIS)))
}

fn forget(connection: &Connection, shard: Shard) -> rusqlite::Result<()> {
    for table in ["history", "posting", "folded", "listed", "listed_to"] {
        connection.execute(&format!("DELETE FROM {table} WHERE shard = ?1"), [shard.0])?;
    }
    Ok(())
}

/// Folds some records, and says how many.
fn fold(connection: &mut Connection, store: &Connection, shard: Shard) -> Result<usize, StoreError> {
    // A look without a lock first: most reads find nothing to fold.
    let head = queries::head(store, shard)?.seq;
    if folded(connection, shard)?.0 >= head {
        return Ok(0);
    }
    let change = begin(connection)?;
    let (mut seq, hash) = folded(&change, shard)?;
    if seq > 0 && seq <= head && queries::link(store, shard, seq)? != Some(hash) {
        forget(&change, shard).map_err(read_error)?;
        seq = 0;
    }
    let records = queries::raw_journal(store, shard, seq + 1, FOLD_AT_ONCE)?;
    let mut last: HashMap<AccountId, Balance> = HashMap::new();
    for raw in &records {
        let record = decode(&raw.record)?;
        let Lines { subject, postings } = lines(&record, |shard, account| match last.get(&account) {
            Some(&balance) => Ok(balance),
            None => balance_before(&change, shard, account, u64::MAX),
        })?;
        last.extend(postings.iter().map(|(account, posting)| (*account, posting.balance)));
        insert(&change, shard, record.seq, subject, &postings).map_err(read_error)?;
    }
    if let Some(newest) = records.last() {
        let sql = "REPLACE INTO folded (shard, seq, hash) VALUES (?1, ?2, ?3)";
        change.execute(sql, params![shard.0, newest.seq as i64, newest.hash]).map_err(read_error)?;
    }
    change.commit().map_err(read_error)?;
    Ok(records.len())
}

fn insert(
    connection: &Connection,
    shard: Shard,
    seq: u64,
    subject: u128,
    postings: &[(AccountId, Posting)],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO history (shard, subject, seq) VALUES (?1, ?2, ?3)")?
        .execute(params![shard.0, subject.to_be_bytes(), seq as i64])?;
    let mut line = connection.prepare_cached(
        "INSERT INTO posting (shard, account, seq, leg, at, kind, subject, flags, amount, debits_pending,
             credits_pending, debits_posted, credits_posted)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for (account, posting) in postings {
        line.execute(params![
            shard.0,
            account.to_bytes(),
            posting.seq as i64,
            posting.leg,
            posting.at.ms(),
            posting.kind.0,
            posting.subject.to_be_bytes(),
            posting.side as u8 | (posting.movement as u8) << 1,
            posting.amount as i64,
            posting.balance.debits_pending,
            posting.balance.credits_pending,
            posting.balance.debits_posted,
            posting.balance.credits_posted
        ])?;
    }
    Ok(())
}

/// An account's balance after its last leg before a record.
fn balance_before(
    connection: &Connection,
    shard: Shard,
    account: AccountId,
    seq: u64,
) -> Result<Balance, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT debits_pending, credits_pending, debits_posted, credits_posted FROM posting
             WHERE shard = ?1 AND account = ?2 AND seq < ?3 ORDER BY seq DESC, leg DESC LIMIT 1",
        )
        .map_err(read_error)?;
    let before = params![shard.0, account.to_bytes(), seq.min(i64::MAX as u64) as i64];
    let found = select.query_row(before, |row| balance_at(row, 0)).optional().map_err(read_error)?;
    Ok(found.unwrap_or_default())
}

/// The places of an object's records, up to `head`.
pub(super) fn history(
    connection: &Connection,
    shard: Shard,
    subject: u128,
    head: u64,
) -> Result<Vec<u64>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT seq FROM history WHERE shard = ?1 AND subject = ?2 AND seq <= ?3 ORDER BY seq",
        )
        .map_err(read_error)?;
    let of = params![shard.0, subject.to_be_bytes(), head as i64];
    select.query_map(of, |row| u64_at(row, 0)).and_then(Iterator::collect).map_err(read_error)
}

/// An account's statement after a place, up to `head`.
pub(super) fn entries(
    connection: &Connection,
    shard: Shard,
    account: AccountId,
    after: Place,
    head: u64,
    limit: usize,
) -> Result<Vec<Posting>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT seq, leg, at, kind, subject, flags, amount, debits_pending, credits_pending, debits_posted,
                 credits_posted FROM posting
             WHERE shard = ?1 AND account = ?2 AND (seq, leg) > (?3, ?4) AND seq <= ?5 ORDER BY seq, leg LIMIT ?6",
        )
        .map_err(read_error)?;
    let from = after.seq.min(i64::MAX as u64) as i64;
    let range = params![shard.0, account.to_bytes(), from, after.leg, head as i64, limit as i64];
    let lines = select.query_map(range, |row| {
        let flags: u8 = row.get(5)?;
        let movement = match flags >> 1 {
            0 => Movement::Hold,
            1 => Movement::Release,
            _ => Movement::Post,
        };
        Ok(Posting {
            seq: u64_at(row, 0)?,
            leg: row.get(1)?,
            at: Timestamp::from_ms(row.get(2)?),
            kind: RecordKind(row.get(3)?),
            subject: u128_at(row, 4)?,
            side: if flags & 1 == 0 { Side::Debit } else { Side::Credit },
            movement,
            amount: u64_at(row, 6)?,
            balance: balance_at(row, 7)?,
        })
    });
    lines.and_then(Iterator::collect).map_err(read_error)
}

/// Whether the lines of a record are as they should be.
pub(super) fn is_projected(connection: &Connection, record: &StoredRecord) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT 1 FROM history WHERE shard = ?1 AND subject = ?2 AND seq = ?3")
        .map_err(read_error)?;
    let line = params![record.shard.0, record.record.subject.to_be_bytes(), record.seq as i64];
    if !select.exists(line).map_err(read_error)? {
        return Ok(false);
    }
    let before = |shard: Shard, account: AccountId| balance_before(connection, shard, account, record.seq);
    let Lines { postings, .. } = lines(record, before)?;
    for (account, expected) in &postings {
        // The place of the leg before this one.
        let after = match expected.leg.checked_sub(1) {
            Some(leg) => Place { seq: record.seq, leg },
            None => Place { seq: record.seq - 1, leg: u16::MAX },
        };
        let found = entries(connection, record.shard, *account, after, record.seq, 1)?;
        if found.first() != Some(expected) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many lines there are up to `head`.
pub(super) fn size(connection: &Connection, shard: Shard, head: u64) -> Result<ProjectionSize, StoreError> {
    let count = |table: &str| -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {table} WHERE shard = ?1 AND seq <= ?2");
        connection.query_row(&sql, params![shard.0, head as i64], |row| u64_at(row, 0))
    };
    Ok(ProjectionSize {
        histories: count("history").map_err(read_error)?,
        postings: count("posting").map_err(read_error)?,
    })
}
