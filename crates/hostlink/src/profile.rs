//! A bank as data: `banks/<bank>/bank.toml`, read once at the start and checked against the bank's dialect.
//!
//! Everything in which one bank differs from another is here: framing, timers, sign-on, keys, what its response codes
//! mean, and which fields each transaction sends. An unknown key, an unknown word or a transaction that breaks a rule
//! of the dialect stops the gateway at the start, with the place in the document.

mod bank_request;
mod check;
mod codes;
mod document;
mod error;
mod exchange;
mod message;
mod parameters;
mod reconciliation;
mod template;
mod transaction;
mod upload;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use card::{EntryMode, PinFormat};
use iso8583::{DecodeError, Dialect, Fields, Message, Mti};
use types::Currency;

pub use bank_request::{BankRequest, BankWants};
pub use codes::{CodeOutcome, CodeRow};
pub use error::{MessageError, ProfileError};
pub use exchange::{Exchange, KeyField, SessionFacts};
pub use message::{Original, TransactionData};
pub use parameters::{ParameterAnswer, ParameterPiece, ParameterSet, ParameterStep};
pub use reconciliation::{BatchTotals, Count, Reconciliation, ReconciliationData, TotalsOf};
pub use transaction::{CardElement, OnSilence, Transaction};
pub use upload::{Upload, UploadAnswer, UploadData, UploadItem};

use crate::framing::Framing;
use crate::security::{KeyUsage, MacAlgorithm};

/// One bank, ready to be used.
#[derive(Debug)]
pub struct BankProfile {
    pub(crate) name: String,
    pub(crate) dialect: Arc<Dialect>,
    /// By message class: the tables of messages that are written in another form than all others.
    pub(crate) dialects: BTreeMap<u8, Arc<Dialect>>,
    /// Whether the digits of the message type are packed, two to a byte.
    pub(crate) packed_mti: bool,
    pub(crate) framing: Framing,
    pub(crate) timers: Timers,
    pub(crate) limits: Limits,
    pub(crate) mac: MacRules,
    pub(crate) currencies: Vec<Currency>,
    pub(crate) utc_offset_minutes: i32,
    pub(crate) rrn_is_ours: bool,
    pub(crate) constants: BTreeMap<String, String>,
    /// By message class, the second digit of the message type: the fields that an answer is matched by.
    pub(crate) matching: BTreeMap<u8, Vec<u8>>,
    /// The same for message types that are matched by others than their class is; their answers are in it, too.
    pub(crate) matching_of: BTreeMap<Mti, Vec<u8>>,
    pub(crate) sign_on: Vec<Exchange>,
    pub(crate) echo: Exchange,
    pub(crate) sign_off: Option<Exchange>,
    pub(crate) reconciliation: Option<Reconciliation>,
    pub(crate) bank_requests: Vec<BankRequest>,
    pub(crate) parameters: Vec<ParameterSet>,
    pub(crate) answers_on_any_link: bool,
    pub(crate) settlement_date: Option<u8>,
    pub(crate) codes: BTreeMap<String, CodeRow>,
    /// Why a reversal is sent: our two characters, and what the bank has for them, where it has others.
    pub(crate) reasons: BTreeMap<String, String>,
    /// What goes with a PIN block.
    pub(crate) pin_fields: BTreeMap<u8, String>,
    pub(crate) pin_format: PinFormat,
    pub(crate) entries: BTreeMap<EntryMode, transaction::EntryRow>,
    pub(crate) transactions: BTreeMap<Transaction, transaction::Row>,
}

/// How long a link waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// For a TCP connection.
    pub connect_timeout: Duration,
    /// For an answer, where the caller names no deadline, and for sign-on and echo.
    pub reply_timeout: Duration,
    /// For the peer to take bytes that are waiting to be written.
    pub write_timeout: Duration,
    /// Without a received byte before an echo is sent.
    pub echo_idle: Duration,
    /// Without a received byte before the connection is given up; longer than `echo_idle`.
    pub dead_after: Duration,
    /// During which the key of a request is not used for another one, so that a late answer is known as such.
    pub late_window: Duration,
    /// Between two sign-ons that were ordered by response codes.
    pub sign_on_interval: Duration,
    /// Limit of the wait before the second connection attempt.
    pub backoff_base: Duration,
    /// Limit of the wait before any connection attempt.
    pub backoff_cap: Duration,
    /// After which the link fetches new working keys; `None` leaves that to the bank and to people.
    pub key_lifetime: Option<Duration>,
    /// After a key exchange, during which answers under the keys before it still count.
    pub key_grace: Duration,
}

/// How much a link takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests on the wire at the same time; the bank's own limit.
    pub max_in_flight: usize,
    /// Requests that may wait for a place.
    pub queue: usize,
    /// Messages in a row that cannot be decoded before the connection is given up.
    pub max_undecodable: u32,
}

/// Which messages carry a MAC, and of which kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MacRules {
    /// How it is computed.
    pub algorithm: MacAlgorithm,
    /// Message types without a MAC: those that run before there are keys.
    pub unprotected: Vec<Mti>,
}

impl BankProfile {
    /// Reads a bank's document. `file` returns the text of a file that the document names, by its path below `banks/`:
    /// the dialect, its parents (`base/<name>.toml`) and the table of response codes.
    ///
    /// # Errors
    /// [`ProfileError`] with the key and the rule it breaks.
    pub fn from_toml(text: &str, file: impl Fn(&str) -> Option<String>) -> Result<Self, ProfileError> {
        let profile = document::read(text, &file)?;
        check::profile(&profile)?;
        Ok(profile)
    }

    /// The bank's name in our configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The codec's table.
    pub const fn dialect(&self) -> &Arc<Dialect> {
        &self.dialect
    }

    /// The codec's table for messages of a type: a message class may have one of its own.
    pub fn dialect_of(&self, mti: Mti) -> &Arc<Dialect> {
        self.dialects.get(&mti.class()).unwrap_or(&self.dialect)
    }

    /// Reads a message by the table for its type.
    ///
    /// # Errors
    /// [`DecodeError`] names the field and the byte.
    pub fn decode<'a>(&'a self, body: &'a [u8]) -> Result<Message<'a>, DecodeError> {
        // The class is the second digit: half of the first byte, or the last half of the second, in ASCII as in EBCDIC.
        let class = body.get(usize::from(!self.packed_mti)).map(|byte| byte & 0x0F);
        let own = class.and_then(|class| self.dialects.get(&class));
        own.unwrap_or(&self.dialect).decode(body)
    }

    /// How messages stand in the stream.
    pub const fn framing(&self) -> &Framing {
        &self.framing
    }

    /// How long a link waits for what.
    pub const fn timers(&self) -> &Timers {
        &self.timers
    }

    /// How much a link takes on.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Which messages carry a MAC.
    pub const fn mac(&self) -> &MacRules {
        &self.mac
    }

    /// What the bank takes.
    pub fn currencies(&self) -> &[Currency] {
        &self.currencies
    }

    /// The bank's wall clock: minutes east of UTC.
    pub const fn utc_offset_minutes(&self) -> i32 {
        self.utc_offset_minutes
    }

    /// Where the working keys stand in the sign-on's answers, if the bank sends any.
    pub fn key_field(&self) -> Option<&KeyField> {
        self.sign_on.iter().find_map(|exchange| exchange.keys.as_ref())
    }

    /// The exchanges of a sign-on, in order.
    pub fn sign_on(&self) -> &[Exchange] {
        &self.sign_on
    }

    /// The sign-on's exchange that brings the working keys: what is sent again for new ones.
    pub fn key_step(&self) -> Option<usize> {
        self.sign_on.iter().position(|exchange| exchange.keys.is_some())
    }

    /// What the bank sends of its own accord.
    pub fn bank_requests(&self) -> &[BankRequest] {
        &self.bank_requests
    }

    /// Whether the bank may answer over another link than the request came by.
    pub const fn answers_on_any_link(&self) -> bool {
        self.answers_on_any_link
    }

    /// The field of answers that tells the bank's accounting date, if any does.
    pub const fn settlement_date_field(&self) -> Option<u8> {
        self.settlement_date
    }

    /// Whether messages of this type carry a MAC.
    pub fn is_protected(&self, mti: Mti) -> bool {
        !self.mac.unprotected.contains(&mti)
    }

    /// What to do when the bank is silent after this transaction.
    pub fn on_silence(&self, transaction: Transaction) -> OnSilence {
        self.row(transaction).map_or(OnSilence::Ignore, |row| row.on_silence)
    }

    /// The same message once more, after a silence: the repeat message type where the bank has one.
    pub fn repeat(&self, transaction: Transaction, sent: &Fields) -> Fields {
        let mut again = sent.clone();
        if self.row(transaction).is_some_and(|row| row.repeat_mti) {
            again.set_mti(sent.mti().repeat());
        }
        again
    }

    /// What the bank's response code (DE 39) means for this transaction. A code that no table names is a decline with
    /// an alarm: what we do not understand is never a yes.
    pub fn outcome(&self, transaction: Transaction, response_code: &str) -> CodeRow {
        let own = self.row(transaction).and_then(|row| row.codes.get(response_code));
        own.or_else(|| self.codes.get(response_code)).cloned().unwrap_or_else(CodeRow::unknown_to_us)
    }

    /// All response codes that the bank's table names, with what they mean for a transaction that says nothing else.
    pub fn codes(&self) -> impl Iterator<Item = (&str, &CodeRow)> {
        self.codes.iter().map(|(code, row)| (code.as_str(), row))
    }

    /// The fields whose values tie an answer to its request: those of its message type, or of its class.
    pub fn match_fields(&self, mti: Mti) -> &[u8] {
        let fields = self.matching_of.get(&mti).or_else(|| self.matching.get(&mti.class()));
        fields.map_or(&[], Vec::as_slice)
    }

    /// How the PIN is laid out in the bank's PIN blocks.
    pub const fn pin_format(&self) -> PinFormat {
        self.pin_format
    }

    /// Whether the bank checks PINs with this transaction: its message has a place for one, and its key exchange brings a
    /// key for them.
    pub fn takes_pin(&self, transaction: Transaction) -> bool {
        let has_key = self
            .key_field()
            .is_some_and(|field| field.layout.iter().any(|(usage, _, _)| *usage == KeyUsage::Pin));
        has_key && self.row(transaction).is_some_and(|row| row.card.contains(&CardElement::Pin))
    }

    /// Whether the bank has this transaction.
    pub fn offers(&self, transaction: Transaction) -> bool {
        self.transactions.contains_key(&transaction)
    }

    /// Whether the bank takes cards whose data was entered in this way.
    pub fn takes(&self, mode: EntryMode) -> bool {
        self.entries.contains_key(&mode)
    }

    pub(crate) fn row(&self, transaction: Transaction) -> Option<&transaction::Row> {
        self.transactions.get(&transaction)
    }
}
