//! What merchants and the operator set up; the API about itself.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::GOOD;
use crate::desk::{Answer, Desk, OPERATOR_KEY};

#[tokio::test(start_paused = true)]
async fn a_customer_is_made_changed_and_erased() {
    let desk = Desk::seeded(240).await;
    let made = desk
        .post("/v1/customers", r#"{"name": "李娜", "email": "li.na@example.com", "metadata": {"a": "b"}}"#)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = made.header("location").to_owned();
    assert_eq!(desk.get(&path).await.body, made.body);
    let changed = desk.post(&path, r#"{"email": ""}"#).await;
    assert_eq!((changed.at("/name"), &changed.body["email"]), ("李娜", &serde_json::Value::Null));
    assert_eq!(changed.at("/metadata/a"), "b");
    let wrong = desk.post("/v1/customers", r#"{"email": "nobody"}"#).await;
    assert_eq!((wrong.problem(), wrong.at("/param")), ("parameter_invalid", "/email"));
    assert_eq!(desk.get("/v1/customers").await.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(desk.get(&format!("{path}/payment_methods")).await.body["data"], serde_json::json!([]));
    assert_eq!(desk.delete(&path).await.body["deleted"], true);
    assert_eq!(desk.get(&path).await.problem(), "resource_missing");
    assert_eq!(desk.get(&format!("{path}/payment_methods")).await.problem(), "resource_missing");
}

#[tokio::test(start_paused = true)]
async fn a_detached_card_pays_no_more() {
    let desk = Desk::seeded(241).await;
    let card = desk.world.card(&desk.shop, GOOD).await;
    let shown = desk.get(&format!("/v1/payment_methods/{card}")).await;
    assert_eq!((shown.at("/card/last4"), shown.at("/status")), ("4242", "active"));
    assert!(!shown.text.contains("424242"), "{}", shown.text);
    let detached = desk.post(&format!("/v1/payment_methods/{card}/detach"), "").await;
    assert_eq!(detached.at("/status"), "detached");
    let body = format!(r#"{{"amount": 1, "currency": "EUR", "confirm": true, "payment_method": "{card}"}}"#);
    assert_eq!(desk.post_with("k", "/v1/payments", &body).await.problem(), "resource_missing");
}

#[tokio::test(start_paused = true)]
async fn a_checkout_is_opened_and_closed() {
    let desk = Desk::seeded(242).await;
    let body = r#"{"currency": "CNY", "lines": [{"name": "茶", "quantity": 2, "unit_amount": 600}],
        "success_url": "https://shop.example/thanks", "cancel_url": "https://shop.example/cart", "locale": "zh-CN"}"#;
    let made = desk.post("/v1/checkout_sessions", body).await;
    assert_eq!(
        (made.status, made.at("/status"), made.at("/payment_status")),
        (201, "open", "unpaid"),
        "{}",
        made.text
    );
    assert_eq!(made.body["amount"], 1200);
    assert_eq!(made.at("/url"), format!("https://pay.example/c/{}", made.at("/id")));
    let path = made.header("location").to_owned();
    assert_eq!(desk.get(&path).await.body, made.body);
    let expired = desk.post(&format!("{path}/expire"), "").await;
    assert_eq!(expired.at("/status"), "expired");
    let again = desk.post(&format!("{path}/expire"), "").await;
    assert_eq!((again.status, again.problem()), (410, "session_expired"), "{}", again.text);
    assert_eq!(desk.get("/v1/checkout_sessions").await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_checkout_stays_open_from_five_minutes_to_a_day() {
    let desk = Desk::seeded(246).await;
    for (ms, status) in [(60_000, 400), (600_000, 201), (86_000_000, 201), (87_000_000, 400)] {
        let end = desk.world.now().plus_ms(ms);
        let body = format!(
            r#"{{"currency": "CNY", "amount": 1, "success_url": "https://a.example/", "cancel_url": "https://a.example/",
                "expires_at": "{end}"}}"#
        );
        let answer = desk.post("/v1/checkout_sessions", &body).await;
        assert_eq!(answer.status, status, "{ms}: {}", answer.text);
        let named = if status == 400 { answer.at("/param") } else { answer.at("/expires_at") };
        assert_eq!(named, if status == 400 { "/expires_at".to_owned() } else { end.to_string() });
    }
}

impl Desk {
    async fn as_operator(&self, method: Method, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("authorization", format!("Bearer {OPERATOR_KEY}"));
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }
}

#[tokio::test(start_paused = true)]
async fn the_operator_takes_merchants_on_and_suspends_them() {
    let desk = Desk::seeded(243).await;
    let body = r#"{"name": "Book shop", "fee_bps": 60, "acquirers": [{"bank": "iso87-ascii", "terminal": "00000077",
        "acceptor": "000000000000077", "currencies": ["EUR"]}]}"#;
    let made = desk.as_operator(Method::POST, "/v1/merchants", body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let key = made.at("/secret_key").to_owned();
    let own = Desk { key, shop: desk.shop.clone(), router: desk.router.clone(), world: desk.world };
    let merchant = own.get("/v1/merchant").await;
    assert_eq!(merchant.body, made.body["merchant"]);
    assert_eq!(own.get("/v1/merchants").await.problem(), "api_key_invalid");
    let path = made.header("location");
    let suspended = own.as_operator(Method::POST, path, r#"{"status": "suspended"}"#).await;
    assert_eq!(suspended.at("/status"), "suspended");
    let refused = own.post_with("k", "/v1/payments", r#"{"amount": 1, "currency": "EUR"}"#).await;
    assert_eq!((refused.status, refused.problem()), (403, "permission_denied"));
    let listed = own.as_operator(Method::GET, "/v1/merchants", "").await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_api_tells_what_it_is_and_how_it_does() {
    let desk = Desk::seeded(244).await;
    let plain = |path: &str| Request::builder().uri(path.to_owned()).body(Body::empty()).unwrap();
    let about = desk.send(plain("/v1")).await;
    assert_eq!((about.status, about.at("/version")), (200, "2026-12-01"));
    assert_eq!(about.header("gateway-version"), "2026-12-01");
    assert!(about.header("request-id").starts_with("req_"));
    assert_eq!(desk.send(plain("/livez")).await.status, 200);
    let ready = desk.send(plain("/readyz?verbose")).await;
    assert_eq!(ready.status, 200);
    assert!(ready.text.contains("store: ok") && ready.text.contains("bank cups-pos: ok"), "{}", ready.text);
    for bank in ["cups-pos", "iso87-ascii", "iso93-bcd"] {
        desk.world.bank(bank).disconnect();
    }
    desk.world
        .until("no bank is up", || {
            desk.world.pcs().ready().banks.iter().all(|(_, s)| *s != pcs::BankState::Up)
        })
        .await;
    let ready = desk.send(plain("/readyz?verbose")).await;
    assert_eq!(ready.status, 503);
    assert!(
        ready.text.contains("bank cups-pos: FAILED (") && ready.text.contains("  link 1: "),
        "{}",
        ready.text
    );
}

#[tokio::test(start_paused = true)]
async fn faults_are_injected_by_name() {
    let desk = Desk::seeded(245).await;
    assert_eq!(desk.get("/v1/test_helpers/banks").await.at("/data/0/name"), "north");
    let path = "/v1/test_helpers/banks/north/faults";
    assert_eq!(desk.post(path, r#"{"fault": "silent", "count": 1}"#).await.status, 200);
    assert_eq!(desk.post(path, r#"{"fault": "noisy"}"#).await.at("/param"), "/fault");
    let unknown = desk.post("/v1/test_helpers/banks/south/faults", r#"{"fault": "silent"}"#).await;
    assert_eq!(unknown.problem(), "resource_missing");
}
