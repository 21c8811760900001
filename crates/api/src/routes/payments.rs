//! `/v1/payments`: authorize and consume are one resource with a `capture_method`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use card::OfflineApproval;
use payment::{CaptureMethod, Payment};
use pcs::{CommandError, Done, NewPayment};
use types::id::PaymentKind;
use types::{CustomerId, Money, PaymentId, PaymentMethodId, TerminalId, Timestamp};
use utoipa::ToSchema;

use crate::ApiState;
use crate::answer::{Answer, Operation, of_payment, ok};
use crate::body::{
    AttemptBody, CaptureMethodBody, ListBody, PaymentBody, TimelineItemBody, attempts, payment_body,
    timeline_item,
};
use crate::problem::{Code, Problem};
use crate::request::card_data::{self, CardDataRequest};
use crate::request::{Call, Fields, FromFields, TextRule};
use crate::routes::reused;

/// A payment to make.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the body that `NewPayment` is read from")]
pub(crate) struct CreatePaymentRequest {
    /// Minor units: 12.50 CNY is 1250.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64, example = 1250)]
    amount: u64,
    /// ISO 4217, upper case.
    #[schema(example = "CNY", pattern = "^[A-Z]{3}$")]
    currency: String,
    /// `automatic` (the default) consumes: one message moves the money. `manual` authorizes: a capture moves it later.
    capture_method: Option<CaptureMethodBody>,
    /// Ask the bank now; needs `payment_method`. The default is false.
    confirm: Option<bool>,
    /// A stored card.
    #[schema(example = "pm_01kbt3m2x4e5f8g9hajbkcmdpe")]
    payment_method: Option<String>,
    /// A card for this payment only, with `confirm: true`. Only for merchants that may send card data.
    payment_method_data: Option<CardDataRequest>,
    /// The terminal that the card is at.
    #[schema(example = "ter_01kbt3m2x4e5f8g9hajbkcmdpe")]
    terminal: Option<String>,
    /// A chip has approved it at the terminal already: the bank is told, not asked, until it has acknowledged it. Only within the
    /// merchant's floor limit, with `confirm: true` and `capture_method: automatic`.
    offline: Option<OfflineRequest>,
    /// A customer; must own the card when both are given.
    #[schema(example = "cus_01kbt3m2x4e5f8g9hajbkcmdpe")]
    customer: Option<String>,
    /// Your own number for the order, unique among your payments. Visible ASCII.
    #[schema(min_length = 1, max_length = 64, example = "order-1001")]
    merchant_reference: Option<String>,
    /// Free text.
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    /// Your own data: at most 50 keys of 40 characters, values of 500.
    metadata: Option<BTreeMap<String, String>>,
}

/// What the terminal says of a sale that a chip approved there.
#[derive(Debug, ToSchema)]
#[schema(as = OfflineSale)]
#[expect(dead_code, reason = "describes the object that `OfflineApproval` is read from")]
pub(crate) struct OfflineRequest {
    /// When: not in the future, and not longer ago than the merchant's `offline_days`.
    #[schema(value_type = String, format = DateTime)]
    approved_at: Timestamp,
    /// The approval code that the terminal made, if it made one: six letters and digits.
    #[schema(example = "Y1OFFL", pattern = "^[0-9A-Za-z]{6}$")]
    authorization_code: Option<String>,
}

impl FromFields for OfflineApproval {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let approved_at = fields.timestamp("approved_at");
        let approved_at = fields.required("approved_at", approved_at);
        let authorization_code = fields.text("authorization_code", TextRule::ascii(6, 6));
        if authorization_code.as_ref().is_some_and(|code| !code.bytes().all(|c| c.is_ascii_alphanumeric())) {
            let rule = "authorization_code must be six letters and digits";
            fields.flaw("authorization_code", Code::ParameterInvalid, rule);
        }
        Some(Self { approved_at: approved_at?, authorization_code })
    }
}

const CAPTURE_METHODS: &[(&str, CaptureMethod)] =
    &[("automatic", CaptureMethod::Automatic), ("manual", CaptureMethod::Manual)];

pub(crate) fn capture_method(fields: &mut Fields<'_>) -> CaptureMethod {
    fields.choice("capture_method", CAPTURE_METHODS).unwrap_or(CaptureMethod::Automatic)
}

impl FromFields for NewPayment {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let amount: Option<Money> = fields.money();
        let capture_method = capture_method(fields);
        let confirm = fields.bool("confirm").unwrap_or(false);
        let payment_method: Option<PaymentMethodId> = fields.id("payment_method");
        let customer: Option<CustomerId> = fields.id("customer");
        let merchant_reference = fields.text("merchant_reference", TextRule::REFERENCE);
        let description = fields.text("description", TextRule::DESCRIPTION);
        let metadata = fields.metadata().unwrap_or_default();
        fields.no_card_data_of_this_merchant(card_data::FIELD);
        let terminal: Option<TerminalId> = fields.id("terminal");
        let offline: Option<OfflineApproval> = fields.object("offline");
        Some(NewPayment {
            amount: amount?,
            capture_method,
            confirm,
            payment_method,
            card: None,
            terminal,
            offline,
            customer,
            merchant_reference,
            description,
            metadata,
        })
    }
}

/// Make a payment.
///
/// Authorizes (`capture_method: manual`) or consumes (`automatic`). With `confirm: true` the bank is asked at once; a
/// decline is answered with 402, a bank's silence with 504 and the payment `processing`, `in_doubt: true`. With `offline` the
/// sale has happened: it is taken over with 201 whatever the bank says, and `processing` until the bank has acknowledged it.
#[utoipa::path(post, path = "/v1/payments", operation_id = "createPayment", tag = "Payments",
    request_body = CreatePaymentRequest,
    responses((status = 201, description = "The payment.", body = PaymentBody)))]
pub(crate) async fn create(State(api): State<Arc<ApiState>>, mut call: Call) -> Answer {
    let card = card_data::take(&api, &mut call).await?;
    let mut new: NewPayment = call.read()?;
    new.card = card_data::read(card, new.offline.is_some())?;
    must_have_one_card(&new)?;
    let key = call.money_key()?;
    let name = key.key.clone();
    match api.pcs.create_payment(&call.caller, key, new.clone()).await {
        Ok(completed) => of_payment(Operation::Create, completed, api.config.livemode),
        Err(CommandError::KeyReused) => {
            Err(reused(&api, &call.caller, &name, |done| differences(&new, done)).await)
        }
        Err(error) => Err(error.into()),
    }
}

/// A payment is paid with one card, and a card that is not kept can only be used at once.
fn must_have_one_card(new: &NewPayment) -> Result<(), Problem> {
    card_data::one_card(new.payment_method.is_some(), new.card.is_some(), new.terminal.is_some())?;
    let flaw = |name: &str, code, rule: &str| Err(Problem::with_param(code, format!("/{name}"), rule));
    match (&new.payment_method, &new.card) {
        (None, Some(_)) if !new.confirm => {
            let rule = "confirm must be true beside payment_method_data: a card is not kept";
            flaw("confirm", Code::ParameterInvalid, rule)
        }
        (None, None) if new.confirm => {
            flaw("payment_method", Code::ParameterMissing, "payment_method is required when confirm is true")
        }
        _ => Ok(()),
    }
}

/// Which fields of a request differ from those of the payment that the same key made.
fn differences(new: &NewPayment, done: &Done) -> Vec<&'static str> {
    let (Done::Payment(old) | Done::ActionRefused(old)) = done else { return Vec::new() };
    let terms = &old.terms;
    let offline = old.original.as_ref().and_then(|exchange| exchange.offline.as_ref());
    let compared = [
        ("offline", new.offline.as_ref() != offline),
        ("amount", new.amount.minor() != terms.amount.minor()),
        ("currency", new.amount.currency() != terms.amount.currency()),
        ("capture_method", new.capture_method != terms.capture_method),
        ("payment_method", new.card.is_none() && new.payment_method != old.payment_method),
        ("customer", new.customer.is_some() && new.customer != old.customer),
        ("merchant_reference", new.merchant_reference != terms.merchant_reference),
        ("description", new.description != terms.description),
        ("metadata", new.metadata != terms.metadata),
    ];
    compared.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

/// List payments, or find one by your own number.
#[utoipa::path(get, path = "/v1/payments", operation_id = "listPayments", tag = "Payments",
    params(
        ("limit" = Option<u16>, Query, description = "1 to 100; 20 unless given.", minimum = 1, maximum = 100),
        ("starting_after" = Option<String>, Query, description = "An id: the page of older objects after it."),
        ("ending_before" = Option<String>, Query, description = "An id: the page of newer objects before it."),
        ("merchant_reference" = Option<String>, Query, description = "Your own number: a list of one payment or none.")),
    responses((status = 200, description = "Newest first.", body = ListBody<PaymentBody>)))]
pub(crate) async fn list(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.query.only(&["limit", "starting_after", "ending_before", "merchant_reference"])?;
    let page = call.query.page::<PaymentKind>()?;
    let merchant = call.caller.merchant;
    let (found, has_more) = match call.query.get("merchant_reference") {
        Some(reference) => {
            (api.pcs.payment_by_reference(merchant, reference).await?.into_iter().collect(), false)
        }
        None => {
            let listed = api.pcs.payments(merchant, page).await?;
            (listed.data, listed.has_more)
        }
    };
    let data: Vec<PaymentBody> =
        found.iter().map(|payment| payment_body(payment, api.config.livemode)).collect();
    ok(ListBody::new("/v1/payments", data, has_more))
}

/// Read a payment.
#[utoipa::path(get, path = "/v1/payments/{id}", operation_id = "getPayment", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    responses((status = 200, description = "The payment.", body = PaymentBody)))]
pub(crate) async fn get(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    ok(payment_body(&find(&api, &call).await?, api.config.livemode))
}

/// The exchanges of a payment with banks.
#[utoipa::path(get, path = "/v1/payments/{id}/attempts", operation_id = "listPaymentAttempts", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    responses((status = 200, description = "Oldest first.", body = ListBody<AttemptBody>)))]
pub(crate) async fn list_attempts(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    ok(ListBody::new(call.path(), attempts(&find(&api, &call).await?), false))
}

/// The life of a payment from the journal.
#[utoipa::path(get, path = "/v1/payments/{id}/timeline", operation_id = "getPaymentTimeline", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    responses((status = 200, description = "Oldest first.", body = ListBody<TimelineItemBody>)))]
pub(crate) async fn timeline(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    call.nothing_else()?;
    let payment = find(&api, &call).await?;
    let history = api.pcs.history(payment.merchant, payment.id).await?;
    let items: Vec<TimelineItemBody> = history.iter().map(timeline_item).collect();
    ok(ListBody::new(call.path(), items, false))
}

/// A payment to confirm.
#[derive(Debug, ToSchema)]
pub(crate) struct ConfirmPaymentRequest {
    /// A stored card; not needed when the payment has one.
    #[schema(value_type = Option<String>, example = "pm_01kbt3m2x4e5f8g9hajbkcmdpe")]
    payment_method: Option<PaymentMethodId>,
}

impl FromFields for ConfirmPaymentRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        fields.no_card_data("payment_method_data");
        Some(Self { payment_method: fields.id("payment_method") })
    }
}

/// Ask the bank for a payment that was made without `confirm`.
#[utoipa::path(post, path = "/v1/payments/{id}/confirm", operation_id = "confirmPayment", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    request_body = Option<ConfirmPaymentRequest>,
    responses((status = 200, description = "The payment.", body = PaymentBody)))]
pub(crate) async fn confirm(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id = call.id::<PaymentKind>("payment")?;
    let request: ConfirmPaymentRequest = call.read()?;
    let key = call.money_key()?;
    let completed = api.pcs.confirm_payment(&call.caller, key, id, request.payment_method).await?;
    of_payment(Operation::Confirm, completed, api.config.livemode)
}

/// An increment of an authorization.
#[derive(Debug, ToSchema)]
pub(crate) struct IncrementPaymentRequest {
    /// Minor units to hold on top of what is held.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64)]
    amount: u64,
}

impl FromFields for IncrementPaymentRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.minor_units("amount", 1);
        Some(Self { amount: fields.required("amount", amount)? })
    }
}

/// Hold more on top of an authorization. Not every bank can.
///
/// A refusal leaves the hold as it stands (402); after a bank's silence the increment is reversed and the hold stands again.
#[utoipa::path(post, path = "/v1/payments/{id}/increment", operation_id = "incrementPayment", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    request_body = IncrementPaymentRequest,
    responses((status = 200, description = "The payment.", body = PaymentBody)))]
pub(crate) async fn increment(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id = call.id::<PaymentKind>("payment")?;
    let request: IncrementPaymentRequest = call.read()?;
    let key = call.money_key()?;
    let completed = api.pcs.increment_payment(&call.caller, key, id, request.amount).await?;
    of_payment(Operation::Increment, completed, api.config.livemode)
}

/// What a sale comes to.
#[derive(Debug, ToSchema)]
pub(crate) struct AdjustPaymentRequest {
    /// Minor units in all, the tip included; at least the payment's `amount`.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64)]
    amount: u64,
}

impl FromFields for AdjustPaymentRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let amount = fields.minor_units("amount", 1);
        fields.required("amount", amount).map(|amount| Self { amount })
    }
}

/// Have a sale come to another amount: a tip.
///
/// Only a sale, on the day it was made and before any refund, and only where its bank adjusts sales: `allowed_actions` says
/// so. A refusal leaves the sale as it stands (402); what the bank does not answer is sent again until it does.
#[utoipa::path(post, path = "/v1/payments/{id}/adjust", operation_id = "adjustPayment", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    request_body = AdjustPaymentRequest,
    responses((status = 200, description = "The payment.", body = PaymentBody)))]
pub(crate) async fn adjust(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id = call.id::<PaymentKind>("payment")?;
    let request: AdjustPaymentRequest = call.read()?;
    let key = call.money_key()?;
    let completed = api.pcs.adjust_payment(&call.caller, key, id, request.amount).await?;
    of_payment(Operation::Adjust, completed, api.config.livemode)
}

/// A capture.
#[derive(Debug, ToSchema)]
pub(crate) struct CapturePaymentRequest {
    /// Minor units; all that is held unless given. What is not captured is released.
    #[schema(minimum = 1, maximum = 999_999_999_999_u64)]
    amount: Option<u64>,
    /// Tell the bank, and do not ask it: what it does not answer is sent again until it does, and not undone. Not every
    /// bank takes that; `false` unless given.
    advice: Option<bool>,
}

impl FromFields for CapturePaymentRequest {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self { amount: fields.minor_units("amount", 1), advice: fields.bool("advice") })
    }
}

/// Capture an authorization, in full or in part.
#[utoipa::path(post, path = "/v1/payments/{id}/capture", operation_id = "capturePayment", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    request_body = Option<CapturePaymentRequest>,
    responses((status = 200, description = "The payment.", body = PaymentBody)))]
pub(crate) async fn capture(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id = call.id::<PaymentKind>("payment")?;
    let request: CapturePaymentRequest = call.read()?;
    let key = call.money_key()?;
    let completed = match request.advice {
        Some(true) => api.pcs.advise_capture(&call.caller, key, id, request.amount).await?,
        Some(false) | None => api.pcs.capture_payment(&call.caller, key, id, request.amount).await?,
    };
    of_payment(Operation::Capture, completed, api.config.livemode)
}

/// Take a payment back: a hold at any time, a captured sale on the day of its capture, an unpaid payment at once.
#[utoipa::path(post, path = "/v1/payments/{id}/void", operation_id = "voidPayment", tag = "Payments",
    params(("id" = String, Path, description = "A payment's id.")),
    responses((status = 200, description = "The payment, canceled.", body = PaymentBody)))]
pub(crate) async fn void(State(api): State<Arc<ApiState>>, call: Call) -> Answer {
    let id = call.id::<PaymentKind>("payment")?;
    call.nothing_else()?;
    let key = call.money_key()?;
    let completed = api.pcs.void_payment(&call.caller, key, id).await?;
    of_payment(Operation::Void, completed, api.config.livemode)
}

async fn find(api: &ApiState, call: &Call) -> Result<Payment, Problem> {
    let id: PaymentId = call.id("payment")?;
    let found = api.pcs.payment(call.caller.merchant, id).await?;
    found.ok_or_else(|| Problem::missing("payment", &id.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::fields::read;
    use crate::request::json::Json;

    fn read_new(body: &str) -> Result<NewPayment, Problem> {
        read(&Json::parse(body.as_bytes()).unwrap())
    }

    fn refused(body: &str) -> (Code, String) {
        let problem = read_new(body).and_then(|new| must_have_one_card(&new)).unwrap_err();
        (problem.code(), problem.param().unwrap_or_default().to_owned())
    }

    #[test]
    fn whole_numbers_are_taken_however_they_are_written() {
        for amount in ["1250", "1250.0", "1.25e3"] {
            let new = read_new(&format!(r#"{{"amount": {amount}, "currency": "CNY"}}"#)).unwrap();
            assert_eq!(new.amount.minor(), 1250, "{amount}");
            assert_eq!(new.capture_method, CaptureMethod::Automatic);
        }
    }

    #[test]
    fn each_wrong_field_is_named_with_its_rule() {
        let at = |code, pointer: &str| (code, pointer.to_owned());
        assert_eq!(refused(r#"{"currency": "CNY"}"#), at(Code::ParameterMissing, "/amount"));
        assert_eq!(refused(r#"{"amount": 0, "currency": "CNY"}"#), at(Code::AmountTooSmall, "/amount"));
        assert_eq!(refused(r#"{"amount": -5, "currency": "CNY"}"#), at(Code::AmountTooSmall, "/amount"));
        assert_eq!(
            refused(r#"{"amount": 1000000000000, "currency": "CNY"}"#),
            at(Code::AmountTooLarge, "/amount")
        );
        assert_eq!(
            refused(r#"{"amount": 12.5, "currency": "CNY"}"#),
            at(Code::ParameterInvalidInteger, "/amount")
        );
        assert_eq!(
            refused(r#"{"amount": "1250", "currency": "CNY"}"#),
            at(Code::ParameterInvalidInteger, "/amount")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "cny"}"#),
            at(Code::CurrencyUnsupported, "/currency")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "XXX"}"#),
            at(Code::CurrencyUnsupported, "/currency")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "CNY", "amout": 2}"#),
            at(Code::ParameterUnknown, "/amout")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "CNY", "confirm": true}"#),
            at(Code::ParameterMissing, "/payment_method")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "CNY", "payment_method_data": {"number": "x"}}"#),
            at(Code::PanNotAllowedHere, "/payment_method_data")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "CNY", "description": "card 4000 0000 0000 0002"}"#),
            at(Code::PanNotAllowedHere, "/description")
        );
        assert_eq!(
            refused(r#"{"amount": 1, "currency": "CNY", "metadata": {"a": 1}}"#),
            at(Code::ParameterInvalid, "/metadata/a")
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let problem = read_new(r#"{"amount": 1.5, "currency": "eur", "x": 1}"#).unwrap_err();
        let pointers: Vec<&str> = problem.errors().iter().map(|flaw| flaw.pointer.as_str()).collect();
        assert_eq!(pointers, ["/currency", "/amount", "/x"]);
    }

    #[test]
    fn a_card_number_is_never_repeated() {
        let body = r#"{"amount": 1, "currency": "4000000000000002", "4000000000000002": "4000000000000002"}"#;
        let problem = read_new(body).unwrap_err();
        assert!(!format!("{problem:?}").contains("4000000000000002"), "{problem:?}");
    }
}
