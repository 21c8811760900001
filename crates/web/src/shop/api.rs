//! The public API, as the shop's server calls it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde::{Deserialize, Serialize};
use types::{Currency, Secret};

/// A future behind a trait object.
type Eventually<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Longer than the API takes when it reads.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A session to open: the body of `POST /v1/checkout_sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewSession {
    /// Minor units.
    pub amount: u64,
    /// Of this currency.
    pub currency: Currency,
    /// `automatic` or `manual`.
    pub capture_method: &'static str,
    /// The shop's number for the order.
    pub merchant_reference: String,
    /// What is bought.
    pub lines: Vec<Line>,
    /// Where the shopper goes after paying.
    pub success_url: String,
    /// Where the shopper goes after giving up.
    pub cancel_url: String,
    /// The shop's language.
    pub locale: &'static str,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// Minor units for one.
    pub unit_amount: u64,
}

/// Where an order is, as the API tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// The money has moved.
    Paid,
    /// The money is held.
    Authorized,
    /// The outcome is not known yet.
    Waiting,
    /// Not paid.
    Unpaid,
}

/// How the shopper consented, as the API tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// By passkey.
    Passkey,
    /// By typing a card.
    Guest,
    /// Nobody but the merchant.
    None,
}

/// What the API says about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// The session.
    pub session: String,
    /// The shop's number.
    pub reference: Option<String>,
    /// Where it is.
    pub status: OrderStatus,
    /// Minor units.
    pub amount: u64,
    /// Of this currency.
    pub currency: Currency,
    /// The payment, once there is one.
    pub payment: Option<PaymentView>,
    /// What the shopper signed names this order.
    pub order_digest: String,
}

/// What the API says about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentView {
    /// The payment.
    pub id: String,
    /// Its status.
    pub status: String,
    /// Brand and last four digits.
    pub card: Option<(String, String)>,
    /// How the shopper consented.
    pub evidence: Evidence,
}

/// The API gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the API: {0}")]
pub struct ApiError(pub String);

/// The two things the shop asks of the API.
pub trait ShopApi: Send + Sync {
    /// Opens a session; the answer is its id and where to send the shopper.
    fn open<'a>(
        &'a self,
        key: &'a str,
        session: &'a NewSession,
    ) -> Eventually<'a, Result<(String, String), ApiError>>;

    /// What became of a session; none when there is no such session of this shop.
    fn order<'a>(&'a self, session: &'a str) -> Eventually<'a, Result<Option<OrderView>, ApiError>>;
}

/// The API over HTTP.
pub struct HttpShopApi {
    http: reqwest::Client,
    base: Url,
    secret_key: Secret<String>,
}

impl HttpShopApi {
    /// The API at `base` (`https://api.example/`) with the merchant's secret key. The client brings its TLS configuration.
    ///
    /// # Errors
    /// [`ApiError`] when `base` is not an address.
    pub fn new(http: reqwest::Client, base: &str, secret_key: Secret<String>) -> Result<Self, ApiError> {
        let base = Url::parse(base).map_err(|error| ApiError(format!("base address: {error}")))?;
        Ok(Self { http, base, secret_key })
    }

    /// The same for an API on this machine, over plain HTTP: it trusts no certificate at all.
    ///
    /// # Errors
    /// [`ApiError`] when `base` is not an address.
    pub fn local(base: &str, secret_key: Secret<String>) -> Result<Self, ApiError> {
        let failed = |error: &dyn std::fmt::Display| ApiError(error.to_string());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| failed(&error))?
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let http = reqwest::Client::builder().tls_backend_preconfigured(tls).no_proxy();
        let http =
            http.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| failed(&error))?;
        Self::new(http, base, secret_key)
    }

    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        post: Option<(&str, &NewSession)>,
    ) -> Result<Option<T>, ApiError> {
        let failed = |error: &dyn std::fmt::Display| ApiError(error.to_string());
        let url = self.base.join(path).map_err(|error| failed(&error))?;
        let request = match post {
            Some((key, body)) => self.http.post(url).header("idempotency-key", key).json(body),
            None => self.http.get(url),
        };
        let request = request.bearer_auth(self.secret_key.expose()).timeout(TIMEOUT);
        let answer = request.send().await.map_err(|error| failed(&error))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => {
                answer.json().await.map(Some).map_err(|error| failed(&error))
            }
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(ApiError(format!("answered {status}"))),
        }
    }
}

#[derive(Deserialize)]
struct SessionBody {
    id: String,
    url: String,
    status: String,
    payment: String,
    merchant_reference: Option<String>,
    amount: u64,
    currency: Currency,
    order_digest: String,
}

#[derive(Deserialize)]
struct PaymentBody {
    id: String,
    status: String,
    card: Option<CardBody>,
    consent: Option<String>,
}

#[derive(Deserialize)]
struct CardBody {
    brand: String,
    last4: String,
}

impl ShopApi for HttpShopApi {
    fn open<'a>(
        &'a self,
        key: &'a str,
        session: &'a NewSession,
    ) -> Eventually<'a, Result<(String, String), ApiError>> {
        Box::pin(async move {
            let opened: Option<SessionBody> = self.send("v1/checkout_sessions", Some((key, session))).await?;
            let opened = opened.ok_or_else(|| ApiError("there is no such API here".to_owned()))?;
            Ok((opened.id, opened.url))
        })
    }

    fn order<'a>(&'a self, session: &'a str) -> Eventually<'a, Result<Option<OrderView>, ApiError>> {
        Box::pin(async move {
            let found: Option<SessionBody> =
                self.send(&format!("v1/checkout_sessions/{session}"), None).await?;
            let Some(found) = found else { return Ok(None) };
            // Until the shopper has consented there is no payment to read.
            let payment: Option<PaymentBody> =
                self.send(&format!("v1/payments/{}", found.payment), None).await?;
            Ok(Some(view(found, payment)))
        })
    }
}

fn view(session: SessionBody, payment: Option<PaymentBody>) -> OrderView {
    let status = match (session.status.as_str(), payment.as_ref().map(|payment| payment.status.as_str())) {
        (_, Some("succeeded")) => OrderStatus::Paid,
        (_, Some("requires_capture")) => OrderStatus::Authorized,
        (_, Some("processing")) | ("processing", _) => OrderStatus::Waiting,
        _ => OrderStatus::Unpaid,
    };
    let payment = payment.map(|payment| PaymentView {
        id: payment.id,
        status: payment.status,
        card: payment.card.map(|card| (card.brand, card.last4)),
        evidence: match payment.consent.as_deref() {
            Some("passkey") => Evidence::Passkey,
            Some("guest") => Evidence::Guest,
            _ => Evidence::None,
        },
    });
    OrderView {
        session: session.id,
        reference: session.merchant_reference,
        status,
        amount: session.amount,
        currency: session.currency,
        payment,
        order_digest: session.order_digest,
    }
}
