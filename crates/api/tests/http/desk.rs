//! A merchant's server: sends requests to the API of a world, without a network.

use std::sync::Arc;

use api::webhook::Courier;
use api::{ApiState, Config, Fault, FaultRefused, TestBank, TestCard, TestHelpers};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use testkit::{Seeded, Shop, World};
use tower::ServiceExt as _;

/// The operator's key and its SHA-256.
pub const OPERATOR_KEY: &str = "operator-key-of-the-tests";

/// A merchant at the API.
pub struct Desk {
    pub world: World,
    pub shop: Shop,
    pub router: Router,
    pub key: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    /// The body as JSON; null when it is none.
    pub body: Value,
}

impl Answer {
    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A string within the body.
    pub fn at(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The code of a problem, after a look at what every problem has.
    pub fn problem(&self) -> &str {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(self.body["status"], self.status);
        assert_eq!(self.at("/request_id"), self.header("request-id"));
        let code = api::problem::Code::from_name(self.at("/code")).expect("a known code");
        assert_eq!(code.status(), self.status);
        assert!(self.at("/type").ends_with(&format!("/docs/errors/{}", code.name())));
        assert!(!self.at("/detail").is_empty());
        self.at("/code")
    }
}

impl Desk {
    /// A desk in a world of its own.
    pub async fn seeded(seed: u64) -> Self {
        Self::with(World::seeded(seed).await, seed, false).await
    }

    /// A desk whose webhooks may go to this machine.
    pub async fn with_webhooks(seed: u64) -> Self {
        Self::with(World::seeded(seed).await, seed, true).await
    }

    async fn with(world: World, seed: u64, allow_private_networks: bool) -> Self {
        let shop = world.merchant("tea").await;
        let key = world.pcs().create_key(shop.id()).await.unwrap().expose().clone();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, OPERATOR_KEY.as_bytes());
        let config = Config {
            public_url: "https://api.example".to_owned(),
            checkout_url: "https://pay.example".to_owned(),
            livemode: false,
            allow_private_networks,
            operator_key_sha256: Some(digest.as_ref().try_into().unwrap()),
        };
        let state = Arc::new(ApiState {
            pcs: Arc::clone(world.pcs()),
            config,
            clock: Arc::clone(&world.clock) as _,
            entropy: Arc::new(Seeded::new(seed + 1)),
            courier: Courier::new(allow_private_networks).unwrap(),
            test_helpers: Some(Arc::new(Helpers)),
        });
        Self { world, shop, router: api::router(state), key }
    }

    /// Sends whatever it is given.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, body }
    }

    /// A request with the merchant's key.
    pub fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", self.key))
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path).body(Body::empty()).unwrap()).await
    }

    /// POST without an idempotency key; an empty body is no body.
    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(self.json(self.request(Method::POST, path), body)).await
    }

    /// POST with an idempotency key.
    pub async fn post_with(&self, key: &str, path: &str, body: &str) -> Answer {
        self.send(self.json(self.request(Method::POST, path).header("idempotency-key", key), body)).await
    }

    fn json(&self, request: axum::http::request::Builder, body: &str) -> Request<Body> {
        let request = match body {
            "" => request,
            _ => request.header("content-type", "application/json"),
        };
        request.body(Body::from(body.to_owned())).unwrap()
    }

    /// A sale over 12.50 EUR with a test card.
    pub async fn sale(&self, key: &str, pan: &str) -> Answer {
        self.payment(key, pan, "automatic").await
    }

    /// An authorization over 12.50 EUR with a test card.
    pub async fn authorization(&self, key: &str, pan: &str) -> Answer {
        self.payment(key, pan, "manual").await
    }

    async fn payment(&self, key: &str, pan: &str, capture_method: &str) -> Answer {
        let card = self.world.card(&self.shop, pan).await;
        let body = format!(
            r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{card}",
                "capture_method": "{capture_method}"}}"#
        );
        self.post_with(key, "/v1/payments", &body).await
    }
}

/// Stands in for the demo's helpers.
struct Helpers;

impl TestHelpers for Helpers {
    fn cards(&self) -> Vec<TestCard> {
        Vec::new()
    }

    fn banks(&self) -> Vec<TestBank> {
        vec![TestBank { name: "north".to_owned(), faults: vec!["silent".to_owned()] }]
    }

    fn inject(&self, bank: &str, fault: Fault) -> Result<(), FaultRefused> {
        match (bank, fault.fault.as_str()) {
            ("north", "silent") => Ok(()),
            ("north", _) => Err(FaultRefused::UnknownFault(vec!["silent".to_owned()])),
            _ => Err(FaultRefused::UnknownBank),
        }
    }
}

/// What the operator asks.
pub async fn operator(desk: &Desk, method: Method, path: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {OPERATOR_KEY}"))
        .header("content-type", "application/json");
    desk.send(request.body(body.to_owned().into()).unwrap()).await
}
