//! `/v1/checkout_sessions`: hosted checkouts.

use std::sync::Arc;

use axum::extract::State;
use pcs::NewCheckoutSession;
use pcs::model::LineItem;
use types::id::CheckoutSessionKind;
use types::{CheckoutSessionId, Money};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, created, ok};
use crate::body::{CaptureMethodBody, CheckoutSessionBody, ListBody, checkout_session_body};
use crate::problem::{Code, Problem};
use crate::request::query::PAGE;
use crate::request::{Call, Fields, FromFields, TextRule};
use crate::routes::payments::capture_method;

/// One line of an order.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `LineItem` is read from")]
pub(crate) struct LineRequest {
    /// What is sold.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// How many.
    #[schema(minimum = 1, maximum = 9_999)]
    quantity: u32,
    /// Minor units for one.
    #[schema(minimum = 0, maximum = 999_999_999_999_u64)]
    unit_amount: u64,
}

impl FromFields for LineItem {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", TextRule::NAME);
        let name = fields.required("name", name);
        let quantity = fields.whole("quantity", 1..=9_999);
        let quantity = fields.required("quantity", quantity);
        let unit_amount = fields.minor_units("unit_amount", 0);
        let unit_amount = fields.required("unit_amount", unit_amount);
        Some(LineItem { name: name?, quantity: quantity?, unit_amount: unit_amount? })
    }
}

/// A hosted checkout to open.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `NewCheckoutSession` is read from")]
pub(crate) struct CreateCheckoutSessionRequest {
    /// Minor units; may be left out when `lines` are given, and must be their sum otherwise.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64, example = 1250)]
    amount: Option<u64>,
    /// ISO 4217, upper case.
    #[schema(example = "CNY", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// `automatic` (the default) or `manual`.
    capture_method: Option<CaptureMethodBody>,
    /// Your own number for the order, unique among your sessions. Visible ASCII.
    #[schema(min_length = 1, max_length = 64, example = "order-1001")]
    merchant_reference: Option<String>,
    /// What is bought, shown to the shopper.
    #[schema(max_items = 100)]
    lines: Option<Vec<LineRequest>>,
    /// Your customer, when you know it: cards that the shopper keeps are stored for it.
    customer: Option<String>,
    /// Where the shopper goes after paying.
    #[schema(example = "https://shop.example/thanks", max_length = 2048)]
    success_url: String,
    /// Where the shopper goes after giving up.
    #[schema(example = "https://shop.example/cart", max_length = 2048)]
    cancel_url: String,
    /// `en` or `zh-CN`; follows the browser unless given.
    #[schema(example = "zh-CN")]
    locale: Option<String>,
    /// When it closes: from five minutes to 24 hours from now; one hour unless given.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

impl FromFields for NewCheckoutSession {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let currency = fields.currency("currency");
        let currency = fields.required("currency", currency);
        let lines: Option<Vec<LineItem>> = fields.objects("lines", 100);
        let sent = fields.minor_units("amount", 1);
        let amount = total(fields, sent, lines.as_deref());
        let capture_method = capture_method(fields);
        let merchant_reference = fields.text("merchant_reference", TextRule::REFERENCE);
        let customer = fields.id("customer");
        let success_url = fields.url("success_url");
        let success_url = fields.required("success_url", success_url);
        let cancel_url = fields.url("cancel_url");
        let cancel_url = fields.required("cancel_url", cancel_url);
        let locale = fields.choice("locale", &[("en", "en"), ("zh-CN", "zh-CN")]);
        let expires_at = fields.timestamp("expires_at");
        Some(NewCheckoutSession {
            amount: Money::new(amount?, currency?).ok()?,
            capture_method,
            merchant_reference,
            lines: lines.unwrap_or_default(),
            customer,
            success_url: success_url?,
            cancel_url: cancel_url?,
            locale: locale.map(str::to_owned),
            expires_at,
        })
    }
}

/// The order's amount: as sent, or the sum of its lines; when both are there they must agree.
fn total(fields: &mut Fields<'_>, sent: Option<u64>, lines: Option<&[LineItem]>) -> Option<u64> {
    let lines = match lines {
        Some(lines) if !lines.is_empty() => lines,
        // Lines that were sent and not understood have their own flaw already.
        None if fields.has("lines") => return sent,
        Some(_) | None => return fields.required("amount", sent),
    };
    // 100 lines of 9,999 pieces of twelve digits fit into 128 bits.
    let sum: u128 = lines.iter().map(|line| u128::from(line.quantity) * u128::from(line.unit_amount)).sum();
    let sum = u64::try_from(sum).ok().filter(|sum| (1..=Money::MAX_MESSAGE_MINOR).contains(sum));
    match (sum, sent) {
        (None, _) => {
            let rule = format!("the lines must come to 1 to {} minor units", Money::MAX_MESSAGE_MINOR);
            fields.flaw("lines", Code::ParameterInvalid, rule);
            None
        }
        (Some(sum), Some(sent)) if sum != sent => {
            fields.flaw(
                "amount",
                Code::ParameterInvalid,
                format!("amount must be the sum of the lines, {sum}"),
            );
            None
        }
        (Some(sum), _) => Some(sum),
    }
}

/// Open a hosted checkout. Send the shopper to its `url`.
#[utoipa::path(post, path = "/v1/checkout_sessions", operation_id = "createCheckoutSession", tag = "Checkout sessions",
    request_body = CreateCheckoutSessionRequest,
    responses((status = 201, description = "The session.", body = CheckoutSessionBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let new: NewCheckoutSession = call.read()?;
    check_end(&api, &new)?;
    let session = api.pcs.create_checkout_session(&call.caller, new).await?;
    created(format!("/v1/checkout_sessions/{}", session.id), render(&api, &session))
}

/// Long enough to pay in, short enough that a price still holds.
fn check_end(api: &ApiState, new: &NewCheckoutSession) -> Result<(), Problem> {
    const LEAST_MS: i64 = 5 * 60_000;
    const MOST_MS: i64 = 24 * 3_600_000;
    let Some(end) = new.expires_at else { return Ok(()) };
    if (LEAST_MS..=MOST_MS).contains(&end.ms_since(api.clock.now())) {
        return Ok(());
    }
    let rule = "expires_at must be from five minutes to 24 hours from now";
    Err(Problem::with_param(Code::ParameterInvalid, "/expires_at", rule))
}

/// List hosted checkouts.
#[utoipa::path(get, path = "/v1/checkout_sessions", operation_id = "listCheckoutSessions", tag = "Checkout sessions",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<CheckoutSessionBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(PAGE)?;
    let page = call.query.page::<CheckoutSessionKind>()?;
    let listed = api.pcs.checkout_sessions(call.caller.merchant, page).await?;
    let data = listed.data.iter().map(|session| render(&api, session)).collect();
    ok(ListBody::<CheckoutSessionBody>::new("/v1/checkout_sessions", data, listed.has_more))
}

/// Read a hosted checkout.
#[utoipa::path(get, path = "/v1/checkout_sessions/{id}", operation_id = "getCheckoutSession",
    tag = "Checkout sessions", params(("id" = String, Path, description = "A session's id.")),
    responses((status = 200, description = "The session.", body = CheckoutSessionBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: CheckoutSessionId = call.id("checkout session")?;
    let found = api.pcs.checkout_session(call.caller.merchant, id).await?;
    let session = found.ok_or_else(|| Problem::missing("checkout session", &id.to_string()))?;
    ok(render(&api, &session))
}

/// Close a hosted checkout that nobody has paid.
#[utoipa::path(post, path = "/v1/checkout_sessions/{id}/expire", operation_id = "expireCheckoutSession",
    tag = "Checkout sessions", params(("id" = String, Path, description = "A session's id.")),
    responses((status = 200, description = "The session, expired.", body = CheckoutSessionBody)))]
pub(crate) async fn expire(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: CheckoutSessionId = call.id("checkout session")?;
    let session = api.pcs.expire_checkout_session(&call.caller, id).await?;
    ok(render(&api, &session))
}

fn render(api: &ApiState, session: &pcs::model::CheckoutSession) -> CheckoutSessionBody {
    checkout_session_body(session, &api.config.checkout_url, api.config.livemode)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::fields::read;
    use crate::request::json::Json;

    fn read_new(rest: &str) -> Result<NewCheckoutSession, Problem> {
        let text = format!(
            r#"{{"currency": "CNY", "success_url": "https://a.example/", "cancel_url": "https://a.example/x" {rest}}}"#
        );
        read(&Json::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_amount_is_the_sum_of_the_lines() {
        let lines = r#""lines": [{"name": "茶", "quantity": 2, "unit_amount": 500}, {"name": "cup", "quantity": 1, "unit_amount": 250}]"#;
        assert_eq!(read_new(&format!(", {lines}")).unwrap().amount.minor(), 1250);
        assert_eq!(read_new(&format!(r#", "amount": 1250, {lines}"#)).unwrap().amount.minor(), 1250);
        let problem = read_new(&format!(r#", "amount": 1251, {lines}"#)).unwrap_err();
        assert_eq!((problem.code(), problem.param()), (Code::ParameterInvalid, Some("/amount")));
    }

    #[test]
    fn an_amount_or_lines_are_needed_and_a_line_s_flaw_is_told_by_its_place() {
        assert_eq!(read_new("").unwrap_err().param(), Some("/amount"));
        assert_eq!(read_new(r#", "lines": []"#).unwrap_err().param(), Some("/amount"));
        let problem = read_new(r#", "lines": [{"name": "x", "quantity": 0, "unit_amount": 1}]"#).unwrap_err();
        assert_eq!(problem.param(), Some("/lines/0/quantity"));
        let problem =
            read_new(r#", "lines": [{"name": "x", "quantity": 9999, "unit_amount": 999999999999}]"#);
        assert_eq!(problem.unwrap_err().param(), Some("/lines"));
    }
}
