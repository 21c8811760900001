//! The two ways to pay.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use pki::webauthn::Assertion;
use serde::Deserialize;
use types::PaymentMethodId;
use wallet::wire::Session;
use wallet::{Account, WalletError};

use super::card_form::{CardForm, Mistake, Mistakes};
use super::context::Context;
use super::routes::{card_page, known, passkey_page, session};
use super::view::OrderView;
use super::{Checkout, answer};
use crate::form::Form;
use crate::page::html;

/// `POST /c/{session}/card`.
pub(super) async fn by_card(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let context = Context::new(&checkout, &headers, None);
    let session = match session(&checkout, &context, &id).await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let page = context.page(Some(&session)).of_a_post();
    let Some(form) = read(body) else { return answer::refused(page) };
    let device_known = known(&checkout, &context).await.is_some();
    let now = checkout.wallet.now();
    let paid = match CardForm::read(&form, &session.accepted_brands, now, page.locale) {
        Ok(CardForm { card, save }) => {
            checkout.wallet.pay_as_guest(&session, form.get("form"), &card, save).await
        }
        Err(mistakes) => {
            let page = card_page(&checkout, page, &session, Some(mistakes), device_known);
            return html(StatusCode::UNPROCESSABLE_ENTITY, &page);
        }
    };
    match paid {
        Ok(paid) => {
            let mut answer = answer::see_payment(&session, paid.result.payment);
            if let Some(offer) = paid.offer {
                checkout.set_offer(&mut answer, session.id, &offer);
            }
            answer
        }
        Err(WalletError::StaleForm) => {
            let stale = Mistake { field: None, text: page.texts().form_stale.to_owned() };
            let mistakes = Mistakes { list: vec![stale], ..Mistakes::default() };
            html(StatusCode::CONFLICT, &card_page(&checkout, page, &session, Some(mistakes), device_known))
        }
        Err(error) => {
            failed(&session, &error, || answer::not_paid(page, OrderView::of(&session, now), &error))
        }
    }
}

/// `POST /c/{session}/passkey/options`.
pub(super) async fn passkey_options(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Ask {
        form: String,
        card: PaymentMethodId,
    }
    let context = Context::new(&checkout, &headers, None);
    let Ok(Ask { form, card }) = serde_json::from_slice(&body) else { return answer::json_bad_body() };
    let session = match session(&checkout, &context, &id).await {
        Ok(session) => session,
        Err(page) => return page.status().into_response(),
    };
    let Some(account) = known(&checkout, &context).await else {
        return answer::json_error(&WalletError::Unknown("wallet"));
    };
    match checkout.wallet.begin_consent(&session, &form, &account, card) {
        Ok(options) => Json(options).into_response(),
        Err(error) => answer::json_error(&error),
    }
}

/// `POST /c/{session}/passkey`.
pub(super) async fn by_passkey(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let context = Context::new(&checkout, &headers, None);
    let session = match session(&checkout, &context, &id).await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let page = context.page(Some(&session)).of_a_post();
    let Some(form) = read(body) else { return answer::refused(page) };
    // Without an answer of a passkey (no script, or a form sent by hand) there is nothing to act on.
    let Ok(assertion) = serde_json::from_str::<Assertion>(form.get("assertion")) else {
        return try_again(&checkout, &context, &session, page.texts().passkey_failed).await;
    };
    match checkout.wallet.consent(&session, form.get("form"), form.get("consent"), assertion).await {
        Ok(result) => answer::see_payment(&session, result.payment),
        Err(WalletError::StaleForm) => {
            try_again(&checkout, &context, &session, page.texts().form_stale).await
        }
        Err(error @ (WalletError::Ticket(_) | WalletError::Passkey(_) | WalletError::Unknown(_))) => {
            tracing::warn!(code = error.code(), %error, "A passkey was not accepted");
            try_again(&checkout, &context, &session, page.texts().passkey_failed).await
        }
        Err(error) => failed(&session, &error, || {
            answer::not_paid(page, OrderView::of(&session, checkout.wallet.now()), &error)
        }),
    }
}

/// A payment that didn't come about: what is known decides which page says so.
fn failed(session: &Session, error: &WalletError, not_paid: impl FnOnce() -> Response) -> Response {
    match error {
        // The session has moved on: its own page tells how.
        WalletError::SessionClosed => answer::see(&format!("/c/{}", session.id)),
        // It may have been paid: the page of the payment finds out.
        error if error.may_have_paid() => answer::see_payment(session, session.payment),
        _ => not_paid(),
    }
}

/// The passkey page again, with what went wrong; the card form when the device is not known.
async fn try_again(checkout: &Checkout, context: &Context<'_>, session: &Session, problem: &str) -> Response {
    let page = context.page(Some(session)).of_a_post();
    let account: Option<Account> = known(checkout, context).await;
    let shown = account
        .as_ref()
        .and_then(|account| passkey_page(checkout, page, session, account, Some(problem.to_owned())));
    match shown {
        Some(page) => html(StatusCode::UNPROCESSABLE_ENTITY, &page),
        None => {
            let problem = Mistake { field: None, text: problem.to_owned() };
            let mistakes = Mistakes { list: vec![problem], ..Mistakes::default() };
            let page = card_page(checkout, page, session, Some(mistakes), account.is_some());
            html(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// Reads a form and wipes the bytes that it came in, where they are ours alone.
pub(super) fn read(body: Bytes) -> Option<Form> {
    let form = Form::read(&body).ok();
    if let Ok(mut bytes) = body.try_into_mut() {
        zeroize::Zeroize::zeroize(&mut bytes[..]);
    }
    form
}
