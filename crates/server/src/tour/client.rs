//! The tour's client: the public API, as any merchant would use it.

use serde_json::Value;

use crate::demo::DemoFile;
use crate::fault::{Fault, Tried as _};

/// A merchant's program.
pub struct Client {
    http: reqwest::Client,
    demo: DemoFile,
}

/// An answer: HTTP status, body, and whether it was a replay.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub replayed: bool,
}

impl Client {
    pub fn new(demo: DemoFile) -> Result<Self, Fault> {
        let http = reqwest::Client::builder().no_proxy().build().tried("cannot make an HTTP client")?;
        Ok(Self { http, demo })
    }

    /// The first test card with this behaviour.
    pub fn card(&self, behaviour: &str, currency: Option<&str>) -> Result<String, Fault> {
        let fits = |card: &&crate::demo::TestCard| {
            card.behaviour == behaviour && currency.is_none_or(|currency| card.currency == currency)
        };
        let card = self.demo.test_cards.iter().find(fits);
        card.map(|card| card.payment_method.clone())
            .ok_or_else(|| Fault::plain(format!("the demo has no test card that is meant to {behaviour}")))
    }

    pub fn currency_of(&self, method: &str) -> &str {
        let card = self.demo.test_cards.iter().find(|card| card.payment_method == method);
        card.map_or("CNY", |card| card.currency.as_str())
    }

    pub async fn get(&self, path: &str) -> Result<Answer, Fault> {
        let request = self.http.get(self.url(path)).bearer_auth(&self.demo.secret_key);
        read(path, request.send().await).await
    }

    pub async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Result<Answer, Fault> {
        let mut request = self.http.post(self.url(path)).bearer_auth(&self.demo.secret_key).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        read(path, request.send().await).await
    }

    pub async fn delete(&self, path: &str) -> Result<(), Fault> {
        let request = self.http.delete(self.url(path)).bearer_auth(&self.demo.secret_key);
        let answer = request.send().await.tried(format!("no answer from {path}"))?;
        answer.error_for_status().map(drop).tried(format!("{path} was not deleted"))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.demo.api_url)
    }
}

async fn read(path: &str, answer: Result<reqwest::Response, reqwest::Error>) -> Result<Answer, Fault> {
    let answer = answer.tried(format!("no answer from {path}; is the demo running?"))?;
    let status = answer.status().as_u16();
    let replayed = answer.headers().contains_key("idempotent-replayed");
    let body = answer.json().await.tried(format!("the answer of {path} is not JSON"))?;
    Ok(Answer { status, body, replayed })
}
