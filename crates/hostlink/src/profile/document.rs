//! `bank.toml` as it is written. Its way to a [`super::BankProfile`] is in `document/reader.rs`.

mod reader;

use std::collections::BTreeMap;

use card::{EntryMode, PinFormat};
use serde::Deserialize;
use types::Currency;

pub(super) use self::reader::read;
use super::codes::CodeDoc;
use super::reconciliation::TotalsOf;
use super::transaction::{CardElement, EntryRow, OnSilence, Transaction};
use crate::framing::LengthForm;
use crate::security::{KeyUsage, MacAlgorithm};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankDoc {
    name: String,
    dialect: String,
    /// By message class: the file of a table for messages that are written in another form than all others.
    #[serde(default)]
    dialects: BTreeMap<String, String>,
    codes: String,
    currencies: Vec<Currency>,
    utc_offset_minutes: i32,
    rrn: RrnDoc,
    #[serde(default)]
    constants: BTreeMap<String, String>,
    framing: FramingDoc,
    timers: TimersDoc,
    limits: LimitsDoc,
    mac: MacDoc,
    matching: BTreeMap<String, Vec<u8>>,
    sign_on: Vec<ExchangeDoc>,
    echo: ExchangeDoc,
    sign_off: Option<ExchangeDoc>,
    reconciliation: Option<ReconciliationDoc>,
    #[serde(default)]
    bank_request: Vec<BankRequestDoc>,
    #[serde(default)]
    parameters: Vec<ParametersDoc>,
    #[serde(default)]
    answers: AnswersDoc,
    settlement_date: Option<u8>,
    #[serde(default)]
    code: BTreeMap<String, CodeDoc>,
    /// Why a reversal is sent: our two characters, and what the bank has for them.
    #[serde(default)]
    reasons: BTreeMap<String, String>,
    /// What goes with a PIN block.
    #[serde(default = "pin_fields_of_1987")]
    pin_fields: BTreeMap<u8, String>,
    /// How the PIN is laid out in the bank's PIN blocks.
    #[serde(default = "pin_format_of_1987")]
    pin_format: PinFormat,
    /// How cards may be entered, and what DE 22 and DE 25 say then.
    entry: BTreeMap<EntryMode, EntryRow>,
    transactions: BTreeMap<Transaction, RowDoc>,
}

/// Over which of a host's links an answer may come.
#[derive(Deserialize, Clone, Copy, PartialEq, Default)]
#[serde(rename_all = "snake_case")]
enum AnswersDoc {
    #[default]
    SameLink,
    AnyLink,
}

/// Who assigns DE 37.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum RrnDoc {
    Bank,
    Gateway,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FramingDoc {
    length: LengthForm,
    #[serde(default)]
    inclusive: bool,
    tpdu: Option<String>,
    header: Option<String>,
    max_bytes: usize,
    sign_on_demand: Option<u8>,
    parameters_demand: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimersDoc {
    connect_timeout_ms: u64,
    reply_timeout_ms: u64,
    write_timeout_ms: u64,
    echo_idle_ms: u64,
    dead_after_ms: u64,
    late_window_ms: u64,
    sign_on_interval_ms: u64,
    backoff_base_ms: u64,
    backoff_cap_ms: u64,
    key_lifetime_ms: Option<u64>,
    key_grace_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsDoc {
    max_in_flight: usize,
    queue: usize,
    max_undecodable: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MacDoc {
    algorithm: MacAlgorithm,
    unprotected: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeDoc {
    name: String,
    mti: String,
    fields: BTreeMap<String, String>,
    accepted: Vec<String>,
    batch: Option<String>,
    settlement_date: Option<u8>,
    keys: Option<KeysDoc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysDoc {
    field: u8,
    layout: Vec<KeyDoc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyDoc {
    usage: KeyUsage,
    bytes: usize,
    check_bytes: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReconciliationDoc {
    mti: String,
    of: TotalsOf,
    accepted: Vec<String>,
    in_balance: InBalanceDoc,
    fields: BTreeMap<String, String>,
    upload: Option<UploadDoc>,
}

/// How the items of a batch are told whose totals differ.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadDoc {
    mti: String,
    items_per_message: usize,
    accepted: Vec<String>,
    /// One item that charged a card.
    debit: String,
    /// One item that gave back; none: the bank is not told of those.
    credit: Option<String>,
    fields: BTreeMap<String, String>,
    end: UploadEndDoc,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UploadEndDoc {
    accepted: Vec<String>,
    fields: BTreeMap<String, String>,
}

/// A set of parameters that can be fetched, piece by piece.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParametersDoc {
    name: String,
    field: u8,
    accepted: Vec<String>,
    more: InBalanceDoc,
    last: InBalanceDoc,
    most_pieces: u16,
    most_bytes: usize,
    request: ParameterMessageDoc,
    end: Option<ParameterMessageDoc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterMessageDoc {
    mti: String,
    fields: BTreeMap<String, String>,
}

/// What an answer says, by what stands in a field from a place on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InBalanceDoc {
    field: u8,
    #[serde(default)]
    at: usize,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankRequestDoc {
    name: String,
    mti: String,
    when: BTreeMap<String, String>,
    wants: WantsDoc,
    echo: Vec<u8>,
    settlement_date: Option<u8>,
    keys: Option<KeysDoc>,
    #[serde(default = "approved")]
    accepted: String,
    #[serde(default = "system_error")]
    refused: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum WantsDoc {
    Echo,
    CutOver,
    TakeKeys,
    KeyExchange,
    SignOn,
    SignOff,
    Parameters,
}

/// A PIN of up to twelve digits could be entered (26); its block holds the card number (2) and is enciphered with a key of double
/// length (6).
fn pin_fields_of_1987() -> BTreeMap<u8, String> {
    BTreeMap::from([(26, "12".to_owned()), (53, "2600000000000000".to_owned())])
}

const fn pin_format_of_1987() -> PinFormat {
    PinFormat::Iso0
}

fn approved() -> String {
    "00".to_owned()
}

fn system_error() -> String {
    "96".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RowDoc {
    mti: String,
    on_silence: OnSilence,
    #[serde(default)]
    repeat: RepeatDoc,
    card: Vec<CardElement>,
    fields: BTreeMap<String, String>,
    #[serde(default)]
    code: BTreeMap<String, CodeDoc>,
}

/// What a repeat looks like.
#[derive(Deserialize, Clone, Copy, PartialEq, Default)]
#[serde(rename_all = "snake_case")]
enum RepeatDoc {
    /// The repeat message type: 0401 after 0400.
    #[default]
    RepeatMti,
    /// The same message once more.
    Same,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CodesDoc {
    code: BTreeMap<String, CodeDoc>,
}
