//! One question to a bank, and its yes or no.

use card::{Entry, OfflineApproval};
use serde::{Deserialize, Serialize};
use types::{AttemptId, Timestamp};

use crate::Money64;

/// One exchange with a bank: what later messages must name to refer to it. Never a card number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The attempt's id.
    pub attempt: AttemptId,
    /// The bank's name in our configuration.
    pub bank: String,
    /// DE 41.
    pub terminal: String,
    /// DE 42.
    pub acceptor: String,
    /// What was asked: `authorize`, `consume`, `capture`, `refund`, …
    pub transaction: String,
    /// DE 11.
    pub stan: u32,
    /// DE 37: ours until the bank answers with its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rrn: Option<String>,
    /// DE 38.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_code: Option<String>,
    /// DE 39 of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_code: Option<String>,
    /// DE 60.2 at the time of sending, where the dialect has batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// DE 15: the bank's accounting day. What the answer says; until then, the day that the bank had when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement_date: Option<String>,
    /// What the bank offers to follow it.
    #[serde(default, skip_serializing_if = "Offers::is_nothing")]
    pub offers: Offers,
    /// How the card's data was entered for the payment's first message.
    #[serde(default, skip_serializing_if = "Entry::is_ecommerce")]
    pub entry: Entry,
    /// Of an offline sale: what its terminal says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineApproval>,
    /// What the issuer says to the chip (DE 55 of the answer, hex): it is for the terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_data: Option<String>,
    /// When the message was recorded to be sent.
    pub sent_at: Timestamp,
    /// When the answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_at: Option<Timestamp>,
}

/// What not every bank offers to follow an authorization or sale. It is kept with them, so that what is said of a payment
/// stays the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// A hold can be made larger.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub increment: bool,
    /// A sale can be adjusted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adjust: bool,
}

impl Offers {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    const fn is_nothing(&self) -> bool {
        !self.increment && !self.adjust
    }
}

/// A bank's yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// DE 4 of the answer, in minor units.
    pub amount: Money64,
    /// DE 39.
    pub response_code: String,
    /// DE 37.
    pub rrn: Option<String>,
    /// DE 38.
    pub authorization_code: Option<String>,
    /// DE 15.
    pub settlement_date: Option<String>,
    /// DE 55, hex: what the issuer says to the chip.
    pub issuer_data: Option<String>,
}

/// A bank's no, or our own before the bank was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// Our name for the reason, for example `insufficient_funds`.
    pub code: String,
    /// DE 39, when a bank gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_code: Option<String>,
    /// What the payer can do, for example `try_another_card`.
    pub advice: String,
}

impl Exchange {
    /// Keeps what the bank's yes says about the exchange. What the answer leaves out stays as it was.
    pub(crate) fn approved(&mut self, approval: Approval, now: Timestamp) {
        self.answered(Some(approval.response_code), now);
        self.issuer_data = approval.issuer_data.or(self.issuer_data.take());
        self.settlement_date = approval.settlement_date.or(self.settlement_date.take());
        self.rrn = approval.rrn.or(self.rrn.take());
        self.authorization_code = approval.authorization_code.or(self.authorization_code.take());
    }

    /// Keeps that the bank has answered.
    pub(crate) fn answered(&mut self, response_code: Option<String>, now: Timestamp) {
        self.response_code = response_code;
        self.answered_at = Some(now);
    }
}

impl Decline {
    /// No bank was reached: the message surely never left.
    pub(crate) fn never_left() -> Self {
        Self { code: "host_unavailable".to_owned(), network_code: None, advice: "try_again_later".to_owned() }
    }
}
