//! Messages about the link itself: sign-on, key exchange, echo, sign-off.

use iso8583::{Fields, Message, Mti};
use types::{Clock, Timestamp};
use zeroize::Zeroizing;

use super::BankProfile;
use super::error::MessageError;
use super::message::transmitted;
use super::template::{Datum, FieldTemplate};
use crate::security::{KeyUsage, WrappedKey};

/// One request of the link's own and what its answer brings.
#[derive(Debug)]
pub struct Exchange {
    pub(crate) name: String,
    pub(crate) mti: Mti,
    pub(crate) fields: Vec<FieldTemplate>,
    pub(crate) accepted: Vec<String>,
    pub(crate) batch: Option<(u8, String)>,
    pub(crate) settlement_date: Option<u8>,
    pub(crate) keys: Option<KeyField>,
}

/// Where working keys stand in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyField {
    /// The field.
    pub field: u8,
    /// The keys in order: usage, bytes of the enciphered key, bytes of its check value.
    pub layout: Vec<(KeyUsage, usize, usize)>,
}

/// What a sign-on told us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFacts {
    /// The batch number to send from now on, where the bank has batches.
    pub batch: Option<String>,
    /// The bank's accounting date, `MMDD` or `YYMMDD`, where it says it.
    pub settlement_date: Option<String>,
}

impl Exchange {
    /// Its name in `bank.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its message type.
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    pub(crate) fn accepts(&self, response_code: Option<&str>) -> bool {
        response_code.is_some_and(|code| self.accepted.iter().any(|known| known == code))
    }

    /// Takes over what the answer tells.
    pub(crate) fn read_facts(&self, answer: &Message<'_>, facts: &mut SessionFacts) {
        if let Some((field, part)) = &self.batch {
            let value = if part.is_empty() { answer.get(*field) } else { answer.part(*field, part) };
            if let Some(value) = value {
                facts.batch = Some(value.to_text().to_string());
            }
        }
        if let Some(value) = self.settlement_date.and_then(|field| answer.get(field)) {
            facts.settlement_date = Some(value.to_text().to_string());
        }
    }
}

/// Who we are at the bank for sign-on and echo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkData<'a> {
    pub stan: u32,
    pub at: Timestamp,
    pub terminal: &'a str,
    pub acceptor: &'a str,
    pub batch: Option<&'a str>,
}

impl BankProfile {
    pub(crate) fn exchange_message(
        &self,
        exchange: &Exchange,
        data: &LinkData<'_>,
    ) -> Result<Fields, MessageError> {
        let datum = |datum: &Datum| match datum {
            Datum::Stan => Some(format!("{:06}", data.stan)),
            Datum::LocalTime => Some(self.hhmmss(data.at)),
            Datum::LocalDate => Some(self.mmdd(data.at)),
            Datum::LocalDateTime => Some(self.yymmddhhmmss(data.at)),
            Datum::TransmittedAt => Some(transmitted(data.at)),
            Datum::Terminal => Some(data.terminal.to_owned()),
            Datum::Acceptor => Some(data.acceptor.to_owned()),
            // Before the first sign-on there is no batch; the bank's answer names it.
            Datum::Batch => Some(data.batch.unwrap_or("000000").to_owned()),
            Datum::Rrn => self.rrn(data.at, data.stan),
            Datum::Constant(name) => self.constants.get(name).cloned(),
            Datum::Amount
            | Datum::Currency
            | Datum::Reason
            | Datum::Entry
            | Datum::Condition(_)
            | Datum::OfflineTime
            | Datum::OfflineDate
            | Datum::OfflineDateTime
            | Datum::OfflineAuthorizationCode
            | Datum::OriginalMti
            | Datum::OriginalAmount
            | Datum::OriginalStan
            | Datum::OriginalRrn
            | Datum::OriginalAuthorizationCode
            | Datum::OriginalDate
            | Datum::OriginalDateTime
            | Datum::OriginalTransmittedAt
            | Datum::OriginalBatch
            | Datum::OriginalField(_) => None,
        };
        let mut fields = Fields::new(exchange.mti);
        for template in &exchange.fields {
            if let Some(value) = template.render(&datum)? {
                fields.set(template.field, &value)?;
            }
        }
        Ok(fields)
    }

    /// [`BankProfile::exchange_message`] at the clock's time.
    pub(crate) fn link_message(
        &self,
        exchange: &Exchange,
        identity: (&str, &str),
        stan: u32,
        batch: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<Fields, MessageError> {
        let (terminal, acceptor) = identity;
        self.exchange_message(exchange, &LinkData { stan, at: clock.now(), terminal, acceptor, batch })
    }
}

impl KeyField {
    /// The keys of an answer, or nothing if the field is absent or has another length.
    pub fn read(&self, answer: &Fields) -> Option<Vec<WrappedKey>> {
        let all = answer.get_bytes(self.field)?;
        let mut rest = all.as_slice();
        let mut keys = Vec::with_capacity(self.layout.len());
        for &(usage, key_bytes, check_bytes) in &self.layout {
            let (key, behind) = rest.split_at_checked(key_bytes)?;
            let (check_value, behind) = behind.split_at_checked(check_bytes)?;
            keys.push(WrappedKey {
                usage,
                bytes: Zeroizing::new(key.to_vec()),
                check_value: check_value.to_vec(),
            });
            rest = behind;
        }
        rest.is_empty().then_some(keys)
    }

    /// The field's bytes for these keys: what a bank sends.
    pub fn write(&self, keys: &[WrappedKey]) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::new());
        for key in keys {
            bytes.extend_from_slice(&key.bytes);
            bytes.extend_from_slice(&key.check_value);
        }
        bytes
    }
}
