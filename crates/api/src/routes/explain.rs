//! `/v1/routes/explain`: where a payment would go. By the operator's key.

use std::sync::Arc;

use axum::extract::State;
use card::Brand;
use payment::CaptureMethod;
use pcs::RouteQuestion;
use types::PaymentId;
use utoipa::ToSchema;

use super::payments::capture_method;
use crate::ApiState;
use crate::answer::{Answer, ok};
use crate::body::{CaptureMethodBody, RouteBody, route_body};
use crate::problem::Code;
use crate::request::{Call, Fields, FromFields, Operator, TextRule};

/// Issuers are told apart by up to eight digits; more of a card number has no business here.
const MAX_DIGITS: usize = 8;

/// A payment that nobody makes.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `RouteQuestion` is read from")]
pub(crate) struct RouteRequest {
    /// Who would be paid.
    #[schema(example = "mer_01kbt3m2x4e5f8g9hajbkcmdpe")]
    merchant: String,
    /// Minor units.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64, example = 1250)]
    amount: u64,
    /// ISO 4217, upper case.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// The first digits of the card number, at most eight.
    #[schema(example = "424242", pattern = "^[0-9]{1,8}$")]
    bin: String,
    /// The card's brand; what the digits say unless given.
    #[schema(example = "visa")]
    brand: Option<String>,
    /// `automatic` (the default) or `manual`.
    capture_method: Option<CaptureMethodBody>,
    /// A payment's id, which decides where weights share the traffic; some payment's unless given.
    payment: Option<String>,
}

impl FromFields for RouteQuestion {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let merchant = fields.id("merchant");
        let merchant = fields.required("merchant", merchant);
        let amount = fields.money();
        let first_digits = first_digits(fields);
        let first_digits = fields.required("bin", first_digits);
        let brands = Brand::ALL.map(|brand| (brand.code(), brand));
        let brand = fields.choice("brand", &brands);
        let capture_method: CaptureMethod = capture_method(fields);
        let payment: Option<PaymentId> = fields.id("payment");
        Some(Self {
            merchant: merchant?,
            amount: amount?,
            capture_method,
            first_digits: first_digits?,
            brand,
            payment,
        })
    }
}

/// Never repeated in a refusal: it may be a whole card number.
fn first_digits(fields: &mut Fields<'_>) -> Option<String> {
    let digits = fields.text("bin", TextRule::NAME)?;
    if digits.len() <= MAX_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(digits);
    }
    let rule = "bin is the first digits of a card number, at most 8";
    fields.flaw("bin", Code::ParameterInvalid, rule);
    None
}

/// Say which banks a payment would go to now, and why. Needs the operator's key.
///
/// The same decision that payments get, by the rules, costs, links and health that the answering process has at this moment.
/// Nothing is sent or written. A card at a terminal goes to the terminal's bank and is not asked about here.
#[utoipa::path(post, path = "/v1/routes/explain", operation_id = "explainRoute", tag = "Operator",
    request_body = RouteRequest,
    responses((status = 200, description = "The banks, and why.", body = RouteBody)))]
pub(crate) async fn explain(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let question: RouteQuestion = call.read()?;
    let said = api.pcs.explain_route(&question).await?;
    ok(route_body(question.amount, question.capture_method, &said))
}
