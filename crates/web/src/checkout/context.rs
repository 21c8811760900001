//! Who asks, in which language, from which device.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use types::CheckoutSessionId;
use wallet::wire::Session;

use super::Checkout;
use crate::headers::cookie;
use crate::locale::Locale;
use crate::page::Page;

/// Half a year, as the device ticket inside lives.
const DEVICE_SECONDS: u32 = 180 * 24 * 3600;
const OFFER_SECONDS: u32 = 30 * 60;

/// What a request says beside its body.
pub(super) struct Context<'a> {
    checkout: &'a Checkout,
    headers: &'a HeaderMap,
    /// `?lang=`: the switch was just used.
    switched: Option<String>,
}

impl<'a> Context<'a> {
    pub(super) fn new(checkout: &'a Checkout, headers: &'a HeaderMap, query: Option<&str>) -> Self {
        Self { checkout, headers, switched: query.and_then(|query| parameter(query, "lang")) }
    }

    /// The page for this request.
    pub(super) fn page(&self, session: Option<&Session>) -> Page {
        let text = |name| self.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let chosen = self.switched.as_deref().or_else(|| cookie(self.headers, LANGUAGE));
        let merchant = session.and_then(|session| session.locale.as_deref());
        let locale = Locale::choose(chosen, merchant, text(header::ACCEPT_LANGUAGE));
        Page { live: session.is_none_or(|session| session.livemode), ..Page::new(locale) }
    }

    pub(super) fn device(&self) -> Option<&str> {
        cookie(self.headers, self.checkout.device_cookie())
    }

    pub(super) fn offer(&self) -> Option<&str> {
        cookie(self.headers, self.checkout.offer_cookie())
    }

    /// Remembers the switched language for this session, so that the merchant's wish counts again for the next one.
    pub(super) fn remember_language(&self, session: CheckoutSessionId, answer: &mut Response) {
        if let Some(locale) = self.switched.as_deref().and_then(Locale::from_tag) {
            self.checkout.set_cookie(
                answer,
                LANGUAGE,
                locale.tag(),
                &format!("/c/{session}"),
                OFFER_SECONDS * 2,
            );
        }
    }
}

const LANGUAGE: &str = "lian-lang";

/// A parameter of a query of ours. Its values are plain words, so nothing is decoded.
pub(super) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

impl Checkout {
    const fn device_cookie(&self) -> &'static str {
        // The prefix makes browsers keep the cookie to this host, this path and HTTPS; on a developer's machine without
        // HTTPS they would refuse it.
        if self.secure { "__Host-lian-wallet" } else { "lian-wallet" }
    }

    const fn offer_cookie(&self) -> &'static str {
        if self.secure { "__Secure-lian-offer" } else { "lian-offer" }
    }

    pub(super) fn set_device(&self, answer: &mut Response, ticket: &str) {
        self.set_cookie(answer, self.device_cookie(), ticket, "/", DEVICE_SECONDS);
    }

    pub(super) fn clear_device(&self, answer: &mut Response) {
        self.set_cookie(answer, self.device_cookie(), "", "/", 0);
    }

    pub(super) fn set_offer(&self, answer: &mut Response, session: CheckoutSessionId, ticket: &str) {
        self.set_cookie(answer, self.offer_cookie(), ticket, &format!("/c/{session}"), OFFER_SECONDS);
    }

    pub(super) fn clear_offer(&self, answer: &mut Response, session: CheckoutSessionId) {
        self.set_cookie(answer, self.offer_cookie(), "", &format!("/c/{session}"), 0);
    }

    fn set_cookie(&self, answer: &mut Response, name: &str, value: &str, path: &str, seconds: u32) {
        let secure = if self.secure { "; Secure" } else { "" };
        let line = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        match HeaderValue::from_str(&line) {
            Ok(line) => {
                answer.headers_mut().append(header::SET_COOKIE, line);
            }
            // Tickets are base64url and ids are letters and digits.
            Err(error) => tracing::error!(%error, "A cookie could not be set"),
        }
    }
}
