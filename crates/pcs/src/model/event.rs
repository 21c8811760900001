//! What a journal record says, in JSON. No card number, no security code, no personal data: the journal is for ever.

use iso8583::Fields;
use payment::{Notice, Payment, Refund};
use serde::{Deserialize, Serialize};
use types::{CheckoutSessionId, EventId};

/// Who caused a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// A merchant's server, with this key.
    ApiKey {
        /// The key's id.
        key: String,
    },
    /// The wallet server with this certificate, for a shopper.
    Wallet {
        /// Serial of its certificate, hex.
        certificate_serial: String,
    },
    /// A bank's answer, or its silence.
    Bank {
        /// The bank's name.
        bank: String,
    },
    /// Somebody who operates the gateway.
    Operator {
        /// Who, in their own words.
        by: String,
    },
    /// The gateway itself: expiry, resume after a crash.
    Gateway,
}

/// One notice of a change, with the id under which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeEvent {
    /// The event's id; a webhook keeps it over all its tries.
    pub id: EventId,
    /// The event's type.
    #[serde(rename = "type")]
    pub notice: Notice,
}

/// The JSON of one journal record. `P` is the payment and `R` the refund: read, or about to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound(deserialize = "P: Deserialize<'de>, R: Deserialize<'de>"))]
pub struct JournalEvent<P = Box<Payment>, R = Box<Refund>> {
    /// Who caused it.
    pub actor: Actor,
    /// What merchants are told, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<NoticeEvent>,
    /// The payment afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<P>,
    /// The refund afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<R>,
    /// The checkout that this completes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout_session: Option<CheckoutSessionId>,
    /// The bank message that is about to be sent (commit 1), as ISO 8583 fields without card data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Fields>,
    /// The bank message that arrived (commit 2), likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Fields>,
    /// What happened, in plain words, where the fields do not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}
