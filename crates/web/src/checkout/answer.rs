//! The answers that several handlers give.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use types::PaymentId;
use wallet::wire::Session;
use wallet::{PcsError, WalletError};

use super::view::{Notice, NoticePage, OrderView};
use crate::page::{Page, html};
use crate::text::fill;

/// A page that says one thing.
pub(super) fn notice(status: StatusCode, page: Page, order: Option<OrderView>, notice: Notice) -> Response {
    html(status, &NoticePage { page, t: page.texts(), order, notice })
}

/// 303: the next page is asked for by GET, so a reload repeats nothing.
pub(super) fn see(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        // Paths are made of ids.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page of a payment.
pub(super) fn see_payment(session: &Session, payment: PaymentId) -> Response {
    see(&format!("/c/{}/p/{payment}", session.id))
}

pub(super) fn missing(page: Page) -> Response {
    let t = page.texts();
    notice(StatusCode::NOT_FOUND, page, None, Notice::new("bad", t.missing_title, t.missing_body))
}

pub(super) fn refused(page: Page) -> Response {
    let t = page.texts();
    notice(StatusCode::FORBIDDEN, page, None, Notice::new("bad", t.refused_title, t.refused_body))
}

/// The session is over and nothing was paid.
pub(super) fn expired(page: Page, order: OrderView) -> Response {
    let t = page.texts();
    let back = fill(t.return_to, "merchant", &order.merchant);
    let body = Notice::new("bad", t.expired_title, t.expired_body).with(order.cancel_url.clone(), back);
    notice(StatusCode::GONE, page, Some(order), body)
}

/// The gateway cannot tell right now. Says nothing about money, for it is not known.
pub(super) fn trouble(page: Page, path: &str, error: &WalletError) -> Response {
    tracing::error!(code = error.code(), %error, "A checkout page cannot be shown");
    let t = page.texts();
    let body = Notice::new("bad", t.trouble_title, t.trouble_body).with(path, t.try_again);
    let mut answer = notice(StatusCode::SERVICE_UNAVAILABLE, page, None, body);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}

/// No instruction for this payment is known: it can safely be sent again, for it would be the same payment.
pub(super) fn unsure(page: Page, order: OrderView) -> Response {
    let t = page.texts();
    let body = Notice::new("wait", t.unsure_title, t.unsure_body).with(order.path.clone(), t.unsure_button);
    notice(StatusCode::OK, page, Some(order), body)
}

/// A payment that was refused before any bank was asked, or never left. Only called when that is known.
pub(super) fn not_paid(page: Page, order: OrderView, error: &WalletError) -> Response {
    tracing::warn!(code = error.code(), %error, "A payment was not made");
    let t = page.texts();
    let (status, title, body) = match error {
        WalletError::Pcs(PcsError::NotSent(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, t.trouble_title, t.not_sent_body)
        }
        WalletError::Pcs(PcsError::Refused { .. }) => {
            (StatusCode::UNPROCESSABLE_ENTITY, t.not_accepted_title, t.not_accepted_body)
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, t.trouble_title, t.not_sent_body),
    };
    let body = Notice::new("bad", title, body)
        .with(order.path.clone(), t.try_again)
        .with(order.cancel_url.clone(), fill(t.return_to, "merchant", &order.merchant));
    notice(status, page, Some(order), body)
}

/// The answer to a script whose ceremony cannot go on.
pub(super) fn json_error(error: &WalletError) -> Response {
    let status = match error {
        WalletError::Pcs(_) | WalletError::Accounts(_) => StatusCode::SERVICE_UNAVAILABLE,
        WalletError::Certifier(_)
        | WalletError::Recipient(_)
        | WalletError::Order(_)
        | WalletError::Instruction(_) => {
            tracing::error!(code = error.code(), %error, "A passkey ceremony cannot go on");
            StatusCode::INTERNAL_SERVER_ERROR
        }
        WalletError::StaleForm | WalletError::SessionClosed => StatusCode::CONFLICT,
        WalletError::Ticket(_) | WalletError::Passkey(_) | WalletError::Unknown(_) => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    (status, Json(json!({ "code": error.code() }))).into_response()
}

/// The answer to a body that no script of ours sends.
pub(super) fn json_bad_body() -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "code": "body_invalid" }))).into_response()
}
