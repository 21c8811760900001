//! Card terminals of a merchant.

use serde::{Deserialize, Serialize};
use types::{MerchantId, TerminalId, Timestamp};

/// Whether a terminal may take payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TerminalStatus {
    /// May take payments.
    Active,
    /// Takes none for now: lost, broken, in a drawer. What it has taken can be refunded.
    Suspended,
}

/// A card terminal: its numbers at one bank. It has trace numbers (DE 11) and batches of its own there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terminal {
    /// The terminal's id.
    pub id: TerminalId,
    /// Whose terminal it is.
    pub merchant: MerchantId,
    /// Counts the changes, from 1.
    pub version: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The merchant's own name for it.
    pub label: String,
    /// Whether it may take payments.
    pub status: TerminalStatus,
    /// The bank that it belongs to, by its name in our configuration.
    pub bank: String,
    /// DE 41.
    pub number: String,
    /// DE 42.
    pub acceptor: String,
}
