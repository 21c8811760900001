//! Templates of field values: `22{batch}`, `{original.mti}{original.stan}`.
//!
//! Every placeholder writes its datum in the fixed width that ISO 8583 gives it, so a template needs no format.

use std::fmt;

use super::error::MessageError;

/// A datum that a template can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Datum {
    Amount,
    Currency,
    Stan,
    Rrn,
    LocalTime,
    LocalDate,
    /// Date and time in one, `YYMMDDhhmmss`.
    LocalDateTime,
    TransmittedAt,
    Terminal,
    Acceptor,
    Batch,
    Reason,
    /// DE 22: how the card's data was entered, and whether with a PIN.
    Entry,
    /// DE 25: the usual condition code, or what stands for it where the card's data was entered in another way.
    Condition(String),
    /// When a chip approved an offline sale, and the approval code that its terminal made.
    OfflineTime,
    OfflineDate,
    OfflineDateTime,
    OfflineAuthorizationCode,
    OriginalMti,
    OriginalAmount,
    OriginalStan,
    OriginalRrn,
    OriginalAuthorizationCode,
    OriginalDate,
    OriginalDateTime,
    OriginalTransmittedAt,
    OriginalBatch,
    /// A field of the original message, built once more from the original's data.
    OriginalField(u8),
    /// A value of the document's `[constants]`.
    Constant(String),
}

impl Datum {
    fn parse(name: &str) -> Option<Self> {
        if let Some(field) = name.strip_prefix("original.").and_then(|rest| rest.parse().ok()) {
            return Some(Self::OriginalField(field));
        }
        if let Some(code) = name.strip_prefix("condition.") {
            return Some(Self::Condition(code.to_owned()));
        }
        if let Some(constant) = name.strip_prefix("constants.") {
            return Some(Self::Constant(constant.to_owned()));
        }
        Some(match name {
            "amount" => Self::Amount,
            "currency" => Self::Currency,
            "stan" => Self::Stan,
            "rrn" => Self::Rrn,
            "local_time" => Self::LocalTime,
            "local_date" => Self::LocalDate,
            "local_datetime" => Self::LocalDateTime,
            "transmitted_at" => Self::TransmittedAt,
            "terminal" => Self::Terminal,
            "acceptor" => Self::Acceptor,
            "batch" => Self::Batch,
            "reason" => Self::Reason,
            "entry" => Self::Entry,
            "offline.local_time" => Self::OfflineTime,
            "offline.local_date" => Self::OfflineDate,
            "offline.local_datetime" => Self::OfflineDateTime,
            "offline.authorization_code" => Self::OfflineAuthorizationCode,
            "original.mti" => Self::OriginalMti,
            "original.amount" => Self::OriginalAmount,
            "original.stan" => Self::OriginalStan,
            "original.rrn" => Self::OriginalRrn,
            "original.authorization_code" => Self::OriginalAuthorizationCode,
            "original.local_date" => Self::OriginalDate,
            "original.local_datetime" => Self::OriginalDateTime,
            "original.transmitted_at" => Self::OriginalTransmittedAt,
            "original.batch" => Self::OriginalBatch,
            _ => return None,
        })
    }

    /// Its name in a template and in errors.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Currency => "currency",
            Self::Stan => "stan",
            Self::Rrn => "rrn",
            Self::LocalTime => "local_time",
            Self::LocalDate => "local_date",
            Self::LocalDateTime => "local_datetime",
            Self::TransmittedAt => "transmitted_at",
            Self::Terminal => "terminal",
            Self::Acceptor => "acceptor",
            Self::Batch => "batch",
            Self::Reason => "reason",
            Self::Entry => "entry",
            Self::Condition(_) => "condition",
            Self::OfflineTime => "offline.local_time",
            Self::OfflineDate => "offline.local_date",
            Self::OfflineDateTime => "offline.local_datetime",
            Self::OfflineAuthorizationCode => "offline.authorization_code",
            Self::OriginalMti => "original.mti",
            Self::OriginalAmount => "original.amount",
            Self::OriginalStan => "original.stan",
            Self::OriginalRrn => "original.rrn",
            Self::OriginalAuthorizationCode => "original.authorization_code",
            Self::OriginalDate => "original.local_date",
            Self::OriginalDateTime => "original.local_datetime",
            Self::OriginalTransmittedAt => "original.transmitted_at",
            Self::OriginalBatch => "original.batch",
            Self::OriginalField(_) => "a field of the original",
            Self::Constant(_) => "a constant",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    Datum(Datum),
}

/// The template of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldTemplate {
    pub field: u8,
    /// Left out where a datum is not known, instead of being an error.
    pub optional: bool,
    pub pieces: Vec<Piece>,
}

impl FieldTemplate {
    /// Reads a key such as `38` or `38?` with its template.
    pub fn parse(key: &str, text: &str) -> Result<Self, String> {
        let (number, optional) = key.strip_suffix('?').map_or((key, false), |number| (number, true));
        let field = number.parse().ok().filter(|de| (2..=128).contains(de));
        let field =
            field.ok_or("a field number is 2 to 128, with ? behind it if the field may be left out")?;
        Ok(Self { field, optional, pieces: pieces(text)? })
    }

    /// The field's value. `datum` gives a datum, or nothing where it is not known.
    pub fn render(&self, datum: &dyn Fn(&Datum) -> Option<String>) -> Result<Option<String>, MessageError> {
        let mut value = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => value.push_str(text),
                Piece::Datum(wanted) => match datum(wanted) {
                    Some(text) => value.push_str(&text),
                    None if self.optional => return Ok(None),
                    None => return Err(MessageError::Missing { field: self.field, datum: wanted.name() }),
                },
            }
        }
        Ok(Some(value))
    }

    pub fn data(&self) -> impl Iterator<Item = &Datum> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Datum(datum) => Some(datum),
            Piece::Literal(_) => None,
        })
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            pieces.push(Piece::Literal(rest[..open].to_owned()));
        }
        let close = rest[open..].find('}').ok_or("an opening brace is never closed")? + open;
        let name = &rest[open + 1..close];
        pieces.push(Piece::Datum(Datum::parse(name).ok_or_else(|| format!("there is no datum {{{name}}}"))?));
        rest = &rest[close + 1..];
    }
    if rest.contains('}') {
        return Err("a closing brace was never opened".to_owned());
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_piece_by_piece() {
        let template = FieldTemplate::parse("60", "22{batch}000").unwrap();
        let filled = template.render(&|datum| (*datum == Datum::Batch).then(|| "000001".to_owned()));
        assert_eq!(filled, Ok(Some("22000001000".to_owned())));
    }

    #[test]
    fn what_is_not_known_is_an_error_unless_the_field_may_be_left_out() {
        let needed = FieldTemplate::parse("38", "{original.authorization_code}").unwrap();
        let missing = MessageError::Missing { field: 38, datum: "original.authorization_code" };
        assert_eq!(needed.render(&|_| None), Err(missing));
        let optional = FieldTemplate::parse("38?", "{original.authorization_code}").unwrap();
        assert_eq!(optional.render(&|_| None), Ok(None));
    }

    #[test]
    fn a_template_with_a_mistake_says_which() {
        assert!(FieldTemplate::parse("129", "x").unwrap_err().contains("2 to 128"));
        assert!(FieldTemplate::parse("3", "{amnt}").unwrap_err().contains("{amnt}"));
        assert!(FieldTemplate::parse("3", "{amount").unwrap_err().contains("never closed"));
        assert!(FieldTemplate::parse("3", "amount}").unwrap_err().contains("never opened"));
    }
}
