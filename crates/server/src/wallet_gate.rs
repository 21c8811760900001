//! The PCS's door for wallet servers: `/wallet/v1/…` over mutual TLS, every request signed (RFC 9421).
//!
//! The key in TLS, the key of the HTTP signature and the key of the witness must be one and the same: the listener finds
//! the first, this door compares the second, and `pcs::flow::instruct` the third.

mod convert;
mod nonces;
mod refusal;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Json, Response};
use axum::routing::{get, post};
use pcs::{IdempotencyKey, Pcs, WalletIdentity};
use pki::Certificate;
use pki::http::{Policy, RequestParts, verify_request};
use serde::de::DeserializeOwned;
use types::{CheckoutSessionId, PaymentId};
use wallet::wire::{NewInstruction, NewPaymentMethod, SIGNATURE_TAG, StoredCard};

pub use nonces::Nonces;
use refusal::Refusal;

/// No request of a wallet is larger.
const MOST_BYTES: usize = 64 * 1024;

/// The client certificate of a connection, put there by the listener.
#[derive(Clone)]
pub struct Peer(pub Arc<Certificate>);

/// What the door is given.
pub struct Gate {
    /// The PCS.
    pub pcs: Arc<Pcs>,
    /// The certificate of the key to which instructions are sealed, DER.
    pub recipient_certificate: Vec<u8>,
    /// Nonces of signatures that were believed.
    pub nonces: Nonces,
}

/// A request that was believed.
struct Believed {
    wallet: WalletIdentity,
    idempotency_key: Option<String>,
    body: Vec<u8>,
}

/// The routes.
pub fn router(gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/wallet/v1/checkout_sessions/{id}", get(session))
        .route("/wallet/v1/instructions", post(instruct))
        .route("/wallet/v1/payments/{id}", get(payment))
        .route("/wallet/v1/payment_methods", post(keep_card))
        .with_state(gate)
}

async fn session(
    State(gate): State<Arc<Gate>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    gate.believe(request).await?;
    let id: CheckoutSessionId = id.parse().map_err(|_| Refusal::missing("checkout_session"))?;
    let found = gate.pcs.session_for_wallet(id).await?.ok_or(Refusal::missing("checkout_session"))?;
    let merchant = gate.pcs.merchant(found.merchant).await?.ok_or(Refusal::missing("merchant"))?;
    Ok(Json(convert::session(&found, &merchant, &gate.recipient_certificate)).into_response())
}

async fn instruct(State(gate): State<Arc<Gate>>, request: Request) -> Result<Response, Refusal> {
    let believed = gate.believe(request).await?;
    let new: NewInstruction = read(&believed.body)?;
    let key =
        believed.idempotency_key.ok_or(Refusal::new(StatusCode::BAD_REQUEST, "idempotency_key_required"))?;
    let fingerprint = pki::sha256::sha256(&believed.body);
    let key = IdempotencyKey { key, fingerprint };
    let session = new.session;
    let completed = gate.pcs.instruct(&believed.wallet, key, session, new.instruction).await?;
    let pcs::Done::Payment(payment) = completed.done else {
        return Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error"));
    };
    let result = convert::payment(&payment).ok_or(Refusal::missing("checkout_session"))?;
    Ok(Json(result).into_response())
}

async fn payment(
    State(gate): State<Arc<Gate>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    gate.believe(request).await?;
    let id: PaymentId = id.parse().map_err(|_| Refusal::missing("payment"))?;
    let found = gate.pcs.payment_for_wallet(id).await?.ok_or(Refusal::missing("payment"))?;
    let result = convert::payment(&found).ok_or(Refusal::missing("payment"))?;
    Ok(Json(result).into_response())
}

async fn keep_card(State(gate): State<Arc<Gate>>, request: Request) -> Result<Response, Refusal> {
    let believed = gate.believe(request).await?;
    let new: NewPaymentMethod = read(&believed.body)?;
    let kept = gate.pcs.keep_wallet_card(&believed.wallet, new.payment, new.holder, &new.envelope).await?;
    Ok(Json(StoredCard {
        payment_method: kept.id,
        brand: kept.card.brand,
        last4: kept.card.last4,
        exp_month: kept.card.exp_month,
        exp_year: kept.card.exp_year,
    })
    .into_response())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // The parser's message names a place and a rule; line and column are enough, values stay where they are.
        let detail =
            format!("not what this address takes, at line {} column {}", error.line(), error.column());
        Refusal::new(StatusCode::BAD_REQUEST, "parameter_invalid").because(detail)
    })
}

impl Gate {
    /// Believes a request, or refuses it: body within bounds, digest, signature by the key of the connection, first use.
    async fn believe(&self, request: Request<Body>) -> Result<Believed, Refusal> {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().cloned();
        let Peer(certificate) = peer.ok_or(Refusal::new(StatusCode::UNAUTHORIZED, "certificate_missing"))?;
        // A connection may outlive its certificate, or see it revoked: the handshake's answer is not good for ever.
        self.pcs.believes_wallet(&certificate).map_err(|error| {
            Refusal::new(StatusCode::UNAUTHORIZED, error.code()).because(error.to_string())
        })?;
        let body = to_bytes(body, MOST_BYTES)
            .await
            .map_err(|_| Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"))?;
        let headers: Vec<(&str, &str)> = parts
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let signed = RequestParts {
            method: parts.method.as_str(),
            authority: header("host").unwrap_or(""),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            headers: &headers,
        };
        let own = certificate.public_key();
        let policy = Policy { tag: SIGNATURE_TAG, now: self.pcs.now() };
        let verified = verify_request(
            &signed,
            &body,
            &policy,
            |key| (*key == own.id()).then(|| own.clone()),
            |key, nonce, expires| self.nonces.first_use(key, nonce, expires, policy.now),
        )
        .map_err(|error| Refusal::new(StatusCode::UNAUTHORIZED, error.code()).because(error.to_string()))?;
        let wallet =
            WalletIdentity { key: verified.key, certificate_serial: certificate.serial().to_string() };
        let idempotency_key = header("idempotency-key").map(|key| key.trim_matches('"').to_owned());
        Ok(Believed { wallet, idempotency_key, body: body.to_vec() })
    }
}
