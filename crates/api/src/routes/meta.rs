//! The API about itself: discovery, idempotency keys, OpenAPI, error pages, health, and the demo's test helpers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use pcs::{BankState, Done};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{Answer, ok};
use crate::body::{ListBody, PaymentBody, RefundBody, payment_body, refund_body, refused_because};
use crate::problem::{Code, Problem};
use crate::request::{Call, Fields, FromFields, TextRule};
use crate::state::{Fault, FaultRefused, TestBank, TestCard, TestHelpers};
use crate::{ApiState, VERSION};

/// What this API is.
#[derive(Serialize, ToSchema)]
#[schema(as = Discovery)]
pub(crate) struct DiscoveryBody {
    /// Always `api`.
    object: &'static str,
    /// The product's name.
    name: &'static str,
    /// The only version of the API.
    #[schema(example = "2026-12-01")]
    version: &'static str,
    /// Whether real money moves.
    livemode: bool,
    /// Where to go on.
    links: Links,
}

/// Where to go on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Links {
    /// The description of this API.
    openapi: &'static str,
    /// The meaning of each error.
    errors: &'static str,
    /// The payments.
    payments: &'static str,
    /// The refunds.
    refunds: &'static str,
    /// The customers.
    customers: &'static str,
    /// The hosted checkouts.
    checkout_sessions: &'static str,
    /// The events.
    events: &'static str,
    /// The addresses that are told of events.
    webhook_endpoints: &'static str,
}

/// What this API is and where to go on. Needs no key.
#[utoipa::path(get, path = "/v1", operation_id = "getApi", tag = "About", security(()),
    responses((status = 200, description = "Name, version and links.", body = DiscoveryBody)))]
pub(crate) async fn discover(State(api): State<Arc<ApiState>>) -> Answer {
    ok(DiscoveryBody {
        object: "api",
        name: "Lian",
        version: VERSION,
        livemode: api.config.livemode,
        links: Links {
            openapi: "/openapi.json",
            errors: "/docs/errors",
            payments: "/v1/payments",
            refunds: "/v1/refunds",
            customers: "/v1/customers",
            checkout_sessions: "/v1/checkout_sessions",
            events: "/v1/events",
            webhook_endpoints: "/v1/webhook_endpoints",
        },
    })
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdempotencyStatus {
    /// The first request has ended; `payment` or `refund` is its stored answer.
    Completed,
    /// The first request is running, was in doubt, or broke off: `payment` or `refund` is as it is by now.
    Unanswered,
}

/// An idempotency key.
#[derive(Serialize, ToSchema)]
#[schema(as = IdempotencyKey)]
pub(crate) struct IdempotencyKeyBody {
    /// Always `idempotency_key`.
    object: &'static str,
    /// The key.
    key: String,
    /// What is known of it.
    status: IdempotencyStatus,
    /// The payment: as the first request left it, or, unanswered, as it is by now.
    payment: Option<Box<PaymentBody>>,
    /// The refund: as the first request left it, or, unanswered, as it is by now.
    refund: Option<Box<RefundBody>>,
}

/// What became of a request whose answer was lost.
#[utoipa::path(get, path = "/v1/idempotency_keys/{key}", operation_id = "getIdempotencyKey", tag = "About",
    params(("key" = String, Path, description = "The key, without quotes.")),
    responses((status = 200, description = "What is known of the key.", body = IdempotencyKeyBody)))]
pub(crate) async fn idempotency_key(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let key = call.param("key");
    let known = api.pcs.idempotency_key(&call.caller, key).await?;
    let known = known
        .ok_or_else(|| Problem::new(Code::ResourceMissing, "this key was never used, or is forgotten"))?;
    let livemode = api.config.livemode;
    let status = if known.is_answered { IdempotencyStatus::Completed } else { IdempotencyStatus::Unanswered };
    let (payment, refund) = match known.done {
        Done::Payment(payment) | Done::ActionRefused(payment) => {
            (Some(Box::new(payment_body(&payment, livemode))), None)
        }
        Done::Refund(refund) => (None, Some(Box::new(refund_body(&refund, livemode)))),
    };
    let body = IdempotencyKeyBody { object: "idempotency_key", key: key.to_owned(), status, payment, refund };
    ok(body)
}

/// The description of this API.
pub(crate) async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], crate::openapi::text().clone()).into_response()
}

/// All error codes.
pub(crate) async fn errors() -> Response {
    ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], crate::problem::errors_markdown())
        .into_response()
}

/// One error code: where the `type` of a problem leads.
pub(crate) async fn error(Path(code): Path<String>) -> Answer {
    let found = Code::from_name(&code);
    let code =
        found.ok_or_else(|| Problem::new(Code::ResourceMissing, "there is no error with this code"))?;
    let text = format!(
        "# {}\n\nHTTP status {}.\n\n{}\n\n**What to do:** {}\n",
        code.name(),
        code.status(),
        code.title(),
        code.what_to_do()
    );
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// The process answers.
pub(crate) async fn livez() -> &'static str {
    "ok\n"
}

/// Whether payments can be made: the store takes commits and at least one bank is signed on.
pub(crate) async fn readyz(State(api): State<Arc<ApiState>>, request: axum::extract::Request) -> Response {
    let readiness = api.pcs.ready();
    let status = if readiness.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let verbose = request
        .uri()
        .query()
        .is_some_and(|query| query.split('&').any(|part| part.split('=').next() == Some("verbose")));
    let mut text = String::from(if readiness.is_ready() { "ready\n" } else { "not ready\n" });
    if verbose {
        let word = |good: bool| if good { "ok" } else { "FAILED" };
        text.push_str(&format!("store: {}\n", word(readiness.store)));
        text.push_str(if readiness.draining { "stopping: finishing what is under way\n" } else { "" });
        for bank in api.pcs.bank_statuses() {
            let (state, name) = (bank.state.name(), &bank.name);
            text.push_str(&format!("bank {name}: {} ({state})\n", word(bank.state == BankState::Up)));
            for link in bank.links.iter().filter(|link| link.state != BankState::Up) {
                let why = refused_because(link.state).map_or_else(String::new, |why| format!(": {why}"));
                text.push_str(&format!("  link {}: {}{why}\n", link.number, link.state.name()));
            }
        }
    }
    (status, text).into_response()
}

fn helpers(api: &ApiState) -> Result<&Arc<dyn TestHelpers>, Problem> {
    let none = || {
        Problem::new(
            Code::ResourceMissing,
            "this gateway has no simulated banks, so this path does not exist",
        )
    };
    api.test_helpers.as_ref().ok_or_else(none)
}

/// The cards that simulated banks know. Needs no key; 404 where banks are real.
#[utoipa::path(get, path = "/v1/test_helpers/cards", operation_id = "listTestCards", tag = "Test helpers", security(()),
    responses((status = 200, description = "The cards.", body = ListBody<TestCard>)))]
pub(crate) async fn test_cards(State(api): State<Arc<ApiState>>) -> Answer {
    ok(ListBody::new("/v1/test_helpers/cards", helpers(&api)?.cards(), false))
}

/// The simulated banks and their faults. 404 where banks are real.
#[utoipa::path(get, path = "/v1/test_helpers/banks", operation_id = "listTestBanks", tag = "Test helpers",
    responses((status = 200, description = "The banks.", body = ListBody<TestBank>)))]
pub(crate) async fn test_banks(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    ok(ListBody::new(call.path(), helpers(&api)?.banks(), false))
}

/// A fault for a simulated bank to show.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `Fault` is read from")]
pub(crate) struct InjectFaultRequest {
    /// One of the bank's `faults`, or `none`.
    #[schema(example = "no_answer")]
    fault: String,
    /// How many messages it meets; all until further notice unless given.
    #[schema(minimum = 1, maximum = 1_000_000)]
    count: Option<u32>,
    /// Only messages of this type.
    #[schema(example = "0200")]
    mti: Option<String>,
}

impl FromFields for Fault {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let fault = fields.text("fault", TextRule::REFERENCE);
        let fault = fields.required("fault", fault);
        let count = fields.whole("count", 1..=1_000_000);
        let mti = fields.text("mti", TextRule::MTI);
        Some(Fault { fault: fault?, count, mti })
    }
}

/// A fault that was injected.
#[derive(Serialize, ToSchema)]
#[schema(as = InjectedFault)]
pub(crate) struct InjectedFaultBody {
    /// Always `fault`.
    object: &'static str,
    /// The bank that shows it.
    bank: String,
    /// The fault.
    fault: String,
}

/// Make a simulated bank misbehave. 404 where banks are real.
#[utoipa::path(post, path = "/v1/test_helpers/banks/{bank}/faults", operation_id = "injectFault", tag = "Test helpers",
    params(("bank" = String, Path, description = "A simulated bank's name.")),
    request_body = InjectFaultRequest,
    responses((status = 200, description = "The bank misbehaves from now on.", body = InjectedFaultBody)))]
pub(crate) async fn inject(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let helpers = helpers(&api)?;
    let fault: Fault = call.read()?;
    let (bank, name) = (call.param("bank").to_owned(), fault.fault.clone());
    helpers.inject(&bank, fault).map_err(|refused| match refused {
        FaultRefused::UnknownBank => Problem::missing("simulated bank", &bank),
        FaultRefused::UnknownFault(known) => {
            let rule = format!("fault must be one of: {}", known.join(", "));
            Problem::with_param(Code::ParameterInvalid, "/fault", rule)
        }
    })?;
    ok(InjectedFaultBody { object: "fault", bank, fault: name })
}
