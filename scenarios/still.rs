//! The database stands still under load, as with a disk that hangs: connections stay open and nobody is answered. Requests
//! are refused within their time, readers too, and once it goes on everything does, and nothing acknowledged is lost.

#[path = "support/town.rs"]
mod town;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use town::{PATIENCE, Town, fresh_key};

const SHOPPERS: usize = 32;
const PAYMENTS: usize = 10;
/// Acknowledged when the database stands still.
const BEFORE: usize = 60;

/// Who reads meanwhile, all at once, and by when the last of them must have been refused: one after the other would take minutes.
const READERS: usize = 100;
const READING: Duration = Duration::from_secs(45);

/// What a shopper was told in the end, and how often he was turned away before.
struct Told {
    id: Value,
    status: Value,
    refused: usize,
}

/// Asks for one payment until it is answered, always with the same key, as a client does.
async fn insist(town: &Town, url: &str) -> Told {
    let (key, started) = (fresh_key(), tokio::time::Instant::now());
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    let mut refused = 0;
    loop {
        pause.tick().await;
        match town.pay(url, &key).await {
            // Paid; or, after a bank's answer that could not be recorded, in doubt and to be reversed.
            Some((201 | 504, body)) => {
                let payment = if body["id"].is_string() { &body } else { &body["payment"] };
                return Told { id: payment["id"].clone(), status: payment["status"].clone(), refused };
            }
            Some((503 | 409, _)) => refused += 1,
            other => panic!("{other:?}: {}", town.log()),
        }
        assert!(started.elapsed() < PATIENCE, "never answered: {}", town.log());
    }
}

/// Asks until the answer is this one.
async fn until(town: &Town, url: &str, path: &str, status: u16) {
    let (mut tick, started) = (tokio::time::interval(Duration::from_millis(50)), tokio::time::Instant::now());
    while town.status(url, path).await != Some(status) {
        tick.tick().await;
        assert!(started.elapsed() < PATIENCE, "{path} never says {status}: {}", town.log());
    }
}

/// Reads until it can: a reader may come in front of a connection that somebody else has just given up.
async fn until_listed(town: &Town, url: &str) {
    let (mut tick, started) = (tokio::time::interval(Duration::from_millis(50)), tokio::time::Instant::now());
    let mut in_a_row = 0;
    while in_a_row < 10 {
        tick.tick().await;
        let listed = town.read(url, "/v1/payments?limit=100").await == 200;
        in_a_row = if listed { in_a_row + 1 } else { 0 };
        assert!(started.elapsed() < PATIENCE, "nobody can read again: {}", town.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stands_still_holds_nobody_and_loses_nothing() {
    let mut town = Town::found().await;
    // Short, so that the scenario is; and long enough for a busy machine's lists.
    town.answer_ms = Some(4_000);
    town.configure("one", 0);
    let node = town.start("one");
    let (town, url, acknowledged) = (Arc::new(town), node.url.clone(), Arc::new(AtomicUsize::new(0)));
    let mut shoppers = JoinSet::new();
    for _ in 0..SHOPPERS {
        let (town, url, acknowledged) = (Arc::clone(&town), url.clone(), Arc::clone(&acknowledged));
        shoppers.spawn(async move {
            let mut told = Vec::new();
            for _ in 0..PAYMENTS {
                told.push(insist(&town, &url).await);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            told
        });
    }
    let (mut tick, started) = (tokio::time::interval(Duration::from_millis(5)), tokio::time::Instant::now());
    while acknowledged.load(Ordering::Relaxed) < BEFORE {
        tick.tick().await;
        assert!(started.elapsed() < PATIENCE, "nobody is paid: {}", town.log());
    }
    let known = town.newest(&url).await;
    assert_eq!(town.read(&url, &known).await, 200);
    town.database.freeze().expect("the database stands still");
    // It says that it is not ready, a reader is told so as well, and nobody waits for ever.
    until(&town, &url, "/readyz", 503).await;
    let readers = (0..READERS).map(|_| town.read(&url, &known));
    let answered = tokio::time::timeout(READING, futures_util::future::join_all(readers)).await;
    let answered = answered.unwrap_or_else(|_| panic!("readers wait for ever: {}", town.log()));
    assert!(answered.iter().all(|status| *status == 503), "{answered:?}: {}", town.log());
    let at_the_end = acknowledged.load(Ordering::Relaxed);
    town.database.thaw().expect("the database goes on");
    until(&town, &url, "/readyz", 200).await;
    until_listed(&town, &url).await;
    let mut told = Vec::new();
    while let Some(shopper) = shoppers.join_next().await {
        told.extend(shopper.expect("a shopper"));
    }

    let payments = town.settled(&url).await;
    let now: HashMap<String, Value> =
        payments.iter().map(|payment| (payment["id"].to_string(), payment["status"].clone())).collect();
    let succeeded: Vec<&Told> = told.iter().filter(|told| told.status == "succeeded").collect();
    for told in &succeeded {
        assert_eq!(now.get(&told.id.to_string()), Some(&told.status), "acknowledged, and not so any more");
    }
    let refused: usize = told.iter().map(|told| told.refused).sum();
    println!(
        "{} acknowledged, {} in doubt and reversed, {refused} times refused and tried again, 0 lost; {at_the_end} when it went on",
        succeeded.len(),
        told.len() - succeeded.len()
    );
    assert!(refused > 0, "standing still has turned nobody away: the scenario proves nothing");
    assert_eq!(now.len(), told.len(), "each key made one payment, however often it was sent");
    town.bank_agrees(&payments);
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();
}
