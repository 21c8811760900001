//! What is wrong with a unit before anybody looks at the store. Such a unit is the caller's mistake.

use std::collections::BTreeSet;

use types::Timestamp;

use crate::journal::MOST_EVENT_BYTES;
use crate::{Body, Malformed, Unit};

/// 9999-12-31T23:59:59.999Z: later instants have no RFC 3339 form.
const LAST_INSTANT_MS: i64 = 253_402_300_799_999;
/// The largest body of a row, an answer or a task.
const MOST_BODY_BYTES: usize = 1 << 20;
const MOST_CONSUMER_BYTES: usize = 64;
const MOST_LEGS: usize = 256;
const MOST_COUNTS: usize = 256;

/// Refuses what could never be committed, whatever the store holds.
pub(crate) fn check(unit: &Unit, shards: u16) -> Result<(), Malformed> {
    if unit.shard.0 >= shards {
        return Err(Malformed::NoSuchShard { shard: unit.shard, shards });
    }
    let dues = unit.tasks.iter().filter_map(|task| task.put.as_ref()).map(|(due, _)| *due);
    if !is_instant(unit.at) || !dues.into_iter().all(is_instant) {
        return Err(Malformed::Instant);
    }
    check_rows(unit)?;
    check_records(unit)?;
    check_the_rest(unit)?;
    check_sizes(unit)
}

fn is_instant(at: Timestamp) -> bool {
    (0..=LAST_INSTANT_MS).contains(&at.ms())
}

fn check_rows(unit: &Unit) -> Result<(), Malformed> {
    if !all_differ(unit.rows.iter().map(|row| row.key)) {
        return Err(Malformed::Twice("row"));
    }
    if unit.rows.iter().any(|row| row.expected.is_none() && row.body.is_none()) {
        return Err(Malformed::DeletesNothing);
    }
    if unit.rows.iter().any(|row| row.expected == Some(0) || row.expected == Some(u32::MAX)) {
        return Err(Malformed::Version);
    }
    if !unit.rows.iter().filter_map(|row| row.body.as_ref()).all(|body| is_within(unit, body)) {
        return Err(Malformed::BodyOutside);
    }
    if !all_differ(unit.aliases.iter().map(|alias| (alias.space, alias.key))) {
        return Err(Malformed::Twice("alias"));
    }
    Ok(())
}

/// Whether a body that lies in a record lies in it wholly.
fn is_within(unit: &Unit, body: &Body) -> bool {
    let Body::InRecord { record, at, len } = body else { return true };
    let end = at.checked_add(*len);
    unit.records.get(*record).zip(end).is_some_and(|(record, end)| end <= record.event.len())
}

fn check_records(unit: &Unit) -> Result<(), Malformed> {
    if unit.records.iter().any(|record| record.event.len() > MOST_EVENT_BYTES) {
        return Err(Malformed::TooLarge { what: "event", most: MOST_EVENT_BYTES });
    }
    let legs = |record: &crate::Record| record.legs.as_ref().map_or(0, |entry| entry.legs().len());
    if unit.records.iter().any(|record| legs(record) > MOST_LEGS) {
        return Err(Malformed::TooLarge { what: "list of legs", most: MOST_LEGS });
    }
    if !unit.counts.is_empty() && unit.records.is_empty() {
        return Err(Malformed::CountsWithoutRecord);
    }
    if unit.counts.len() > MOST_COUNTS {
        return Err(Malformed::TooLarge { what: "list of counts", most: MOST_COUNTS });
    }
    Ok(())
}

fn check_the_rest(unit: &Unit) -> Result<(), Malformed> {
    if !all_differ(unit.tasks.iter().map(|task| (task.kind, task.id))) {
        return Err(Malformed::Twice("task"));
    }
    if !all_differ(unit.cursors.iter().map(|cursor| cursor.consumer.as_str())) {
        return Err(Malformed::Twice("cursor"));
    }
    let named = |name: &str| !name.is_empty() && name.len() <= MOST_CONSUMER_BYTES;
    if !unit.cursors.iter().all(|cursor| named(&cursor.consumer)) {
        return Err(Malformed::Consumer);
    }
    if !all_differ(unit.reserves.iter().map(|reserve| reserve.counter)) {
        return Err(Malformed::Twice("counter"));
    }
    if unit.reserves.iter().any(|reserve| reserve.numbers == 0) {
        return Err(Malformed::ReservesNothing);
    }
    Ok(())
}

fn check_sizes(unit: &Unit) -> Result<(), Malformed> {
    let rows = unit.rows.iter().filter_map(|row| row.body.as_ref()).map(Body::len);
    let tasks = unit.tasks.iter().filter_map(|task| task.put.as_ref()).map(|(_, body)| body.len());
    let answers = unit.answer.iter().map(|answer| answer.body.len());
    if rows.chain(tasks).chain(answers).any(|len| len > MOST_BODY_BYTES) {
        return Err(Malformed::TooLarge { what: "body", most: MOST_BODY_BYTES });
    }
    Ok(())
}

fn all_differ<T: Ord>(mut keys: impl ExactSizeIterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    // One of a kind is the rule, and needs no set.
    keys.len() < 2 || keys.all(|key| seen.insert(key))
}
