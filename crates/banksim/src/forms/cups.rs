//! UnionPay POS: message type, processing code (3), condition code (25) and transaction type (60.1) say what is asked;
//! field 61 says of what.

use iso8583::{Fields, Message};
use types::Clock;

use super::{Said, amount, card_index, chip_approved, currency, security_code, set, text};
use crate::cards;
use crate::notice::Notice;
use crate::reconcile::{BatchTotals, Day};
use crate::record::{Answer, Reference};
use crate::request::{
    Asked, BatchKey, LinkRequest, MoneyRequest, ParameterSet, Period, Request, TotalsRequest, UploadRequest,
    Uploaded, UploadedItem, Wanted,
};
use crate::totals::Sum;

pub(super) fn read(message: &Message<'_>) -> Result<Request, &'static str> {
    let part = |id| message.part(60, id).map(|value| value.to_text().to_string()).unwrap_or_default();
    let (kind, batch, network) = (part("1"), part("2"), part("3"));
    let mti = message.mti();
    match (mti.as_str(), network.as_str()) {
        ("0800", "001" | "003" | "004") => return Ok(Request::Link(LinkRequest::SignOn)),
        ("0800", "360" | "361" | "380" | "381") => {
            let set = if network.starts_with("36") { ParameterSet::Terminal } else { ParameterSet::Chip };
            let piece = if network.ends_with('1') {
                0
            } else {
                text(message, 62)
                    .and_then(|digits| digits.parse().ok())
                    .filter(|&piece| piece > 0)
                    .ok_or("30")?
            };
            return Ok(Request::Link(LinkRequest::Parameters(set, piece)));
        }
        ("0820", "301") => return Ok(Request::Link(LinkRequest::Echo)),
        ("0820", "002") => return Ok(Request::Link(LinkRequest::SignOff)),
        ("0500", "201") => {
            let totals = TotalsRequest {
                wanted: Wanted {
                    acceptor: Some(text(message, 42).ok_or("30")?.trim_end().to_owned()),
                    terminal: Some(text(message, 41).ok_or("30")?.trim_end().to_owned()),
                    period: batch.parse().ok().map(Period::Batch),
                },
                currency: currency(message)?,
                claimed: claimed(message).ok_or("30")?,
            };
            return Ok(Request::Totals(totals));
        }
        ("0320", "201" | "202" | "207") => {
            let told = text(message, 48).ok_or("30")?;
            let batch = BatchKey {
                acceptor: text(message, 42).ok_or("30")?.trim_end().to_owned(),
                terminal: text(message, 41).ok_or("30")?.trim_end().to_owned(),
                number: batch.parse().map_err(|_| "30")?,
            };
            let told = match network.as_str() {
                "201" => Uploaded::Items(items(&told, &batch).ok_or("30")?),
                _ => Uploaded::End(told.parse().map_err(|_| "30")?),
            };
            return Ok(Request::Upload(UploadRequest { batch, told }));
        }
        _ => {}
    }
    let (processing, condition) =
        (text(message, 3).unwrap_or_default(), text(message, 25).unwrap_or_default());
    let named = (processing.as_str(), condition.as_str(), kind.as_str());
    // The second value is the class of the original: what the reversal or follow-up looks for.
    // Condition 08 is 00, and 18 is 06, for an order by letter or telephone.
    let (asked, original_class) = match (mti.as_str(), named) {
        ("0100", ("030000", "06" | "18", "10")) => (Asked::Authorize, 1),
        ("0100", ("030000", "60", "10")) => (Asked::Increment, 1),
        ("0100", ("200000", "06" | "18", "11")) => (Asked::CancelAuthorization, 1),
        ("0200", ("310000", "00", "01")) => (Asked::Balance, 2),
        ("0200", ("000000", "06" | "18", "20")) | ("0220", ("000000", "06" | "18", "24")) => {
            (Asked::Capture, 1)
        }
        ("0200", ("200000", "06" | "18", "21")) => (Asked::Void, 2),
        ("0200", ("000000", "00" | "08", "22")) => (Asked::Consume, 2),
        ("0200", ("200000", "00" | "08", "23")) => (Asked::Void, 2),
        ("0200", ("531000", "00", "22")) => (Asked::Inquire, 2),
        ("0220", ("200000", "00" | "08", "25")) => (Asked::Refund, 2),
        ("0220", ("000000", "00" | "08", "34")) => (Asked::Adjust, 2),
        ("0220", ("000000", "00", "30")) => (Asked::OfflineSale, 2),
        ("0400" | "0401", (_, _, "10" | "11")) => (Asked::Reverse, 1),
        ("0400" | "0401", (_, _, "20" | "21" | "22" | "23")) => (Asked::Reverse, 2),
        _ => return Err("12"),
    };
    let stan = text(message, 11).ok_or("30")?;
    let (terminal, acceptor) = (text(message, 41).ok_or("30")?, text(message, 42).ok_or("30")?);
    let original = {
        let part = |id| message.part(61, id).map(|value| value.to_text().to_string());
        match (asked, part("1"), part("2")) {
            (Asked::Authorize | Asked::Consume | Asked::Balance | Asked::OfflineSale, _, _) => None,
            (_, Some(batch), Some(stan)) => {
                Some(Reference::new(original_class, &terminal, &acceptor, &stan, &batch))
            }
            (_, _, _) => return Err("30"),
        }
    };
    Ok(Request::Money(MoneyRequest {
        asked,
        card: card_index(message),
        expiry: text(message, 14),
        security_code: security_code(message),
        // Read by the desk, which has the keys.
        pin: None,
        chip_approved: chip_approved(message),
        amount: if asked == Asked::Balance { 0 } else { amount(message)? },
        currency: currency(message)?,
        reference: Reference::new(mti.class(), &terminal, &acceptor, &stan, &batch),
        acceptor: acceptor.trim_end().to_owned(),
        terminal: terminal.trim_end().to_owned(),
        day: String::new(),
        original,
        authorization_code: text(message, 38),
    }))
}

/// Field 48 of a batch upload: how many items, and of each 00 or 01 (charged, given back), trace number, card number with zeros
/// before it, amount.
fn items(told: &str, batch: &BatchKey) -> Option<Vec<UploadedItem>> {
    let (count, mut rest) = told.split_at_checked(2)?;
    let mut items = Vec::new();
    while let Some((item, behind)) = rest.split_at_checked(40) {
        let is_credit = match item.get(..2)? {
            "00" => false,
            "01" => true,
            _ => return None,
        };
        let number = format!("{:06}", batch.number);
        items.push(UploadedItem {
            reference: Reference::new(2, &batch.terminal, &batch.acceptor, item.get(2..8)?, &number),
            is_credit,
            card: cards::index_of(item.get(8..28)?.trim_start_matches('0')),
            amount: item.get(28..)?.parse().ok()?,
        });
        rest = behind;
    }
    (rest.is_empty() && count.parse() == Ok(items.len())).then_some(items)
}

/// A piece of parameters, and whether more follow.
pub(super) fn parameters(fields: &mut Fields, bytes: &[u8], is_last: bool) {
    if fields.set_bytes(62, bytes).is_err() {
        tracing::error!("The bank's parameters do not fit their field");
    }
    if is_last && let Some(asked) = fields.get(60).map(str::to_owned) {
        set(fields, 60, &format!("{}1", &asked[..asked.len() - 1]));
    }
}

/// The number of items that the bank has been told, at the end of their list.
pub(super) fn uploaded(fields: &mut Fields, items: usize) {
    set(fields, 48, &format!("{items:04}"));
}

/// Field 48 of batch totals: debits (amount, count), credits (amount, count), then what the centre says of them; and the
/// same again for foreign cards, of which this bank has none.
fn claimed(message: &Message<'_>) -> Option<BatchTotals> {
    let number = |id| message.part(48, id).and_then(|value| value.as_u64());
    Some(BatchTotals {
        debits: Sum { amount: number("1")?, count: number("2")? },
        credits: Sum { amount: number("3")?, count: number("4")? },
        ..BatchTotals::default()
    })
}

/// The bank's own totals, and whether they are those that were sent: 1 in balance, 2 out of balance.
pub(super) fn totals(fields: &mut Fields, own: &BatchTotals, in_balance: bool) {
    let (debits, credits) = own.standing();
    let domestic =
        format!("{:012}{:03}{:012}{:03}", debits.amount, debits.count, credits.amount, credits.count);
    let flag = if in_balance { 1 } else { 2 };
    set(fields, 48, &format!("{domestic}{flag}{:031}", 0));
}

/// The centre sets date and time, assigns the reference number, and at a sign-on names the batch.
pub(super) fn finish(
    fields: &mut Fields,
    request: &Message<'_>,
    answer: &Answer,
    day: &Day,
    clock: &dyn Clock,
) {
    // China's wall clock, UTC+8.
    let local = clock.now().plus_ms(8 * 3_600_000).utc();
    set(fields, 12, &format!("{:02}{:02}{:02}", local.hour, local.minute, local.second));
    set(fields, 13, &format!("{:02}{:02}", local.month, local.day));
    if request.mti().class() == 8 {
        let network = request.part(60, "3").map(|value| value.to_text().to_string()).unwrap_or_default();
        set(fields, 60, &format!("00{:06}{network}", day.batch));
    } else {
        set(fields, 15, &day.settlement_date);
        set(fields, 37, &answer.rrn);
    }
}

/// The centre does not call terminals: the header of its answers says what a terminal shall do next.
pub(super) const fn notice(notice: Notice) -> Said {
    match notice {
        Notice::Parameters => Said::Demand(1),
        Notice::NewKeys | Notice::KeyExchange | Notice::SignOn => Said::Demand(3),
        Notice::Echo | Notice::CutOver | Notice::WrongKeys | Notice::SignOff => Said::Nothing,
    }
}

/// The batch that a message is sent in.
pub(super) fn batch(message: &Message<'_>) -> Option<u64> {
    message.part(60, "2").and_then(|value| value.as_u64())
}
