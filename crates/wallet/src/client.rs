//! The PCS over HTTPS: mutual TLS, and every request signed with the same certificate's key.

use std::sync::Arc;
use std::time::Duration;

use pki::http::{RequestParts, Signing, sign_request};
use reqwest::{Method, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use types::{CheckoutSessionId, Clock, Entropy, PaymentId};

use crate::port::{Eventually, Pcs, PcsError};
use crate::server::Identity;
use crate::wire::{NewInstruction, NewPaymentMethod, PaymentResult, SIGNATURE_TAG, Session, StoredCard};

/// Longer than a bank is waited for, so that the PCS speaks first.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No answer of the PCS is larger.
const MAX_ANSWER: usize = 256 * 1024;

/// The PCS over HTTPS.
pub struct PcsClient {
    http: reqwest::Client,
    base: Url,
    authority: String,
    identity: Arc<Identity>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one that requests can be sent to.
    #[error("the PCS's address must be an https:// URL with a host, without path or query")]
    Address,
    /// The HTTP library refused.
    #[error("the HTTP client: {0}")]
    Library(#[from] reqwest::Error),
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

impl PcsClient {
    /// A client for the PCS at `base`. `tls` is [`pki::tls::client`] with the same identity; the connections are kept open,
    /// so a renewed identity takes a new client.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(
        base: &str,
        tls: rustls::ClientConfig,
        identity: Arc<Identity>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, ClientError> {
        let base = Url::parse(base).map_err(|_| ClientError::Address)?;
        if base.scheme() != "https" || base.path() != "/" || base.query().is_some() || !base.has_host() {
            return Err(ClientError::Address);
        }
        // As the Host header has it: the port only when it isn't the scheme's own (RFC 9421 section 2.2.3).
        let host = base.host_str().ok_or(ClientError::Address)?;
        let authority = base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .build()?;
        Ok(Self { http, base, authority, identity, clock, entropy })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, PcsError> {
        match self.send(Method::GET, path, None, Vec::new()).await {
            Ok(answer) => Ok(Some(answer)),
            Err(PcsError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        body: &impl Serialize,
    ) -> Result<T, PcsError> {
        let body = serde_json::to_vec(body).map_err(|error| PcsError::NotSent(error.to_string()))?;
        self.send(Method::POST, path, Some(key), body).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> Result<T, PcsError> {
        let not_sent = |error: &dyn std::fmt::Display| PcsError::NotSent(error.to_string());
        let mut headers = vec![("accept", "application/json")];
        if let Some(key) = key {
            headers.extend([("content-type", "application/json"), ("idempotency-key", key)]);
        }
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        let parts = RequestParts {
            method: method.as_str(),
            authority: &self.authority,
            path,
            query: "",
            headers: &headers,
        };
        let signing = Signing { tag: SIGNATURE_TAG, now: self.clock.now(), nonce };
        let signed =
            sign_request(&parts, &body, &signing, &*self.identity.key).map_err(|error| not_sent(&error))?;
        let url = self.base.join(path).map_err(|error| not_sent(&error))?;
        let mut request = self.http.request(method, url);
        for (name, value) in headers.iter().copied().chain(signed.pairs()) {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.map_err(|error| {
            // Only a connection that never came about proves that nothing left.
            if error.is_connect() || error.is_builder() {
                not_sent(&error)
            } else {
                PcsError::MaybeSent(error.to_string())
            }
        })?;
        read(answer).await
    }
}

async fn read<T: DeserializeOwned>(mut answer: reqwest::Response) -> Result<T, PcsError> {
    let unread = |error: &dyn std::fmt::Display| PcsError::MaybeSent(error.to_string());
    let status = answer.status();
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unread(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(unread(&"the answer is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    if status == StatusCode::OK || status == StatusCode::CREATED {
        return serde_json::from_slice(&body).map_err(|error| unread(&error));
    }
    let code = serde_json::from_slice::<Problem>(&body)
        .map_or_else(|_| "unknown".to_owned(), |problem| problem.code);
    // A server error says nothing about what was done before it.
    if status.is_server_error() {
        return Err(unread(&format_args!("{status} {code}")));
    }
    Err(PcsError::Refused { status: status.as_u16(), code })
}

impl Pcs for PcsClient {
    fn session(&self, id: CheckoutSessionId) -> Eventually<'_, Result<Option<Session>, PcsError>> {
        Box::pin(async move { self.get(&format!("/wallet/v1/checkout_sessions/{id}")).await })
    }

    fn instruct<'a>(
        &'a self,
        idempotency_key: &'a str,
        instruction: &'a NewInstruction,
    ) -> Eventually<'a, Result<PaymentResult, PcsError>> {
        Box::pin(self.post("/wallet/v1/instructions", idempotency_key, instruction))
    }

    fn payment(&self, id: PaymentId) -> Eventually<'_, Result<Option<PaymentResult>, PcsError>> {
        Box::pin(async move { self.get(&format!("/wallet/v1/payments/{id}")).await })
    }

    fn store_card<'a>(
        &'a self,
        idempotency_key: &'a str,
        card: &'a NewPaymentMethod,
    ) -> Eventually<'a, Result<StoredCard, PcsError>> {
        Box::pin(self.post("/wallet/v1/payment_methods", idempotency_key, card))
    }
}
