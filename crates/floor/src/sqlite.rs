//! FROZEN. The same bytes into SQLite: WAL, `synchronous=FULL`, one writer, checkpoints on a thread of their own, no index but the
//! keys, which are given out in order.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::{COMMIT_BYTES, Fault, MERCHANTS, Told, Work, batch, sums};

const TABLES: &str = "
    CREATE TABLE payment (id INTEGER PRIMARY KEY, merchant INTEGER, amount INTEGER, state INTEGER, body BLOB);
    CREATE TABLE ledger (id INTEGER PRIMARY KEY, payment INTEGER, account INTEGER, amount INTEGER);
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, payment INTEGER, body BLOB);
    CREATE TABLE balance (account INTEGER PRIMARY KEY, amount INTEGER)";
/// What the columns beside the bodies take of a commit's bytes.
const COLUMNS_BYTES: [usize; 2] = [20, 100];
/// The log is begun anew when it has so many pages.
const LOG_PAGES: i64 = 8_192;

fn open(store: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(store)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "page_size", 8_192)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

pub fn writer(store: &str) -> Result<impl FnMut(Receiver<Work>, Told) + Send + 'static, Fault> {
    let connection = open(store)?;
    connection.execute_batch(TABLES)?;
    for account in 0..MERCHANTS + 2 {
        connection.execute("INSERT INTO balance VALUES (?1, 0)", [account])?;
    }
    let checkpoints = open(store)?;
    std::thread::Builder::new()
        .name("floor-checkpoint".to_owned())
        .spawn(move || checkpoint(&checkpoints))?;
    Ok(move |works: Receiver<Work>, told: Told| {
        while let Some(batch) = batch(&works) {
            if commit(&connection, &batch).is_err() || told.send(batch).is_err() {
                return;
            }
        }
    })
}

fn commit(connection: &Connection, batch: &[Work]) -> rusqlite::Result<()> {
    let body = vec![7u8; COMMIT_BYTES[0].max(COMMIT_BYTES[1])];
    let [intent_bytes, outcome_bytes] = [0, 1].map(|which| COMMIT_BYTES[which] - COLUMNS_BYTES[which]);
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let mut intent = connection.prepare_cached("INSERT INTO payment VALUES (?1, ?2, ?3, 0, ?4)")?;
    let mut outcome = connection.prepare_cached("UPDATE payment SET state = 1 WHERE id = ?1")?;
    let mut leg =
        connection.prepare_cached("INSERT INTO ledger (payment, account, amount) VALUES (?1, ?2, ?3)")?;
    let mut told = connection.prepare_cached("INSERT INTO outbox (payment, body) VALUES (?1, ?2)")?;
    for Work { payment, is_outcome, .. } in batch {
        if !is_outcome {
            intent.execute(params![payment.id, payment.merchant, payment.amount, &body[..intent_bytes]])?;
            continue;
        }
        outcome.execute([payment.id])?;
        for (account, amount) in payment.legs() {
            leg.execute([payment.id, account, amount])?;
        }
        told.execute(params![payment.id, &body[..outcome_bytes]])?;
    }
    let mut balance =
        connection.prepare_cached("UPDATE balance SET amount = amount + ?2 WHERE account = ?1")?;
    for (account, amount) in sums(batch) {
        balance.execute([account, amount])?;
    }
    connection.execute_batch("COMMIT")
}

fn checkpoint(connection: &Connection) {
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let run = |mode: &str| {
            connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(1))
        };
        if run("PASSIVE").is_ok_and(|pages| pages > LOG_PAGES) {
            // What the writer has written meanwhile is moved while it waits.
            let _ = run("RESTART");
        }
    }
}
