//! The rows of payments and refunds against the journal. The store proves journal, balances and statistics; what a
//! payment *is* only we can read. A row that was changed, removed or added behind the journal's back is a breach: a refund
//! would be decided on it.

use std::collections::{BTreeMap, BTreeSet};

use payment::{Payment, Refund};
use pcs::model::JournalEvent;
use pcs::{RECORD_PAYMENT, RECORD_REFUND};
use pki::sha256::sha256;
use serde::Serialize;
use store::{Reads, Row, Shard, Table};

use crate::fault::{Fault, Tried as _};

/// How much is read at once.
const CHUNK: usize = 1_000;

/// What the journal says last of each object, by hash.
type Latest = BTreeMap<(u8, u128), [u8; 32]>;

/// Compares every payment and refund with the journal's last word on it, and returns how many there are.
pub fn verify_rows(reads: &dyn Reads) -> Result<usize, Fault> {
    let mut checked = 0;
    for shard in (0..reads.shards()).map(Shard) {
        let (mut latest, mut owners) = last_words(reads, shard)?;
        let mut seen = BTreeMap::<u8, u64>::new();
        // A row of a merchant whom the journal does not know must not hide, either.
        owners.extend(merchants(reads)?);
        for owner in owners {
            for table in [Table::Payment, Table::Refund] {
                let mut after = None;
                loop {
                    let rows =
                        reads.scan(shard, table, owner, after, CHUNK).tried("cannot read the store")?;
                    let Some(last) = rows.last() else { break };
                    after = Some(last.key.id);
                    for row in &rows {
                        let told = latest.remove(&(table as u8, row.key.id));
                        if told != Some(hash_of_row(row)?) {
                            return Err(breach(row.key.id, "differs from the journal's last word on it"));
                        }
                        checked += 1;
                        *seen.entry(table as u8).or_default() += 1;
                    }
                }
            }
        }
        // A row that no list names would be found by its number all the same.
        for table in [Table::Payment, Table::Refund] {
            let (there, seen) =
                (reads.count_rows(shard, table).tried("cannot read the store")?, seen.get(&(table as u8)));
            let seen = seen.copied().unwrap_or(0);
            if there > seen {
                return Err(Fault::plain(format!(
                    "{} rows of payments or refunds stand in no list",
                    there - seen
                )));
            }
        }
        if let Some(((_, id), _)) = latest.first_key_value() {
            return Err(breach(*id, "is in the journal and has no row"));
        }
    }
    Ok(checked)
}

fn merchants(reads: &dyn Reads) -> Result<Vec<u128>, Fault> {
    let (mut found, mut after) = (Vec::new(), None);
    for shard in (0..reads.shards()).map(Shard) {
        loop {
            let rows = reads.scan(shard, Table::Merchant, 0, after, CHUNK).tried("cannot read the store")?;
            let Some(last) = rows.last() else { break };
            after = Some(last.key.id);
            found.extend(rows.iter().map(|row| row.key.id));
        }
        after = None;
    }
    Ok(found)
}

fn last_words(reads: &dyn Reads, shard: Shard) -> Result<(Latest, BTreeSet<u128>), Fault> {
    let (mut latest, mut owners, mut from) = (Latest::new(), BTreeSet::new(), 1);
    loop {
        let records = reads.journal(shard, from, CHUNK).tried("cannot read the journal")?;
        let Some(last) = records.last() else { return Ok((latest, owners)) };
        from = last.seq + 1;
        for stored in records {
            if ![RECORD_PAYMENT, RECORD_REFUND].contains(&stored.record.kind) {
                continue;
            }
            let event: JournalEvent = serde_json::from_slice(&stored.record.event)
                .tried(format!("record {} cannot be read", stored.seq))?;
            owners.insert(stored.record.owner);
            if let Some(payment) = event.payment {
                latest.insert((Table::Payment as u8, payment.id.to_u128()), hash(&*payment)?);
            }
            if let Some(refund) = event.refund {
                latest.insert((Table::Refund as u8, refund.id.to_u128()), hash(&*refund)?);
            }
        }
    }
}

fn hash_of_row(row: &Row) -> Result<[u8; 32], Fault> {
    let unreadable = || format!("the row {:032x} cannot be read", row.key.id);
    match row.key.table {
        Table::Payment => hash(&serde_json::from_slice::<Payment>(&row.body).tried(unreadable())?),
        _ => hash(&serde_json::from_slice::<Refund>(&row.body).tried(unreadable())?),
    }
}

fn hash<T: Serialize>(object: &T) -> Result<[u8; 32], Fault> {
    Ok(sha256(&serde_json::to_vec(object).tried("an object cannot be written")?))
}

fn breach(id: u128, rule: &str) -> Fault {
    Fault::plain(format!("the payment or refund with the number {id:032x} {rule}"))
}
