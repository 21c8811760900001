//! `bank.toml` as it is written, and its way to a [`BankProfile`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use card::{EntryMode, PinFormat};
use iso8583::{Dialect, Fields, Mti, parse_hex};
use serde::Deserialize;
use types::Currency;

use super::bank_request::{BankRequest, BankWants, Place};
use super::codes::{CodeDoc, CodeRow};
use super::error::ProfileError;
use super::exchange::{Exchange, KeyField};
use super::reconciliation::{Reconciliation, TotalsOf};
use super::template::FieldTemplate;
use super::transaction::{CardElement, EntryRow, OnSilence, Row, Transaction};
use super::{BankProfile, Limits, MacRules, Timers};
use crate::framing::{Framing, LengthForm};
use crate::security::{KeyUsage, MacAlgorithm};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BankDoc {
    name: String,
    dialect: String,
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
    dialect: Option<String>,
    accepted: Vec<String>,
    in_balance: InBalanceDoc,
    fields: BTreeMap<String, String>,
}

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

/// Reads the document and the files it names.
pub(super) fn read(text: &str, file: &dyn Fn(&str) -> Option<String>) -> Result<BankProfile, ProfileError> {
    let doc: BankDoc = toml::from_str(text).map_err(|error| ProfileError {
        bank: "(unnamed)".to_owned(),
        // The parser's message names line, column and key, and the words it would have taken.
        key: "(document)".to_owned(),
        rule: error.to_string(),
    })?;
    Reader { bank: doc.name.clone(), file }.profile(doc)
}

struct Reader<'a> {
    bank: String,
    file: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn error(&self, key: impl Into<String>, rule: impl Into<String>) -> ProfileError {
        ProfileError { bank: self.bank.clone(), key: key.into(), rule: rule.into() }
    }

    fn open(&self, key: &str, path: &str) -> Result<String, ProfileError> {
        (self.file)(path).ok_or_else(|| self.error(key, format!("there is no file {path:?}")))
    }

    fn profile(self, doc: BankDoc) -> Result<BankProfile, ProfileError> {
        let dialect = self.dialect("dialect", &doc.dialect)?;
        let reconciliation = doc.reconciliation.map(|doc| self.reconciliation(&dialect, doc)).transpose()?;

        let shared: CodesDoc = toml::from_str(&self.open("codes", &doc.codes)?)
            .map_err(|error| self.error("codes", error.to_string()))?;
        let mut codes = self.codes(shared.code, "codes")?;
        codes.extend(self.codes(doc.code, "code")?);

        let mut matching = BTreeMap::new();
        for (class, fields) in doc.matching {
            let number = class.parse().ok().filter(|class| (1..=8).contains(class));
            let key = format!("matching.{class}");
            matching.insert(number.ok_or_else(|| self.error(key, "a message class is 1 to 8"))?, fields);
        }

        let mut transactions = BTreeMap::new();
        for (transaction, row) in doc.transactions {
            transactions.insert(transaction, self.row(transaction, row)?);
        }
        let mut bank_requests = Vec::with_capacity(doc.bank_request.len());
        for (index, request) in doc.bank_request.into_iter().enumerate() {
            bank_requests.push(self.bank_request(&format!("bank_request[{index}]"), request)?);
        }
        let sign_on = doc.sign_on.into_iter().enumerate();
        let sign_on: Result<Vec<_>, _> =
            sign_on.map(|(index, step)| self.exchange(&format!("sign_on[{index}]"), step)).collect();

        Ok(BankProfile {
            dialect,
            reconciliation,
            framing: self.framing(doc.framing)?,
            timers: timers(&doc.timers),
            limits: Limits {
                max_in_flight: doc.limits.max_in_flight,
                queue: doc.limits.queue,
                max_undecodable: doc.limits.max_undecodable,
            },
            mac: MacRules {
                algorithm: doc.mac.algorithm,
                unprotected: self.mtis("mac.unprotected", &doc.mac.unprotected)?,
            },
            currencies: doc.currencies,
            utc_offset_minutes: doc.utc_offset_minutes,
            rrn_is_ours: doc.rrn == RrnDoc::Gateway,
            constants: doc.constants,
            matching,
            sign_on: sign_on?,
            echo: self.exchange("echo", doc.echo)?,
            sign_off: doc.sign_off.map(|exchange| self.exchange("sign_off", exchange)).transpose()?,
            bank_requests,
            answers_on_any_link: doc.answers == AnswersDoc::AnyLink,
            settlement_date: doc.settlement_date,
            codes,
            reasons: doc.reasons,
            pin_fields: doc.pin_fields,
            pin_format: doc.pin_format,
            entries: doc.entry,
            transactions,
            name: self.bank,
        })
    }

    fn dialect(&self, key: &str, path: &str) -> Result<Arc<Dialect>, ProfileError> {
        let text = self.open(key, path)?;
        let dialect = Dialect::from_toml(&text, |name| (self.file)(&format!("base/{name}.toml")));
        dialect.map(Arc::new).map_err(|error| self.error(key, error.to_string()))
    }

    fn reconciliation(
        &self,
        dialect: &Arc<Dialect>,
        doc: ReconciliationDoc,
    ) -> Result<Reconciliation, ProfileError> {
        let key = "reconciliation";
        let mti = self.mti(&format!("{key}.mti"), &doc.mti)?;
        if mti.class() != 5 {
            return Err(self.error(format!("{key}.mti"), "totals have message class 5"));
        }
        let own = doc.dialect.map(|path| self.dialect(&format!("{key}.dialect"), &path)).transpose()?;
        let dialect = own.unwrap_or_else(|| Arc::clone(dialect));
        let mut bytes = Vec::new();
        // Only the message type is wanted, so it does not matter what the message lacks.
        let encoded = dialect.encode(&Fields::new(mti), &mut bytes);
        encoded.map_err(|error| self.error(format!("{key}.mti"), error.to_string()))?;
        // The digits of version and class: one byte where digits are packed.
        let version_and_class = mti.as_str().get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let packed = bytes.first().copied() == version_and_class;
        bytes.truncate(if packed { 1 } else { 2 });
        let InBalanceDoc { field, at, value } = doc.in_balance;
        let (of, fields, accepted) = (doc.of, doc.fields, doc.accepted);
        let in_balance = (field, at, value);
        Ok(Reconciliation { mti, of, dialect, first_bytes: bytes, accepted, in_balance, fields })
    }

    fn framing(&self, doc: FramingDoc) -> Result<Framing, ProfileError> {
        let hex = |key: &str, text: &str| {
            parse_hex(text).map_err(|error| self.error(format!("framing.{key}"), error.to_string()))
        };
        let tpdu = doc.tpdu.map(|text| hex("tpdu", &text)).transpose()?;
        let tpdu = tpdu.map(|bytes| {
            <[u8; 5]>::try_from(bytes).map_err(|_| self.error("framing.tpdu", "a TPDU has five bytes"))
        });
        let framing = Framing {
            length: doc.length,
            inclusive: doc.inclusive,
            tpdu: tpdu.transpose()?,
            header: doc.header.map(|text| hex("header", &text)).transpose()?.unwrap_or_default(),
            max_bytes: doc.max_bytes,
            sign_on_demand: doc.sign_on_demand,
            parameters_demand: doc.parameters_demand,
        };
        if framing.header.len() > 32 {
            return Err(self.error("framing.header", "an application header has at most 32 bytes"));
        }
        if !(64..=doc.length.most().min(65_000)).contains(&framing.max_bytes) {
            let most = doc.length.most().min(65_000);
            return Err(self.error("framing.max_bytes", format!("64 to {most} for this length form")));
        }
        Ok(framing)
    }

    fn codes(
        &self,
        docs: BTreeMap<String, CodeDoc>,
        key: &str,
    ) -> Result<BTreeMap<String, CodeRow>, ProfileError> {
        let mut codes = BTreeMap::new();
        for (code, doc) in docs {
            let place = format!("{key}.{code}");
            if !matches!(code.len(), 2 | 3) || !code.bytes().all(|c| c.is_ascii_alphanumeric()) {
                return Err(self.error(place, "a response code has two or three letters or digits"));
            }
            let row = doc.compile().map_err(|rule| self.error(place, rule))?;
            codes.insert(code, row);
        }
        Ok(codes)
    }

    fn row(&self, transaction: Transaction, doc: RowDoc) -> Result<Row, ProfileError> {
        let key = format!("transactions.{}", transaction.name());
        Ok(Row {
            mti: self.mti(&format!("{key}.mti"), &doc.mti)?,
            on_silence: doc.on_silence,
            repeat_mti: doc.repeat == RepeatDoc::RepeatMti,
            card: doc.card,
            fields: self.templates(&key, &doc.fields)?,
            codes: self.codes(doc.code, &format!("{key}.code"))?,
        })
    }

    fn exchange(&self, key: &str, doc: ExchangeDoc) -> Result<Exchange, ProfileError> {
        let batch = doc.batch.map(|path| {
            let (field, part) = path.split_once('.').unwrap_or((&path, ""));
            let field =
                field.parse().map_err(|_| self.error(format!("{key}.batch"), "a field, or field.part"))?;
            Ok((field, part.to_owned()))
        });
        let keys = doc.keys.map(key_field);
        Ok(Exchange {
            mti: self.mti(&format!("{key}.mti"), &doc.mti)?,
            fields: self.templates(key, &doc.fields)?,
            accepted: doc.accepted,
            batch: batch.transpose()?,
            settlement_date: doc.settlement_date,
            keys,
            name: doc.name,
        })
    }

    fn bank_request(&self, key: &str, doc: BankRequestDoc) -> Result<BankRequest, ProfileError> {
        let mut when = Vec::with_capacity(doc.when.len());
        for (path, value) in doc.when {
            let place = Place::parse(&path);
            let place =
                place.ok_or_else(|| self.error(format!("{key}.when.{path}"), "a field, or field.part"))?;
            when.push((place, value));
        }
        let wants = match (doc.wants, doc.keys) {
            (WantsDoc::TakeKeys, Some(keys)) => BankWants::TakeKeys(key_field(keys)),
            (WantsDoc::TakeKeys, None) => {
                return Err(self.error(format!("{key}.keys"), "says where the keys stand"));
            }
            (_, Some(_)) => return Err(self.error(format!("{key}.keys"), "only with wants = \"take_keys\"")),
            (WantsDoc::Echo, None) => BankWants::Echo,
            (WantsDoc::CutOver, None) => BankWants::CutOver { settlement_date: doc.settlement_date },
            (WantsDoc::KeyExchange, None) => BankWants::KeyExchange,
            (WantsDoc::SignOn, None) => BankWants::SignOn,
            (WantsDoc::SignOff, None) => BankWants::SignOff,
            (WantsDoc::Parameters, None) => BankWants::Parameters,
        };
        if doc.settlement_date.is_some() && doc.wants != WantsDoc::CutOver {
            return Err(self.error(format!("{key}.settlement_date"), "only with wants = \"cut_over\""));
        }
        let mti = self.mti(&format!("{key}.mti"), &doc.mti)?;
        let name = doc.name;
        Ok(BankRequest {
            name,
            mti,
            when,
            wants,
            echo: doc.echo,
            accepted: doc.accepted,
            refused: doc.refused,
        })
    }

    fn templates(
        &self,
        key: &str,
        fields: &BTreeMap<String, String>,
    ) -> Result<Vec<FieldTemplate>, ProfileError> {
        let parse = |(number, text): (&String, &String)| {
            FieldTemplate::parse(number, text)
                .map_err(|rule| self.error(format!("{key}.fields.{number}"), rule))
        };
        fields.iter().map(parse).collect()
    }

    fn mti(&self, key: &str, text: &str) -> Result<Mti, ProfileError> {
        Mti::parse(text).map_err(|error| self.error(key, error.to_string()))
    }

    fn mtis(&self, key: &str, texts: &[String]) -> Result<Vec<Mti>, ProfileError> {
        texts.iter().map(|text| self.mti(key, text)).collect()
    }
}

fn key_field(doc: KeysDoc) -> KeyField {
    let layout = doc.layout.iter().map(|key| (key.usage, key.bytes, key.check_bytes)).collect();
    KeyField { field: doc.field, layout }
}

fn timers(doc: &TimersDoc) -> Timers {
    let ms = Duration::from_millis;
    Timers {
        connect_timeout: ms(doc.connect_timeout_ms),
        reply_timeout: ms(doc.reply_timeout_ms),
        write_timeout: ms(doc.write_timeout_ms),
        echo_idle: ms(doc.echo_idle_ms),
        dead_after: ms(doc.dead_after_ms),
        late_window: ms(doc.late_window_ms),
        sign_on_interval: ms(doc.sign_on_interval_ms),
        backoff_base: ms(doc.backoff_base_ms),
        backoff_cap: ms(doc.backoff_cap_ms),
        key_lifetime: doc.key_lifetime_ms.map(ms),
        key_grace: ms(doc.key_grace_ms.unwrap_or(doc.reply_timeout_ms)),
    }
}
