//! Passkeys beside paying: entering a wallet on a new device, and making one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use pki::webauthn::{Assertion, Registration};
use serde::Deserialize;
use types::CheckoutSessionId;
use wallet::WalletError;
use wallet::wire::Session;

use super::card_form::{Mistake, Mistakes};
use super::context::Context;
use super::pay::read;
use super::routes::{card_page, session};
use super::view::{OfferView, OrderView, PaidPage, ResultView, card_name};
use super::{Checkout, answer};
use crate::page::html;

/// `POST /c/{session}/enter/options`.
pub(super) async fn enter_options(State(checkout): State<Checkout>) -> Response {
    match checkout.wallet.begin_enter() {
        Ok(options) => Json(options).into_response(),
        Err(error) => answer::json_error(&error),
    }
}

/// `POST /c/{session}/enter`.
pub(super) async fn enter(
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
    let entered = match serde_json::from_str::<Assertion>(form.get("assertion")) {
        Ok(assertion) => checkout.wallet.enter(form.get("ticket"), form.get("user"), &assertion).await,
        Err(_) => Err(WalletError::Unknown("passkey")),
    };
    match entered.and_then(|account| checkout.wallet.recognise(account.id)) {
        Ok(device) => {
            let mut answer = answer::see(&format!("/c/{}", session.id));
            checkout.set_device(&mut answer, &device);
            answer
        }
        Err(error) => {
            tracing::info!(code = error.code(), %error, "A passkey did not open a wallet");
            let problem = Mistake { field: None, text: page.texts().passkey_failed.to_owned() };
            let mistakes = Mistakes { list: vec![problem], ..Mistakes::default() };
            html(
                StatusCode::UNPROCESSABLE_ENTITY,
                &card_page(&checkout, page, &session, Some(mistakes), false),
            )
        }
    }
}

/// `POST /c/{session}/forget`.
pub(super) async fn forget(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse::<CheckoutSessionId>() else {
        return answer::missing(Context::new(&checkout, &headers, None).page(None));
    };
    let mut answer = answer::see(&format!("/c/{id}"));
    checkout.clear_device(&mut answer);
    answer
}

/// `POST /c/{session}/enrol/options`.
pub(super) async fn enrol_options(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let context = Context::new(&checkout, &headers, None);
    let Ok(session) = id.parse::<CheckoutSessionId>() else { return answer::json_bad_body() };
    match checkout.wallet.begin_enrol(session, context.offer().unwrap_or_default()) {
        Ok(options) => Json(options).into_response(),
        Err(error) => answer::json_error(&error),
    }
}

/// `POST /c/{session}/enrol/key`.
pub(super) async fn enrol_key(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NewKey {
        ticket: String,
        registration: Registration,
    }
    let (Ok(session), Ok(NewKey { ticket, registration })) =
        (id.parse::<CheckoutSessionId>(), serde_json::from_slice(&body))
    else {
        return answer::json_bad_body();
    };
    match checkout.wallet.begin_proof(session, &ticket, &registration) {
        Ok(options) => Json(options).into_response(),
        Err(error) => answer::json_error(&error),
    }
}

/// `POST /c/{session}/enrol`. The payment is made and stays made, whatever comes of this.
pub(super) async fn enrol(
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
    let enrolled = match serde_json::from_str::<Assertion>(form.get("assertion")) {
        Ok(proof) => checkout.wallet.enrol(session.id, form.get("ticket"), &proof).await,
        Err(_) => Err(WalletError::Unknown("passkey")),
    };
    let recognised = enrolled.and_then(|account| Ok((checkout.wallet.recognise(account.id)?, account)));
    match recognised {
        Ok((device, account)) => {
            let saved = account.cards.first().map(|card| card_name(&card.brand, &card.last4, page.locale));
            let mut answer = receipt(&checkout, &context, &session, saved, false).await;
            checkout.set_device(&mut answer, &device);
            checkout.clear_offer(&mut answer, session.id);
            answer
        }
        Err(error) => {
            tracing::warn!(code = error.code(), %error, "A card was not saved with a passkey");
            receipt(&checkout, &context, &session, None, true).await
        }
    }
}

/// The receipt again: with the saved card, or with the offer and what went wrong.
async fn receipt(
    checkout: &Checkout,
    context: &Context<'_>,
    session: &Session,
    saved: Option<String>,
    failed: bool,
) -> Response {
    let page = context.page(Some(session)).of_a_post();
    let order = OrderView::of(session, checkout.wallet.now());
    let paid = match checkout.wallet.payment(session.id, session.payment).await {
        Ok(Some(paid)) => paid,
        Ok(None) => return answer::missing(page),
        Err(error) => return answer::trouble(page, &order.path, &error),
    };
    let offered =
        context.offer().filter(|_| failed).and_then(|offer| checkout.wallet.offered(session.id, offer));
    let offer =
        offered.map(|card| OfferView { card: card_name(&card.brand, &card.last4, page.locale), failed });
    let result = ResultView::of(&paid, page.locale);
    html(StatusCode::OK, &PaidPage { page, t: page.texts(), order, result, again: false, offer, saved })
}
