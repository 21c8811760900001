//! Whatever is sent, the answer is well-formed, tells a known code, and repeats no card number.

use axum::body::Body;
use axum::http::Method;
use proptest::prelude::*;

use crate::desk::{Answer, Desk};

const PATHS: &[&str] = &[
    "/v1/payments",
    "/v1/refunds",
    "/v1/customers",
    "/v1/checkout_sessions",
    "/v1/webhook_endpoints",
    "/v1/payments/pay_01h455vb4pex5vsknk084sn02q/capture",
];
const FIELDS: &[&str] = &[
    "amount",
    "currency",
    "confirm",
    "payment_method",
    "metadata",
    "description",
    "payment",
    "lines",
    "url",
    "email",
    "success_url",
    "cancel_url",
    "expires_at",
    "enabled_events",
    "capture_method",
    "x",
    "",
];
const TEXTS: &[&str] = &[
    "CNY",
    "eur",
    "https://a.example/",
    "http://127.0.0.1/",
    "4000000000000002",
    "\u{0}",
    "𝄞",
    "2026-12-01T00:00:00Z",
];

fn json() -> impl Strategy<Value = String> {
    let text = prop_oneof![proptest::sample::select(TEXTS).prop_map(str::to_owned), any::<String>(),];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|value| value.to_string()),
        any::<i64>().prop_map(|value| value.to_string()),
        any::<f64>()
            .prop_filter("JSON has no NaN", |value| value.is_finite())
            .prop_map(|value| value.to_string()),
        Just("1e2".to_owned()),
        text.prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(3, 16, 6, |inner| {
        let key = proptest::sample::select(FIELDS);
        let member = (key, inner.clone()).prop_map(|(key, value)| format!("{key:?}: {value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..8).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

fn check(answer: &Answer) {
    match answer.status {
        200 | 201 => {}
        // A fault of ours is never the answer to a strange request.
        500.. => panic!("{}", answer.text),
        _ => drop(answer.problem().to_owned()),
    }
    assert!(!answer.text.contains("4000000000000002"), "{}", answer.text);
    assert!(answer.header("request-id").starts_with("req_"));
}

#[test]
fn any_json_is_answered_with_an_object_or_a_known_problem() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let desk = runtime.block_on(Desk::seeded(260));
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(path in proptest::sample::select(PATHS), body in json())| {
        check(&runtime.block_on(desk.post_with("key", path, &body)));
    });
}

#[test]
fn any_bytes_and_any_header_are_answered_too() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let desk = runtime.block_on(Desk::seeded(261));
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    let header = proptest::collection::vec(0x20u8..=0xff, 0..40)
        .prop_filter("not a header value", |value| axum::http::HeaderValue::from_bytes(value).is_ok());
    proptest!(config, |(body: Vec<u8>, key in header.clone(), language in header, path in "/v1/[a-z_/%0-9]{0,30}")| {
        let request = desk.request(Method::POST, "/v1/payments").header("content-type", "application/json");
        let request = request.header("idempotency-key", &key[..]).header("accept-language", &language[..]);
        check(&runtime.block_on(desk.send(request.body(Body::from(body)).unwrap())));
        check(&runtime.block_on(desk.get(&path)));
    });
}
