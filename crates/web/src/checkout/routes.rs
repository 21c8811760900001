//! The routes, and the pages that only look.

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use types::{CheckoutSessionId, PaymentId};
use wallet::Account;
use wallet::wire::{PaymentResult, Session, SessionStatus};

use super::context::{Context, parameter};
use super::view::{
    CardPage, OfferView, OrderView, PaidPage, PasskeyPage, ResultView, brands, card_name, cards,
};
use super::{Checkout, Mistakes, answer, ceremony, pay, result};
use crate::amount::example_expiry;
use crate::assets::{ASSETS, script_inventory};
use crate::form::MAX_BYTES;
use crate::headers::{protect, same_origin};
use crate::page::{Page, html};

/// The checkout, its files and its script inventory. Every answer carries the security headers.
pub fn router(checkout: Checkout) -> Router {
    Router::new()
        .route("/c/{session}", get(show))
        .route("/c/{session}/card", post(pay::by_card))
        .route("/c/{session}/passkey/options", post(pay::passkey_options))
        .route("/c/{session}/passkey", post(pay::by_passkey))
        .route("/c/{session}/enter/options", post(ceremony::enter_options))
        .route("/c/{session}/enter", post(ceremony::enter))
        .route("/c/{session}/forget", post(ceremony::forget))
        .route("/c/{session}/enrol/options", post(ceremony::enrol_options))
        .route("/c/{session}/enrol/key", post(ceremony::enrol_key))
        .route("/c/{session}/enrol", post(ceremony::enrol))
        .route("/c/{session}/p/{payment}", get(show_payment))
        .route("/c/{session}/p/{payment}/status", get(status))
        .route("/c", get(nowhere))
        .route("/c/{session}/{*rest}", get(nowhere))
        .route("/assets/{file}", get(asset))
        .route("/.well-known/payment-page-scripts.json", get(inventory))
        .layer(DefaultBodyLimit::max(MAX_BYTES))
        .layer(middleware::from_fn_with_state(checkout.clone(), guard))
        .with_state(checkout)
}

/// What may change something must come from our own pages; what goes out is protected.
async fn guard(State(checkout): State<Checkout>, request: Request, next: Next) -> Response {
    let mut answer = if same_origin(request.method(), request.headers(), &checkout.wallet.site().origin) {
        next.run(request).await
    } else {
        answer::refused(Context::new(&checkout, request.headers(), None).page(None))
    };
    protect(&mut answer, &checkout.policy);
    answer
}

/// The session that a path names, or the page that says why not.
pub(super) async fn session(
    checkout: &Checkout,
    context: &Context<'_>,
    id: &str,
) -> Result<Session, Response> {
    let Ok(id) = id.parse::<CheckoutSessionId>() else { return Err(answer::missing(context.page(None))) };
    match checkout.wallet.session(id).await {
        Ok(Some(session)) => Ok(session),
        Ok(None) => Err(answer::missing(context.page(None))),
        Err(error) => Err(answer::trouble(context.page(None), &format!("/c/{id}"), &error)),
    }
}

async fn show(
    State(checkout): State<Checkout>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let context = Context::new(&checkout, &headers, query.as_deref());
    let session = match session(&checkout, &context, &id).await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let by_card = query.as_deref().and_then(|query| parameter(query, "with")).as_deref() == Some("card");
    let mut answer = show_session(&checkout, &context, &session, by_card).await;
    context.remember_language(session.id, &mut answer);
    answer
}

/// The page of a session as it is now.
async fn show_session(
    checkout: &Checkout,
    context: &Context<'_>,
    session: &Session,
    by_card: bool,
) -> Response {
    let page = context.page(Some(session));
    let order = OrderView::of(session, checkout.wallet.now());
    match session.status {
        SessionStatus::Open if order.closes_in > 0 => match known(checkout, context).await {
            Some(account) if !by_card => match passkey_page(checkout, page, session, &account, None) {
                Some(page) => html(StatusCode::OK, &page),
                None => html(StatusCode::OK, &card_page(checkout, page, session, None, true)),
            },
            known => html(StatusCode::OK, &card_page(checkout, page, session, None, known.is_some())),
        },
        SessionStatus::Open | SessionStatus::Expired => answer::expired(page, order),
        SessionStatus::Processing | SessionStatus::Complete => {
            match checkout.wallet.payment(session.id, session.payment).await {
                Ok(Some(found)) => show_result(checkout, context, page, session, &found, true),
                Ok(None) => answer::unsure(page, order),
                Err(error) => answer::trouble(page, &order.path, &error),
            }
        }
    }
}

/// The wallet of a recognised device. That it cannot be read only means that the card form is shown instead.
pub(super) async fn known(checkout: &Checkout, context: &Context<'_>) -> Option<Account> {
    match checkout.wallet.recognised(context.device()?).await {
        Ok(account) => account,
        Err(error) => {
            tracing::warn!(%error, "A recognised device is treated as a new one");
            None
        }
    }
}

/// The card form, with what was wrong if it was sent before.
pub(super) fn card_page(
    checkout: &Checkout,
    page: Page,
    session: &Session,
    mistakes: Option<Mistakes>,
    device_known: bool,
) -> CardPage {
    let ask_again = mistakes.is_some();
    let Mistakes { list, expiry, name, save } = mistakes.unwrap_or_default();
    CardPage {
        page,
        t: page.texts(),
        order: OrderView::of(session, checkout.wallet.now()),
        form: checkout.wallet.form_token(session),
        brands: brands(session, page.locale),
        example: example_expiry(checkout.wallet.now()),
        problems: list,
        ask_again,
        typed_expiry: expiry,
        typed_name: name,
        save,
        passkeys: !device_known,
    }
}

/// The page of a recognised device; none when its wallet has no card that can be used here.
pub(super) fn passkey_page(
    checkout: &Checkout,
    page: Page,
    session: &Session,
    account: &Account,
    problem: Option<String>,
) -> Option<PasskeyPage> {
    let cards = cards(account, session, checkout.wallet.now(), page.locale);
    let order = OrderView::of(session, checkout.wallet.now());
    let form = checkout.wallet.form_token(session);
    (!cards.is_empty()).then(|| PasskeyPage { page, t: page.texts(), order, form, cards, problem })
}

async fn show_payment(
    State(checkout): State<Checkout>,
    Path((id, payment)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let context = Context::new(&checkout, &headers, query.as_deref());
    let session = match session(&checkout, &context, &id).await {
        Ok(session) => session,
        Err(answer) => return answer,
    };
    let page = context.page(Some(&session));
    let Ok(payment) = payment.parse::<PaymentId>() else { return answer::missing(page) };
    let mut answer = match checkout.wallet.payment(session.id, payment).await {
        Ok(Some(found)) => show_result(&checkout, &context, page, &session, &found, false),
        // Nobody has heard of it: only of the payment that the session waits for can that be a lost request.
        Ok(None) if payment == session.payment => {
            answer::unsure(page, OrderView::of(&session, checkout.wallet.now()))
        }
        Ok(None) => answer::missing(page),
        Err(error) => answer::trouble(page, &format!("/c/{}/p/{payment}", session.id), &error),
    };
    context.remember_language(session.id, &mut answer);
    answer
}

/// The page of a payment as it is now.
fn show_result(
    checkout: &Checkout,
    context: &Context<'_>,
    page: Page,
    session: &Session,
    found: &PaymentResult,
    again: bool,
) -> Response {
    let order = OrderView::of(session, checkout.wallet.now());
    if let Some(notice) = result::notice(found, session, &order, page.locale) {
        return answer::notice(StatusCode::OK, page, Some(order), notice);
    }
    let offered = context.offer().and_then(|offer| checkout.wallet.offered(session.id, offer));
    let offer = offered
        .map(|card| OfferView { card: card_name(&card.brand, &card.last4, page.locale), failed: false });
    let result = ResultView::of(found, page.locale);
    html(StatusCode::OK, &PaidPage { page, t: page.texts(), order, result, again, offer, saved: None })
}

async fn status(State(checkout): State<Checkout>, Path((id, payment)): Path<(String, String)>) -> Response {
    let (Ok(session), Ok(payment)) = (id.parse(), payment.parse()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match checkout.wallet.payment(session, payment).await {
        Ok(Some(found)) => Json(json!({ "pending": found.outcome.pending() })).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn nowhere(State(checkout): State<Checkout>, headers: HeaderMap) -> Response {
    answer::missing(Context::new(&checkout, &headers, None).page(None))
}

/// A file by its hashed name: it never changes under it, so it may be kept for ever.
pub(crate) async fn asset(Path(file): Path<String>) -> Response {
    let Some(asset) = ASSETS.find(&file) else { return StatusCode::NOT_FOUND.into_response() };
    let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
    let kind = HeaderValue::from_static(asset.content_type);
    ([(header::CACHE_CONTROL, keep), (header::CONTENT_TYPE, kind)], asset.body).into_response()
}

async fn inventory() -> Response {
    Json(script_inventory()).into_response()
}
