//! `/v1/doubts`: what the gateway does not know yet, and what the operator does about it. By the operator's key.

use std::sync::Arc;

use axum::extract::State;
use pcs::{Finding, Resolution};
use types::AttemptId;
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, ok};
use crate::body::{BankWordBody, DoubtBody, ListBody, PaymentBody, doubt_body, payment_body};
use crate::request::{Call, Fields, FromFields, Operator, TextRule};

/// List doubts. Needs the operator's key.
///
/// Messages whose outcome is not known, or whose effect is being undone, the next to be tried first; a thousand at most.
/// Those that the gateway alone cannot end say why in `needs_operator`.
#[utoipa::path(get, path = "/v1/doubts", operation_id = "listDoubts", tag = "Operator",
    responses((status = 200, description = "The next to be tried first.", body = ListBody<DoubtBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.nothing_else()?;
    let data: Vec<DoubtBody> = api.pcs.doubts().await?.iter().map(doubt_body).collect();
    ok(ListBody::new("/v1/doubts", data, false))
}

/// Who asks.
#[derive(Debug, ToSchema)]
pub(crate) struct InquireRequest {
    /// Your name: it stands in the journal.
    #[schema(min_length = 1, max_length = 200, example = "Li Na")]
    by: String,
}

impl FromFields for InquireRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let by = fields.text("by", TextRule::NAME);
        Some(Self { by: fields.required("by", by)? })
    }
}

/// Ask the bank what became of a message. Needs the operator's key.
///
/// Whatever it says ends nothing: a bank that knows of no such message may still receive it. Not every bank can be asked.
#[utoipa::path(post, path = "/v1/doubts/{id}/inquire", operation_id = "inquireDoubt", tag = "Operator",
    params(("id" = String, Path, description = "The id of the attempt in doubt.")),
    request_body = InquireRequest,
    responses((status = 200, description = "What the bank says.", body = BankWordBody)))]
pub(crate) async fn inquire(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let id: AttemptId = call.id("doubt")?;
    let request: InquireRequest = call.read()?;
    ok(BankWordBody::from(api.pcs.inquire(id, &request.by).await?))
}

/// Send the reversal or advice again now. Needs the operator's key.
#[utoipa::path(post, path = "/v1/doubts/{id}/retry", operation_id = "retryDoubt", tag = "Operator",
    params(("id" = String, Path, description = "The id of the attempt in doubt.")),
    responses((status = 200, description = "The doubts that are left.", body = ListBody<DoubtBody>)))]
pub(crate) async fn retry(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.nothing_else()?;
    api.pcs.retry_now(call.id("doubt")?).await?;
    let data: Vec<DoubtBody> = api.pcs.doubts().await?.iter().map(doubt_body).collect();
    ok(ListBody::new("/v1/doubts", data, false))
}

/// What the bank has told people about a message in doubt.
#[derive(Debug, ToSchema)]
pub(crate) struct ResolveRequest {
    /// `stands`: the bank has done what it was asked, and that stands. `undone`: it has done nothing, or has undone it.
    #[schema(value_type = String, pattern = "^(stands|undone)$")]
    finding: Finding,
    /// Your name: it stands in the journal.
    #[schema(min_length = 1, max_length = 200, example = "Li Na")]
    by: String,
    /// From whom you know it, and why you believe it: it stands in the journal.
    #[schema(min_length = 1, max_length = 500, example = "telephone call with the bank's desk, ticket 4711")]
    reason: String,
    /// DE 37, where the bank told it.
    #[schema(min_length = 12, max_length = 12)]
    rrn: Option<String>,
    /// DE 38, where the bank told it.
    #[schema(min_length = 6, max_length = 6)]
    authorization_code: Option<String>,
}

impl FromFields for ResolveRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let findings = [("stands", Finding::Stands), ("undone", Finding::Undone)];
        let finding = fields.choice("finding", &findings);
        let finding = fields.required("finding", finding);
        let by = fields.text("by", TextRule::NAME);
        let by = fields.required("by", by);
        let reason = fields.text("reason", TextRule::DESCRIPTION);
        let reason = fields.required("reason", reason);
        let rrn = fields.text("rrn", TextRule::ascii(12, 12));
        let authorization_code = fields.text("authorization_code", TextRule::ascii(6, 6));
        Some(Self { finding: finding?, by: by?, reason: reason?, rrn, authorization_code })
    }
}

/// End a doubt with what people have found out. Needs the operator's key.
///
/// The books follow: what stands at the bank is posted here, what is undone there is released here.
#[utoipa::path(post, path = "/v1/doubts/{id}/resolve", operation_id = "resolveDoubt", tag = "Operator",
    params(("id" = String, Path, description = "The id of the attempt in doubt.")),
    request_body = ResolveRequest,
    responses((status = 200, description = "The payment afterwards.", body = PaymentBody)))]
pub(crate) async fn resolve(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let id: AttemptId = call.id("doubt")?;
    let ResolveRequest { finding, by, reason, rrn, authorization_code } = call.read()?;
    let resolution = Resolution { finding, by, reason, rrn, authorization_code };
    let payment = api.pcs.resolve(id, resolution).await?;
    ok(payment_body(&payment, api.config.livemode))
}
