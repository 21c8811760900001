//! The shop's routes.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use types::{Entropy, Money, Secret};

use super::api::{ApiError, Evidence, HttpShopApi, Line, NewSession, OrderStatus, OrderView, ShopApi};
use super::goods::{GOODS, Item};
use super::page::{Fact, ItemView, ProductsPage, ThanksPage};
use crate::amount::Amount;
use crate::checkout::view::card_name;
use crate::form::Form;
use crate::headers::{content_security_policy, cookie, protect, same_origin};
use crate::locale::Locale;
use crate::page::{Page, html};
use crate::text::fill;

/// Where the shop lies on its host.
const BASE: &str = "/shop";
const LANGUAGE: &str = "shop-lang";
const SESSION: &str = "shop-session";
/// A form of one word.
const MAX_BODY: usize = 1024;

/// What the shop's handlers share.
#[derive(Clone)]
pub struct Shop {
    api: Arc<dyn ShopApi>,
    entropy: Arc<dyn Entropy>,
    /// Where the shop is: `https://shop.example`.
    origin: Arc<str>,
    policy: HeaderValue,
}

/// What a demo shop needs.
pub struct Setup {
    /// Where the public API is: `http://127.0.0.1:8080`.
    pub api_url: String,
    /// The shop's secret key.
    pub secret_key: Secret<String>,
    /// Where shoppers find the shop, `…/shop`; [`router`] is to be nested there.
    pub shop_url: String,
    /// Where shoppers pay.
    pub checkout_url: String,
    /// Order numbers.
    pub entropy: Arc<dyn Entropy>,
}

/// A shop that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The shop's address.
    #[error("shop_url must end in {BASE}")]
    ShopUrl,
    /// An address that cannot stand in a header.
    #[error("checkout_url must be an origin such as https://pay.example")]
    CheckoutUrl,
    /// The API's client.
    #[error(transparent)]
    Api(#[from] ApiError),
}

/// The shop, to be nested under `/shop`. It talks to the API over HTTP and knows nothing else of the gateway.
///
/// # Errors
/// [`SetupError`] names the setting that is wrong.
pub fn router(setup: Setup) -> Result<Router, SetupError> {
    let Setup { api_url, secret_key, shop_url, checkout_url, entropy } = setup;
    let api = Arc::new(HttpShopApi::local(&api_url, secret_key)?);
    Ok(pages(Shop::new(api, entropy, &shop_url, &checkout_url)?))
}

impl Shop {
    /// A shop at `shop_url` whose shoppers pay at `checkout_url`.
    ///
    /// # Errors
    /// [`SetupError`] names the address that is wrong.
    pub fn new(
        api: Arc<dyn ShopApi>,
        entropy: Arc<dyn Entropy>,
        shop_url: &str,
        checkout_url: &str,
    ) -> Result<Self, SetupError> {
        let origin = shop_url.strip_suffix(BASE).ok_or(SetupError::ShopUrl)?;
        // Anything else could add a directive of its own to the policy.
        if checkout_url.contains([' ', ';', ',']) || !checkout_url.starts_with("http") {
            return Err(SetupError::CheckoutUrl);
        }
        let policy = HeaderValue::from_str(&content_security_policy(&[checkout_url]))
            .map_err(|_| SetupError::CheckoutUrl)?;
        Ok(Self { api, entropy, origin: origin.into(), policy })
    }
}

/// The routes of a shop, to be nested under `/shop`.
pub fn pages(shop: Shop) -> Router {
    Router::new()
        .route("/", get(shelf))
        .route("/buy", post(buy))
        .route("/thanks/{order}", get(thanks))
        .route("/thanks/{order}/status", get(status))
        .route("/canceled/{order}", get(canceled))
        .route("/assets/{file}", get(crate::checkout::asset))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(shop.clone(), guard))
        .with_state(shop)
}

async fn guard(State(shop): State<Shop>, request: Request, next: Next) -> Response {
    let mut answer = if same_origin(request.method(), request.headers(), &shop.origin) {
        next.run(request).await
    } else {
        StatusCode::FORBIDDEN.into_response()
    };
    protect(&mut answer, &shop.policy);
    answer
}

fn page(headers: &HeaderMap, query: Option<&str>) -> Page {
    let switched = query.and_then(|query| query.strip_prefix("lang="));
    let browser = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let locale = Locale::choose(switched.or_else(|| cookie(headers, LANGUAGE)), None, browser);
    Page { base: BASE, ..Page::new(locale) }
}

/// Keeps the switched language for the next pages.
fn remember(query: Option<&str>, mut answer: Response) -> Response {
    if let Some(locale) = query.and_then(|query| query.strip_prefix("lang=")).and_then(Locale::from_tag) {
        set_cookie(&mut answer, &format!("{LANGUAGE}={}; Path={BASE}; Max-Age=86400", locale.tag()));
    }
    answer
}

fn set_cookie(answer: &mut Response, cookie: &str) {
    if let Ok(line) = HeaderValue::from_str(&format!("{cookie}; HttpOnly; SameSite=Lax")) {
        answer.headers_mut().append(header::SET_COOKIE, line);
    }
}

async fn shelf(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let shown = html(StatusCode::OK, &products(page(&headers, query.as_deref()), false));
    remember(query.as_deref(), shown)
}

/// The shelf in a language.
fn products(page: Page, unavailable: bool) -> ProductsPage {
    let t = page.texts();
    let item = |item: &Item| ItemView {
        code: item.code,
        name: item.name(t),
        about: item.about(t),
        amount: Amount::of(item.money()),
        picture: item.picture,
    };
    ProductsPage { page, t, items: GOODS.iter().map(item).collect(), unavailable }
}

/// `POST /shop/buy`.
async fn buy(State(shop): State<Shop>, headers: HeaderMap, body: Bytes) -> Response {
    let page = page(&headers, None);
    let item =
        Form::read(&body).ok().and_then(|form| GOODS.iter().find(|item| item.code == form.get("item")));
    let Some(item) = item else { return html(StatusCode::UNPROCESSABLE_ENTITY, &products(page, true)) };
    let number = shop.entropy.u128();
    // Short enough to read out, long enough not to come twice in a demo's life.
    let order = format!("RT-{:010}", number % 10_000_000_000);
    let session = NewSession {
        amount: item.price,
        currency: item.currency,
        capture_method: if item.ships_later { "manual" } else { "automatic" },
        merchant_reference: order.clone(),
        lines: vec![Line { name: item.name(page.texts()).to_owned(), quantity: 1, unit_amount: item.price }],
        success_url: format!("{}{BASE}/thanks/{order}", shop.origin),
        cancel_url: format!("{}{BASE}/canceled/{order}", shop.origin),
        locale: page.lang(),
    };
    match shop.api.open(&format!("shop-{number:032x}"), &session).await {
        Ok((id, url)) => match HeaderValue::from_str(&url) {
            Ok(location) => {
                let mut answer = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
                // The shop's memory of the order: which session to ask the API for.
                let path = format!("{BASE}/thanks/{order}");
                set_cookie(&mut answer, &format!("{SESSION}={id}; Path={path}; Max-Age=86400"));
                answer
            }
            Err(_) => html(StatusCode::BAD_GATEWAY, &products(page, true)),
        },
        Err(error) => {
            tracing::warn!(%error, "The demo shop could not open a checkout");
            html(StatusCode::BAD_GATEWAY, &products(page, true))
        }
    }
}

/// The order of a thank-you page, asked of the API; none when this browser did not order it.
async fn ordered(shop: &Shop, headers: &HeaderMap, order: &str) -> Option<OrderView> {
    let session = cookie(headers, SESSION)?;
    // The cookie is the browser's word, so it is checked before it becomes part of an address.
    let id = session.parse::<types::CheckoutSessionId>().ok()?.to_string();
    match shop.api.order(&id).await {
        Ok(found) => found.filter(|found| found.reference.as_deref() == Some(order)),
        Err(error) => {
            tracing::warn!(%error, "The demo shop could not read an order");
            None
        }
    }
}

async fn thanks(
    State(shop): State<Shop>,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let page = page(&headers, query.as_deref());
    let found = ordered(&shop, &headers, &order).await;
    remember(query.as_deref(), html(StatusCode::OK, &thanks_page(page, &order, found.as_ref())))
}

/// The page after the checkout.
fn thanks_page(page: Page, order: &str, found: Option<&OrderView>) -> ThanksPage {
    let t = page.texts();
    let status = found.map_or(OrderStatus::Unpaid, |found| found.status);
    let sentence = match status {
        OrderStatus::Paid => t.thanks_paid,
        OrderStatus::Authorized => t.thanks_authorized,
        OrderStatus::Waiting => t.thanks_waiting,
        OrderStatus::Unpaid => t.thanks_unpaid,
    };
    let title = match status {
        OrderStatus::Paid | OrderStatus::Authorized => t.thanks_title,
        OrderStatus::Waiting => t.waiting_title,
        OrderStatus::Unpaid => t.shop_canceled_title,
    };
    ThanksPage {
        page,
        t,
        title,
        sentence: fill(sentence, "order", order),
        status_path: (status == OrderStatus::Waiting).then(|| format!("{BASE}/thanks/{order}/status")),
        facts: found.map(|found| facts(page, found)).unwrap_or_default(),
    }
}

fn facts(page: Page, found: &OrderView) -> Vec<Fact> {
    let t = page.texts();
    let fact = |name, value: &str| Fact { name, value: value.to_owned() };
    let amount = Money::new(found.amount, found.currency).map(|money| Amount::of(money).to_string());
    let mut facts = vec![fact(t.amount, &amount.unwrap_or_default())];
    if let Some(payment) = &found.payment {
        facts.push(fact(t.status, &payment.status));
        if let Some((brand, last4)) = &payment.card {
            facts.push(Fact { name: t.paid_with, value: card_name(brand, last4, page.locale) });
        }
        let evidence = match payment.evidence {
            Evidence::Passkey => t.consent_passkey,
            Evidence::Guest => t.consent_guest,
            Evidence::None => t.evidence_none,
        };
        facts.push(fact(t.evidence, evidence));
        facts.push(fact(t.payment_id, &payment.id));
    }
    facts.push(fact(t.order_digest, &found.order_digest));
    facts
}

async fn status(State(shop): State<Shop>, Path(order): Path<String>, headers: HeaderMap) -> Response {
    match ordered(&shop, &headers, &order).await {
        Some(found) => Json(json!({ "pending": found.status == OrderStatus::Waiting })).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn canceled(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let page = page(&headers, query.as_deref());
    let t = page.texts();
    let sentence = t.shop_canceled.to_owned();
    let title = t.shop_canceled_title;
    let shown =
        html(StatusCode::OK, &ThanksPage { page, t, title, sentence, status_path: None, facts: Vec::new() });
    remember(query.as_deref(), shown)
}
