//! Which path is whose.

pub(crate) mod balance_inquiries;
pub(crate) mod banks;
pub(crate) mod checkout_sessions;
pub(crate) mod customers;
pub(crate) mod doubts;
pub(crate) mod explain;
pub(crate) mod merchants;
pub(crate) mod meta;
pub(crate) mod payments;
pub(crate) mod refunds;
pub(crate) mod terminals;
pub(crate) mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use pcs::{Caller, Done};

use crate::ApiState;
use crate::edge::{edge, no_method, no_route};
use crate::problem::{Code, Flaw, Problem};

/// The whole API.
pub fn router(state: Arc<ApiState>) -> Router {
    Router::new()
        .route("/v1", get(meta::discover))
        .route("/v1/payments", post(payments::create).get(payments::list))
        .route("/v1/payments/{id}", get(payments::get))
        .route("/v1/payments/{id}/attempts", get(payments::list_attempts))
        .route("/v1/payments/{id}/timeline", get(payments::timeline))
        .route("/v1/payments/{id}/confirm", post(payments::confirm))
        .route("/v1/payments/{id}/increment", post(payments::increment))
        .route("/v1/payments/{id}/adjust", post(payments::adjust))
        .route("/v1/payments/{id}/capture", post(payments::capture))
        .route("/v1/payments/{id}/void", post(payments::void))
        .route("/v1/refunds", post(refunds::create).get(refunds::list))
        .route("/v1/refunds/{id}", get(refunds::get))
        .route("/v1/customers", post(customers::create).get(customers::list))
        .route("/v1/customers/{id}", get(customers::get).post(customers::update).delete(customers::delete))
        .route("/v1/customers/{id}/payment_methods", get(customers::list_methods))
        .route("/v1/payment_methods/{id}", get(customers::get_method))
        .route("/v1/payment_methods/{id}/detach", post(customers::detach_method))
        .route("/v1/checkout_sessions", post(checkout_sessions::create).get(checkout_sessions::list))
        .route("/v1/checkout_sessions/{id}", get(checkout_sessions::get))
        .route("/v1/checkout_sessions/{id}/expire", post(checkout_sessions::expire))
        .route("/v1/webhook_endpoints", post(webhooks::create).get(webhooks::list))
        .route(
            "/v1/webhook_endpoints/{id}",
            get(webhooks::get).post(webhooks::update).delete(webhooks::delete),
        )
        .route("/v1/webhook_endpoints/{id}/rotate_secret", post(webhooks::rotate_secret))
        .route("/v1/webhook_endpoints/{id}/test", post(webhooks::test))
        .route("/v1/deliveries", get(webhooks::list_deliveries))
        .route("/v1/deliveries/{id}", get(webhooks::get_delivery))
        .route("/v1/deliveries/{id}/resend", post(webhooks::resend))
        .route("/v1/events", get(webhooks::list_events))
        .route("/v1/events/{id}", get(webhooks::get_event))
        .route("/v1/balance_inquiries", post(balance_inquiries::create))
        .route("/v1/banks", get(banks::list))
        .route("/v1/banks/{bank}", get(banks::get))
        .route("/v1/banks/{bank}/totals", post(banks::totals))
        .route("/v1/banks/{bank}/reconciliations", get(banks::reconciliations))
        .route("/v1/banks/{bank}/fetch_parameters", post(banks::fetch_parameters))
        .route("/v1/banks/{bank}/parameters", get(banks::list_parameters))
        .route("/v1/banks/{bank}/parameters/{id}", get(banks::get_parameters))
        .route("/v1/banks/{bank}/links/{link}/take_out", post(banks::take_out))
        .route("/v1/banks/{bank}/links/{link}/resume", post(banks::resume))
        .route("/v1/banks/{bank}/links/{link}/exchange_keys", post(banks::exchange_keys))
        .route("/v1/routes/explain", post(explain::explain))
        .route("/v1/doubts", get(doubts::list))
        .route("/v1/doubts/{id}/inquire", post(doubts::inquire))
        .route("/v1/doubts/{id}/retry", post(doubts::retry))
        .route("/v1/doubts/{id}/resolve", post(doubts::resolve))
        .route("/v1/terminals", post(terminals::create).get(terminals::list))
        .route("/v1/terminals/{id}", get(terminals::get).post(terminals::update))
        .route("/v1/terminals/{id}/pin_key", post(terminals::set_pin_key))
        .route("/v1/merchant", get(merchants::own))
        .route("/v1/merchants", post(merchants::create).get(merchants::list))
        .route("/v1/merchants/{id}", get(merchants::get).post(merchants::update))
        .route("/v1/idempotency_keys/{key}", get(meta::idempotency_key))
        .route("/v1/test_helpers/cards", get(meta::test_cards))
        .route("/v1/test_helpers/banks", get(meta::test_banks))
        .route("/v1/test_helpers/banks/{bank}/faults", post(meta::inject))
        .route("/openapi.json", get(meta::openapi))
        .route("/docs/errors", get(meta::errors))
        .route("/docs/errors/{code}", get(meta::error))
        .route("/livez", get(meta::livez))
        .route("/readyz", get(meta::readyz))
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&state), edge))
        .with_state(state)
}

/// A key that came with another request: names the fields that differ, where the first request's object tells.
pub(crate) async fn reused(
    api: &ApiState,
    caller: &Caller,
    key: &str,
    differences: impl FnOnce(&Done) -> Vec<&'static str>,
) -> Problem {
    let known = api.pcs.idempotency_key(caller, key).await.ok().flatten();
    let first = known.filter(|known| known.is_answered).map(|known| known.done);
    let names = first.as_ref().map(differences).unwrap_or_default();
    if names.is_empty() {
        let detail = "this key came with another request: the method, the path or the body differs";
        return Problem::new(Code::IdempotencyKeyReused, detail);
    }
    let flaw = |name: &&str| Flaw {
        pointer: format!("/{name}"),
        code: Code::IdempotencyKeyReused,
        detail: format!("{name} differs from the first request with this key"),
        allowed: Vec::new(),
    };
    Problem::of_flaws(names.iter().map(flaw).collect())
}
