//! What the bank remembers of each transaction, and what one message changes.

use serde::{Deserialize, Serialize};
use types::Currency;

/// Names a message: class, terminal, merchant, trace number and what tells its repeats from later ones with the same
/// trace number (the batch, or the date and time of transmission).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Reference(pub String);

impl Reference {
    pub fn new(class: u8, terminal: &str, acceptor: &str, stan: &str, stamp: &str) -> Self {
        Self(format!("{class}|{}|{}|{stan}|{stamp}", terminal.trim_end(), acceptor.trim_end()))
    }
}

/// What kind of thing a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RecordKind {
    Hold,
    Sale,
    /// Took a hold, all or a part.
    Completion,
    /// Gave a hold back.
    Cancel,
    /// Took a sale or completion back.
    Void,
    Refund,
    /// Made a hold larger.
    Increment,
}

/// Something that happened at the bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub kind: RecordKind,
    /// The card, by its place in the table: the log holds no card number.
    pub card: usize,
    pub currency: Currency,
    pub amount: u64,
    pub acceptor: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub terminal: String,
    /// The accounting day that it came on, `MMDD`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub day: String,
    pub authorization_code: String,
    /// The record that this one took, gave back or refunds.
    pub target: Option<u64>,
    /// Whether it has its effect now.
    #[serde(skip, default)]
    pub live: bool,
    /// Whether a reversal undid it.
    #[serde(skip, default)]
    pub reversed: bool,
    /// How much of it has been refunded.
    #[serde(skip, default)]
    pub refunded: u64,
    /// How often it was made larger.
    #[serde(skip, default)]
    pub increments: u64,
    /// The batch it belongs to: the one that was open when it came. Written down only of what was told afterwards.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub batch: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(batch: &u32) -> bool {
    *batch == 0
}

/// What a message changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub(crate) enum Effect {
    Nothing,
    /// Something new, with the number of its record.
    Open {
        number: u64,
        record: Record,
    },
    /// A sale has another amount from now on.
    Adjust {
        number: u64,
        /// A line of the log is flat, and its `amount` is the message's.
        to: u64,
    },
    /// A record is undone.
    Reverse {
        number: u64,
    },
    /// A message that has not come yet shall have no effect when it comes.
    Kill {
        original: Reference,
    },
    /// The accounting day ends; the next batch is open.
    CutOver,
}

/// An answer that was given, to be given again to a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub code: String,
    pub rrn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<String>,
    /// What the card has left, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<(Currency, u64)>,
}

impl Answer {
    /// An answer that is a response code and nothing else.
    pub fn of_code(code: &str, rrn: String) -> Self {
        Self { code: code.to_owned(), rrn, authorization_code: None, balance: None }
    }
}

/// One line of the bank's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    /// Counts the events from 1.
    #[serde(rename = "event")]
    pub number: u64,
    pub reference: Reference,
    /// Tells a repeat from another message with the same reference.
    pub kind: String,
    pub amount: u64,
    /// The card's last four digits, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
    pub answer: Answer,
    /// Whether the right PIN came with it, where one came that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<bool>,
    #[serde(flatten)]
    pub effect: Effect,
}
