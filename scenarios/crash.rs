//! The gateway is killed with `kill -9` in the middle of its work, again and again: nothing hangs, the books hold, and the
//! banks say the same.

mod support;

use std::sync::Arc;

use serde_json::json;
use support::{World, fresh_key};
use tokio::task::JoinSet;

/// Payments under way when the gateway is killed.
const AT_ONCE: usize = 200;
const KILLS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_two_hundred_payments_ten_times_in_a_row() {
    let mut world = Arc::new(World::start().await);
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let mut paying = JoinSet::new();
        for number in 0..AT_ONCE {
            let world = Arc::clone(&world);
            paying.spawn(async move {
                let currency = if number % 2 == 0 { "CNY" } else { "EUR" };
                let method = if number % 3 == 0 { "manual" } else { "automatic" };
                let body = json!({
                    "amount": 100 + number, "currency": currency, "confirm": true, "capture_method": method,
                    "payment_method": world.card("approve", currency),
                });
                world.try_post("/v1/payments", &fresh_key(), &body).await
            });
        }
        // The first answers prove that work is under way; how many are waited for moves the kill through the work.
        for _ in 0..kill * 15 {
            if let Some(Ok(Some(answer))) = paying.join_next().await {
                assert_eq!(answer.status, 201, "{}", answer.body);
                acknowledged.push(answer.body);
            }
        }
        world.kill_gateway();
        // The requests that were under way end without an answer.
        while let Some(answered) = paying.join_next().await {
            acknowledged.extend(
                answered.ok().flatten().filter(|answer| answer.status == 201).map(|answer| answer.body),
            );
        }
        world.verify();
        let ours = Arc::get_mut(&mut world).expect("nobody else holds the world");
        ours.start_gateway();
    }
    let payments = world.settled().await;
    let reversed =
        payments.iter().filter(|payment| payment["cancellation_reason"] == "timeout_reversed").count();
    println!(
        "{} payments, {} acknowledged before a kill, {reversed} caught by one",
        payments.len(),
        acknowledged.len()
    );
    assert!(
        reversed > 0,
        "no kill has caught a payment between its two commits: the scenario proves nothing"
    );
    for told in &acknowledged {
        let now = payments.iter().find(|payment| payment["id"] == told["id"]);
        let now = now.unwrap_or_else(|| panic!("an acknowledged payment is gone: {told}"));
        assert_eq!(now["status"], told["status"], "an acknowledged payment has changed");
    }
    world.books_agree_with_the_banks().await;
    assert_eq!(world.stop_gateway(), Some(0), "{}", world.log());
    world.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_goes_on_where_it_stopped() {
    let mut world = World::start().await;
    let held = world.pay("approve", 100_00, "EUR", "manual").await.body;
    assert_eq!(world.stop_gateway(), Some(0));
    world.start_gateway();
    let path = format!("/v1/payments/{}/capture", held["id"].as_str().expect("an id"));
    let captured = world.post(&path, &json!({ "amount": 60_00 })).await;
    assert_eq!((captured.status, &captured.body["status"]), (200, &json!("succeeded")), "{}", captured.body);
    assert_eq!(captured.body["amount_captured"], 60_00);
    world.books_agree_with_the_banks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_changed_behind_the_journal_is_found() {
    let world = World::start().await;
    let paid = world.paid(12_50, "EUR").await;
    assert_eq!(world.stop_gateway(), Some(0));
    world.verify();
    rewrite(&world.path().join("lian.db"), paid["id"].as_str().expect("an id")).await;
    let refused = world.try_verify();
    assert!(refused.contains("differs from the journal"), "{refused}");
}

/// Writes into a payment's row that nothing was captured, without a word to the journal.
async fn rewrite(path: &std::path::Path, payment: &str) {
    let (engine, reads) =
        store::open_sqlite(path, &store::SqliteOptions::default()).expect("the store opens");
    let store = store::Store::start(engine, reads, store::Settings::default()).expect("the store starts");
    let number = payment.parse::<types::PaymentId>().expect("an id").to_u128();
    let merchant = store.history(store::Shard(0), number).await.expect("a history")[0].record.owner;
    let key = store::RowKey { table: store::Table::Payment, owner: merchant, id: number };
    let row = store.get(store::Shard(0), key).await.expect("a read").expect("a row");
    let body = String::from_utf8(row.body).expect("JSON").replace("\"captured\":1250", "\"captured\":0");
    let mut unit = store::Unit::new(store::Shard(0), types::Timestamp::from_ms(1_800_000_000_000));
    unit.rows.push(store::RowChange {
        key,
        expected: Some(row.version),
        body: Some(body.into_bytes().into()),
    });
    store.commit(unit).await.expect("the row is rewritten");
}
