//! How a request to a bank ends: the four outcomes, of which one decides whether to reverse.

use std::time::Duration;

use iso8583::{EncodeError, Fields, Violation};

use crate::profile::ParameterPiece;
use crate::security::SecurityError;

/// How a request ended. `NotSent` may be tried elsewhere at once; `MaybeSent` must first be undone or repeated.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// The bank answered: authentic, in order, and to this request.
    Reply(Reply),
    /// Not a byte of the message has left. Nothing has to be undone.
    NotSent(NotSent),
    /// The message may have reached the bank, and its answer is not known.
    MaybeSent(MaybeSent),
    /// The message cannot be sent to this bank as it is: our mistake, and trying again is of no use. Nothing has left.
    Rejected(Rejection),
}

/// A bank's answer.
#[derive(Debug)]
pub struct Reply {
    /// The answer's fields, without card number, expiry date, track, security code, PIN and chip data.
    pub fields: Fields,
    /// What the issuer says to the chip (DE 55: its cryptogram and scripts), where it says something. It goes to the
    /// terminal, and is no data of the card.
    pub issuer_data: Option<Vec<u8>>,
    /// A piece of the bank's parameters, in an answer that may bring one to whoever asked.
    pub parameters: Option<ParameterPiece>,
    /// From the first byte sent to the answer.
    pub elapsed: Duration,
}

impl Reply {
    /// DE 39, `??` where the bank sent none.
    pub fn response_code(&self) -> &str {
        self.fields.get(39).unwrap_or("??")
    }
}

/// Why a message surely did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSent {
    /// There is no connection, or it was lost before the first byte of this message.
    LinkDown,
    /// The link has stopped because of a wrong key; a person must resume it.
    LinkRefused,
    /// The link is being closed.
    Draining,
    /// The link has been taken out of service by a person.
    OutOfService,
    /// Too many requests are waiting.
    Busy,
    /// A request with the same key (class, STAN, terminal, merchant) is waiting for its answer.
    DuplicateInFlight,
    /// A request with the same key ended a short time ago, and an answer to it could still come.
    KeyNotFree,
    /// The deadline passed while the request was waiting to be written.
    Expired,
    /// No MAC could be computed.
    Security(SecurityError),
}

impl NotSent {
    /// Whether another link of the same host may well be able to send it. The key of a message is the host's, and a
    /// deadline is the caller's: those are the same everywhere.
    pub(crate) const fn is_of_the_link(self) -> bool {
        match self {
            Self::LinkDown | Self::LinkRefused | Self::Draining | Self::OutOfService | Self::Busy => true,
            Self::Security(_) => true,
            Self::DuplicateInFlight | Self::KeyNotFree | Self::Expired => false,
        }
    }

    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LinkDown => "link_down",
            Self::LinkRefused => "link_refused",
            Self::Draining => "link_draining",
            Self::OutOfService => "link_out_of_service",
            Self::Busy => "link_busy",
            Self::DuplicateInFlight => "duplicate_in_flight",
            Self::KeyNotFree => "key_not_free",
            Self::Expired => "expired_before_sending",
            Self::Security(error) => error.code(),
        }
    }
}

/// Why the answer to a message that may have left is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaybeSent {
    /// No answer came before the deadline.
    NoReply,
    /// The connection was lost after the first byte of the message.
    LinkLost,
    /// The answer's MAC is wrong or missing, so it is no answer.
    BadMac,
    /// The answer contradicts the request, or lacks what it must carry.
    Mismatch(Vec<Violation>),
    /// The link ended, or its task did, while the request was in flight.
    LinkClosed,
}

impl MaybeSent {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoReply => "no_reply",
            Self::LinkLost => "link_lost",
            Self::BadMac => "reply_mac_invalid",
            Self::Mismatch(_) => "reply_mismatch",
            Self::LinkClosed => "link_closed",
        }
    }
}

/// Why a message cannot be sent to this bank.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Rules of the bank's dialect that the message breaks.
    Rules(Vec<Violation>),
    /// A value does not fit its field.
    Encode(EncodeError),
    /// A field that the answer is matched by is not there.
    MatchFieldMissing(u8),
    /// The transaction needs card data that was not given: the name of what is missing.
    CardDataMissing(&'static str),
    /// The message is longer than the bank's frames.
    TooLong,
    /// Its PIN block cannot be translated: it is no block under the terminal's key and with the card's number, or the key
    /// does not fit.
    Pin(SecurityError),
}

impl Rejection {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Rules(_) => "message_breaks_rules",
            Self::Encode(_) => "message_not_encodable",
            Self::MatchFieldMissing(_) => "match_field_missing",
            Self::CardDataMissing(_) => "card_data_missing",
            Self::TooLong => "message_too_long",
            Self::Pin(error) => error.code(),
        }
    }
}

/// An answer that nobody waits for. It never changes a payment that has ended; it is recorded and counted.
#[derive(Clone, Debug)]
pub struct LateReply {
    /// Why nobody waits for it.
    pub reason: LateReason,
    /// Its fields, without cardholder data.
    pub fields: Fields,
    /// Whether its MAC is right; `false` also where it has none and needs one.
    pub authentic: bool,
}

/// Why nobody waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateReason {
    /// Its request ended without an answer.
    Late,
    /// Its request has been answered already.
    Duplicate,
    /// No request of ours has its key, as far as we remember.
    Unmatched,
    /// The caller has gone away meanwhile; the answer is in order.
    Unclaimed,
    /// It is a request or advice of the bank's own, which this link does not serve.
    Unsolicited,
}
