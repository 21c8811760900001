//! What a verifier insists on.

use types::Timestamp;

use super::error::SignatureError;
use super::fields::{Component, Input};
use super::parts::{Message, header};

/// How far `created` may lie from now, in milliseconds.
pub const CREATED_SKEW_MS: i64 = 60_000;
/// How long a signature may live, in seconds.
pub const MAX_LIFE_S: i64 = 300;

/// What a request must cover, always.
pub(super) const REQUEST: &[&str] = &["@method", "@authority", "@path", "@query", "content-digest"];
/// What an answer must cover, always.
pub(super) const RESPONSE: &[&str] = &["@status", "content-digest"];
/// What must be covered when it is there.
pub(super) const WHEN_PRESENT: &[&str] = &["content-type", "idempotency-key"];
/// What an answer must cover of its request.
pub(super) const OF_REQUEST: &[&str] =
    &["@method", "@authority", "@path", "@query", "content-digest", "signature", "signature-input"];

/// What a verifier insists on.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The tag of this use: `lian-merchant-v1`. Signatures with other tags are of no interest.
    pub tag: &'a str,
    /// The instant of verification.
    pub now: Timestamp,
}

impl Policy<'_> {
    /// Checks what is covered, and the parameters, without the key.
    pub(super) fn check(&self, message: &Message<'_>, input: &Input) -> Result<(), SignatureError> {
        for component in required(message) {
            if !input.covers(&component) {
                return Err(SignatureError::ComponentMissing(component.name));
            }
        }
        let (created, expires) = (input.integer("created")?, input.integer("expires")?);
        if input.text("alg")? != super::ALGORITHM {
            return Err(SignatureError::Algorithm);
        }
        let now_ms = self.now.ms();
        if created.saturating_mul(1000).abs_diff(now_ms) > CREATED_SKEW_MS.unsigned_abs() {
            return Err(SignatureError::NotNow);
        }
        if expires.saturating_mul(1000) <= now_ms || expires <= created || expires - created > MAX_LIFE_S {
            return Err(SignatureError::Expired);
        }
        Ok(())
    }
}

/// The components that a signature of this message must cover.
pub(super) fn required(message: &Message<'_>) -> Vec<Component> {
    let always = match message {
        Message::Request(_) => REQUEST,
        Message::Response(..) => RESPONSE,
    };
    let there = |headers: &[(&str, &str)], name: &&&str| header(headers, name).is_some();
    let mut components: Vec<Component> = always.iter().map(|name| Component::own(name)).collect();
    components.extend(
        WHEN_PRESENT.iter().filter(|name| there(message.headers(), name)).map(|name| Component::own(name)),
    );
    if let Message::Response(_, Some(request)) = message {
        components.extend(OF_REQUEST.iter().map(|name| Component::of_request(name)));
        let present = WHEN_PRESENT.iter().filter(|name| there(request.headers, name));
        components.extend(present.map(|name| Component::of_request(name)));
    }
    components
}
