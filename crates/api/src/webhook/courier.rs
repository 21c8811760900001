//! Carries one webhook to one address: no redirects, no proxies, no private networks, fifteen seconds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::webhook::Reply;
use crate::webhook::guard::{GuardedResolver, check_url};

const TIMEOUT: Duration = Duration::from_secs(15);

/// Sends webhooks.
#[derive(Clone)]
pub struct Courier {
    client: Client,
    allow_private: bool,
}

/// The HTTP client cannot be built.
#[derive(Debug)]
pub struct CourierError(reqwest::Error);

impl std::fmt::Display for CourierError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the HTTP client for webhooks cannot be built")
    }
}

impl std::error::Error for CourierError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl Courier {
    /// A courier; `allow_private` also lets it into private networks and onto plain `http`, for a demo.
    ///
    /// # Errors
    /// [`CourierError`]: for example no trust anchors on this machine.
    pub fn new(allow_private: bool) -> Result<Self, CourierError> {
        // The client takes the process's provider; there is only one in the whole tree, so being second is no harm.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .timeout(TIMEOUT)
            .connect_timeout(TIMEOUT)
            .pool_max_idle_per_host(2)
            .dns_resolver(Arc::new(GuardedResolver { allow_private }))
            .build()
            .map_err(CourierError)?;
        Ok(Self { client, allow_private })
    }

    /// Sends a body with its signature and tells how it went. The answer's body is not read.
    pub async fn send(&self, url: &str, id: &str, timestamp: i64, signature: &str, body: String) -> Reply {
        let started = Instant::now();
        let sent = match check_url(url, self.allow_private) {
            Ok(url) => {
                let request = self
                    .client
                    .post(url)
                    .header(CONTENT_TYPE, "application/json")
                    .header(USER_AGENT, "Lian-Webhooks/1")
                    .header("webhook-id", id)
                    .header("webhook-timestamp", timestamp)
                    .header("webhook-signature", signature)
                    .body(body);
                request.send().await.map_err(|error| in_words(&error))
            }
            Err(refused) => Err(format!("the address {refused}")),
        };
        let elapsed_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        match sent {
            Ok(response) => answered(&response, elapsed_ms),
            Err(error) => Reply { status: None, retry_after_s: None, error: Some(error), elapsed_ms },
        }
    }
}

fn answered(response: &Response, elapsed_ms: u32) -> Reply {
    let status = response.status();
    // Only the form in seconds is honoured; a date is as good as no header.
    let retry_after_s =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
    let error = (!status.is_success()).then(|| format!("the endpoint answered {}", status.as_u16()));
    Reply { status: Some(status.as_u16()), retry_after_s, error, elapsed_ms }
}

/// The client's own words name the address, and an address can hold a secret of the merchant.
fn in_words(error: &reqwest::Error) -> String {
    let words = if error.is_timeout() {
        "the endpoint did not answer within 15 seconds"
    } else if error.is_connect() {
        "the endpoint cannot be connected: name, route, TLS or a private address"
    } else {
        "the connection broke off"
    };
    words.to_owned()
}
