//! Parameters that a bank has for its terminals, fetched piece by piece. What they mean is between the bank and the owner: to the
//! link they are bytes.

use std::collections::BTreeMap;
use std::fmt;

use iso8583::{Fields, Mti};

use super::BankProfile;
use super::codes::CodeOutcome;
use super::error::MessageError;
use super::template::FieldTemplate;
use super::upload::UploadData;
use crate::outcome::Reply;

/// One set of parameters, and how it is fetched.
#[derive(Debug)]
pub struct ParameterSet {
    pub(crate) name: String,
    /// Where a piece stands in an answer.
    pub(crate) field: u8,
    pub(crate) accepted: Vec<String>,
    /// What says that more pieces follow, and that this one is the last: field, place, digits.
    pub(crate) more: Mark,
    pub(crate) last: Mark,
    pub(crate) most_pieces: u16,
    pub(crate) most_bytes: usize,
    pub(crate) request: ParameterMessage,
    pub(crate) end: Option<ParameterMessage>,
}

pub(crate) type Mark = (u8, usize, String);

/// A message of the fetching: its type, and its fields with `{piece}` in them.
#[derive(Debug)]
pub(crate) struct ParameterMessage {
    pub mti: Mti,
    pub fields: BTreeMap<String, String>,
}

/// A step of the fetching, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterStep {
    /// The piece with this number, from 1.
    Piece(u16),
    /// All pieces are here.
    End,
}

/// What the bank says to a step.
#[derive(Debug, PartialEq, Eq)]
pub enum ParameterAnswer {
    /// Go on.
    Taken,
    /// A piece.
    Piece {
        /// What it holds.
        bytes: Vec<u8>,
        /// Whether it is the last.
        is_last: bool,
    },
    /// Not now.
    NotNow,
    /// No.
    Refused,
    /// A yes that says neither that more follow nor that it was all, or brings nothing.
    Unfit,
}

/// A piece of a bank's parameters. Keys may stand in it, so it does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct ParameterPiece(pub(crate) Vec<u8>);

impl fmt::Debug for ParameterPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl ParameterSet {
    /// Its name in `bank.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many pieces it may have.
    pub const fn most_pieces(&self) -> u16 {
        self.most_pieces
    }

    /// How many bytes it may have in all.
    pub const fn most_bytes(&self) -> usize {
        self.most_bytes
    }

    pub(crate) fn message(&self, step: ParameterStep) -> Option<&ParameterMessage> {
        match step {
            ParameterStep::Piece(_) => Some(&self.request),
            ParameterStep::End => self.end.as_ref(),
        }
    }
}

impl ParameterMessage {
    pub(crate) fn templates(&self, piece: u16) -> Result<Vec<FieldTemplate>, String> {
        let piece = format!("{piece:04}");
        let parse = |(number, text): (&String, &String)| {
            FieldTemplate::parse(number, &text.replace("{piece}", &piece))
        };
        self.fields.iter().map(parse).collect()
    }
}

impl BankProfile {
    /// What can be fetched from the bank.
    pub fn parameters(&self) -> &[ParameterSet] {
        &self.parameters
    }

    /// The message of a step, for [`crate::Host::ask`]; nothing where the bank has no such step.
    ///
    /// # Errors
    /// [`MessageError`] names the field.
    pub fn parameter_message(
        &self,
        set: &ParameterSet,
        step: ParameterStep,
        data: &UploadData,
    ) -> Result<Option<Fields>, MessageError> {
        let Some(message) = set.message(step) else { return Ok(None) };
        let piece = if let ParameterStep::Piece(number) = step { number } else { 0 };
        let templates = message.templates(piece).map_err(|_| MessageError::Amount)?;
        self.own_message(message.mti, templates, data).map(Some)
    }

    /// The field of an answer that may bring a piece of parameters.
    pub(crate) fn parameter_field(&self, answer: Mti) -> Option<u8> {
        let set = self.parameters.iter().find(|set| set.request.mti.response() == Some(answer));
        set.map(|set| set.field)
    }

    /// What the bank says to a step.
    pub fn parameter_answer(
        &self,
        set: &ParameterSet,
        step: ParameterStep,
        answer: &Reply,
    ) -> ParameterAnswer {
        let code = answer.response_code();
        if !set.accepted.iter().any(|known| known == code) {
            return match self.codes.get(code).map(|row| &row.outcome) {
                Some(CodeOutcome::RetryAfterSignOn | CodeOutcome::RetryLater | CodeOutcome::Unknown) => {
                    ParameterAnswer::NotNow
                }
                Some(CodeOutcome::Approve { .. } | CodeOutcome::Decline { .. }) | None => {
                    ParameterAnswer::Refused
                }
            };
        }
        if !matches!(step, ParameterStep::Piece(_)) {
            return ParameterAnswer::Taken;
        }
        let is = |(field, at, value): &Mark| {
            answer
                .fields
                .get(*field)
                .and_then(|text| text.get(*at..))
                .is_some_and(|text| text.starts_with(value))
        };
        let is_last = is(&set.last);
        match &answer.parameters {
            Some(ParameterPiece(bytes)) if is_last || is(&set.more) => {
                ParameterAnswer::Piece { bytes: bytes.clone(), is_last }
            }
            // The end may come by itself, with nothing in it.
            None if is_last => ParameterAnswer::Piece { bytes: Vec::new(), is_last },
            Some(_) | None => ParameterAnswer::Unfit,
        }
    }
}
