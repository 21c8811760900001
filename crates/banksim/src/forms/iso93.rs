//! ISO 8583:1993: message type, processing code (3) and function code (24) say what is asked; field 56 says of what.

use iso8583::{Fields, Message, Mti};
use types::Clock;

use super::{Said, amount, card_index, chip_approved, currency, security_code, set, text};
use crate::notice::Notice;
use crate::reconcile::{BatchTotals, Day};
use crate::record::Reference;
use crate::request::{Asked, LinkRequest, MoneyRequest, Period, Request, TotalsRequest, Wanted};

pub(super) fn read(message: &Message<'_>) -> Result<Request, &'static str> {
    let mti = message.mti();
    let function = text(message, 24).unwrap_or_default();
    if mti.class() == 8 {
        let request = match function.as_str() {
            "801" => LinkRequest::SignOn,
            "802" => LinkRequest::SignOff,
            "811" => LinkRequest::KeyExchange,
            "831" => LinkRequest::Echo,
            _ => return Err("12"),
        };
        return Ok(Request::Link(request));
    }
    if mti.class() == 5 {
        let (currency, claimed) = super::sums::claimed(message).ok_or("30")?;
        // Of a day that is named, or of the batch that is open.
        let day = text(message, 28).and_then(|date| date.get(2..).map(str::to_owned));
        let wanted = Wanted { period: day.map(Period::Day), ..Wanted::default() };
        return Ok(Request::Totals(TotalsRequest { wanted, currency, claimed }));
    }
    let processing = text(message, 3).unwrap_or_default();
    let asked = match (mti.as_str(), processing.as_str(), function.as_str()) {
        ("1100" | "1101", "000000", "100" | "101") => Asked::Authorize,
        ("1100" | "1101", "000000", "106") => Asked::Increment,
        ("1100" | "1101", "310000", "108") => Asked::Balance,
        ("1100" | "1101", "020000", "100") => Asked::CancelAuthorization,
        ("1100" | "1101", "380000", "108") => Asked::Inquire,
        ("1200", "000000", "200") => Asked::Consume,
        ("1200", "020000", "200") => Asked::Void,
        ("1220" | "1221", "000000", "201" | "202") => Asked::Capture,
        ("1220" | "1221", "000000", "200") => Asked::OfflineSale,
        ("1220" | "1221", "020000", "200") => Asked::Adjust,
        ("1220" | "1221", "200000", "200") => Asked::Refund,
        ("1420" | "1421", "000000" | "020000", "400") => Asked::Reverse,
        _ => return Err("12"),
    };
    let (stan, local) = (text(message, 11).ok_or("30")?, text(message, 12).ok_or("30")?);
    let (terminal, acceptor) = (text(message, 41).ok_or("30")?, text(message, 42).ok_or("30")?);
    let original = match (asked, text(message, 56)) {
        (Asked::Authorize | Asked::Consume | Asked::Balance | Asked::OfflineSale, _) => None,
        (_, Some(elements)) => Some(original(&elements, &terminal, &acceptor).ok_or("30")?),
        (_, None) => return Err("30"),
    };
    // A reversal quotes the approval code only if its answer came; the record knows it anyway.
    let authorization_code = text(message, 38).filter(|_| asked != Asked::Reverse);
    Ok(Request::Money(MoneyRequest {
        asked,
        card: card_index(message),
        expiry: text(message, 14),
        security_code: security_code(message),
        // Read by the desk, which has the keys.
        pin: None,
        chip_approved: chip_approved(message),
        amount: amount(message)?,
        currency: currency(message)?,
        reference: Reference::new(mti.class(), &terminal, &acceptor, &stan, &local),
        acceptor: acceptor.trim_end().to_owned(),
        terminal: terminal.trim_end().to_owned(),
        day: String::new(),
        original,
        authorization_code,
    }))
}

/// Field 56: message type (4), trace number (6), local date and time (12), the institution.
fn original(elements: &str, terminal: &str, acceptor: &str) -> Option<Reference> {
    let class = elements.get(1..2)?.parse().ok()?;
    Some(Reference::new(class, terminal, acceptor, elements.get(4..10)?, elements.get(10..22)?))
}

/// The bank's own two characters as an action code (39) in the answer to a message of this class. One of three digits is one
/// already.
pub(super) fn action_code(code: &str, class: u8) -> &str {
    match (code, class) {
        ("00", 4) => "400",
        ("00", 8) => "800",
        ("00", _) => "000",
        ("05", _) => "100",
        ("12", _) => "902",
        ("13", _) => "110",
        ("14", _) => "111",
        ("22", _) => "181",
        ("25", _) => "914",
        ("30", _) => "904",
        ("41", _) => "208",
        ("43", _) => "209",
        ("51", _) => "116",
        ("54", _) => "101",
        ("55", _) => "117",
        ("59", _) => "180",
        ("61", _) => "121",
        ("64", _) => "182",
        ("68" | "96" | "98", _) => "909",
        ("75", _) => "106",
        ("90", _) => "906",
        ("91" | "92", _) => "907",
        ("94", _) => "913",
        ("99" | "A0", _) => "916",
        ("A2" | "A4" | "A5" | "A6", _) => "080",
        (code, _) if code.len() == 3 => code,
        _ => "100",
    }
}

/// The bank's accounting date, with the year that is the clock's.
pub(super) fn finish(fields: &mut Fields, day: &Day, clock: &dyn Clock) {
    set(fields, 15, &accounting_date(day, clock));
}

fn accounting_date(day: &Day, clock: &dyn Clock) -> String {
    let utc = clock.now().utc();
    // The day after the year's last one is the next year's.
    let is_next_year = utc.month == 12 && day.settlement_date.starts_with("01");
    let year = (utc.year + i16::from(is_next_year)).rem_euclid(100);
    format!("{year:02}{}", day.settlement_date)
}

/// 1804 with a function code (24). Field 96 brings keys, and is set with them.
pub(super) fn notice(notice: Notice, stan: u32, day: &Day, clock: &dyn Clock) -> Said {
    let function = match notice {
        Notice::Echo => "831",
        Notice::CutOver => "821",
        Notice::NewKeys | Notice::WrongKeys => "811",
        Notice::KeyExchange => "891",
        Notice::SignOn => "801",
        Notice::SignOff => "802",
        Notice::Parameters => "892",
    };
    let Ok(mti) = Mti::parse("1804") else { return Said::Nothing };
    let utc = clock.now().utc();
    let time = format!("{:02}{:02}{:02}", utc.hour, utc.minute, utc.second);
    let date = format!("{:02}{:02}", utc.month, utc.day);
    let mut fields = Fields::new(mti);
    set(&mut fields, 7, &format!("{date}{time}"));
    set(&mut fields, 11, &format!("{stan:06}"));
    set(&mut fields, 12, &format!("{:02}{date}{time}", utc.year.rem_euclid(100)));
    set(&mut fields, 24, function);
    if notice == Notice::CutOver {
        set(&mut fields, 28, &accounting_date(day, clock));
    }
    Said::Message(fields)
}

/// The bank's own totals, and whether they are those that were sent: action code 500 in balance, 501 out of balance.
pub(super) fn totals(fields: &mut Fields, own: &BatchTotals, in_balance: bool) {
    set(fields, 39, if in_balance { "500" } else { "501" });
    super::sums::put(fields, own);
}
