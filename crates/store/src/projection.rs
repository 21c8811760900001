//! From a journal record to its lines in histories and statements.

use std::collections::HashMap;

use ledger::{AccountId, Balance};

use crate::{Posting, Shard, StoreError, StoredRecord};

/// What a record adds to the projections.
pub(crate) struct Lines {
    /// The object whose history grows by this record.
    pub subject: u128,
    /// A line on each account's statement, in the order of the legs.
    pub postings: Vec<(AccountId, Posting)>,
}

/// The lines of a record. `before` tells an account's balance before the record.
pub(crate) fn lines(
    record: &StoredRecord,
    mut before: impl FnMut(Shard, AccountId) -> Result<Balance, StoreError>,
) -> Result<Lines, StoreError> {
    let mut balances: HashMap<AccountId, Balance> = HashMap::new();
    let legs = record.record.legs.as_ref().map_or(&[][..], |entry| entry.legs());
    let mut postings = Vec::with_capacity(legs.len());
    for (number, leg) in legs.iter().enumerate() {
        let balance = match balances.get(&leg.account) {
            Some(&balance) => balance,
            None => before(record.shard, leg.account)?,
        };
        let balance = balance.apply(leg).map_err(|error| {
            StoreError::Damaged(format!("record {} of {:?}, {}: {error}", record.seq, record.shard, leg.account))
        })?;
        balances.insert(leg.account, balance);
        let posting = Posting {
            seq: record.seq,
            // Bounded by the unit's shape.
            leg: number as u16,
            at: record.at,
            kind: record.record.kind,
            subject: record.record.subject,
            side: leg.side,
            movement: leg.movement,
            amount: leg.amount,
            balance,
        };
        postings.push((leg.account, posting));
    }
    Ok(Lines { subject: record.record.subject, postings })
}
