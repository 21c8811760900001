//! The description and the API are the same thing: every operation is routed, every field is read.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::Value;

use crate::desk::{Desk, OPERATOR_KEY};

/// Every operation: method, path with its braces, description.
fn operations() -> Vec<(Method, String, Value)> {
    let api: Value = serde_json::to_value(api::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase().parse().unwrap(), path.clone(), operation.clone()));
        }
    }
    all
}

/// The path with an id of the right kind in its braces.
fn concrete(path: &str) -> String {
    let kind = match path.split('/').nth(2).unwrap_or_default() {
        "payments" => "pay",
        "refunds" => "ref",
        "customers" => "cus",
        "payment_methods" => "pm",
        "checkout_sessions" => "cs",
        "webhook_endpoints" => "we",
        "deliveries" => "dlv",
        "events" => "evt",
        "terminals" => "ter",
        "doubts" => "att",
        _ => "mer",
    };
    let id = format!("{kind}_01h455vb4pex5vsknk084sn02q");
    path.replace("{id}", &id).replace("{bank}", "north").replace("{link}", "1").replace("{key}", "some-key")
}

#[tokio::test(start_paused = true)]
async fn every_described_operation_is_routed_and_needs_a_key() {
    let desk = Desk::seeded(250).await;
    for (method, path, operation) in operations() {
        let request = Request::builder().method(&method).uri(concrete(&path)).body(Body::empty()).unwrap();
        let answer = desk.send(request).await;
        let is_public = operation["security"] == serde_json::json!([{}]);
        let expected = if is_public { 200 } else { 401 };
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
    }
}

/// An unknown field is answered with the list of known ones: they are those of the description.
#[tokio::test(start_paused = true)]
async fn every_described_field_is_read_and_no_other() {
    let desk = Desk::seeded(251).await;
    let api: Value = serde_json::to_value(api::openapi()).unwrap();
    let mut seen = 0;
    for (method, path, operation) in operations() {
        let content = &operation["requestBody"]["content"]["application/json"]["schema"];
        let reference = content.pointer("/oneOf/1/$ref").or(content.pointer("/$ref"));
        let Some(reference) = reference.and_then(Value::as_str) else { continue };
        let schema = api.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        assert_eq!(schema["additionalProperties"], false, "{reference}");
        let described: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();

        let key = if operators(&method, &path) { OPERATOR_KEY } else { &desk.key };
        let request = Request::builder()
            .method(&method)
            .uri(concrete(&path))
            .header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {key}")).header("idempotency-key", "k");
        let answer = desk.send(request.body(Body::from(r#"{"zzz": 1}"#)).unwrap()).await;
        assert_eq!(answer.status, 400, "{method} {path}: {}", answer.text);
        let errors = answer.body["errors"].as_array().unwrap();
        let unknown =
            errors.iter().find(|flaw| flaw["pointer"] == "/zzz").expect("the unknown field is named");
        assert_eq!(unknown["code"], "parameter_unknown");
        let read: BTreeSet<&str> =
            unknown["allowed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(read, described, "{method} {path}");
        let missing: BTreeSet<&str> = errors
            .iter()
            .filter(|flaw| flaw["code"] == "parameter_missing")
            .map(|flaw| flaw["pointer"].as_str().unwrap().trim_start_matches('/'))
            .collect();
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap()).collect();
        // A checkout's amount may be left to its lines, so it is missed without being required.
        assert!(required.is_subset(&missing), "{method} {path}: {required:?} {missing:?}");
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} bodies were found");
}

#[tokio::test(start_paused = true)]
async fn the_served_description_is_the_committed_one() {
    let desk = Desk::seeded(252).await;
    let served = desk.get("/openapi.json").await;
    assert_eq!(served.text, include_str!("../../../../docs/reference/openapi.json"));
    assert_eq!(served.header("content-type"), "application/json");
}

/// What only the operator may ask for.
fn operators(method: &Method, path: &str) -> bool {
    path.starts_with("/v1/merchants")
        || path.starts_with("/v1/doubts")
        || path.starts_with("/v1/banks")
        || path == "/v1/routes/explain"
        || (path == "/v1/terminals" && method == Method::POST)
        || path.ends_with("/pin_key")
}
