//! `/v1/merchant`: the merchant of the key. `/v1/merchants`: the operator's, by the operator's key.

use std::sync::Arc;

use axum::extract::State;
use payment::limits::Limits;
use payment::routing::Acquirer;
use payment::{FeePlan, OfflineTerms, offline};
use pcs::model::MerchantStatus;
use pcs::{MerchantUpdate, NewMerchant};
use serde::Serialize;
use types::id::MerchantKind;
use types::{Currency, MerchantId, Money};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, created, ok};
use crate::body::{ListBody, MerchantBody, MerchantStatusBody, merchant_body};
use crate::problem::{Code, Problem};
use crate::request::query::PAGE;
use crate::request::{Call, Fields, FromFields, Operator, TextRule};

/// Read the merchant that the key belongs to.
#[utoipa::path(get, path = "/v1/merchant", operation_id = "getOwnMerchant", tag = "Merchant",
    responses((status = 200, description = "The merchant.", body = MerchantBody)))]
pub(crate) async fn own(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    find(&api, call.caller.merchant).await
}

async fn find(api: &ApiState, id: MerchantId) -> Answer {
    let found = api.pcs.merchant(id).await?;
    let merchant = found.ok_or_else(|| Problem::missing("merchant", &id.to_string()))?;
    ok(merchant_body(&merchant, api.config.livemode))
}

/// A merchant's contract with a bank.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `Acquirer` is read from")]
pub(crate) struct AcquirerRequest {
    /// The bank's name in the gateway's configuration.
    bank: String,
    /// DE 41: eight visible ASCII characters.
    #[schema(min_length = 8, max_length = 8)]
    terminal: String,
    /// DE 42: fifteen visible ASCII characters.
    #[schema(min_length = 15, max_length = 15)]
    acceptor: String,
    /// What it may be paid in there.
    #[schema(example = json!(["CNY"]), min_items = 1)]
    currencies: Vec<String>,
    /// Card brands taken there; all unless given.
    brands: Option<Vec<String>>,
}

impl FromFields for Acquirer {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let bank = fields.text("bank", TextRule::REFERENCE);
        let bank = fields.required("bank", bank);
        let terminal = fields.text("terminal", TextRule::TERMINAL);
        let terminal = fields.required("terminal", terminal);
        let acceptor = fields.text("acceptor", TextRule::ACCEPTOR);
        let acceptor = fields.required("acceptor", acceptor);
        let currencies = fields.texts("currencies", 200, TextRule::REFERENCE);
        let currencies = fields.required("currencies", currencies);
        let brands = fields.texts("brands", 20, TextRule::REFERENCE).unwrap_or_default();
        let currencies: Result<Vec<Currency>, _> =
            currencies?.iter().map(|letters| letters.parse()).collect();
        match currencies {
            Ok(currencies) if !currencies.is_empty() => {
                Some(Acquirer { bank: bank?, terminal: terminal?, acceptor: acceptor?, currencies, brands })
            }
            _ => {
                let rule = "currencies must list at least one supported ISO 4217 code in upper case";
                fields.flaw("currencies", Code::CurrencyUnsupported, rule);
                None
            }
        }
    }
}

/// A merchant to take on.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `NewMerchant` is read from")]
pub(crate) struct CreateMerchantRequest {
    /// The name shoppers see.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// The fee in hundredths of a percent of the captured amount; 0 unless given.
    #[schema(minimum = 0, maximum = 10_000, example = 60)]
    fee_bps: Option<u32>,
    /// The fixed fee on every capture, in minor units of the payment's currency; 0 unless given.
    fee_fixed: Option<u64>,
    /// Its contracts with banks, in order of preference.
    #[schema(min_items = 1, max_items = 20)]
    acquirers: Vec<AcquirerRequest>,
    /// The least amount of one payment.
    #[schema(minimum = 1)]
    min_amount: Option<u64>,
    /// The largest amount of one payment.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64)]
    max_amount: Option<u64>,
    /// Days that an authorization is kept; 7 unless given.
    #[schema(minimum = 1, maximum = 30)]
    authorization_days: Option<u32>,
    /// It may send card data itself, from terminals or telephone orders, and is within the scope of PCI DSS then; false
    /// unless given.
    sends_card_data: Option<bool>,
    /// The largest amount that a chip may approve at its terminals without its bank, in minor units of `offline_currency`;
    /// 0 (none) unless given. Needs `sends_card_data`.
    #[schema(minimum = 0, maximum = 999_999_999_999_u64, example = 5000)]
    offline_floor_limit: Option<u64>,
    /// The one currency that a chip may approve in; required with an `offline_floor_limit` above 0.
    #[schema(example = "CNY", pattern = "^[A-Z]{3}$")]
    offline_currency: Option<String>,
    /// Days within which such a sale must be sent; 7 unless given.
    #[schema(minimum = 1, maximum = 7)]
    offline_days: Option<u32>,
}

/// What chips may approve by themselves; nothing where there is no floor limit.
fn offline_terms(fields: &mut Fields<'_>, sends_card_data: bool) -> Option<OfflineTerms> {
    let floor_limit = fields.minor_units("offline_floor_limit", 0).unwrap_or(0);
    let currency = fields.currency("offline_currency");
    let days = fields.whole("offline_days", 1..=offline::DAYS).unwrap_or(offline::DAYS);
    if floor_limit > 0 && !sends_card_data {
        let rule = "offline_floor_limit needs sends_card_data: the chip's data is sent with the sale";
        fields.flaw("offline_floor_limit", Code::ParameterInvalid, rule);
    }
    if floor_limit == 0 {
        return None;
    }
    let currency = fields.required("offline_currency", currency)?;
    Some(OfflineTerms { floor_limit: Money::new(floor_limit, currency).ok()?, days })
}

impl FromFields for NewMerchant {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", TextRule::NAME);
        let name = fields.required("name", name);
        let bps = fields.whole("fee_bps", 0..=10_000).unwrap_or(0);
        let fixed = fields.minor_units("fee_fixed", 0).unwrap_or(0);
        let acquirers: Option<Vec<Acquirer>> = fields.objects("acquirers", 20);
        let acquirers = fields.required("acquirers", acquirers);
        if acquirers.as_ref().is_some_and(Vec::is_empty) {
            fields.flaw("acquirers", Code::ParameterInvalid, "acquirers must have at least one item");
        }
        let min = fields.minor_units("min_amount", 1).unwrap_or(1);
        let max = fields.minor_units("max_amount", 1).unwrap_or(Money::MAX_MESSAGE_MINOR);
        if min > max {
            fields.flaw("max_amount", Code::ParameterInvalid, "max_amount must not be below min_amount");
        }
        let sends_card_data = fields.bool("sends_card_data").unwrap_or(false);
        let offline = offline_terms(fields, sends_card_data);
        let authorization_days = fields.whole("authorization_days", 1..=30).unwrap_or(7);
        Some(NewMerchant {
            name: name?,
            fee_plan: FeePlan { bps, fixed, min: None, cap: None },
            limits: Limits { min, max },
            acquirers: acquirers?,
            authorization_days,
            sends_card_data,
            offline,
        })
    }
}

/// A merchant that was just taken on.
#[derive(Serialize, ToSchema)]
#[schema(as = NewMerchant)]
pub(crate) struct NewMerchantBody {
    /// The merchant.
    merchant: MerchantBody,
    /// Its first secret key: shown here only.
    secret_key: String,
}

/// Take a merchant on. Needs the operator's key.
#[utoipa::path(post, path = "/v1/merchants", operation_id = "createMerchant", tag = "Operator",
    request_body = CreateMerchantRequest,
    responses((status = 201, description = "The merchant and its first secret key.", body = NewMerchantBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let new: NewMerchant = call.read()?;
    let (merchant, secret_key) = api.pcs.create_merchant(new).await?;
    let body = NewMerchantBody {
        merchant: merchant_body(&merchant, api.config.livemode),
        secret_key: secret_key.expose().clone(),
    };
    created(format!("/v1/merchants/{}", merchant.id), body)
}

/// List merchants. Needs the operator's key.
#[utoipa::path(get, path = "/v1/merchants", operation_id = "listMerchants", tag = "Operator",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it.")),
    responses((status = 200, description = "Newest first.", body = ListBody<MerchantBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.query.only(PAGE)?;
    let listed = api.pcs.merchants(call.query.page::<MerchantKind>()?).await?;
    let data = listed.data.iter().map(|merchant| merchant_body(merchant, api.config.livemode)).collect();
    ok(ListBody::<MerchantBody>::new("/v1/merchants", data, listed.has_more))
}

/// Read a merchant. Needs the operator's key.
#[utoipa::path(get, path = "/v1/merchants/{id}", operation_id = "getMerchant", tag = "Operator",
    params(("id" = String, Path, description = "A merchant's id.")),
    responses((status = 200, description = "The merchant.", body = MerchantBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    call.nothing_else()?;
    find(&api, call.id("merchant")?).await
}

/// What to change of a merchant; at least one of its fields.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `MerchantUpdate` is read from")]
pub(crate) struct UpdateMerchantRequest {
    /// Whether it may be paid.
    status: Option<MerchantStatusBody>,
    /// The largest amount that a chip may approve at its terminals without its bank, in minor units of `offline_currency`; 0: none.
    #[schema(minimum = 0, maximum = 999_999_999_999_u64, example = 5000)]
    offline_floor_limit: Option<u64>,
    /// The one currency that a chip may approve in; required with an `offline_floor_limit` above 0.
    #[schema(example = "CNY", pattern = "^[A-Z]{3}$")]
    offline_currency: Option<String>,
    /// Days within which such a sale must be sent; with `offline_floor_limit`, 7 unless given.
    #[schema(minimum = 1, maximum = 7)]
    offline_days: Option<u32>,
}

impl FromFields for MerchantUpdate {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let statuses = [("active", MerchantStatus::Active), ("suspended", MerchantStatus::Suspended)];
        let status = fields.choice("status", &statuses);
        let has_floor = fields.has("offline_floor_limit");
        for belongs in ["offline_days", "offline_currency"] {
            if !has_floor && fields.has(belongs) {
                let rule = format!("{belongs} must come with offline_floor_limit");
                fields.flaw(belongs, Code::ParameterInvalid, rule);
            }
        }
        if !has_floor && !fields.has("status") {
            fields.required("status", None::<MerchantStatus>);
        }
        // Whether the merchant sends card data, its row knows.
        let offline = offline_terms(fields, true);
        Some(Self { status, offline: has_floor.then_some(offline) })
    }
}

/// Suspend a merchant or take it back; set what chips may approve at its terminals. Needs the operator's key.
#[utoipa::path(post, path = "/v1/merchants/{id}", operation_id = "updateMerchant", tag = "Operator",
    params(("id" = String, Path, description = "A merchant's id.")),
    request_body = UpdateMerchantRequest,
    responses((status = 200, description = "The merchant.", body = MerchantBody)))]
pub(crate) async fn update(State(api): State<Arc<ApiState>>, call: Call<Operator>) -> Answer {
    let id: MerchantId = call.id("merchant")?;
    let update: MerchantUpdate = call.read()?;
    let merchant = api.pcs.update_merchant(id, update).await?;
    ok(merchant_body(&merchant, api.config.livemode))
}
