//! Why a unit is refused, and what can fail beneath it.

use ledger::{AccountId, BalanceError};

use crate::{Answer, RowKey, Shard};

/// The state of the store does not allow a unit. Nothing of it was written; its neighbours were not touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The idempotency key was claimed before.
    #[error("the idempotency key is claimed already")]
    KeyTaken {
        /// Digest of the request that claimed it.
        digest: [u8; 32],
        /// The object that request is about.
        subject: u128,
        /// Its answer, once there is one.
        answer: Option<Answer>,
    },
    /// The answer is to a key that nobody claimed, or whose time is over.
    #[error("the answer is to an idempotency key that is not claimed")]
    KeyUnknown,
    /// The key has its answer.
    #[error("the idempotency key is answered already")]
    KeyAnswered,
    /// Somebody changed the row in between.
    #[error("row {key:?} has version {found:?}, not the expected one")]
    VersionConflict {
        /// Which row.
        key: RowKey,
        /// Its version; none: it does not exist.
        found: Option<u32>,
    },
    /// The second key leads to another row.
    #[error("alias of space {space} leads to {target:?} already")]
    AliasTaken {
        /// Which kind of key.
        space: u8,
        /// The key.
        key: [u8; 16],
        /// Where it leads.
        target: RowKey,
    },
    /// The books do not allow it.
    #[error("account {account}: {error}")]
    Ledger {
        /// Which account.
        account: AccountId,
        /// Which rule.
        error: BalanceError,
    },
    /// A statistic would pass 63 bits.
    #[error("a statistic would pass 63 bits")]
    CountOutOfRange,
    /// Another consumer of the same name was faster, or the place lies beyond the journal.
    #[error(
        "consumer {consumer} is at record {found} of {last}; it can only move forward, and not past the end"
    )]
    CursorMoved {
        /// Which consumer.
        consumer: String,
        /// Its place.
        found: u64,
        /// The last record.
        last: u64,
    },
    /// The counter is used up.
    #[error("the counter would pass 63 bits")]
    CounterOutOfRange,
    /// The caller's mistake.
    #[error("malformed unit: {0}")]
    Malformed(#[from] Malformed),
}

/// A unit that could never be committed: its caller is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The store has fewer shards.
    #[error("{shard:?} of a store with {shards} shards")]
    NoSuchShard {
        /// As the unit has it.
        shard: Shard,
        /// As the store has them.
        shards: u16,
    },
    /// The same thing is changed twice.
    #[error("the same {0} is changed twice")]
    Twice(&'static str),
    /// A time before 1970 or after 9999.
    #[error("an instant must lie in the years 1970 to 9999")]
    Instant,
    /// A row that must not exist cannot be deleted.
    #[error("a deletion must name the version it expects")]
    DeletesNothing,
    /// Versions count from 1.
    #[error("a version must be from 1 to 4294967294")]
    Version,
    /// A body that is said to lie in a record.
    #[error("a row's body must lie within the event of a record of its unit")]
    BodyOutside,
    /// Statistics are kept in a journal record.
    #[error("counts need a record to be kept in")]
    CountsWithoutRecord,
    /// A consumer's name.
    #[error("a consumer's name must have 1 to 64 bytes")]
    Consumer,
    /// A block of no numbers.
    #[error("a reservation must be for at least one number")]
    ReservesNothing,
    /// Too large.
    #[error("a {what} must not be above {most}")]
    TooLarge {
        /// What is.
        what: &'static str,
        /// Bytes or items.
        most: usize,
    },
}

/// The engine beneath the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written. Trying again later can help.
    #[error("the store cannot write now: {0}")]
    NotWritten(String),
    /// It is not known whether the last batch was written. The engine must be opened again, which finds out.
    #[error("the store failed while it committed: {0}")]
    Unknown(String),
    /// Another process has taken the shard over.
    #[error(
        "{shard:?} was taken over by another process (epoch {found}, ours was {ours}); this one must stop writing"
    )]
    Superseded {
        /// Which shard.
        shard: Shard,
        /// The epoch this process wrote under.
        ours: u64,
        /// The epoch now.
        found: u64,
    },
    /// What was read is not what was written.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A read failed.
    #[error("the store cannot be read: {0}")]
    Read(String),
    /// The store cannot be opened; the text says what to do.
    #[error("{0}")]
    Open(String),
}

/// Why a commit has no good end.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written: the state of the store does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nothing was written: too much is queued already.
    #[error("the store's queue is full")]
    Busy,
    /// The store does not answer. The unit may have been written or not; it is not acknowledged.
    #[error("the store is not available")]
    Unavailable,
}
