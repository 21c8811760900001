//! ISO 8583:1987 in ASCII: message type and processing code (3) say what is asked; field 90 says of what.

use iso8583::{Fields, Message};
use types::Clock;

use super::{amount, card_index, currency, security_code, set, text};
use crate::record::Reference;
use crate::request::{Asked, LinkRequest, MoneyRequest, Request};

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
    let processing = text(message, 3).unwrap_or_default();
    let asked = match (mti.as_str(), processing.as_str()) {
        // Field 90 names what is added to.
        ("0100", "000000") if message.get(90).is_some() => Asked::Increment,
        ("0100", "000000") => Asked::Authorize,
        ("0100", "310000") => Asked::Balance,
        ("0100", "020000") => Asked::CancelAuthorization,
        ("0200", "000000") => Asked::Consume,
        ("0200", "020000") => Asked::Void,
        ("0220" | "0221", "000000") => Asked::Capture,
        ("0220" | "0221", "200000") => Asked::Refund,
        ("0400" | "0401", "000000" | "020000") => Asked::Reverse,
        _ => return Err("12"),
    };
    let stan = text(message, 11).ok_or("30")?;
    let transmitted = text(message, 7).ok_or("30")?;
    let (terminal, acceptor) = (text(message, 41).ok_or("30")?, text(message, 42).ok_or("30")?);
    let original = match (asked, text(message, 90)) {
        (Asked::Authorize | Asked::Consume | Asked::Balance, _) => None,
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
        amount: amount(message)?,
        currency: currency(message)?,
        reference: Reference::new(mti.class(), &terminal, &acceptor, &stan, &transmitted),
        acceptor: acceptor.trim_end().to_owned(),
        original,
        authorization_code,
    }))
}

/// Field 90: message type (4), trace number (6), date and time of transmission (10), two institutions (11 each).
fn original(elements: &str, terminal: &str, acceptor: &str) -> Option<Reference> {
    let class = elements.get(1..2)?.parse().ok()?;
    Some(Reference::new(class, terminal, acceptor, elements.get(4..10)?, elements.get(10..20)?))
}

/// The bank's accounting date, UTC.
pub(super) fn finish(fields: &mut Fields, request: &Message<'_>, clock: &dyn Clock) {
    let utc = clock.now().utc();
    if request.mti().class() == 8 {
        set(fields, 15, &format!("{:02}{:02}", utc.month, utc.day));
    }
}
