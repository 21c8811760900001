//! The totals of a batch: what we think we have sent, for the bank to compare with what it has (0500, 0510).

use std::collections::BTreeMap;

use iso8583::{Fields, Mti};
use serde::Deserialize;
use types::{Currency, Timestamp};

use super::BankProfile;
use super::error::MessageError;
use super::exchange::{Exchange, LinkData};
use super::template::FieldTemplate;
use super::upload::Upload;
use crate::outcome::Reply;

/// How many, and how much in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub number: u64,
    /// How much.
    pub amount: u64,
}

/// The totals of a batch in one currency. What was reversed is in both a total and its reversals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchTotals {
    /// What cardholders got back: refunds and voids.
    pub credits: Count,
    /// Those of them that were reversed.
    pub credit_reversals: Count,
    /// What cardholders were charged: sales and completions.
    pub debits: Count,
    /// Those of them that were reversed.
    pub debit_reversals: Count,
}

/// What a message with totals is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationData {
    /// The totals.
    pub totals: BatchTotals,
    /// Their currency.
    pub currency: Currency,
    /// DE 11.
    pub stan: u32,
    /// When the message is made.
    pub at: Timestamp,
    /// DE 41.
    pub terminal: String,
    /// DE 42.
    pub acceptor: String,
    /// The batch that is closed, where the bank has batches.
    pub batch: Option<String>,
    /// The bank's accounting date that the totals are of, `MMDD` or `YYMMDD`, where the bank says it.
    pub settlement_date: Option<String>,
}

/// What one set of totals is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TotalsOf {
    /// A batch of one terminal: each terminal has its own.
    Terminal,
    /// All that went to the bank on one of its days.
    Bank,
}

/// How a bank is sent the totals of a batch, and how it says that they are its own.
#[derive(Debug)]
pub struct Reconciliation {
    pub(crate) mti: Mti,
    pub(crate) of: TotalsOf,
    pub(crate) accepted: Vec<String>,
    pub(crate) in_balance: (u8, usize, String),
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) upload: Option<Upload>,
}

impl Reconciliation {
    /// What one set of totals is about.
    pub const fn of(&self) -> TotalsOf {
        self.of
    }

    /// Whether what was reversed is in none of the totals: the bank counts only what stands.
    pub fn counts_what_stands(&self) -> bool {
        self.fields.values().any(|text| text.contains("{standing_"))
    }

    /// The fields with the totals filled in; what is left are templates like any other. A field with a date that is not
    /// known is left out.
    pub(crate) fn templates(
        &self,
        totals: &BatchTotals,
        currency: Currency,
        settlement_date: Option<&str>,
    ) -> Result<Vec<FieldTemplate>, String> {
        let wanted = self.fields.iter().filter(|(_, text)| settlement_date.is_some() || !text.contains(DATE));
        wanted
            .map(|(number, text)| {
                let text = text.replace(DATE, settlement_date.unwrap_or_default());
                FieldTemplate::parse(number, &filled(&text, totals, currency)?)
            })
            .collect()
    }

    /// The bank's own totals, where its answer has them in the fields that ours had.
    fn read_back(&self, answer: &Fields) -> Option<BatchTotals> {
        let mut totals = BatchTotals::default();
        let mut found = false;
        for (number, text) in &self.fields {
            let number: u8 = number.trim_end_matches('?').parse().ok()?;
            if let Some(value) = answer.get(number) {
                found |= read_field(text, value, &mut totals);
            }
        }
        found.then_some(totals)
    }
}

const DATE: &str = "{settlement_date}";

/// Reads totals where a template has them. Only what stands before them must have a known width. False: there are none.
fn read_field(text: &str, value: &str, totals: &mut BatchTotals) -> bool {
    let (mut text, mut value, mut found) = (text, value, false);
    while let Some(open) = text.find('{') {
        let Some((name, rest)) = text[open + 1..].split_once('}') else { return found };
        let Some((name, width)) = name.split_once(':') else { return found };
        let digits = width.parse().ok().and_then(|width: usize| value.get(open..open + width));
        let Some(digits) = digits else { return found };
        let total = match name.split_once('.').map(|(total, _)| total) {
            Some("credits" | "standing_credits") => &mut totals.credits,
            Some("credit_reversals") => &mut totals.credit_reversals,
            Some("debits" | "standing_debits") => &mut totals.debits,
            Some("debit_reversals") => &mut totals.debit_reversals,
            Some(_) | None => return found,
        };
        let Ok(number) = digits.parse() else { return found };
        if name.ends_with(".number") {
            total.number = number;
        } else {
            total.amount = number;
        }
        found = true;
        value = value.get(open + digits.len()..).unwrap_or_default();
        text = rest;
    }
    found
}

/// A template with `{debits.amount:12}` and its like written out.
fn filled(text: &str, totals: &BatchTotals, currency: Currency) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(open) = rest.find('{') {
        let close = rest[open..].find('}').ok_or("an opening brace is never closed")? + open;
        out.push_str(&rest[..open]);
        match value(&rest[open + 1..close], totals, currency) {
            Some(value) => out.push_str(&value?),
            None => out.push_str(&rest[open..=close]),
        }
        rest = &rest[close + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn value(name: &str, totals: &BatchTotals, currency: Currency) -> Option<Result<String, String>> {
    if name == "currency" {
        return Some(Ok(format!("{:03}", currency.numeric())));
    }
    let (name, width) = name.split_once(':')?;
    let Ok(width) = width.parse::<usize>() else { return Some(Err(format!("{width:?} is no width"))) };
    let (total, part) = name.split_once('.').unwrap_or((name, ""));
    let debits = totals.debits.amount + totals.credit_reversals.amount;
    let credits = totals.credits.amount + totals.debit_reversals.amount;
    let (sign, number) = match (total, part) {
        // C: more came back to cardholders than was taken from them.
        ("net", "") if credits > debits => ("C", credits - debits),
        ("net", "") => ("D", debits - credits),
        (total, part) => {
            let count = match total {
                "credits" => totals.credits,
                "credit_reversals" => totals.credit_reversals,
                "debits" => totals.debits,
                "debit_reversals" => totals.debit_reversals,
                "standing_credits" => less(totals.credits, totals.credit_reversals),
                "standing_debits" => less(totals.debits, totals.debit_reversals),
                _ => return Some(Err(format!("there is no total {total:?}"))),
            };
            match part {
                "number" => ("", count.number),
                "amount" => ("", count.amount),
                _ => return Some(Err(format!("a total has a number and an amount, and no {part:?}"))),
            }
        }
    };
    let digits = format!("{number:0width$}");
    Some(if digits.len() == width {
        Ok(format!("{sign}{digits}"))
    } else {
        Err("too large for its field".to_owned())
    })
}

/// A total of a dialect that counts only what stands.
const fn less(total: Count, reversed: Count) -> Count {
    Count {
        number: total.number.saturating_sub(reversed.number),
        amount: total.amount.saturating_sub(reversed.amount),
    }
}

impl BankProfile {
    /// How the bank takes totals, if it does.
    pub const fn reconciliation(&self) -> Option<&Reconciliation> {
        self.reconciliation.as_ref()
    }

    /// The message with the totals of a batch, for [`crate::Host::ask`]; nothing for a bank that takes none.
    ///
    /// # Errors
    /// [`MessageError::Amount`] where a total has more digits than its field.
    pub fn totals_message(&self, data: &ReconciliationData) -> Result<Option<Fields>, MessageError> {
        let Some(reconciliation) = &self.reconciliation else { return Ok(None) };
        let templates =
            reconciliation.templates(&data.totals, data.currency, data.settlement_date.as_deref());
        let templates = templates.map_err(|_| MessageError::Amount)?;
        let exchange = Exchange {
            name: String::new(),
            mti: reconciliation.mti,
            fields: templates,
            accepted: Vec::new(),
            batch: None,
            settlement_date: None,
            keys: None,
        };
        let link = LinkData {
            stan: data.stan,
            at: data.at,
            terminal: &data.terminal,
            acceptor: &data.acceptor,
            batch: data.batch.as_deref(),
        };
        self.exchange_message(&exchange, &link).map(Some)
    }

    /// The bank's own totals, where its answer tells them.
    pub fn bank_totals(&self, answer: &Reply) -> Option<BatchTotals> {
        self.reconciliation.as_ref()?.read_back(&answer.fields)
    }

    /// Whether the bank says that the totals are its own; nothing where it did not compare them.
    pub fn in_balance(&self, answer: &Reply) -> Option<bool> {
        let reconciliation = self.reconciliation.as_ref()?;
        if !reconciliation.accepted.iter().any(|code| code == answer.response_code()) {
            return None;
        }
        let (field, at, value) = &reconciliation.in_balance;
        let said = answer.fields.get(*field)?.get(*at..)?;
        Some(said.starts_with(value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTALS: BatchTotals = BatchTotals {
        credits: Count { number: 1, amount: 250 },
        credit_reversals: Count { number: 0, amount: 0 },
        debits: Count { number: 12, amount: 10_000 },
        debit_reversals: Count { number: 2, amount: 500 },
    };

    #[test]
    fn totals_are_written_in_the_width_of_their_field_and_other_data_are_left_alone() {
        let written = |text: &str| filled(text, &TOTALS, Currency::EUR);
        assert_eq!(written("{debits.amount:12}{debits.number:3}").unwrap(), "000000010000012");
        assert_eq!(
            written("{standing_debits.amount:12}{standing_debits.number:3}").unwrap(),
            "000000009500010"
        );
        assert_eq!(written("{net:16}").unwrap(), "D0000000000009250");
        assert_eq!(written("00{batch}{currency}").unwrap(), "00{batch}978");
    }

    #[test]
    fn totals_are_read_where_they_were_written() {
        let text = "{debits.amount:12}{debits.number:3}-{credits.amount:12}{credits.number:3}000{batch}";
        let mut read = BatchTotals::default();
        assert!(read_field(text, &filled(text, &TOTALS, Currency::EUR).unwrap(), &mut read));
        assert_eq!((read.debits, read.credits), (TOTALS.debits, TOTALS.credits));
        assert!(!read_field("00{batch}201", "00000001201", &mut read));
        assert!(!read_field("{debits.amount:12}", "12", &mut read));
    }

    #[test]
    fn a_total_that_does_not_fit_or_does_not_exist_is_refused() {
        let refused = |text: &str| filled(text, &TOTALS, Currency::EUR).unwrap_err();
        assert!(refused("{debits.amount:3}").contains("too large"));
        assert!(refused("{sales.amount:3}").contains("sales"));
        assert!(refused("{debits.sum:3}").contains("sum"));
        assert!(refused("{debits.amount:x}").contains("width"));
    }
}
