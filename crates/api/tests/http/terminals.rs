//! Cards that are there, and merchants that may send their numbers, over HTTP.

use axum::http::Method;

use crate::GOOD;
use crate::desk::{Answer, Desk, OPERATOR_KEY};

async fn operator(desk: &Desk, path: &str, body: &str) -> Answer {
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("authorization", format!("Bearer {OPERATOR_KEY}"))
        .header("content-type", "application/json");
    desk.send(request.body(body.to_owned().into()).unwrap()).await
}

async fn till(desk: &Desk) -> String {
    let body = format!(
        r#"{{"merchant": "{}", "label": "Till 2", "bank": "iso87-ascii", "number": "20009001",
            "acceptor": "EU0000000000001"}}"#,
        desk.shop.id()
    );
    let made = operator(desk, "/v1/terminals", &body).await;
    assert_eq!((made.status, made.at("/status")), (201, "active"), "{}", made.text);
    made.at("/id").to_owned()
}

fn chip(till: &str) -> String {
    format!(
        r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "terminal": "{till}", "payment_method_data": {{
            "entry_mode": "chip", "track2": "{GOOD}=30121010000000000", "sequence_number": "001",
            "chip_data": "9F2608010203040506070 89F36020001"}}}}"#
    )
    .replace(' ', "")
}

#[tokio::test(start_paused = true)]
async fn a_chip_pays_at_a_till() {
    let desk = Desk::seeded(700).await;
    let till = till(&desk).await;
    let paid = desk.post_with("one", "/v1/payments", &chip(&till)).await;
    assert_eq!((paid.status, paid.at("/status")), (201, "succeeded"), "{}", paid.text);
    assert_eq!(paid.at("/attempts/0/entry_mode"), "chip");
    assert_eq!(paid.at("/attempts/0/issuer_data"), "910a010203040506070830308a023030");
    assert_eq!((paid.at("/consent"), paid.at("/card/last4")), ("terminal", "4242"));
    assert!(!paid.text.contains("42424242"), "{}", paid.text);
    let again = desk.post_with("one", "/v1/payments", &chip(&till)).await;
    assert_eq!(again.body, paid.body);
    let other = chip(&till).replace(GOOD, "5555555555554444");
    assert_eq!(desk.post_with("one", "/v1/payments", &other).await.problem(), "idempotency_key_reused");

    assert_eq!(desk.get("/v1/terminals").await.at("/data/0/id"), till);
    let path = format!("/v1/terminals/{till}");
    let suspended = desk.post(&path, r#"{"status": "suspended", "label": "Till 2, lost"}"#).await;
    assert_eq!((suspended.at("/status"), suspended.at("/label")), ("suspended", "Till 2, lost"));
    let refused = desk.post_with("two", "/v1/payments", &chip(&till)).await;
    assert_eq!((refused.problem(), refused.at("/errors/0/pointer")), ("parameter_invalid", "/terminal"));
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_card_says_what_it_has_left_and_nothing_is_kept_of_it() {
    let desk = Desk::seeded(703).await;
    let till = till(&desk).await;
    desk.sale("order-1", GOOD).await;
    let question = chip(&till).replace(r#""amount":1250,"#, "").replace(r#""confirm":true,"#, "");
    let left = desk.post("/v1/balance_inquiries", &question).await;
    assert_eq!((left.status, &left.body["available"]), (200, &999_999_998_750_u64.into()), "{}", left.text);
    let poor = question.replace(GOOD, crate::POOR);
    assert_eq!(desk.post("/v1/balance_inquiries", &poor).await.problem(), "card_declined");
    let nothing = desk.post("/v1/balance_inquiries", r#"{"currency": "EUR"}"#).await;
    assert_eq!((nothing.problem(), nothing.at("/param")), ("parameter_invalid", "/payment_method"));
    let stored = desk.world.card(&desk.shop, GOOD).await;
    let two = question.replacen('{', &format!(r#"{{"payment_method":"{stored}","#), 1);
    let two = desk.post("/v1/balance_inquiries", &two).await;
    assert_eq!((two.problem(), two.at("/param")), ("parameter_invalid", "/payment_method_data"));
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_way_a_card_was_entered_is_named_and_never_repeated() {
    let desk = Desk::seeded(701).await;
    let till = till(&desk).await;
    for (data, pointer) in [
        (r#"{"entry_mode": "fax"}"#.to_owned(), "/payment_method_data/entry_mode"),
        (
            format!(r#"{{"entry_mode": "chip", "track2": "{GOOD}=30121010000000000"}}"#),
            "/payment_method_data/chip_data",
        ),
        (
            format!(r#"{{"entry_mode": "magnetic_stripe", "track2": "{GOOD}"}}"#),
            "/payment_method_data/track2",
        ),
        (
            format!(r#"{{"entry_mode": "moto", "number": "{GOOD}", "exp_month": 12}}"#),
            "/payment_method_data/exp_year",
        ),
        (
            format!(
                r#"{{"entry_mode": "manual", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030, "security_code": "123"}}"#
            ),
            "/payment_method_data/security_code",
        ),
        (
            r#"{"entry_mode": "manual", "number": "4242424242424241", "exp_month": 12, "exp_year": 2030}"#
                .to_owned(),
            "/payment_method_data/number",
        ),
        (
            format!(
                r#"{{"entry_mode": "moto", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030, "pin": "1234"}}"#
            ),
            "/payment_method_data/pin",
        ),
        ("7".to_owned(), "/payment_method_data"),
    ] {
        let body = format!(
            r#"{{"amount": 1, "currency": "EUR", "confirm": true, "terminal": "{till}", "payment_method_data": {data}}}"#
        );
        let refused = desk.post_with("bad", "/v1/payments", &body).await;
        refused.problem();
        assert!(refused.text.contains(pointer), "{data}: {}", refused.text);
        assert!(!refused.text.contains("42424242") && !refused.text.contains("1234"), "{}", refused.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_merchant_that_may_not_send_card_data_is_told_where_cards_belong() {
    let desk = Desk::seeded(702).await;
    let body = r#"{"name": "Tokens only", "acquirers": [{"bank": "iso87-ascii", "terminal": "20009100",
        "acceptor": "EU0000000000001", "currencies": ["EUR"]}]}"#;
    let made = operator(&desk, "/v1/merchants", body).await;
    assert_eq!(
        (made.status, &made.body["merchant"]["sends_card_data"]),
        (201, &false.into()),
        "{}",
        made.text
    );
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri("/v1/payments")
        .header("authorization", format!("Bearer {}", made.at("/secret_key")))
        .header("idempotency-key", "one")
        .header("content-type", "application/json");
    let card = format!(
        r#"{{"amount": 1, "currency": "EUR", "confirm": true, "payment_method_data":
            {{"entry_mode": "moto", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030}}}}"#
    );
    let refused = desk.send(request.body(card.into()).unwrap()).await;
    assert_eq!(refused.problem(), "pan_not_allowed_here");
    assert!(!refused.text.contains(GOOD));
}
