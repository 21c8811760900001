//! `/v1/terminals`: card terminals. The operator makes them, by the operator's key, for the bank has given their numbers;
//! their merchant names, suspends and activates them.

use std::sync::Arc;

use axum::extract::State;
use pcs::model::TerminalStatus;
use pcs::{NewPinKey, NewTerminal};
use types::id::TerminalKind;
use types::{MerchantId, TerminalId};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, created, ok};
use crate::body::{ListBody, TerminalBody, TerminalStatusBody, terminal_body};
use crate::problem::Problem;
use crate::request::card_data;
use crate::request::query::PAGE;
use crate::request::{Call, Fields, FromFields, Operator, TextRule};

/// A terminal to make.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `NewTerminal` is read from")]
pub(crate) struct CreateTerminalRequest {
    /// Whose it is.
    #[schema(example = "mer_01kbt3m2x4e5f8g9hajbkcmdpe")]
    merchant: String,
    /// The merchant's own name for it.
    #[schema(min_length = 1, max_length = 200, example = "Till 2")]
    label: String,
    /// The bank's name in the gateway's configuration.
    #[schema(example = "cups-pos")]
    bank: String,
    /// DE 41: eight visible ASCII characters.
    #[schema(min_length = 8, max_length = 8)]
    number: String,
    /// DE 42: fifteen visible ASCII characters.
    #[schema(min_length = 15, max_length = 15)]
    acceptor: String,
}

impl FromFields for NewTerminal {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let merchant: Option<MerchantId> = fields.id("merchant");
        let merchant = fields.required("merchant", merchant);
        let label = fields.text("label", TextRule::NAME);
        let label = fields.required("label", label);
        let bank = fields.text("bank", TextRule::REFERENCE);
        let bank = fields.required("bank", bank);
        let number = fields.text("number", TextRule::TERMINAL);
        let number = fields.required("number", number);
        let acceptor = fields.text("acceptor", TextRule::ACCEPTOR);
        let acceptor = fields.required("acceptor", acceptor);
        Some(Self { merchant: merchant?, label: label?, bank: bank?, number: number?, acceptor: acceptor? })
    }
}

/// Make a terminal. Needs the operator's key.
#[utoipa::path(post, path = "/v1/terminals", operation_id = "createTerminal", tag = "Terminals",
    request_body = CreateTerminalRequest,
    responses((status = 201, description = "The terminal.", body = TerminalBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let terminal = api.pcs.create_terminal(call.read()?).await?;
    created(format!("/v1/terminals/{}", terminal.id), terminal_body(&terminal, api.config.livemode))
}

/// List terminals.
#[utoipa::path(get, path = "/v1/terminals", operation_id = "listTerminals", tag = "Terminals",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<TerminalBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(PAGE)?;
    let listed = api.pcs.terminals(call.caller.merchant, call.query.page::<TerminalKind>()?).await?;
    let data = listed.data.iter().map(|terminal| terminal_body(terminal, api.config.livemode)).collect();
    ok(ListBody::<TerminalBody>::new("/v1/terminals", data, listed.has_more))
}

/// Read a terminal.
#[utoipa::path(get, path = "/v1/terminals/{id}", operation_id = "getTerminal", tag = "Terminals",
    params(("id" = String, Path, description = "A terminal's id.")),
    responses((status = 200, description = "The terminal.", body = TerminalBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let id: TerminalId = call.id("terminal")?;
    let found = api.pcs.terminal(call.caller.merchant, id).await?;
    let terminal = found.ok_or_else(|| Problem::missing("terminal", &id.to_string()))?;
    ok(terminal_body(&terminal, api.config.livemode))
}

/// A PIN key for a terminal.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `NewPinKey` is read from")]
pub(crate) struct SetPinKeyRequest {
    /// Whose terminal it is.
    #[schema(example = "mer_01kbt3m2x4e5f8g9hajbkcmdpe")]
    merchant: String,
    /// The key in a key block (TR-31, ANSI X9.143) under the gateway's protection key: usage P0 for a terminal PIN key, B0
    /// for the base derivation key of a DUKPT terminal.
    #[schema(min_length = 32, max_length = 500)]
    key_block: String,
    /// A key serial number of a DUKPT terminal, with whatever counter: 20 (or 16) hexadecimal digits for Triple DES, 24 for
    /// AES.
    #[schema(min_length = 16, max_length = 24)]
    ksn: Option<String>,
}

/// A PIN key without its terminal, which the path names.
struct PinKeyFields {
    merchant: MerchantId,
    key_block: String,
    ksn: Option<Vec<u8>>,
}

impl FromFields for PinKeyFields {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let merchant: Option<MerchantId> = fields.id("merchant");
        let merchant = fields.required("merchant", merchant);
        let key_block = fields.text("key_block", TextRule::ascii(32, 500));
        let key_block = fields.required("key_block", key_block);
        let ksn = fields.text("ksn", TextRule::ascii(16, 24));
        let is_sent = ksn.is_some();
        let ksn = ksn.and_then(|digits| card_data::hex(fields, "ksn", &digits));
        if is_sent && ksn.is_none() {
            return None;
        }
        Some(Self { merchant: merchant?, key_block: key_block?, ksn })
    }
}

/// Give a terminal a PIN key. Needs the operator's key.
///
/// One that it had is forgotten. The key is kept in a key block that only the gateway's vault opens; the answer shows its
/// check value, to be compared with whoever loaded the terminal.
#[utoipa::path(post, path = "/v1/terminals/{id}/pin_key", operation_id = "setTerminalPinKey", tag = "Terminals",
    params(("id" = String, Path, description = "A terminal's id.")),
    request_body = SetPinKeyRequest,
    responses((status = 200, description = "The terminal.", body = TerminalBody)))]
pub(crate) async fn set_pin_key(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let terminal: TerminalId = call.id("terminal")?;
    let PinKeyFields { merchant, key_block, ksn } = call.read()?;
    let set = api.pcs.set_pin_key(NewPinKey { merchant, terminal, key_block, ksn }).await?;
    ok(terminal_body(&set, api.config.livemode))
}

/// What to change of a terminal.
#[derive(Debug, ToSchema)]
pub(crate) struct UpdateTerminalRequest {
    /// The merchant's own name for it.
    #[schema(min_length = 1, max_length = 200)]
    label: Option<String>,
    /// Whether it may take payments.
    #[schema(value_type = Option<TerminalStatusBody>)]
    status: Option<TerminalStatus>,
}

impl FromFields for UpdateTerminalRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let statuses = [("active", TerminalStatus::Active), ("suspended", TerminalStatus::Suspended)];
        let label = fields.text("label", TextRule::NAME);
        Some(Self { label, status: fields.choice("status", &statuses) })
    }
}

/// Name a terminal, suspend it or take it back.
#[utoipa::path(post, path = "/v1/terminals/{id}", operation_id = "updateTerminal", tag = "Terminals",
    params(("id" = String, Path, description = "A terminal's id.")),
    request_body = UpdateTerminalRequest,
    responses((status = 200, description = "The terminal.", body = TerminalBody)))]
pub(crate) async fn update(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id: TerminalId = call.id("terminal")?;
    let request: UpdateTerminalRequest = call.read()?;
    let terminal = api.pcs.update_terminal(&call.caller, id, request.label, request.status).await?;
    ok(terminal_body(&terminal, api.config.livemode))
}
