//! The transactions that a bank offers, and their rows in `bank.toml`.

use std::collections::BTreeMap;

use iso8583::Mti;
use serde::{Deserialize, Serialize};

use super::codes::CodeRow;
use super::template::FieldTemplate;

/// What can be asked of a bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transaction {
    /// Hold funds (pre-authorization).
    Authorize,
    /// Sale: one message moves the money.
    Consume,
    /// Completion: take held funds, all or a part.
    Capture,
    /// The same as an advice: the bank is told, not asked. Not every bank has both.
    CaptureAdvice,
    /// Give held funds back before they are taken.
    VoidAuthorization,
    /// Take back a sale of the same day.
    VoidConsume,
    /// Take back a completion of the same day.
    VoidCapture,
    /// Give money back, all or a part, at any time.
    Refund,
    /// Undo a request whose answer did not come.
    Reversal,
    /// Hold more, on top of what is held already (additional pre-authorization). Not every bank has it.
    Increment,
    /// Change the amount of a sale after the fact: a tip. Not every bank has it.
    Adjust,
    /// What a card has left. Moves nothing. Not every bank has it.
    BalanceInquiry,
    /// What became of an earlier request (status query). Moves nothing. Not every bank has it.
    Inquire,
    /// A sale that a chip approved at its terminal: the bank is told of it. Not every bank has it.
    OfflineSale,
}

impl Transaction {
    /// Every transaction.
    pub const ALL: [Transaction; 14] = [
        Self::Authorize,
        Self::Consume,
        Self::Capture,
        Self::CaptureAdvice,
        Self::VoidAuthorization,
        Self::VoidConsume,
        Self::VoidCapture,
        Self::Refund,
        Self::Reversal,
        Self::Increment,
        Self::Adjust,
        Self::BalanceInquiry,
        Self::Inquire,
        Self::OfflineSale,
    ];

    /// Whether a bank may be without it.
    pub const fn is_optional(self) -> bool {
        matches!(
            self,
            Self::CaptureAdvice
                | Self::Increment
                | Self::Adjust
                | Self::BalanceInquiry
                | Self::Inquire
                | Self::OfflineSale
        )
    }

    /// Whether it only asks: nothing is held or moved, so its silence leaves nothing to undo.
    pub const fn only_asks(self) -> bool {
        matches!(self, Self::BalanceInquiry | Self::Inquire)
    }

    /// Whether it is a message that the card's holder stands behind in person, with all that the card gives: the first of
    /// a payment, or a question about the card itself.
    pub const fn is_first(self) -> bool {
        matches!(self, Self::Authorize | Self::Consume | Self::BalanceInquiry)
    }

    /// Whether what its message needs of the card outlives the message: an offline sale is told until the bank has heard, and
    /// has the chip's word with it each time.
    pub const fn keeps_chip_data(self) -> bool {
        matches!(self, Self::OfflineSale)
    }

    /// The transaction with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transaction| transaction.name() == name)
    }

    /// Its name in `bank.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Consume => "consume",
            Self::Capture => "capture",
            Self::CaptureAdvice => "capture_advice",
            Self::VoidAuthorization => "void_authorization",
            Self::VoidConsume => "void_consume",
            Self::VoidCapture => "void_capture",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
            Self::Increment => "increment",
            Self::Adjust => "adjust",
            Self::BalanceInquiry => "balance_inquiry",
            Self::Inquire => "inquire",
            Self::OfflineSale => "offline_sale",
        }
    }
}

/// What silence after a transaction calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnSilence {
    /// A reversal, repeated until it is acknowledged.
    Reverse,
    /// The same message again, until it is answered: advices and reversals.
    Repeat,
    /// Nothing: it was only a question.
    Ignore,
}

/// Card data that is added to a message when it is sent, and never stored with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardElement {
    /// The card number, DE 2. Needed.
    Pan,
    /// The expiry date, DE 14. Sent where it is known.
    Expiry,
    /// The security code, DE 48 tag `CV`. Sent where it is known.
    SecurityCode,
    /// Track 2, or the same data from a chip, DE 35. Sent where it was read.
    Track2,
    /// The number that tells cards with one number apart, DE 23. Sent where a chip gave it.
    SequenceNumber,
    /// What the chip says, DE 55. Sent where a chip was read.
    ChipData,
    /// The PIN block, DE 52, and what the bank wants beside it (`[pin_fields]`). Sent where a PIN was entered.
    Pin,
}

/// What a bank wants to hear about how a card's data was entered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntryRow {
    /// The first two digits of DE 22; the third says whether a PIN came with it. All of DE 22, where the next is given.
    pub mode: String,
    /// DE 22 where a PIN came with it, at a bank whose DE 22 is not digits and a last one for the PIN.
    pub mode_with_pin: Option<String>,
    /// Condition codes (DE 25) that are others than usual: the usual one, and what stands instead.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
}

/// One transaction of one bank.
#[derive(Debug)]
pub(crate) struct Row {
    pub mti: Mti,
    pub on_silence: OnSilence,
    /// Whether a repeat has the repeat message type (0401), or is the same message once more.
    pub repeat_mti: bool,
    pub card: Vec<CardElement>,
    pub fields: Vec<FieldTemplate>,
    /// Response codes that mean something else for this transaction.
    pub codes: BTreeMap<String, CodeRow>,
}
