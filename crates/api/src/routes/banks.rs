//! `/v1/banks`: the banks as this process has them, and what the operator does about their links. By the operator's key.

use std::sync::Arc;

use axum::extract::State;
use pcs::Order;
use serde::Serialize;
use types::id::{ParametersKind, ReconciliationKind};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, ok};
use crate::body::{
    BankBody, ListBody, ParametersBody, ReconciliationBody, bank_body, parameters_body, reconciliation_body,
};
use crate::problem::Problem;
use crate::request::query::PAGE;
use crate::request::{Call, Fields, FromFields, Operator, TextRule};

/// List banks. Needs the operator's key.
///
/// As the process has them that answers: where several share a store, each has links of its own.
#[utoipa::path(get, path = "/v1/banks", operation_id = "listBanks", tag = "Operator",
    responses((status = 200, description = "By name.", body = ListBody<BankBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.nothing_else()?;
    let data: Vec<BankBody> = api.pcs.bank_statuses().iter().map(bank_body).collect();
    ok(ListBody::new("/v1/banks", data, false))
}

/// Get a bank, its links and what it has told of late. Needs the operator's key.
#[utoipa::path(get, path = "/v1/banks/{bank}", operation_id = "getBank", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration.")),
    responses((status = 200, description = "The bank.", body = BankBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.nothing_else()?;
    ok(bank_body(&api.pcs.bank_status(call.param("bank"))?))
}

/// Who wants something done about a link, and why.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `Order` is read from")]
pub(crate) struct LinkRequest {
    /// Your name: it stands in the journal.
    #[schema(min_length = 1, max_length = 200, example = "Li Na")]
    by: String,
    /// Why: it stands in the journal.
    #[schema(min_length = 1, max_length = 500, example = "the bank changes its router tonight")]
    reason: String,
}

impl FromFields for Order {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let by = fields.text("by", TextRule::NAME);
        let by = fields.required("by", by);
        let reason = fields.text("reason", TextRule::DESCRIPTION);
        let reason = fields.required("reason", reason);
        Some(Self { by: by?, reason: reason? })
    }
}

/// The link in the path. Something that is no number names no link.
fn link(call: &Call<Operator>) -> Result<usize, Problem> {
    let text = call.param("link");
    text.parse().map_err(|_| Problem::missing("link", text))
}

/// A bank after one of its links was taken out.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkTakenOut)]
pub(crate) struct TakenOutBody {
    /// Always `link_taken_out`.
    object: &'static str,
    /// Requests that had no answer in time: they are in doubt, and pursued over the bank's other links.
    unanswered: usize,
    /// The bank.
    bank: BankBody,
}

/// Take a link out of service. Needs the operator's key.
///
/// It takes nothing new; what is on the wire has the bank's time to be answered; then it signs off, and stays out until it
/// is resumed. The answer comes when that is done. The bank's other links go on; without one, its payments go elsewhere or
/// are refused.
#[utoipa::path(post, path = "/v1/banks/{bank}/links/{link}/take_out", operation_id = "takeLinkOut", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration."),
           ("link" = usize, Path, description = "The link's number, from 1.")),
    request_body = LinkRequest,
    responses((status = 200, description = "The link is out of service.", body = TakenOutBody)))]
pub(crate) async fn take_out(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let order: Order = call.read()?;
    let (bank, unanswered) = api.pcs.take_link_out(call.param("bank"), link(&call)?, &order).await?;
    ok(TakenOutBody { object: "link_taken_out", unanswered, bank: bank_body(&bank) })
}

/// Bring back a link that was taken out, or has stopped because of its keys. Needs the operator's key.
#[utoipa::path(post, path = "/v1/banks/{bank}/links/{link}/resume", operation_id = "resumeLink", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration."),
           ("link" = usize, Path, description = "The link's number, from 1.")),
    request_body = LinkRequest,
    responses((status = 200, description = "The link begins to sign on.", body = BankBody)))]
pub(crate) async fn resume(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let order: Order = call.read()?;
    ok(bank_body(&api.pcs.resume_link(call.param("bank"), link(&call)?, &order).await?))
}

/// Fetch new working keys over a link. Needs the operator's key.
///
/// Answers under the old keys count for the grace time of the bank's profile. A key that cannot be proved stops the link.
#[utoipa::path(post, path = "/v1/banks/{bank}/links/{link}/exchange_keys", operation_id = "exchangeLinkKeys",
    tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration."),
           ("link" = usize, Path, description = "The link's number, from 1.")),
    request_body = LinkRequest,
    responses((status = 200, description = "The keys are being fetched.", body = BankBody)))]
pub(crate) async fn exchange_keys(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let order: Order = call.read()?;
    ok(bank_body(&api.pcs.exchange_keys(call.param("bank"), link(&call)?, &order).await?))
}

/// Who wants totals compared.
#[derive(Debug, ToSchema)]
pub(crate) struct TotalsRequest {
    /// Your name: it stands in the journal.
    #[schema(min_length = 1, max_length = 200, example = "Li Na")]
    by: String,
}

impl FromFields for TotalsRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let by = fields.text("by", TextRule::NAME);
        Some(Self { by: fields.required("by", by)? })
    }
}

/// Compare totals with a bank now. Needs the operator's key.
///
/// Every batch that has not been compared at its end is sent to the bank, the open ones too; nothing is closed by that.
/// Payments that are under way may make a difference that is none.
#[utoipa::path(post, path = "/v1/banks/{bank}/totals", operation_id = "compareTotals", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration.")),
    request_body = TotalsRequest,
    responses((status = 200, description = "What came of it.", body = ListBody<ReconciliationBody>)))]
pub(crate) async fn totals(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let request: TotalsRequest = call.read()?;
    let compared = api.pcs.compare_totals(call.param("bank"), &request.by).await?;
    let data: Vec<ReconciliationBody> = compared.iter().map(reconciliation_body).collect();
    ok(ListBody::new(call.path(), data, false))
}

/// List what came of comparing totals with a bank. Needs the operator's key.
#[utoipa::path(get, path = "/v1/banks/{bank}/reconciliations", operation_id = "listReconciliations",
    tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration."),
           ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
           ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
           ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "The latest first.", body = ListBody<ReconciliationBody>)))]
pub(crate) async fn reconciliations(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.query.only(PAGE)?;
    let page = call.query.page::<ReconciliationKind>()?;
    let listed = api.pcs.reconciliations(call.param("bank"), page).await?;
    let data: Vec<ReconciliationBody> = listed.data.iter().map(reconciliation_body).collect();
    ok(ListBody::new(call.path(), data, listed.has_more))
}

/// Have a bank's parameters fetched. Needs the operator's key.
///
/// It is done soon; the bank's news say what came of it. Silence has it tried again every minute, for an hour.
#[utoipa::path(post, path = "/v1/banks/{bank}/fetch_parameters", operation_id = "fetchBankParameters", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration.")),
    request_body = LinkRequest,
    responses((status = 200, description = "The parameters are being fetched.", body = BankBody)))]
pub(crate) async fn fetch_parameters(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let order: Order = call.read()?;
    ok(bank_body(&api.pcs.fetch_parameters(call.param("bank"), &order).await?))
}

/// List what has been fetched of a bank's parameters. Needs the operator's key.
#[utoipa::path(get, path = "/v1/banks/{bank}/parameters", operation_id = "listBankParameters", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration."),
           ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
           ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
           ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "The latest first, without what they hold.",
               body = ListBody<ParametersBody>)))]
pub(crate) async fn list_parameters(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.query.only(PAGE)?;
    let page = call.query.page::<ParametersKind>()?;
    let listed = api.pcs.parameters(call.param("bank"), page).await?;
    let data: Vec<ParametersBody> = listed.data.into_iter().map(|it| parameters_body(it, false)).collect();
    ok(ListBody::new(call.path(), data, listed.has_more))
}

/// Get a set of a bank's parameters as it was fetched, with its bytes. Needs the operator's key.
#[utoipa::path(get, path = "/v1/banks/{bank}/parameters/{id}", operation_id = "getBankParameters", tag = "Operator",
    params(("bank" = String, Path, description = "The bank's name in the gateway's configuration."),
           ("id" = String, Path, description = "The set's id.")),
    responses((status = 200, description = "The set.", body = ParametersBody)))]
pub(crate) async fn get_parameters(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.nothing_else()?;
    let text = call.param("id");
    let id = text.parse().map_err(|_| Problem::missing("parameters", text))?;
    ok(parameters_body(api.pcs.parameters_by_id(call.param("bank"), id).await?, true))
}
