//! Errors as the outside sees them: problems of RFC 9457. A handler says what went wrong; the edge adds the request's
//! id, its path and the payer's language.

mod code;
mod command;
mod language;
mod user_message;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

pub use code::{Code, errors_markdown};
pub(crate) use command::status_name;
pub use language::Language;

use crate::body::{PaymentBody, PaymentStatus, RefundBody};

/// What went wrong. Boxed inside, so that a handler's `Result` stays small.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(crate) code: Code,
    particulars: Box<Particulars>,
}

#[derive(Clone, Debug, Default)]
struct Particulars {
    detail: String,
    errors: Vec<Flaw>,
    param: Option<String>,
    retry_after_s: Option<u32>,
    current_status: Option<&'static str>,
    allowed_actions: Option<Vec<&'static str>>,
    decline: Option<payment::Decline>,
    payment: Option<PaymentBody>,
    refund: Option<RefundBody>,
    replayed: bool,
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Flaw {
    /// JSON pointer (RFC 6901) to the value in the body, or the name of a query parameter or header.
    #[schema(example = "/amount")]
    pub pointer: String,
    /// The flaw's code.
    #[serde(serialize_with = "code_name")]
    #[schema(value_type = String, example = "parameter_invalid_integer")]
    pub code: Code,
    /// The rule that is broken. Never repeats the value.
    pub detail: String,
    /// The values that are allowed, where there is a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<String>,
}

fn code_name<S: serde::Serializer>(code: &Code, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.name())
}

/// The body of every error (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Where the code is explained.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "/docs/errors/card_declined")]
    pub kind: String,
    /// The code's meaning, the same in every case.
    pub title: &'a str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened in this case.
    pub detail: &'a str,
    /// The path of the request.
    pub instance: &'a str,
    /// Names the problem for programs; never renamed.
    pub code: &'a str,
    /// The first value that is wrong: a JSON pointer, or the name of a query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<&'a str>,
    /// Everything that is wrong with the request.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub errors: &'a [Flaw],
    /// Why a bank refused, in our words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline_code: Option<&'a str>,
    /// The bank's own code (ISO 8583 DE 39).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_decline_code: Option<&'a str>,
    /// What the payer can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'a str>,
    /// May be shown to the payer, in the language of `Accept-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_message: Option<&'a str>,
    /// The object's status, when it does not allow the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_status: Option<&'a str>,
    /// What can be asked for instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_actions: Option<&'a [&'static str]>,
    /// The request's id, also in `Request-Id`.
    #[schema(example = "req_01kbt3m2x4e5f8g9hajbkcmdpe")]
    pub request_id: &'a str,
    /// The payment that the problem is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<&'a PaymentBody>,
    /// The refund that the problem is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<&'a RefundBody>,
}

impl Problem {
    /// A problem with what happened in this case.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, particulars: Box::new(Particulars { detail: detail.into(), ..Particulars::default() }) }
    }

    /// A problem with one field, query parameter or header.
    pub fn with_param(code: Code, param: impl Into<String>, detail: impl Into<String>) -> Self {
        let flaw = Flaw { pointer: param.into(), code, detail: detail.into(), allowed: Vec::new() };
        Self::of_flaws(vec![flaw])
    }

    /// A problem with everything that is wrong with a request; the first flaw gives it its code.
    pub(crate) fn of_flaws(errors: Vec<Flaw>) -> Self {
        let Some(first) = errors.first() else {
            return Self::new(Code::InternalError, "a request was refused without a reason");
        };
        let mut problem = Self::new(first.code, first.detail.clone());
        problem.particulars.param = Some(first.pointer.clone());
        problem.particulars.errors = errors;
        problem
    }

    /// An object that the caller does not have. The id is repeated, unless it is long or holds a card number.
    pub(crate) fn missing(kind: &str, id: &str) -> Self {
        let short: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        Self::new(
            Code::ResourceMissing,
            format!("there is no {kind} with the id {}", crate::edge::shown(&short)),
        )
    }

    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.particulars.retry_after_s = Some(seconds);
        self
    }

    pub(crate) fn state(mut self, current: &'static str, allowed: &[&'static str]) -> Self {
        self.particulars.current_status = Some(current);
        self.particulars.allowed_actions = Some(allowed.to_vec());
        self
    }

    pub(crate) fn decline(mut self, decline: Option<payment::Decline>) -> Self {
        self.particulars.decline = decline;
        self
    }

    pub(crate) fn payment(mut self, payment: PaymentBody) -> Self {
        self.particulars.payment = Some(payment);
        self
    }

    pub(crate) fn refund(mut self, refund: RefundBody) -> Self {
        self.particulars.refund = Some(refund);
        self
    }

    pub(crate) fn replayed(mut self, replayed: bool) -> Self {
        self.particulars.replayed = replayed;
        self
    }

    /// The problem's code.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The first value that is wrong.
    pub fn param(&self) -> Option<&str> {
        self.particulars.param.as_deref()
    }

    /// Everything that is wrong with the request.
    pub fn errors(&self) -> &[Flaw] {
        &self.particulars.errors
    }

    fn decline_code(&self) -> Option<&str> {
        self.particulars.decline.as_ref().map(|decline| decline.code.as_str())
    }

    fn is_in_doubt(&self) -> bool {
        self.particulars.payment.as_ref().is_some_and(|payment| payment.in_doubt)
    }

    fn payment_is_canceled(&self) -> bool {
        self.particulars.payment.as_ref().is_some_and(|payment| payment.status == PaymentStatus::Canceled)
    }

    /// The response, with what only the edge knows.
    pub(crate) fn render(&self, edge: &Edge<'_>) -> Response {
        let particulars = &*self.particulars;
        let decline = particulars.decline.as_ref();
        let body = ProblemBody {
            kind: format!("{}/docs/errors/{}", edge.docs_base, self.code.name()),
            title: self.code.title(),
            status: self.code.status(),
            detail: &particulars.detail,
            instance: edge.path,
            code: self.code.name(),
            param: particulars.param.as_deref(),
            errors: &particulars.errors,
            decline_code: decline.map(|decline| decline.code.as_str()),
            network_decline_code: decline.and_then(|decline| decline.network_code.as_deref()),
            advice: decline.map(|decline| decline.advice.as_str()),
            user_message: user_message::user_message(self, edge.language),
            current_status: particulars.current_status,
            allowed_actions: particulars.allowed_actions.as_deref(),
            request_id: edge.request_id,
            payment: particulars.payment.as_ref(),
            refund: particulars.refund.as_ref(),
        };
        let text = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(text));
        *response.status_mut() = status(self.code);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(edge.language.tag()));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
        if let Some(seconds) = particulars.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code.status() == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if particulars.replayed {
            headers.insert(crate::answer::IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// What the edge of the API knows of the request that a problem answers.
pub(crate) struct Edge<'a> {
    /// Where `type` links start: the public address, or nothing for relative ones.
    pub docs_base: &'a str,
    pub path: &'a str,
    pub request_id: &'a str,
    pub language: Language,
}

fn status(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Problem {
    /// Only carries the problem to the edge, which renders it.
    fn into_response(self) -> Response {
        let mut response = status(self.code).into_response();
        response.extensions_mut().insert(self);
        response
    }
}
