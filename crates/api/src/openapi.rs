//! The description of the API, OpenAPI 3.1, made from the handlers.

use std::sync::LazyLock;

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Content, HeaderBuilder, ObjectBuilder, OpenApiVersion, Ref, RefOr, ResponseBuilder, Schema, Type,
};
use utoipa::openapi::{Required, path::ParameterBuilder, path::ParameterIn};
use utoipa::{Modify, OpenApi};

use crate::VERSION;
use crate::problem::{Code, Flaw, ProblemBody};
use crate::routes::{
    balance_inquiries, banks, checkout_sessions, customers, doubts, explain, merchants, meta, payments,
    refunds, terminals, webhooks,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lian",
        description = "The API of the Lian payment gateway. Amounts count minor units; times are RFC 3339 in UTC; \
            unknown parameters are refused; answers may grow. Every error is a problem of RFC 9457.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact(name = "The operator of this gateway")
    ),
    paths(
        meta::discover, meta::idempotency_key, meta::test_cards, meta::test_banks, meta::inject,
        payments::create, payments::list, payments::get, payments::list_attempts, payments::timeline,
        payments::confirm, payments::increment, payments::adjust, payments::capture, payments::void,
        refunds::create, refunds::list, refunds::get,
        customers::create, customers::list, customers::get, customers::update, customers::delete,
        customers::list_methods, customers::get_method, customers::detach_method,
        checkout_sessions::create, checkout_sessions::list, checkout_sessions::get, checkout_sessions::expire,
        webhooks::create, webhooks::list, webhooks::get, webhooks::update, webhooks::delete, webhooks::rotate_secret,
        webhooks::test, webhooks::list_deliveries, webhooks::get_delivery, webhooks::resend,
        webhooks::list_events, webhooks::get_event,
        balance_inquiries::create, doubts::list, doubts::inquire, doubts::retry, doubts::resolve,
        banks::list, banks::get, banks::take_out, banks::resume, banks::exchange_keys, banks::totals,
        banks::reconciliations, banks::fetch_parameters, banks::list_parameters, banks::get_parameters,
        explain::explain,
        terminals::create, terminals::list, terminals::get, terminals::update,
        terminals::set_pin_key,
        merchants::own, merchants::create, merchants::list, merchants::get, merchants::update,
    ),
    components(schemas(ProblemBody<'static>, Flaw, crate::body::EventObject)),
    tags(
        (name = "Payments", description = "Authorize and consume; capture and void."),
        (name = "Refunds", description = "Give captured money back."),
        (name = "Customers", description = "Your customers and the cards that they keep with you."),
        (name = "Payment methods", description = "Stored cards, as tokens."),
        (name = "Checkout sessions", description = "Hosted checkouts: the shopper pays on the gateway's pages."),
        (name = "Terminals", description = "Card terminals: cards that are there."),
        (name = "Events", description = "What happened, for ever."),
        (name = "Webhooks", description = "Being told what happened (Standard Webhooks 1.0.0)."),
        (name = "Merchant", description = "The merchant that the key belongs to."),
        (name = "Operator", description = "For the operator of the gateway; needs the operator's key."),
        (name = "Test helpers", description = "Only where banks are simulated."),
        (name = "About", description = "The API about itself.")
    ),
    modifiers(&Common)
)]
struct Api;

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = openapi().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
});

/// The description of the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// The description as it is served and committed.
pub(crate) fn text() -> &'static String {
    &TEXT
}

/// What all operations have in common.
struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        // Set by hand: a new version of the generator must not change the version that clients are made from.
        api.openapi = OpenApiVersion::Version31;
        api.info.version = VERSION.to_owned();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A secret key: lian_test_sk_…"));
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("secret_key", SecurityScheme::Http(bearer.build()));
        for (name, schema) in &mut components.schemas {
            if let (true, RefOr::T(Schema::Object(object))) = (name.ends_with("Request"), schema) {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
        let required = utoipa::openapi::SecurityRequirement::new::<_, [String; 0], String>("secret_key", []);
        api.security = Some(vec![required]);
        for (path, item) in &mut api.paths.paths {
            complete(path, item);
        }
    }
}

fn complete(path: &str, item: &mut PathItem) {
    let is_public = matches!(path, "/v1" | "/v1/test_helpers/cards");
    for (operation, is_post) in [(&mut item.get, false), (&mut item.post, true), (&mut item.delete, false)] {
        let Some(operation) = operation else { continue };
        let moves_money = is_post && (path.starts_with("/v1/payments") || path == "/v1/refunds");
        let codes = |code: &&Code| match code.status() {
            401 => !is_public,
            400 => !is_public,
            404 => {
                moves_money
                    || path.contains('{')
                    || path.starts_with("/v1/test_helpers")
                    || path.starts_with("/v1/merchants")
                    || path == "/v1/routes/explain"
            }
            402 | 504 => moves_money,
            403 => moves_money || (is_post && path == "/v1/checkout_sessions"),
            409 => is_post,
            410 => path.ends_with("/expire"),
            413 | 415 => is_post,
            422 => **code == Code::IdempotencyKeyReused && moves_money,
            500 | 503 => true,
            _ => false,
        };
        // A problem repeats the id in its body.
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                let id = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
                let id = id.description(Some("The request's id.")).build();
                response.headers.insert("Request-Id".to_owned(), RefOr::T(id));
            }
        }
        if moves_money {
            add_key_header(operation);
        }
        add_problems(operation, Code::ALL.iter().filter(codes));
    }
}

fn add_key_header(operation: &mut Operation) {
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    let parameter = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::True)
        .description(Some("Unique for the intended operation; send the same key again when you retry it."))
        .schema(Some(schema))
        .example(Some("order-1001-pay".into()));
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter.build()));
}

/// One response for each status, which lists its codes.
fn add_problems<'c>(operation: &mut Operation, codes: impl Iterator<Item = &'c Code>) {
    let mut by_status: Vec<(u16, Vec<&str>)> = Vec::new();
    for code in codes {
        match by_status.last_mut() {
            Some((status, names)) if *status == code.status() => names.push(code.name()),
            _ => by_status.push((code.status(), vec![code.name()])),
        }
    }
    for (status, names) in by_status {
        let content = Content::new(Some(RefOr::Ref::<Schema>(Ref::from_schema_name("Problem"))));
        let response = ResponseBuilder::new()
            .description(format!("A problem: {}.", names.join(", ")))
            .content("application/problem+json", content);
        operation.responses.responses.insert(status.to_string(), RefOr::T(response.build()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_description_is_the_one_that_is_served() {
        let committed = include_str!("../../../docs/reference/openapi.json");
        assert!(
            committed == text(),
            "run `cargo run -p api --example openapi > docs/reference/openapi.json`"
        );
    }

    #[test]
    fn the_version_is_3_1_and_every_operation_is_complete() {
        let api: serde_json::Value = serde_json::from_str(text()).unwrap();
        assert!(api["openapi"].as_str().unwrap().starts_with("3.1."));
        let mut ids = std::collections::HashSet::new();
        for (path, item) in api["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let name = format!("{method} {path}");
                assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}");
                assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
                assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{name}");
                for (status, response) in operation["responses"].as_object().unwrap() {
                    assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
                }
                assert!(operation["responses"].get("500").is_some(), "{name}");
            }
        }
    }
}
