//! The life of an object, read back from the journal.

use std::sync::Arc;

use iso8583::{Dialect, Fields};
use store::StoredRecord;
use types::Timestamp;

use crate::CommandError;
use crate::model::JournalEvent;
use crate::resource::from_bytes;

/// One record of an object's life.
#[derive(Clone, Debug)]
pub struct HistoryItem {
    /// Its place in the journal of its shard.
    pub seq: u64,
    /// When it was recorded.
    pub at: Timestamp,
    /// What it says.
    pub event: JournalEvent,
    /// What it did to the books.
    pub entry: Option<ledger::Entry>,
    /// The bank messages of this record, decoded field by field and masked.
    pub messages: Vec<DescribedMessage>,
}

/// A bank message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedMessage {
    /// Whether we sent it; else the bank did.
    pub is_sent: bool,
    /// One line a field: number, name, masked value.
    pub text: String,
}

impl HistoryItem {
    /// Reads a journal record. `dialect` gives the dialect of a bank by its name; the messages of a bank that it does not
    /// know stay undescribed.
    ///
    /// # Errors
    /// [`CommandError::Internal`] when the record is not one of the PCS's.
    pub fn read(
        record: StoredRecord,
        dialect: &dyn Fn(&str) -> Option<Arc<Dialect>>,
    ) -> Result<Self, CommandError> {
        let event: JournalEvent = from_bytes(&record.record.event)?;
        let bank = event.payment.as_ref().and_then(|payment| payment.bank());
        let messages = bank.and_then(dialect).map(|dialect| describe(&event, &dialect)).unwrap_or_default();
        Ok(Self { seq: record.seq, at: record.at, event, entry: record.record.legs, messages })
    }
}

fn describe(event: &JournalEvent, dialect: &Dialect) -> Vec<DescribedMessage> {
    let described = |is_sent: bool, fields: &Option<Fields>| {
        Some(DescribedMessage { is_sent, text: dialect.describe_fields(fields.as_ref()?) })
    };
    [described(true, &event.sent), described(false, &event.received)].into_iter().flatten().collect()
}
