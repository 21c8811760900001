//! What every page has in common.

use std::fmt::Display;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::assets::{ASSETS, Assets};
use crate::locale::Locale;
use crate::text::{self, Texts};

/// What the layout needs.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// The language.
    pub locale: Locale,
    /// Whether the page can be shown again in the other language: an answer to a POST cannot.
    pub switch: bool,
    /// Whether real money moves.
    pub live: bool,
    /// What stands before `/assets` in the addresses of the embedded files.
    pub base: &'static str,
    /// The embedded files.
    pub assets: &'static Assets,
}

impl Page {
    /// A page in a language.
    pub fn new(locale: Locale) -> Self {
        Self { locale, switch: true, live: true, base: "", assets: &ASSETS }
    }

    /// The same, as the answer to a POST, whose address shows something else when it is loaded again.
    #[must_use]
    pub const fn of_a_post(mut self) -> Self {
        self.switch = false;
        self
    }

    /// The `lang` attribute.
    pub const fn lang(&self) -> &'static str {
        self.locale.tag()
    }

    /// The sentences.
    pub fn texts(&self) -> &'static Texts {
        self.locale.texts()
    }

    /// A sentence with one place filled.
    pub fn fill(&self, sentence: &str, name: &str, value: impl Display) -> String {
        text::fill(sentence, name, &value.to_string())
    }
}

/// Renders a page.
pub fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(body) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], body).into_response(),
        // A template only fails when a value's own `Display` does, and none of ours does.
        Err(error) => {
            tracing::error!(%error, "A page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
