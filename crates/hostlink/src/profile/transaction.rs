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
}

impl Transaction {
    /// Every transaction.
    pub const ALL: [Transaction; 8] = [
        Self::Authorize,
        Self::Consume,
        Self::Capture,
        Self::VoidAuthorization,
        Self::VoidConsume,
        Self::VoidCapture,
        Self::Refund,
        Self::Reversal,
    ];

    /// Its name in `bank.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Consume => "consume",
            Self::Capture => "capture",
            Self::VoidAuthorization => "void_authorization",
            Self::VoidConsume => "void_consume",
            Self::VoidCapture => "void_capture",
            Self::Refund => "refund",
            Self::Reversal => "reversal",
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
