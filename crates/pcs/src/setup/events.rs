//! The journal as merchants see it: events, in order, for ever.

use std::collections::VecDeque;

use payment::{Notice, Payment, Refund};
use store::StoredRecord;
use types::{EventId, MerchantId, Timestamp};

use crate::model::{Delivery, JournalEvent};
use crate::resource::{from_bytes, put};
use crate::unit::RECORD_SETUP;
use crate::{CommandError, Listed, Page, Pcs};

/// How many records are read at once on the way back through the journal.
const STRETCH: u64 = 256;

/// One thing that happened, as it is told to a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventView {
    /// The event's id, the same over all tries of all deliveries.
    pub id: EventId,
    /// What happened.
    pub notice: Notice,
    /// When it was recorded.
    pub at: Timestamp,
    /// Its place in the journal: grows for every event of a merchant, so that receivers can drop what is stale.
    pub sequence: u64,
    /// Whose event it is.
    pub merchant: MerchantId,
    /// The payment as the event left it.
    pub payment: Option<Box<Payment>>,
    /// The refund as the event left it.
    pub refund: Option<Box<Refund>>,
}

/// A journal record whose events have not been read yet: most records are about merchants who want to be told nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread(StoredRecord);

impl Unread {
    /// Whose it is.
    pub const fn merchant(&self) -> MerchantId {
        MerchantId::from_u128(self.0.record.owner)
    }

    /// The events in it, in order.
    ///
    /// # Errors
    /// [`CommandError::Internal`]: the record is not one of ours.
    pub fn events(&self) -> Result<Vec<EventView>, CommandError> {
        views(&self.0)
    }
}

/// A stretch of the journal, read by a consumer that keeps a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The records in it that can have events, in order.
    pub records: Vec<Unread>,
    /// Merchants of whom something was set up or changed in it: what was remembered of them is old.
    pub set_up: Vec<MerchantId>,
    /// Where the next stretch begins.
    pub next_seq: u64,
}

impl Pcs {
    /// How many shards there are to follow.
    pub const fn shards(&self) -> u16 {
        self.shards
    }

    /// Up to `limit` records of a shard's journal from `seq` on.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn stretch_from(&self, shard: u16, seq: u64, limit: usize) -> Result<Stretch, CommandError> {
        let records = self.store.journal(store::Shard(shard), seq, limit).await?;
        let next_seq = records.last().map_or(seq, |record| record.seq + 1);
        let (set_up, told): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.record.kind == RECORD_SETUP);
        let set_up = set_up.iter().map(|record| MerchantId::from_u128(record.record.owner)).collect();
        Ok(Stretch { records: told.into_iter().map(Unread).collect(), set_up, next_seq })
    }

    /// A merchant's events, newest first; `after` and `before` are numbers of event ids. The journal is walked back from
    /// its end, so the latest events are found at once and old ones take longer.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn events(&self, merchant: MerchantId, page: Page) -> Result<Listed<EventView>, CommandError> {
        let limit = usize::from(page.limit);
        let mut found = VecDeque::new();
        let (mut reached, mut dropped) = (page.after.is_none(), false);
        self.walk_back(merchant, |event| {
            let number = event.id.to_u128();
            if !reached {
                reached = page.after == Some(number);
                return true;
            }
            if page.after.is_none() && page.before == Some(number) {
                return false;
            }
            found.push_back(event);
            if page.after.is_none() && page.before.is_some() {
                // Of what is newer than `before`, the nearest to it are asked for.
                dropped |= found.len() > limit && found.pop_front().is_some();
                return true;
            }
            found.len() <= limit
        })
        .await?;
        let has_more = dropped || found.len() > limit;
        found.truncate(limit);
        Ok(Listed { data: found.into(), has_more })
    }

    /// One event of a merchant.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn event(&self, merchant: MerchantId, id: EventId) -> Result<Option<EventView>, CommandError> {
        let mut found = None;
        self.walk_back(merchant, |event| {
            if event.id == id {
                found = Some(event);
            }
            found.is_none()
        })
        .await?;
        Ok(found)
    }

    /// Shows a merchant's events, the newest first, until `visit` has seen enough.
    async fn walk_back(
        &self,
        merchant: MerchantId,
        mut visit: impl FnMut(EventView) -> bool,
    ) -> Result<(), CommandError> {
        let shard = self.shard(merchant);
        let mut end = self.store.head(shard).await?.seq;
        while end > 0 {
            let start = end.saturating_sub(STRETCH) + 1;
            let records = self.store.journal(shard, start, (end - start + 1) as usize).await?;
            let own = |record: &&StoredRecord| record.record.owner == merchant.to_u128();
            for record in records.iter().rev().filter(own) {
                for event in views(record)?.into_iter().rev() {
                    if !visit(event) {
                        return Ok(());
                    }
                }
            }
            end = start - 1;
        }
        Ok(())
    }

    /// Where a consumer of the journal has got to: the seq it reads next.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn cursor(&self, consumer: &str, shard: u16) -> Result<u64, CommandError> {
        Ok(self.store.cursor(store::Shard(shard), consumer).await? + 1)
    }

    /// Saves deliveries and the cursor that stands behind them, together or not at all.
    ///
    /// # Errors
    /// [`CommandError::Unavailable`].
    pub async fn save_deliveries(
        &self,
        consumer: &str,
        shard: u16,
        next_seq: u64,
        deliveries: &[Delivery],
    ) -> Result<(), CommandError> {
        let mut unit = store::Unit::new(store::Shard(shard), self.clock.now());
        unit.rows = deliveries.iter().map(put).collect::<Result<_, _>>()?;
        unit.tasks = deliveries.iter().map(super::outbox::due).collect::<Result<_, _>>()?;
        let seq = next_seq.saturating_sub(1);
        unit.cursors.push(store::CursorMove { consumer: consumer.to_owned(), seq });
        self.store.commit(unit).await?;
        Ok(())
    }
}

fn views(record: &StoredRecord) -> Result<Vec<EventView>, CommandError> {
    let event: JournalEvent = from_bytes(&record.record.event)?;
    let merchant = MerchantId::from_u128(record.record.owner);
    Ok(event
        .notices
        .iter()
        .map(|notice| EventView {
            id: notice.id,
            notice: notice.notice,
            at: record.at,
            sequence: record.seq,
            merchant,
            payment: event.payment.clone(),
            refund: event.refund.clone(),
        })
        .collect())
}
