//! One key, one effect; and every way of misusing a key has an answer of its own.

use std::sync::Arc;

use crate::desk::Desk;
use crate::{GOOD, POOR};

#[tokio::test(start_paused = true)]
async fn a_replay_is_marked_and_equal_also_when_quoted_or_written_differently() {
    let desk = Desk::seeded(220).await;
    let card = desk.world.card(&desk.shop, GOOD).await;
    let body =
        format!(r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{card}"}}"#);
    let same = format!(r#"{{ "confirm":true, "payment_method":"{card}","currency":"EUR","amount":1.25e3 }}"#);
    let first = desk.post_with("order-1", "/v1/payments", &body).await;
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, ""), "{}", first.text);
    for (key, body) in [("order-1", &body), ("\"order-1\"", &body), ("order-1", &same)] {
        let replay = desk.post_with(key, "/v1/payments", body).await;
        assert_eq!((replay.status, replay.header("idempotent-replayed")), (201, "true"), "{}", replay.text);
        assert_eq!(replay.body, first.body);
        assert_ne!(replay.header("request-id"), first.header("request-id"));
    }
    let known = desk.get("/v1/idempotency_keys/order-1").await;
    assert_eq!((known.at("/status"), &known.body["payment"]), ("completed", &first.body));
    assert_eq!(desk.get("/v1/idempotency_keys/order-2").await.problem(), "resource_missing");
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_decline_is_replayed_as_the_decline_it_was() {
    let desk = Desk::seeded(221).await;
    let card = desk.world.card(&desk.shop, POOR).await;
    let body =
        format!(r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{card}"}}"#);
    let first = desk.post_with("order-1", "/v1/payments", &body).await;
    let replay = desk.post_with("order-1", "/v1/payments", &body).await;
    assert_eq!((replay.status, replay.problem()), (402, "card_declined"));
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.body["payment"], first.body["payment"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_with_another_request_is_422_and_names_what_differs() {
    let desk = Desk::seeded(222).await;
    let first = r#"{"amount": 1250, "currency": "EUR", "description": "tea"}"#;
    assert_eq!(desk.post_with("order-1", "/v1/payments", first).await.status, 201);
    let other = r#"{"amount": 1300, "currency": "EUR", "description": "coffee"}"#;
    let reused = desk.post_with("order-1", "/v1/payments", other).await;
    assert_eq!((reused.status, reused.problem()), (422, "idempotency_key_reused"), "{}", reused.text);
    let names: Vec<_> =
        reused.body["errors"].as_array().unwrap().iter().map(|flaw| flaw["pointer"].clone()).collect();
    assert_eq!(names, ["/amount", "/description"]);
    assert!(!reused.text.contains("coffee") && !reused.text.contains("1300"), "{}", reused.text);
    // Differences that the object cannot tell are told in general.
    let confirm = r#"{"amount": 1250, "currency": "EUR", "description": "tea", "confirm": false}"#;
    assert_eq!(desk.post_with("order-1", "/v1/payments", confirm).await.problem(), "idempotency_key_reused");
}

#[tokio::test(start_paused = true)]
async fn what_can_move_money_needs_a_key_of_the_right_form() {
    let desk = Desk::seeded(223).await;
    let body = r#"{"amount": 1250, "currency": "EUR"}"#;
    let pay = "pay_01h455vb4pex5vsknk084sn02q";
    assert_eq!(desk.post("/v1/payments", body).await.problem(), "idempotency_key_required");
    let refund = format!(r#"{{"payment": "{pay}"}}"#);
    assert_eq!(desk.post("/v1/refunds", &refund).await.problem(), "idempotency_key_required");
    for action in ["confirm", "capture", "void"] {
        let answer = desk.post(&format!("/v1/payments/{pay}/{action}"), "").await;
        assert_eq!(answer.problem(), "idempotency_key_required", "{action}");
    }
    let answer = desk.post_with("two words", "/v1/payments", body).await;
    assert_eq!((answer.problem(), answer.at("/param")), ("parameter_invalid", "Idempotency-Key"));
    assert_eq!(desk.get("/v1/payments").await.body["data"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_requests_with_one_key_are_one_payment() {
    let desk = Arc::new(Desk::seeded(224).await);
    let card = desk.world.card(&desk.shop, GOOD).await;
    let body =
        format!(r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "payment_method": "{card}"}}"#);
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let (desk, body) = (Arc::clone(&desk), body.clone());
            tokio::spawn(async move { desk.post_with("order-1", "/v1/payments", &body).await })
        })
        .collect();
    let mut fresh = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status {
            201 if answer.header("idempotent-replayed").is_empty() => fresh += 1,
            201 => {}
            _ => {
                assert_eq!(answer.problem(), "idempotency_in_progress", "{}", answer.text);
                assert_eq!(answer.header("retry-after"), "1");
            }
        }
    }
    assert_eq!(fresh, 1);
    assert_eq!(desk.get("/v1/payments").await.body["data"].as_array().unwrap().len(), 1);
    desk.world.audit().await;
}
