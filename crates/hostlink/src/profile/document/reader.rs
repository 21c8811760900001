//! From `bank.toml` as it is written to a [`BankProfile`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use iso8583::{Dialect, Fields, Mti, parse_hex};

use super::super::bank_request::{BankRequest, BankWants, Place};
use super::super::codes::{CodeDoc, CodeRow};
use super::super::error::ProfileError;
use super::super::exchange::{Exchange, KeyField};
use super::super::parameters::{ParameterMessage, ParameterSet};
use super::super::reconciliation::Reconciliation;
use super::super::template::FieldTemplate;
use super::super::transaction::{Row, Transaction};
use super::super::upload::Upload;
use super::super::{BankProfile, Limits, MacRules, Timers};
use super::{
    AnswersDoc, BankDoc, BankRequestDoc, CodesDoc, ExchangeDoc, FramingDoc, InBalanceDoc, KeysDoc,
    ParameterMessageDoc, ParametersDoc, ReconciliationDoc, RepeatDoc, RowDoc, RrnDoc, TimersDoc, UploadDoc,
    WantsDoc,
};
use crate::framing::Framing;

/// Reads the document and the files it names.
pub(in crate::profile) fn read(
    text: &str,
    file: &dyn Fn(&str) -> Option<String>,
) -> Result<BankProfile, ProfileError> {
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
        let packed_mti = self.packs_mti("dialect", &dialect)?;
        let dialects = self.dialects(&doc.dialects, packed_mti)?;
        let reconciliation = doc.reconciliation.map(|doc| self.reconciliation(doc)).transpose()?;

        let shared: CodesDoc = toml::from_str(&self.open("codes", &doc.codes)?)
            .map_err(|error| self.error("codes", error.to_string()))?;
        let mut codes = self.codes(shared.code, "codes")?;
        codes.extend(self.codes(doc.code, "code")?);

        let mut matching = BTreeMap::new();
        let mut matching_of = BTreeMap::new();
        for (class, fields) in doc.matching {
            if class.len() < 4 {
                matching.insert(self.class("matching", &class)?, fields);
                continue;
            }
            let mti = self.mti(&format!("matching.{class}"), &class)?;
            for request in [mti, mti.repeat()] {
                matching_of.extend(
                    [Some(request), request.response()].into_iter().flatten().map(|it| (it, fields.clone())),
                );
            }
        }
        let parameters: Result<Vec<_>, _> = doc
            .parameters
            .into_iter()
            .enumerate()
            .map(|(index, set)| self.parameters(&format!("parameters[{index}]"), set))
            .collect();

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
            dialects,
            packed_mti,
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
            matching_of,
            parameters: parameters?,
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

    fn class(&self, key: &str, class: &str) -> Result<u8, ProfileError> {
        let number = class.parse().ok().filter(|class| (1..=8).contains(class));
        number.ok_or_else(|| self.error(format!("{key}.{class}"), "a message class is 1 to 8"))
    }

    fn dialects(
        &self,
        files: &BTreeMap<String, String>,
        packed_mti: bool,
    ) -> Result<BTreeMap<u8, Arc<Dialect>>, ProfileError> {
        let mut dialects = BTreeMap::new();
        for (class, path) in files {
            let key = format!("dialects.{class}");
            let dialect = self.dialect(&key, path)?;
            // What a message is must be known before its table is.
            if self.packs_mti(&key, &dialect)? != packed_mti {
                return Err(self.error(key, "it writes message types as the bank's other dialect does"));
            }
            dialects.insert(self.class("dialects", class)?, dialect);
        }
        Ok(dialects)
    }

    /// Whether a dialect writes two digits of the message type in one byte.
    fn packs_mti(&self, key: &str, dialect: &Dialect) -> Result<bool, ProfileError> {
        let mut bytes = Vec::new();
        // Only the message type is wanted, so it does not matter what the message lacks.
        let encoded = dialect.encode(&Fields::new(Mti::NETWORK_REQUEST), &mut bytes);
        encoded.map_err(|error| self.error(key, error.to_string()))?;
        Ok(matches!(bytes.first(), Some(0x08 | 0x18)))
    }

    fn reconciliation(&self, doc: ReconciliationDoc) -> Result<Reconciliation, ProfileError> {
        let key = "reconciliation";
        let mti = self.mti(&format!("{key}.mti"), &doc.mti)?;
        if mti.class() != 5 {
            return Err(self.error(format!("{key}.mti"), "totals have message class 5"));
        }
        let InBalanceDoc { field, at, value } = doc.in_balance;
        let upload = doc.upload.map(|doc| self.upload(doc)).transpose()?;
        let (of, fields, accepted) = (doc.of, doc.fields, doc.accepted);
        Ok(Reconciliation { mti, of, accepted, in_balance: (field, at, value), fields, upload })
    }

    fn parameters(&self, key: &str, doc: ParametersDoc) -> Result<ParameterSet, ProfileError> {
        let message = |key: String, doc: ParameterMessageDoc| {
            Ok(ParameterMessage { mti: self.mti(&format!("{key}.mti"), &doc.mti)?, fields: doc.fields })
        };
        let mark = |InBalanceDoc { field, at, value }: InBalanceDoc| (field, at, value);
        Ok(ParameterSet {
            field: doc.field,
            accepted: doc.accepted,
            more: mark(doc.more),
            last: mark(doc.last),
            most_pieces: doc.most_pieces,
            most_bytes: doc.most_bytes,
            request: message(format!("{key}.request"), doc.request)?,
            end: doc.end.map(|doc| message(format!("{key}.end"), doc)).transpose()?,
            name: doc.name,
        })
    }

    fn upload(&self, doc: UploadDoc) -> Result<Upload, ProfileError> {
        let key = "reconciliation.upload";
        if doc.items_per_message == 0 {
            return Err(self.error(format!("{key}.items_per_message"), "at least 1"));
        }
        Ok(Upload {
            mti: self.mti(&format!("{key}.mti"), &doc.mti)?,
            items_per_message: doc.items_per_message,
            accepted: doc.accepted,
            debit: doc.debit,
            credit: doc.credit,
            fields: doc.fields,
            end_accepted: doc.end.accepted,
            end_fields: doc.end.fields,
        })
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
