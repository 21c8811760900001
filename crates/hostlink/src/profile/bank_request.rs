//! Requests and advices that a bank sends of its own accord, as `[[bank_request]]` of its document describes them.

use iso8583::{Fields, Message, Mti};
use tracing::error;

use super::exchange::KeyField;

/// A field, or a part of one: `70`, `60.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub field: u8,
    pub part: String,
}

impl Place {
    pub fn parse(path: &str) -> Option<Self> {
        let (field, part) = path.split_once('.').unwrap_or((path, ""));
        let field = field.parse().ok().filter(|de| (2..=128).contains(de))?;
        Some(Self { field, part: part.to_owned() })
    }

    pub fn read(&self, message: &Message<'_>) -> Option<String> {
        let value =
            if self.part.is_empty() { message.get(self.field) } else { message.part(self.field, &self.part) };
        value.map(|value| value.to_text().to_string())
    }
}

/// What a bank wants of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BankWants {
    /// An answer.
    Echo,
    /// That we know of its new accounting day.
    CutOver {
        /// The field with the new date, `MMDD` or `YYMMDD`, if there is one.
        settlement_date: Option<u8>,
    },
    /// That we take up the working keys in the message.
    TakeKeys(KeyField),
    /// That we ask for new working keys.
    KeyExchange,
    /// That we sign on again.
    SignOn,
    /// That we send nothing more: it signs off.
    SignOff,
    /// That we fetch its parameters.
    Parameters,
}

/// One kind of request or advice of a bank's own.
#[derive(Debug)]
pub struct BankRequest {
    pub(crate) name: String,
    pub(crate) mti: Mti,
    pub(crate) when: Vec<(Place, String)>,
    pub(crate) wants: BankWants,
    pub(crate) echo: Vec<u8>,
    pub(crate) accepted: String,
    pub(crate) refused: String,
}

impl BankRequest {
    /// Its name in `bank.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is to be done.
    pub const fn wants(&self) -> &BankWants {
        &self.wants
    }

    /// Its message type.
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// The response code (DE 39) of an answer to what was done.
    pub fn accepted(&self) -> &str {
        &self.accepted
    }

    /// The response code of an answer to what could not be done.
    pub fn refused(&self) -> &str {
        &self.refused
    }

    /// Whether a message is one of this kind: a repeat of it is the same.
    pub fn is(&self, message: &Message<'_>) -> bool {
        let same_type = [self.mti, self.mti.repeat()].contains(&message.mti());
        same_type && self.when.iter().all(|(place, wanted)| place.read(message).as_ref() == Some(wanted))
    }

    /// The answer with a response code; none where the message type has none.
    pub fn answer(&self, message: &Message<'_>, code: &str) -> Option<Fields> {
        let mut fields = Fields::new(message.mti().response()?);
        for &de in &self.echo {
            if let Some(value) = message.get(de) {
                set(&mut fields, de, &value.to_text());
            }
        }
        set(&mut fields, 39, code);
        Some(fields)
    }
}

fn set(fields: &mut Fields, de: u8, value: &str) {
    // What came as text goes back as text.
    if fields.set(de, value).is_err() {
        error!(field = de, "A field of the bank's own request is no text");
    }
}
