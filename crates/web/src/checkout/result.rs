//! From what became of a payment to the words for it. "No money has been taken" is said only here, and only when known.

use wallet::wire::{Outcome, PaymentResult, Session};

use super::view::{Notice, OrderView};
use crate::locale::Locale;
use crate::text::{Texts, fill};

/// The notice for a payment that is not paid; none for one that is.
pub(super) fn notice(
    result: &PaymentResult,
    session: &Session,
    order: &OrderView,
    locale: Locale,
) -> Option<Notice> {
    let t = locale.texts();
    match result.outcome {
        Outcome::Paid | Outcome::Authorized => None,
        Outcome::Processing | Outcome::InDoubt => Some(waiting(result, order, t)),
        Outcome::Declined => {
            let code = result.decline.as_ref().map_or("", |decline| decline.code.as_str());
            Some(again(Notice::new("bad", t.declined_title, declined(code, t)), session, order, t))
        }
        Outcome::Canceled => {
            let body = if result.undone { t.undone_body } else { t.canceled_body };
            Some(again(Notice::new("bad", t.undone_title, body), session, order, t))
        }
    }
}

/// The page for a payment in doubt. It never says that nothing was taken.
fn waiting(result: &PaymentResult, order: &OrderView, t: &'static Texts) -> Notice {
    let path = format!("{}/p/{}", order.path, result.payment);
    let mut notice = Notice::new("wait", t.waiting_title, t.waiting_body).with(path.clone(), t.check_now);
    notice.more = Some(t.waiting_more);
    notice.refresh = true;
    notice.status_path = Some(format!("{path}/status"));
    notice
}

/// The sentence for a decline. A code that we don't know is told as the bank's plain no.
fn declined(code: &str, t: &'static Texts) -> &'static str {
    match code {
        "insufficient_funds" => t.declined_funds,
        "amount_limit_exceeded" | "frequency_limit_exceeded" => t.declined_limit,
        "expired_card" => t.declined_expired,
        "incorrect_number" | "incorrect_cvc" => t.declined_details,
        "host_unavailable" | "issuer_unavailable" => t.declined_unreachable,
        _ => t.declined_body,
    }
}

/// Adds what can be done when nothing was taken: try again while the session is open, go back in any case.
fn again(notice: Notice, session: &Session, order: &OrderView, t: &'static Texts) -> Notice {
    let open = session.status == wallet::wire::SessionStatus::Open && order.closes_in > 0;
    let notice = if open { notice.with(order.path.clone(), t.try_another_card) } else { notice };
    notice.with(order.cancel_url.clone(), fill(t.return_to, "merchant", &order.merchant))
}
