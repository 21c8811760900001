//! From a transaction and its data to the fields of a message. Pure: the same data give the same fields.

use card::{Entry, OfflineApproval};
use iso8583::Fields;
use types::{Money, Timestamp};

use super::BankProfile;
use super::error::MessageError;
use super::template::Datum;
use super::transaction::{Row, Transaction};

/// What a message is made of, card data apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionData {
    /// How much. For a void or reversal, the amount of the original.
    pub amount: Money,
    /// DE 11, 1 to 999999, unique per terminal for as long as the bank remembers.
    pub stan: u32,
    /// When the message is recorded to be sent: DE 7, 12, 13.
    pub at: Timestamp,
    /// DE 37, where the gateway assigns it. `None` makes one from `at` and `stan` ([`BankProfile::rrn`]).
    pub rrn: Option<String>,
    /// DE 41, the merchant's terminal at this bank.
    pub terminal: String,
    /// DE 42, the merchant's number at this bank.
    pub acceptor: String,
    /// The batch number of the latest sign-on, where the bank has batches.
    pub batch: Option<String>,
    /// The transaction that this one refers to.
    pub original: Option<Original>,
    /// Of a reversal: why (`98` no answer, `A0` wrong MAC, `06` answer not usable). A bank with other words for it has a table of
    /// them.
    pub reason: Option<String>,
    /// How the card's data was entered: DE 22, and with it DE 25. That of the payment's first message.
    pub entry: Entry,
    /// Of an offline sale: what its terminal says of it.
    pub offline: Option<OfflineApproval>,
}

/// An earlier transaction, as later messages refer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Which transaction it was.
    pub transaction: Transaction,
    /// Its amount.
    pub amount: Money,
    /// Its DE 11.
    pub stan: u32,
    /// Its `at`, to the millisecond: its DE 7, 12 and 13 are made from it once more.
    pub at: Timestamp,
    /// Its DE 37, the bank's where the bank gave one.
    pub rrn: Option<String>,
    /// Its DE 38.
    pub authorization_code: Option<String>,
    /// The batch it was sent in.
    pub batch: Option<String>,
    /// How the card's data was entered.
    pub entry: Entry,
    /// Of an offline sale: what its terminal says of it. Its DE 12 and 13 are from then.
    pub offline: Option<OfflineApproval>,
}

impl Original {
    /// When it happened where the card was: what its DE 12 and 13 said.
    fn local_at(&self) -> Timestamp {
        self.offline.as_ref().map_or(self.at, |offline| offline.approved_at)
    }
}

impl BankProfile {
    /// The fields of a message, without card data and MAC: what is recorded before it is sent.
    ///
    /// # Errors
    /// [`MessageError`] names the field and the datum that is missing or unfit.
    pub fn message(&self, transaction: Transaction, data: &TransactionData) -> Result<Fields, MessageError> {
        let currency = data.amount.currency();
        if !self.currencies.contains(&currency) {
            return Err(MessageError::Currency(currency));
        }
        let least = u64::from(!transaction.only_asks());
        if !(least..1_000_000_000_000).contains(&data.amount.minor()) {
            return Err(MessageError::Amount);
        }
        let stans = [Some(data.stan), data.original.as_ref().map(|original| original.stan)];
        if !stans.into_iter().flatten().all(|stan| (1..=999_999).contains(&stan)) {
            return Err(MessageError::Stan);
        }
        let row = self.row(transaction).ok_or(MessageError::NotOffered(transaction.name()))?;
        if !self.entries.contains_key(&data.entry.mode) {
            return Err(MessageError::Entry(data.entry.mode.name()));
        }
        let mut fields = Fields::new(row.mti);
        for template in &row.fields {
            if let Some(value) = template.render(&|datum| self.datum(datum, data))? {
                fields.set(template.field, &value)?;
            }
        }
        Ok(fields)
    }

    /// The retrieval reference number that the gateway assigns, if it does at this bank: last digit of the year, day
    /// of the year, hour (all in the bank's time), STAN.
    pub fn rrn(&self, at: Timestamp, stan: u32) -> Option<String> {
        self.rrn_is_ours.then(|| {
            let local = self.local(at);
            format!("{}{:03}{:02}{stan:06}", local.year.rem_euclid(10), local.day_of_year, local.hour)
        })
    }

    pub(super) fn datum(&self, datum: &Datum, data: &TransactionData) -> Option<String> {
        let original = data.original.as_ref();
        match datum {
            Datum::Amount => Some(format!("{:012}", data.amount.minor())),
            Datum::Currency => Some(format!("{:03}", data.amount.currency().numeric())),
            Datum::Stan => Some(format!("{:06}", data.stan)),
            Datum::Rrn => data.rrn.clone().or_else(|| self.rrn(data.at, data.stan)),
            Datum::LocalTime => Some(self.hhmmss(data.at)),
            Datum::LocalDate => Some(self.mmdd(data.at)),
            Datum::LocalDateTime => Some(self.yymmddhhmmss(data.at)),
            Datum::TransmittedAt => Some(transmitted(data.at)),
            Datum::Terminal => Some(data.terminal.clone()),
            Datum::Acceptor => Some(data.acceptor.clone()),
            Datum::Batch => data.batch.clone(),
            Datum::Reason => {
                let reason = data.reason.as_ref()?;
                Some(self.reasons.get(reason).unwrap_or(reason).clone())
            }
            Datum::Entry => {
                let row = self.entries.get(&data.entry.mode)?;
                match (&row.mode_with_pin, data.entry.pin) {
                    (Some(with_pin), true) => Some(with_pin.clone()),
                    (Some(_), false) => Some(row.mode.clone()),
                    (None, pin) => Some(format!("{}{}", row.mode, if pin { '1' } else { '2' })),
                }
            }
            Datum::Condition(usual) => {
                let row = self.entries.get(&data.entry.mode)?;
                Some(row.conditions.get(usual).unwrap_or(usual).clone())
            }
            Datum::OfflineTime => data.offline.as_ref().map(|offline| self.hhmmss(offline.approved_at)),
            Datum::OfflineDate => data.offline.as_ref().map(|offline| self.mmdd(offline.approved_at)),
            Datum::OfflineDateTime => {
                data.offline.as_ref().map(|offline| self.yymmddhhmmss(offline.approved_at))
            }
            Datum::OfflineAuthorizationCode => data.offline.as_ref()?.authorization_code.clone(),
            Datum::OriginalMti => Some(self.row(original?.transaction)?.mti.as_str().to_owned()),
            Datum::OriginalAmount => original.map(|o| format!("{:012}", o.amount.minor())),
            Datum::OriginalStan => original.map(|o| format!("{:06}", o.stan)),
            Datum::OriginalRrn => original.and_then(|o| o.rrn.clone()),
            Datum::OriginalAuthorizationCode => original.and_then(|o| o.authorization_code.clone()),
            Datum::OriginalDate => original.map(|o| self.mmdd(o.local_at())),
            Datum::OriginalDateTime => original.map(|o| self.yymmddhhmmss(o.local_at())),
            Datum::OriginalTransmittedAt => original.map(|o| transmitted(o.at)),
            Datum::OriginalBatch => original.and_then(|o| o.batch.clone()),
            Datum::OriginalField(field) => self.original_field(*field, data, original?),
            Datum::Constant(name) => self.constants.get(name).cloned(),
        }
    }

    /// A field of the original message, built again. The original's own original is not known any more, so only
    /// fields that do not refer to it can be built; the reader of the profile checks that.
    fn original_field(&self, field: u8, data: &TransactionData, original: &Original) -> Option<String> {
        let row: &Row = self.row(original.transaction)?;
        let template = row.fields.iter().find(|template| template.field == field)?;
        let then = TransactionData {
            amount: original.amount,
            stan: original.stan,
            at: original.at,
            rrn: original.rrn.clone(),
            terminal: data.terminal.clone(),
            acceptor: data.acceptor.clone(),
            batch: original.batch.clone(),
            original: None,
            reason: None,
            entry: original.entry,
            offline: original.offline.clone(),
        };
        template.render(&|datum| self.datum(datum, &then)).ok().flatten()
    }

    pub(crate) fn local(&self, at: Timestamp) -> types::clock::Civil {
        at.plus_ms(i64::from(self.utc_offset_minutes) * 60_000).utc()
    }

    pub(crate) fn hhmmss(&self, at: Timestamp) -> String {
        let local = self.local(at);
        format!("{:02}{:02}{:02}", local.hour, local.minute, local.second)
    }

    pub(crate) fn mmdd(&self, at: Timestamp) -> String {
        let local = self.local(at);
        format!("{:02}{:02}", local.month, local.day)
    }

    /// Date and time in one field, as editions after 1987 have them.
    pub(crate) fn yymmddhhmmss(&self, at: Timestamp) -> String {
        format!("{:02}{}{}", self.local(at).year.rem_euclid(100), self.mmdd(at), self.hhmmss(at))
    }
}

/// DE 7: `MMDDhhmmss`, always in UTC.
pub(crate) fn transmitted(at: Timestamp) -> String {
    let utc = at.utc();
    format!("{:02}{:02}{:02}{:02}{:02}", utc.month, utc.day, utc.hour, utc.minute, utc.second)
}
