//! The database stands still under load, as with a disk that hangs: connections stay open and nobody is answered. Requests
//! are refused within their time, readers too, and once it goes on everything does, and nothing acknowledged is lost.

#[path = "support/shoppers.rs"]
mod shoppers;
#[path = "support/town.rs"]
mod town;

use std::sync::Arc;
use std::time::Duration;

use shoppers::{Shoppers, nothing_is_lost};
use town::{PATIENCE, Town};

const SHOPPERS: usize = 32;
const PAYMENTS: usize = 10;
/// Acknowledged when the database stands still.
const BEFORE: usize = 60;
/// Who reads meanwhile, all at once, and by when the last of them must have been refused: one after the other would take minutes.
const READERS: usize = 100;
const READING: Duration = Duration::from_secs(45);

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
    let (town, url) = (Arc::new(town), node.url.clone());
    let shoppers = Shoppers::start(&town, std::slice::from_ref(&url), SHOPPERS, PAYMENTS);
    shoppers.until_acknowledged(&town, BEFORE).await;
    let known = town.newest(&url).await;
    assert_eq!(town.read(&url, &known).await, 200);

    town.database.freeze().expect("the database stands still");
    // It says that it is not ready, a reader is told so as well, and nobody waits for ever.
    until(&town, &url, "/readyz", 503).await;
    let readers = (0..READERS).map(|_| town.read(&url, &known));
    let answered = tokio::time::timeout(READING, futures_util::future::join_all(readers)).await;
    let answered = answered.unwrap_or_else(|_| panic!("readers wait for ever: {}", town.log()));
    assert!(answered.iter().all(|status| *status == 503), "{answered:?}: {}", town.log());

    town.database.thaw().expect("the database goes on");
    until(&town, &url, "/readyz", 200).await;
    until_listed(&town, &url).await;
    let told = shoppers.told().await;
    assert!(told.iter().all(|told| told.unanswered == 0), "{}", town.log());
    let payments = town.settled(&url).await;
    nothing_is_lost(&told, &payments);
    town.bank_agrees(&payments);
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();
}
