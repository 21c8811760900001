//! Batch upload: after totals that differ, what the batch is made of, item by item, and a message that ends the list (0320).
//!
//! An item names a card number. It is put into the message at the last moment, like the card of a payment, and the message
//! is recorded without it.

use std::collections::BTreeMap;

use card::Pan;
use iso8583::{Fields, Mti};
use types::Timestamp;
use zeroize::Zeroizing;

use super::BankProfile;
use super::codes::CodeOutcome;
use super::error::MessageError;
use super::exchange::{Exchange, LinkData};
use super::template::FieldTemplate;
use crate::outcome::Reply;

/// How a bank takes the items of a batch.
#[derive(Debug)]
pub struct Upload {
    pub(crate) mti: Mti,
    pub(crate) items_per_message: usize,
    pub(crate) accepted: Vec<String>,
    pub(crate) debit: String,
    pub(crate) credit: Option<String>,
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) end_accepted: Vec<String>,
    pub(crate) end_fields: BTreeMap<String, String>,
}

/// One successful exchange of a batch.
#[derive(Clone, Copy, Debug)]
pub struct UploadItem<'a> {
    /// Its DE 11.
    pub stan: u32,
    /// Minor units.
    pub amount: u64,
    /// Whether it gave money back.
    pub is_credit: bool,
    /// The card.
    pub pan: &'a Pan,
}

/// What a message of an upload is made of besides its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadData {
    /// DE 11.
    pub stan: u32,
    /// When the message is made.
    pub at: Timestamp,
    /// DE 41.
    pub terminal: String,
    /// DE 42.
    pub acceptor: String,
    /// The batch, where the bank has batches.
    pub batch: Option<String>,
}

/// What the bank says to a message of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadAnswer {
    /// It has taken it.
    Taken,
    /// Not now: the same message is sent again later.
    NotNow,
    /// It wants a sign-on first. The batch of an upload is closed, so it may go on to say so for ever.
    WantsSignOn,
    /// It does not take it.
    Refused,
}

/// The field with the items, and what stands before and behind them.
type ItemsPlace = (u8, String, String);

impl Upload {
    /// How many items one message has at most.
    pub const fn items_per_message(&self) -> usize {
        self.items_per_message
    }

    /// Whether what gave money back can be told.
    pub const fn tells_credits(&self) -> bool {
        self.credit.is_some()
    }

    /// One item as the message has it, at the end of what is there.
    fn write_item(&self, item: &UploadItem<'_>, out: &mut String) -> Result<(), String> {
        let text = if item.is_credit { self.credit.as_ref() } else { Some(&self.debit) };
        let mut rest = text.ok_or("what gave money back cannot be told")?.as_str();
        while let Some((before, behind)) = rest.split_once('{') {
            out.push_str(before);
            let (name, behind) = behind.split_once('}').ok_or("an opening brace is never closed")?;
            let (name, width) = name.split_once(':').unwrap_or((name, "6"));
            let width = width.parse().map_err(|_| format!("{width:?} is no width"))?;
            let digits = match name {
                "stan" => Zeroizing::new(item.stan.to_string()),
                "amount" => Zeroizing::new(item.amount.to_string()),
                "pan" => Zeroizing::new(item.pan.expose().to_owned()),
                _ => return Err(format!("an item has no {{{name}}}")),
            };
            let zeros = usize::checked_sub(width, digits.len()).ok_or("too large for its place")?;
            out.extend(std::iter::repeat_n('0', zeros));
            out.push_str(&digits);
            rest = behind;
        }
        out.push_str(rest);
        Ok(())
    }

    /// The templates of a message, but for the field with its items, whose place is given apart: its number, and what stands
    /// before and behind them.
    fn templates(
        fields: &BTreeMap<String, String>,
        count: usize,
    ) -> Result<(Vec<FieldTemplate>, Option<ItemsPlace>), String> {
        let (mut templates, mut place) = (Vec::new(), None);
        for (number, text) in fields {
            let text = with_count(text, count)?;
            match text.split_once(ITEMS) {
                Some((before, behind)) if !before.contains('{') && !behind.contains('{') => {
                    let number = number.parse().map_err(|_| "items stand in a field that is always there")?;
                    place = Some((number, before.to_owned(), behind.to_owned()));
                }
                Some(_) => return Err("beside items there is only their count".to_owned()),
                None => templates.push(FieldTemplate::parse(number, &text)?),
            }
        }
        Ok((templates, place))
    }

    /// Both messages' templates, for whoever checks them; the items' field is there as well, empty.
    pub(crate) fn all_templates(&self) -> Result<Vec<Vec<FieldTemplate>>, String> {
        let mut all = Vec::new();
        for (fields, has_items) in [(&self.fields, true), (&self.end_fields, false)] {
            let (mut templates, place) = Self::templates(fields, 1)?;
            match (place, has_items) {
                (Some((field, _, _)), true) => {
                    templates.push(FieldTemplate { field, optional: false, pieces: Vec::new() });
                }
                (None, false) => {}
                (None, true) => return Err(format!("one field has the {ITEMS}")),
                (Some(_), false) => return Err("the last message has no items".to_owned()),
            }
            all.push(templates);
        }
        Ok(all)
    }
}

const ITEMS: &str = "{items}";

/// `{count:4}` written out.
fn with_count(text: &str, count: usize) -> Result<String, String> {
    let Some((before, behind)) = text.split_once("{count:") else { return Ok(text.to_owned()) };
    let (width, behind) = behind.split_once('}').ok_or("an opening brace is never closed")?;
    let width: usize = width.parse().map_err(|_| format!("{width:?} is no width"))?;
    let digits = format!("{count:0width$}");
    if digits.len() > width {
        return Err("too many items for their count".to_owned());
    }
    Ok(format!("{before}{digits}{behind}"))
}

impl BankProfile {
    /// How the bank takes the items of a batch whose totals differ, if it does.
    pub fn upload(&self) -> Option<&Upload> {
        self.reconciliation.as_ref()?.upload.as_ref()
    }

    /// The message with some items of a batch, for [`crate::Host::ask`]; nothing for a bank that takes none. Its fields have
    /// card numbers: [`BankProfile::without_items`] gives what may be kept.
    ///
    /// # Errors
    /// [`MessageError::Amount`] where a number has more digits than its place.
    pub fn upload_message(
        &self,
        data: &UploadData,
        items: &[UploadItem<'_>],
    ) -> Result<Option<Fields>, MessageError> {
        let Some(upload) = self.upload() else { return Ok(None) };
        let (templates, place) =
            Upload::templates(&upload.fields, items.len()).map_err(|_| MessageError::Amount)?;
        let mut fields = self.own_message(upload.mti, templates, data)?;
        if let Some((field, before, behind)) = place {
            let mut text = Zeroizing::new(String::with_capacity(1_000));
            text.push_str(&before);
            for item in items {
                upload.write_item(item, &mut text).map_err(|_| MessageError::Amount)?;
            }
            text.push_str(&behind);
            fields.set(field, &text)?;
        }
        Ok(Some(fields))
    }

    /// The message that ends an upload of so many items.
    ///
    /// # Errors
    /// [`MessageError::Amount`] where their number has more digits than its field.
    pub fn upload_end_message(
        &self,
        data: &UploadData,
        items: usize,
    ) -> Result<Option<Fields>, MessageError> {
        let Some(upload) = self.upload() else { return Ok(None) };
        let (templates, _) =
            Upload::templates(&upload.end_fields, items).map_err(|_| MessageError::Amount)?;
        self.own_message(upload.mti, templates, data).map(Some)
    }

    pub(super) fn own_message(
        &self,
        mti: Mti,
        fields: Vec<FieldTemplate>,
        data: &UploadData,
    ) -> Result<Fields, MessageError> {
        let (accepted, name) = (Vec::new(), String::new());
        let exchange =
            Exchange { name, mti, fields, accepted, batch: None, settlement_date: None, keys: None };
        let (terminal, acceptor) = (data.terminal.as_str(), data.acceptor.as_str());
        let link =
            LinkData { stan: data.stan, at: data.at, terminal, acceptor, batch: data.batch.as_deref() };
        self.exchange_message(&exchange, &link)
    }

    /// What may be kept of a message of an upload: all but its items.
    #[must_use]
    pub fn without_items(&self, mut fields: Fields) -> Fields {
        let upload = self.upload();
        for (number, _) in
            upload.iter().flat_map(|upload| &upload.fields).filter(|(_, it)| it.contains(ITEMS))
        {
            number.parse().into_iter().for_each(|number| fields.remove(number));
        }
        fields
    }

    /// What the bank says to a message with items, or to the one that ends them.
    pub fn upload_answer(&self, answer: &Reply, is_end: bool) -> UploadAnswer {
        let code = answer.response_code();
        let taken = self.upload().map(|it| if is_end { &it.end_accepted } else { &it.accepted });
        if taken.is_some_and(|taken| taken.iter().any(|known| known == code)) {
            return UploadAnswer::Taken;
        }
        match self.codes.get(code).map(|row| &row.outcome) {
            Some(CodeOutcome::RetryAfterSignOn) => UploadAnswer::WantsSignOn,
            Some(CodeOutcome::RetryLater | CodeOutcome::Unknown) => UploadAnswer::NotNow,
            Some(CodeOutcome::Approve { .. } | CodeOutcome::Decline { .. }) | None => UploadAnswer::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shipped_bank;

    #[test]
    fn an_item_is_written_in_the_width_of_its_places() {
        let bank = shipped_bank("cups-pos").unwrap();
        let pan = Pan::parse("4242424242424242").unwrap();
        let mut out = String::new();
        let item = UploadItem { stan: 42, amount: 12_50, is_credit: false, pan: &pan };
        bank.upload().unwrap().write_item(&item, &mut out).unwrap();
        assert_eq!(out, "0000004200004242424242424242000000001250");
        let large = UploadItem { amount: 10_000_000_000_000, ..item };
        assert!(bank.upload().unwrap().write_item(&large, &mut out).unwrap_err().contains("too large"));
        assert!(with_count("{count:2}{items}", 100).unwrap_err().contains("too many"));
    }

    /// As an acquirer that has confirmed how it takes voids and refunds.
    fn with_credits() -> BankProfile {
        let text = crate::shipped_file("cups-pos/bank.toml").unwrap();
        let debit = "debit = \"00{stan}{pan:20}{amount:12}\"\n";
        let both = format!("{debit}credit = \"01{{stan}}{{pan:20}}{{amount:12}}\"\n");
        let text = text.replacen(debit, &both, 1);
        BankProfile::from_toml(&text, |path| crate::shipped_file(path).map(str::to_owned)).unwrap()
    }

    #[test]
    fn what_gave_money_back_is_not_told_in_a_form_that_nobody_has_confirmed() {
        let bank = shipped_bank("cups-pos").unwrap();
        assert!(!bank.upload().unwrap().tells_credits());
        let pan = Pan::parse("4242424242424242").unwrap();
        let item = UploadItem { stan: 42, amount: 12_50, is_credit: true, pan: &pan };
        assert!(bank.upload().unwrap().write_item(&item, &mut String::new()).is_err());
        assert!(with_credits().upload().unwrap().tells_credits());
    }

    #[test]
    fn what_is_kept_of_a_message_has_no_card_number() {
        let bank = with_credits();
        let pan = Pan::parse("4242424242424242").unwrap();
        let item = UploadItem { stan: 42, amount: 12_50, is_credit: true, pan: &pan };
        let (terminal, acceptor) = ("00000001".to_owned(), "000000000000001".to_owned());
        let at = Timestamp::from_ms(1_796_113_800_000);
        let data = UploadData { stan: 7, at, terminal, acceptor, batch: Some("000001".to_owned()) };
        let message = bank.upload_message(&data, &[item; 8]).unwrap().unwrap();
        assert!(message.get(48).unwrap().starts_with("0801000042"));
        assert!(!format!("{message:?}").contains("4242424242"), "nor does its Debug show one");
        let kept = bank.without_items(message);
        assert_eq!((kept.get(48), kept.get(60)), (None, Some("00000001201")));
    }
}
