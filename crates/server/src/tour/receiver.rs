//! A shop's webhook address, for the length of the tour: takes what comes, and believes only what is signed.

use std::sync::Arc;

use aws_lc_rs::hmac;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::client::Client;
use crate::fault::{Fault, Tried as _};

/// A webhook that was received and believed.
#[derive(Clone, Debug)]
pub struct Heard {
    pub kind: String,
    pub sequence: u64,
}

/// The receiver; it stops with the tour.
pub struct Receiver {
    endpoint: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    serving: JoinHandle<()>,
}

struct Shop {
    secret: Mutex<Option<hmac::Key>>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Receiver {
    /// Listens, and has the gateway tell it everything.
    pub async fn start(client: &Client) -> Result<Self, Fault> {
        let failed = "cannot receive webhooks";
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.tried(failed)?;
        let url = format!("http://{}/webhooks", listener.local_addr().tried(failed)?);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let shop = Arc::new(Shop { secret: Mutex::new(None), heard: Arc::clone(&heard) });
        let router = Router::new().route("/webhooks", post(receive)).with_state(Arc::clone(&shop));
        let serving = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let made = client.post("/v1/webhook_endpoints", None, &json!({ "url": url })).await?;
        let secret = made.body["secret"].as_str().and_then(|secret| secret.strip_prefix("whsec_"));
        let secret =
            secret.ok_or_else(|| Fault::plain(format!("no webhook endpoint was made: {}", made.body)))?;
        *shop.secret.lock() = Some(hmac::Key::new(hmac::HMAC_SHA256, &decode(secret).tried(failed)?));
        Ok(Self { endpoint: made.body["id"].as_str().unwrap_or("").to_owned(), heard, serving })
    }

    /// What was received and believed so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().clone()
    }

    /// Has the gateway forget the address, and stops.
    pub async fn stop(self, client: &Client) -> Result<(), Fault> {
        client.delete(&format!("/v1/webhook_endpoints/{}", self.endpoint)).await?;
        self.serving.abort();
        Ok(())
    }
}

/// Standard Webhooks 1.0.0: HMAC-SHA256 over id, time and body.
async fn receive(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut signed = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&body);
    let believed = shop.secret.lock().as_ref().is_some_and(|key| {
        let mut signatures = header("webhook-signature").split(' ').filter_map(|one| one.strip_prefix("v1,"));
        signatures.any(|one| decode(one).is_ok_and(|tag| hmac::verify(key, &signed, &tag).is_ok()))
    });
    if !believed {
        return StatusCode::UNAUTHORIZED;
    }
    let event: Value = serde_json::from_slice(&body).unwrap_or_default();
    let kind = event["type"].as_str().unwrap_or("").to_owned();
    shop.heard.lock().push(Heard { kind, sequence: event["sequence"].as_u64().unwrap_or(0) });
    StatusCode::NO_CONTENT
}

fn decode(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text)
}
