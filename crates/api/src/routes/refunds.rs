//! `/v1/refunds`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use pcs::{CommandError, Done, RefundRequest};
use types::RefundId;
use types::id::{PaymentKind, RefundKind};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, of_refund, ok};
use crate::body::{ListBody, RefundBody, refund_body};
use crate::problem::Problem;
use crate::request::{Call, Fields, FromFields, TextRule};
use crate::routes::reused;

/// A refund to make.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `RefundRequest` is read from")]
pub(crate) struct CreateRefundRequest {
    /// The payment to give back.
    #[schema(example = "pay_01kbt3m2x4e5f8g9hajbkcmdpe")]
    payment: String,
    /// Minor units; all that is left unless given.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64)]
    amount: Option<u64>,
    /// Why, in your words.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
    /// Your own number, unique among your refunds. Visible ASCII.
    #[schema(min_length = 1, max_length = 64)]
    merchant_reference: Option<String>,
    /// Your own data.
    metadata: Option<BTreeMap<String, String>>,
}

impl FromFields for RefundRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let payment = fields.id("payment");
        let payment = fields.required("payment", payment);
        let amount = fields.minor_units("amount", 1);
        let reason = fields.text("reason", TextRule::DESCRIPTION);
        let merchant_reference = fields.text("merchant_reference", TextRule::REFERENCE);
        let metadata = fields.metadata().unwrap_or_default();
        Some(RefundRequest { payment: payment?, amount, reason, merchant_reference, metadata })
    }
}

/// Give back part or all of a captured payment.
///
/// A bank's silence is no error here: the refund is `processing` and the same advice is repeated until the bank takes it.
#[utoipa::path(post, path = "/v1/refunds", operation_id = "createRefund", tag = "Refunds",
    request_body = CreateRefundRequest,
    responses((status = 201, description = "The refund.", body = RefundBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let request: RefundRequest = call.read()?;
    let key = call.money_key()?;
    let name = key.key.clone();
    match api.pcs.create_refund(&call.caller, key, request.clone()).await {
        Ok(completed) => of_refund(completed, api.config.livemode),
        Err(CommandError::KeyReused) => {
            Err(reused(&api, &call.caller, &name, |done| differences(&request, done)).await)
        }
        Err(error) => Err(error.into()),
    }
}

fn differences(new: &RefundRequest, done: &Done) -> Vec<&'static str> {
    let Done::Refund(old) = done else { return Vec::new() };
    let compared = [
        ("payment", new.payment != old.payment),
        ("amount", new.amount.is_some_and(|amount| amount != old.amount)),
        ("reason", new.reason != old.reason),
        ("merchant_reference", new.merchant_reference != old.merchant_reference),
        ("metadata", new.metadata != old.metadata),
    ];
    compared.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// List refunds.
#[utoipa::path(get, path = "/v1/refunds", operation_id = "listRefunds", tag = "Refunds",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it."),
        ("payment" = Option<String>, Query, description = "Only the refunds of this payment, all on one page.")),
    responses((status = 200, description = "Newest first.", body = ListBody<RefundBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(&["limit", "starting_after", "ending_before", "payment"])?;
    let page = call.query.page::<RefundKind>()?;
    let merchant = call.caller.merchant;
    let (found, has_more) = match call.query.id::<PaymentKind>("payment")? {
        Some(payment) => (api.pcs.refunds_of(merchant, payment).await?, false),
        None => {
            let listed = api.pcs.refunds(merchant, page).await?;
            (listed.data, listed.has_more)
        }
    };
    let data: Vec<RefundBody> = found.iter().map(|refund| refund_body(refund, api.config.livemode)).collect();
    ok(ListBody::new("/v1/refunds", data, has_more))
}

/// Read a refund.
#[utoipa::path(get, path = "/v1/refunds/{id}", operation_id = "getRefund", tag = "Refunds",
    params(("id" = String, Path, description = "A refund's id.")),
    responses((status = 200, description = "The refund.", body = RefundBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: RefundId = call.id("refund")?;
    let found = api.pcs.refund(call.caller.merchant, id).await?;
    let refund = found.ok_or_else(|| Problem::missing("refund", &id.to_string()))?;
    ok(refund_body(&refund, api.config.livemode))
}
