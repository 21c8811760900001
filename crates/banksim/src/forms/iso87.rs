//! ISO 8583:1987 in ASCII: message type and processing code (3) say what is asked; field 90 says of what.

use iso8583::{Fields, Message, Mti};
use types::Clock;

use super::{Said, amount, card_index, chip_approved, currency, security_code, set, text};
use crate::notice::Notice;
use crate::reconcile::{BatchTotals, Day};
use crate::record::Reference;
use crate::request::{Asked, LinkRequest, MoneyRequest, Period, Request, TotalsRequest, Wanted};

pub(super) fn read(message: &Message<'_>) -> Result<Request, &'static str> {
    let mti = message.mti();
    if mti.class() == 8 {
        let request = match text(message, 70).as_deref() {
            Some("001") => LinkRequest::SignOn,
            Some("002") => LinkRequest::SignOff,
            Some("101") => LinkRequest::KeyExchange,
            Some("301") => LinkRequest::Echo,
            Some(_) | None => return Err("12"),
        };
        return Ok(Request::Link(request));
    }
    if mti.class() == 5 {
        let (currency, claimed) = super::sums::claimed(message).ok_or("30")?;
        // Of a day that is named, or of the batch that is open.
        let wanted = Wanted { period: text(message, 15).map(Period::Day), ..Wanted::default() };
        return Ok(Request::Totals(TotalsRequest { wanted, currency, claimed }));
    }
    let processing = text(message, 3).unwrap_or_default();
    let asked = match (mti.as_str(), processing.as_str()) {
        // Field 90 names what is added to.
        ("0100", "000000") if message.get(90).is_some() => Asked::Increment,
        ("0100", "000000") => Asked::Authorize,
        ("0100", "310000") => Asked::Balance,
        ("0100", "020000") => Asked::CancelAuthorization,
        ("0200", "000000") => Asked::Consume,
        ("0200", "020000") => Asked::Void,
        ("0220" | "0221", "000000") if message.get(90).is_some() => Asked::Capture,
        ("0220" | "0221", "000000") => Asked::OfflineSale,
        ("0220" | "0221", "200000") => Asked::Refund,
        ("0400" | "0401", "000000" | "020000") => Asked::Reverse,
        _ => return Err("12"),
    };
    let stan = text(message, 11).ok_or("30")?;
    let transmitted = text(message, 7).ok_or("30")?;
    let (terminal, acceptor) = (text(message, 41).ok_or("30")?, text(message, 42).ok_or("30")?);
    let original = match (asked, text(message, 90)) {
        (Asked::Authorize | Asked::Consume | Asked::Balance | Asked::OfflineSale, _) => None,
        (_, Some(elements)) => Some(original(&elements, &terminal, &acceptor).ok_or("30")?),
        (_, None) => return Err("30"),
    };
    // An 0400 quotes the authorization code only if its answer came; the record knows it anyway.
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
        reference: Reference::new(mti.class(), &terminal, &acceptor, &stan, &transmitted),
        acceptor: acceptor.trim_end().to_owned(),
        terminal: terminal.trim_end().to_owned(),
        day: String::new(),
        original,
        authorization_code,
    }))
}

/// Field 90: message type (4), trace number (6), date and time of transmission (10), two institutions (11 each).
fn original(elements: &str, terminal: &str, acceptor: &str) -> Option<Reference> {
    let class = elements.get(1..2)?.parse().ok()?;
    Some(Reference::new(class, terminal, acceptor, elements.get(4..10)?, elements.get(10..20)?))
}

/// The bank's accounting date.
pub(super) fn finish(fields: &mut Fields, day: &Day) {
    set(fields, 15, &day.settlement_date);
}

/// 0800 with a network management code (70); a cut-over is an advice, 0820. Field 123 brings keys, and is set with them.
pub(super) fn notice(notice: Notice, stan: u32, day: &Day, clock: &dyn Clock) -> Said {
    let (mti, code) = match notice {
        Notice::Echo => (Mti::NETWORK_REQUEST, "301"),
        Notice::CutOver => (Mti::NETWORK_ADVICE, "201"),
        Notice::NewKeys | Notice::WrongKeys => (Mti::NETWORK_REQUEST, "101"),
        Notice::KeyExchange => (Mti::NETWORK_REQUEST, "161"),
        Notice::SignOn => (Mti::NETWORK_REQUEST, "001"),
        Notice::SignOff => (Mti::NETWORK_REQUEST, "002"),
        Notice::Parameters => (Mti::NETWORK_REQUEST, "360"),
    };
    let utc = clock.now().utc();
    let transmitted =
        format!("{:02}{:02}{:02}{:02}{:02}", utc.month, utc.day, utc.hour, utc.minute, utc.second);
    let mut fields = Fields::new(mti);
    set(&mut fields, 7, &transmitted);
    set(&mut fields, 11, &format!("{stan:06}"));
    if notice == Notice::CutOver {
        set(&mut fields, 15, &day.settlement_date);
    }
    set(&mut fields, 70, code);
    Said::Message(fields)
}

/// The bank's own totals, and whether they are those that were sent: 66 says 1 in balance, 2 out of balance.
pub(super) fn totals(fields: &mut Fields, own: &BatchTotals, in_balance: bool) {
    set(fields, 66, if in_balance { "1" } else { "2" });
    super::sums::put(fields, own);
}
