//! How each dialect says what a message asks. Written against the dialects, not against the gateway's transaction
//! tables: a mistake there must not be understood here.

mod cups;
mod iso87;
mod iso93;
mod sums;

use iso8583::{Fields, Message};
use types::{Clock, Currency};

use crate::cards;
use crate::notice::Notice;
use crate::reconcile::{BatchTotals, Day};
use crate::record::Answer;
use crate::request::Request;

/// A dialect that the simulator speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Cups,
    Iso87,
    Iso93,
}

impl Form {
    pub fn of_dialect(name: &str) -> Option<Self> {
        match name {
            "cups-pos" => Some(Self::Cups),
            "iso87-ascii" => Some(Self::Iso87),
            "iso93-bcd" => Some(Self::Iso93),
            _ => None,
        }
    }

    /// What the message asks, or the response code that refuses it.
    pub fn read(self, message: &Message<'_>) -> Result<Request, &'static str> {
        match self {
            Self::Cups => cups::read(message),
            Self::Iso87 => iso87::read(message),
            Self::Iso93 => iso93::read(message),
        }
    }

    /// The fields of an answer, without MAC and keys.
    pub fn answer(
        self,
        request: &Message<'_>,
        answer: &Answer,
        day: &Day,
        clock: &dyn Clock,
    ) -> Option<Fields> {
        let mut fields = Fields::new(request.mti().response()?);
        let echoed: &[u8] = match self {
            Self::Cups => &[2, 3, 4, 11, 25, 41, 42, 49, 60],
            Self::Iso87 => &[2, 3, 4, 7, 11, 12, 13, 25, 32, 37, 41, 42, 49, 50, 70, 90],
            Self::Iso93 => &[2, 3, 4, 7, 11, 12, 24, 32, 37, 41, 42, 49, 50, 56],
        };
        let class = request.mti().class();
        for &de in echoed {
            // An authorization's answer does not name the original, a financial one does.
            let carried = !matches!(de, 56 | 90) || class != 1;
            if let Some(value) = request.get(de).filter(|_| carried) {
                set(&mut fields, de, &value.to_text());
            }
        }
        let code = match self {
            Self::Cups | Self::Iso87 => answer.code.as_str(),
            Self::Iso93 => iso93::action_code(&answer.code, class),
        };
        set(&mut fields, 39, code);
        if let Some(code) = &answer.authorization_code {
            set(&mut fields, 38, code);
        }
        if let Some((currency, balance)) = &answer.balance {
            // Account type unspecified, amount type 02 (available), currency, sign, twelve digits.
            set(&mut fields, 54, &format!("0002{:03}C{balance:012}", currency.numeric()));
        }
        // What is told is over at the terminal; only who asks has a card that waits.
        if answer.code == "00" && request.get(55).is_some() && request.mti().function() == 0 {
            // The issuer's cryptogram and response code: what a chip waits for. Made up, but of the right form.
            let issuer = [0x91, 10, 1, 2, 3, 4, 5, 6, 7, 8, b'0', b'0', 0x8A, 2, b'0', b'0'];
            if fields.set_bytes(55, &issuer).is_err() {
                tracing::error!("The simulator's chip data does not fit its field");
            }
        }
        match self {
            Self::Cups => cups::finish(&mut fields, request, answer, day, clock),
            Self::Iso87 => iso87::finish(&mut fields, day),
            Self::Iso93 => iso93::finish(&mut fields, day, clock),
        }
        Some(fields)
    }

    /// Puts the bank's totals into an answer.
    pub fn totals(self, fields: &mut Fields, own: &BatchTotals, in_balance: bool) {
        match self {
            Self::Cups => cups::totals(fields, own, in_balance),
            Self::Iso87 => iso87::totals(fields, own, in_balance),
            Self::Iso93 => iso93::totals(fields, own, in_balance),
        }
    }

    /// Puts a piece of parameters into an answer.
    pub fn parameters(self, fields: &mut Fields, bytes: &[u8], is_last: bool) {
        match self {
            Self::Cups => cups::parameters(fields, bytes, is_last),
            // These dialects have no way to fetch any.
            Self::Iso87 | Self::Iso93 => {}
        }
    }

    /// Puts the number of items that were told into the answer to the end of an upload.
    pub fn uploaded(self, fields: &mut Fields, items: usize) {
        match self {
            Self::Cups => cups::uploaded(fields, items),
            // These dialects have no upload.
            Self::Iso87 | Self::Iso93 => {}
        }
    }

    /// The batch that a message was sent in, where the dialect has batches.
    pub fn batch(self, message: &Message<'_>) -> Option<u64> {
        match self {
            Self::Cups => cups::batch(message),
            Self::Iso87 | Self::Iso93 => None,
        }
    }

    /// A message of the bank's own, or what the header of its next answer says; nothing where the dialect has neither.
    pub fn notice(self, notice: Notice, stan: u32, day: &Day, clock: &dyn Clock) -> Said {
        match self {
            Self::Cups => cups::notice(notice),
            Self::Iso87 => iso87::notice(notice, stan, day, clock),
            Self::Iso93 => iso93::notice(notice, stan, day, clock),
        }
    }
}

/// How a bank says something of its own accord.
pub(crate) enum Said {
    Message(Fields),
    /// The processing demand of the application header.
    Demand(u8),
    Nothing,
}

/// Sets a field to a value that is printable: an echo, or made here.
fn set(fields: &mut Fields, de: u8, text: &str) {
    if fields.set(de, text).is_err() {
        tracing::error!(field = de, "The simulator made a value that is no text");
    }
}

fn text(message: &Message<'_>, de: u8) -> Option<String> {
    message.get(de).map(|value| value.to_text().to_string())
}

fn card_index(message: &Message<'_>) -> Option<usize> {
    // A message from a stripe may carry the number in its track only.
    let by_track = || {
        let track = message.get(35)?.to_text().to_string();
        cards::index_of(track.split(['=', 'D']).next()?)
    };
    message.get(2).map_or_else(by_track, |pan| cards::index_of(&pan.to_text()))
}

fn amount(message: &Message<'_>) -> Result<u64, &'static str> {
    message.get(4).and_then(|value| value.as_u64()).ok_or("13")
}

fn currency(message: &Message<'_>) -> Result<Currency, &'static str> {
    let number =
        message.get(49).and_then(|value| value.as_u64()).and_then(|number| u16::try_from(number).ok());
    number.and_then(Currency::from_numeric).ok_or("12")
}

/// Whether a chip says that it has approved by itself: its cryptogram information data (9F27) names a transaction certificate.
fn chip_approved(message: &Message<'_>) -> bool {
    let information = message.part(55, "9F27").map(|value| value.to_text().to_string());
    let certifies = |digits: String| u8::from_str_radix(&digits, 16).is_ok_and(|kind| kind & 0xC0 == 0x40);
    message.part(55, "9F26").is_some() && information.is_some_and(certifies)
}

fn security_code(message: &Message<'_>) -> Option<String> {
    message.part(48, "CV").map(|value| value.to_text().to_string())
}
