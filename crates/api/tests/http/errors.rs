//! Every refusal is a problem that says what is wrong and what to do.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::POOR;
use crate::desk::Desk;

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_401_and_says_so() {
    let desk = Desk::seeded(230).await;
    let cases = [
        (None, "api_key_missing"),
        (Some("Basic dXNlcjpwYXNz".to_owned()), "api_key_missing"),
        (Some("Bearer".to_owned()), "api_key_missing"),
        (Some("Bearer lian_test_sk_nonsense".to_owned()), "api_key_invalid"),
        (Some(format!("Bearer {}x", desk.key)), "api_key_invalid"),
        (Some(format!("Bearer {}", "k".repeat(5_000))), "api_key_invalid"),
    ];
    for (value, code) in cases {
        let mut request = Request::builder().uri("/v1/payments");
        if let Some(value) = &value {
            request = request.header("authorization", value);
        }
        let answer = desk.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!((answer.status, answer.problem()), (401, code), "{value:?}");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(!answer.text.contains(&desk.key));
    }
    let lower = desk.request(Method::GET, "/v1/payments").header("x", "y");
    assert_eq!(desk.send(lower.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn wrong_paths_methods_bodies_and_types_are_problems() {
    let desk = Desk::seeded(231).await;
    assert_eq!(desk.get("/v2/payments").await.problem(), "resource_missing");
    assert_eq!(desk.get("/v1/payments/pay_nonsense").await.problem(), "resource_missing");
    assert_eq!(desk.get("/v1/payments/cus_01h455vb4pex5vsknk084sn02q").await.problem(), "resource_missing");
    let method = desk.delete("/v1/payments").await;
    assert_eq!((method.status, method.problem()), (405, "method_not_allowed"));
    assert!(method.header("allow").contains("POST"), "{:?}", method.headers);
    assert_eq!(desk.post_with("k", "/v1/payments", "{").await.problem(), "body_invalid");
    assert_eq!(desk.post_with("k", "/v1/payments", "[]").await.problem(), "body_invalid");
    let twice = desk.post_with("k", "/v1/payments", r#"{"amount": 1, "amount": 2, "currency": "EUR"}"#).await;
    assert_eq!((twice.problem(), twice.at("/param")), ("body_invalid", "/amount"));
    let large = format!(r#"{{"description": "{}"}}"#, "x".repeat(70_000));
    assert_eq!(desk.post_with("k", "/v1/payments", &large).await.problem(), "body_too_large");
    let form = desk
        .request(Method::POST, "/v1/payments")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(
        desk.send(form.body(Body::from("amount=1")).unwrap()).await.problem(),
        "media_type_unsupported"
    );
    let version = desk.request(Method::GET, "/v1/payments").header("gateway-version", "2020-01-01");
    assert_eq!(desk.send(version.body(Body::empty()).unwrap()).await.problem(), "version_unsupported");
    assert_eq!(desk.get("/v1/payments?limit=0").await.problem(), "parameter_invalid_integer");
    assert_eq!(desk.get("/v1/payments?offset=1").await.problem(), "parameter_unknown");
    assert_eq!(desk.get("/v1/merchant?x=1").await.problem(), "parameter_unknown");
}

#[tokio::test(start_paused = true)]
async fn a_merchant_s_own_bounds_are_told_by_their_field() {
    let desk = Desk::seeded(232).await;
    let unsupported = desk.post_with("k1", "/v1/payments", r#"{"amount": 1, "currency": "KWD"}"#).await;
    // Without a card no bank is chosen yet; a checkout needs one at once.
    assert_eq!(unsupported.status, 201, "{}", unsupported.text);
    let session = r#"{"amount": 1, "currency": "KWD", "success_url": "https://a.example/", "cancel_url": "https://a.example/"}"#;
    let session = desk.post("/v1/checkout_sessions", session).await;
    assert_eq!((session.problem(), session.at("/param")), ("currency_unsupported", "/currency"));
    let card = "pm_01h455vb4pex5vsknk084sn02q";
    let body = format!(r#"{{"amount": 1, "currency": "EUR", "confirm": true, "payment_method": "{card}"}}"#);
    let missing = desk.post_with("k2", "/v1/payments", &body).await;
    assert_eq!((missing.status, missing.problem()), (404, "resource_missing"), "{}", missing.text);
    assert!(missing.at("/detail").contains(card));
}

#[tokio::test(start_paused = true)]
async fn a_payer_is_spoken_to_in_their_language() {
    let desk = Desk::seeded(233).await;
    let card = desk.world.card(&desk.shop, POOR).await;
    let body =
        format!(r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{card}"}}"#);
    for (key, header, language, message) in
        [("k1", "zh-CN,zh;q=0.9", "zh-CN", "余额不足"), ("k2", "de, en;q=0.5", "en", "insufficient funds")]
    {
        let request = desk.request(Method::POST, "/v1/payments").header("idempotency-key", key);
        let request = request.header("content-type", "application/json").header("accept-language", header);
        let answer = desk.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.header("content-language"), language);
        assert!(answer.at("/user_message").contains(message), "{}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn every_code_has_a_page_where_its_type_leads() {
    let desk = Desk::seeded(234).await;
    for code in api::problem::Code::ALL {
        let page = desk.get(&format!("/docs/errors/{}", code.name())).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains(code.title()) && page.text.contains(code.what_to_do()));
    }
    assert_eq!(desk.get("/docs/errors/nonsense").await.problem(), "resource_missing");
    assert!(desk.get("/docs/errors").await.text.contains("### host_timeout"));
}
