//! Requests that race for the same money.

mod support;

use std::sync::Arc;

use serde_json::json;
use support::{World, fresh_key};
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_refunds_of_one_unit_race_for_a_hundred() {
    let world = Arc::new(World::start().await);
    let paid = world.paid(100, "CNY").await;
    let mut refunding = JoinSet::new();
    for _ in 0..1_000 {
        let (world, payment) = (Arc::clone(&world), paid["id"].clone());
        refunding.spawn(async move {
            world.post("/v1/refunds", &json!({ "payment": payment, "amount": 1 })).await
        });
    }
    let (mut succeeded, mut exceeded) = (0, 0);
    while let Some(answer) = refunding.join_next().await {
        let answer = answer.expect("a refund was answered");
        match (answer.status, answer.body["code"].as_str()) {
            (201, _) => succeeded += 1,
            (409, Some("amount_exceeds_refundable")) => exceeded += 1,
            _ => panic!("unexpected answer {}: {}", answer.status, answer.body),
        }
    }
    assert_eq!((succeeded, exceeded), (100, 900));
    let now = world.get(&format!("/v1/payments/{}", paid["id"].as_str().expect("an id"))).await.body;
    assert_eq!((&now["amount_refunded"], &now["amount_refundable"]), (&json!(100), &json!(0)));
    world.books_agree_with_the_banks().await;
    let refunds = world.bank("cups-pos").totals()[&types::Currency::CNY].refunds;
    assert_eq!((refunds.count, refunds.amount), (100, 100), "what the bank counts");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_asked_fifty_times_at_once_makes_one_payment() {
    let world = Arc::new(World::start().await);
    let (key, card) = (fresh_key(), world.card("approve", "EUR"));
    let mut asking = JoinSet::new();
    for _ in 0..50 {
        let (world, key, card) = (Arc::clone(&world), key.clone(), card.clone());
        let body = json!({ "amount": 7_00, "currency": "EUR", "confirm": true, "payment_method": card });
        asking.spawn(async move { world.post_with_key("/v1/payments", &key, &body).await });
    }
    let mut ids = std::collections::BTreeSet::new();
    while let Some(answer) = asking.join_next().await {
        let answer = answer.expect("an answer");
        match answer.status {
            201 => drop(ids.insert(answer.body["id"].as_str().expect("an id").to_owned())),
            409 => assert_eq!(answer.body["code"], "idempotency_in_progress"),
            _ => panic!("unexpected answer {}: {}", answer.status, answer.body),
        }
    }
    assert_eq!(ids.len(), 1, "one key, one payment");
    let again = world
        .post_with_key(
            "/v1/payments",
            &key,
            &json!({ "amount": 7_00, "currency": "EUR", "confirm": true, "payment_method": card }),
        )
        .await;
    assert!(again.replayed && ids.contains(again.body["id"].as_str().expect("an id")));
    let purchases = world.bank("iso87-ascii").totals()[&types::Currency::EUR].purchases;
    assert_eq!((purchases.count, purchases.amount), (1, 7_00));
}
