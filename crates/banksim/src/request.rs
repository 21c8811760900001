//! What a message asks, whatever its dialect.

use types::Currency;

use crate::reconcile::BatchTotals;
use crate::record::Reference;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Authorize,
    Consume,
    Capture,
    CancelAuthorization,
    Void,
    Refund,
    Reverse,
    /// Hold more.
    Increment,
    /// Another amount for a sale.
    Adjust,
    /// What the card has left.
    Balance,
    /// What became of another request.
    Inquire,
    /// A sale that a chip approved at its terminal.
    OfflineSale,
}

impl Asked {
    /// Whether it needs the card's own word: its date, its code, its behaviour.
    pub const fn is_first(self) -> bool {
        matches!(self, Self::Authorize | Self::Consume | Self::Balance)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Consume => "consume",
            Self::Capture => "capture",
            Self::CancelAuthorization => "cancel_authorization",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Reverse => "reverse",
            Self::Increment => "increment",
            Self::Adjust => "adjust",
            Self::Balance => "balance",
            Self::Inquire => "inquire",
            Self::OfflineSale => "offline_sale",
        }
    }
}

/// The PIN of a message, as the bank has found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnteredPin {
    Right,
    Wrong,
    /// No PIN block under this connection's key and with this card's number.
    Unreadable,
}

/// A request about money.
#[derive(Clone, Debug)]
pub(crate) struct MoneyRequest {
    pub asked: Asked,
    /// The card, if the bank knows it.
    pub card: Option<usize>,
    pub expiry: Option<String>,
    pub security_code: Option<String>,
    pub pin: Option<EnteredPin>,
    /// The chip's own word: a transaction certificate is among what it said.
    pub chip_approved: bool,
    pub amount: u64,
    pub currency: Currency,
    pub acceptor: String,
    pub terminal: String,
    /// The accounting day that it came on, `MMDD`.
    pub day: String,
    /// This message.
    pub reference: Reference,
    /// The message that it refers to.
    pub original: Option<Reference>,
    pub authorization_code: Option<String>,
}

/// A request about the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkRequest {
    SignOn,
    KeyExchange,
    Echo,
    SignOff,
    /// A piece of the bank's parameters, from 1; 0: all have been fetched.
    Parameters(ParameterSet, u16),
}

/// Which of the bank's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterSet {
    /// What a terminal is told of its bank.
    Terminal,
    /// What it is told of chips.
    Chip,
}

/// What totals are about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// DE 42; none: all merchants.
    pub acceptor: Option<String>,
    /// DE 41; none: all terminals.
    pub terminal: Option<String>,
    /// Which batch or day; none: the batch that is open.
    pub period: Option<Period>,
}

/// What a bank adds up over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Batch(u32),
    /// `MMDD`.
    Day(String),
}

/// The totals of a batch as the other side has them.
#[derive(Clone, Debug)]
pub(crate) struct TotalsRequest {
    pub wanted: Wanted,
    pub currency: Currency,
    pub claimed: BatchTotals,
}

/// A batch's items as the other side tells them, some in each message, or the end of the list.
#[derive(Clone, Debug)]
pub(crate) struct UploadRequest {
    /// Whose batch, and which.
    pub batch: BatchKey,
    pub told: Uploaded,
}

/// A batch of a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BatchKey {
    pub acceptor: String,
    pub terminal: String,
    pub number: u32,
}

/// What one message of an upload tells.
#[derive(Clone, Debug)]
pub(crate) enum Uploaded {
    Items(Vec<UploadedItem>),
    /// All have been told; this many there were.
    End(usize),
}

/// Something that has happened, as the other side has it.
#[derive(Clone, Debug)]
pub(crate) struct UploadedItem {
    /// The message that did it.
    pub reference: Reference,
    pub is_credit: bool,
    /// The card, if the bank knows it.
    pub card: Option<usize>,
    pub amount: u64,
}

/// What came.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    Money(MoneyRequest),
    Totals(TotalsRequest),
    Upload(UploadRequest),
    Link(LinkRequest),
}
