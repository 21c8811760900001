//! A unit of work: everything that one decision changes, together or not at all.

use ledger::Entry;
use types::{Currency, Timestamp};

use crate::Shard;

/// What a row is about. Numbers are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[allow(missing_docs)] // The names are those of the resources.
pub enum Table {
    Merchant = 1,
    ApiKey = 2,
    Customer = 3,
    PaymentMethod = 4,
    Card = 5,
    Payment = 6,
    Refund = 7,
    CheckoutSession = 8,
    WebhookEndpoint = 9,
    Delivery = 10,
    Certificate = 11,
    Wallet = 12,
    Passkey = 13,
    Consent = 14,
    Setting = 15,
    Staff = 16,
    Settlement = 17,
    Invoice = 18,
    Terminal = 19,
    Reconciliation = 20,
}

impl Table {
    /// Every table.
    pub const ALL: [Table; 20] = [
        Self::Merchant,
        Self::ApiKey,
        Self::Customer,
        Self::PaymentMethod,
        Self::Card,
        Self::Payment,
        Self::Refund,
        Self::CheckoutSession,
        Self::WebhookEndpoint,
        Self::Delivery,
        Self::Certificate,
        Self::Wallet,
        Self::Passkey,
        Self::Consent,
        Self::Setting,
        Self::Staff,
        Self::Settlement,
        Self::Invoice,
        Self::Terminal,
        Self::Reconciliation,
    ];

    /// The table with this number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| *table as u8 == number)
    }
}

/// The name of a row within its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey {
    /// What it is about.
    pub table: Table,
    /// The merchant's number; 0 for what belongs to the gateway itself.
    pub owner: u128,
    /// Its own number. Numbers made later sort later, so lists by number are lists by time.
    pub id: u128,
}

/// Writes or deletes one row, if nobody changed it in between. The row gets version `expected + 1`; a new row gets 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Which row.
    pub key: RowKey,
    /// The version it must have now; none: it must not exist.
    pub expected: Option<u32>,
    /// What it says from now on; none deletes it.
    pub body: Option<Body>,
}

/// What a row says. An object whose change is told in the journal is not written twice: its row says where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// These bytes.
    Own(Vec<u8>),
    /// Bytes `at..at + len` of the event of one of the unit's records.
    InRecord {
        /// Which of [`Unit::records`], from 0.
        record: usize,
        /// Where in its event.
        at: usize,
        /// How many bytes.
        len: usize,
    },
}

impl Body {
    /// How many bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Own(bytes) => bytes.len(),
            Self::InRecord { len, .. } => *len,
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Own(bytes)
    }
}

/// Claims or gives up a unique second key of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasChange {
    /// Which kind of key. The caller numbers them and never reuses a number.
    pub space: u8,
    /// The key, hashed.
    pub key: [u8; 16],
    /// The row it leads to; it must lead nowhere yet. None gives the key up, whether it leads somewhere or not.
    pub target: Option<RowKey>,
}

/// Claims an idempotency key, in the same commit as the first effect of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Scope and key, hashed.
    pub key: [u8; 16],
    /// Of the request, so that the same key with another request is noticed.
    pub digest: [u8; 32],
    /// The object that the request is about.
    pub subject: u128,
}

/// The stored answer to a claimed key, in the same commit as the last effect of its request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The claimed key.
    pub key: [u8; 16],
    /// The caller's code for the answer.
    pub status: u16,
    /// The answer.
    pub body: Vec<u8>,
}

/// What a journal record is about. The caller numbers them and never reuses a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKind(pub u16);

/// One record for the journal: what happened, to whom, and what it did to the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is about.
    pub kind: RecordKind,
    /// The merchant's number; 0 for the gateway itself.
    pub owner: u128,
    /// The object whose history this belongs to.
    pub subject: u128,
    /// The object's version after it.
    pub subject_version: u32,
    /// What moved in the books, if anything did.
    pub legs: Option<Entry>,
    /// The event, as JSON. No personal data and no secret: the journal is never erased.
    pub event: Vec<u8>,
}

/// Puts a durable to-do, or takes it off the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskChange {
    /// Which kind of to-do. The caller numbers them.
    pub kind: u8,
    /// What it is about; one to-do of a kind for each.
    pub id: u128,
    /// When it is due and what it says, over any before it. None: done, or never there.
    pub put: Option<(Timestamp, Vec<u8>)>,
}

/// Adds to a statistic. Deltas of one unit are kept in its last journal record, so that the sums can be recomputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The merchant's number.
    pub owner: u128,
    /// Of the amount.
    pub currency: Currency,
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// What is counted. The caller numbers them.
    pub metric: u16,
    /// How many more; negative takes back.
    pub count: i64,
    /// How many minor units more; negative takes back.
    pub amount: i64,
}

/// Takes the next `numbers` numbers of a counter. A number is never given twice; a crash may skip some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// Which counter.
    pub counter: [u8; 16],
    /// How many numbers; at least one.
    pub numbers: u32,
}

/// Moves a consumer's place in the journal of the unit's shard: everything up to `seq` is dealt with by this commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorMove {
    /// The consumer, 1 to 64 bytes.
    pub consumer: String,
    /// The last record dealt with; above the place before, so that of two racing consumers one is refused.
    pub seq: u64,
}

/// Everything that one decision changes. It is committed as a whole or refused as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Where.
    pub shard: Shard,
    /// When it was decided; the time of its journal records.
    pub at: Timestamp,
    /// The idempotency key that this is the first effect of.
    pub claim: Option<Claim>,
    /// The answer to the key that this is the last effect of.
    pub answer: Option<Answer>,
    /// Rows, each at most once.
    pub rows: Vec<RowChange>,
    /// Second keys, each at most once.
    pub aliases: Vec<AliasChange>,
    /// Records, in the order in which they enter the journal.
    pub records: Vec<Record>,
    /// To-dos, each at most once.
    pub tasks: Vec<TaskChange>,
    /// Statistics; deltas of the same statistic add up.
    pub counts: Vec<Count>,
    /// Places of consumers, each at most once.
    pub cursors: Vec<CursorMove>,
    /// Numbers to reserve, each counter at most once.
    pub reserves: Vec<Reserve>,
}

impl Unit {
    /// A unit that changes nothing yet.
    pub const fn new(shard: Shard, at: Timestamp) -> Self {
        Self {
            shard,
            at,
            claim: None,
            answer: None,
            rows: Vec::new(),
            aliases: Vec::new(),
            records: Vec::new(),
            tasks: Vec::new(),
            counts: Vec::new(),
            cursors: Vec::new(),
            reserves: Vec::new(),
        }
    }
}

/// What a committed unit has become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Place of its first journal record; `last_seq + 1` when it has none.
    pub first_seq: u64,
    /// Place of the last journal record of the shard after it.
    pub last_seq: u64,
    /// The first number of each reserved block, in the unit's order.
    pub reserved: Vec<u64>,
}
