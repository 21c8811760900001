//! The embedded store's file may not grow any more, as on a full disk: a clear no, nothing lost, and everything goes on by
//! itself once there is room. The limit is that of the process (`RLIMIT_FSIZE`), so that no file system has to be filled.

#[path = "support/town.rs"]
mod town;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use town::{PATIENCE, Town, fresh_key, lian};

/// Units of 512 bytes, as POSIX `ulimit -f` counts: six megabytes, which some hundred payments fill.
const LIMIT: &str = "12288";
const SHOPPERS: usize = 16;
/// More than fit into the limit by far.
const MOST_PAYMENTS: usize = 4_000;
/// Times that shoppers come again, each until he is refused.
const ROUNDS: usize = 100;

/// Pays until the gateway says no. Gives what was acknowledged, and the key of the payment that was refused.
async fn pay_until_refused(town: &Town, url: &str) -> (Vec<Value>, Option<String>) {
    let mut acknowledged = Vec::new();
    for _ in 0..MOST_PAYMENTS / SHOPPERS {
        let key = fresh_key();
        match town.pay(url, &key).await {
            Some((201, body)) => acknowledged.push(body),
            Some((503, body)) => {
                assert_eq!(body["code"], "temporarily_unavailable", "{body}");
                return (acknowledged, Some(key));
            }
            other => panic!("{other:?}"),
        }
    }
    (acknowledged, None)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_grow_refuses_and_goes_on_when_there_is_room() {
    let mut town = Town::found().await;
    town.store_url = format!("sqlite:{}", town.dir.path().join("lian.db").display());
    town.configure("one", 0);
    let created = lian(&["merchant", "create", "--config"], &town.dir.path().join("one.toml"));
    town.merchant = serde_json::from_str(&created).expect("a line of JSON");
    // A process that ignores SIGXFSZ is told of its limit by the write that fails.
    let limited = format!("trap '' XFSZ; ulimit -S -f {LIMIT}; exec \"$0\" \"$@\"");
    let node = town.start_by("one", Command::new("sh").args(["-c", &limited]));
    let town = Arc::new(town);

    // Once the log could be moved into the file there is room for a while again; in the end there is none anywhere.
    let (mut acknowledged, mut refused) = (Vec::new(), Vec::new());
    for round in 0.. {
        let mut shoppers = JoinSet::new();
        for _ in 0..SHOPPERS {
            let (town, url) = (Arc::clone(&town), node.url.clone());
            shoppers.spawn(async move { pay_until_refused(&town, &url).await });
        }
        while let Some(shopper) = shoppers.join_next().await {
            let (paid, key) = shopper.expect("a shopper");
            acknowledged.extend(paid);
            refused.extend(key);
        }
        assert!(!acknowledged.is_empty(), "the limit is too low for a single payment");
        assert!(refused.len() >= SHOPPERS, "the limit is too high: the scenario proves nothing");
        if town.status(&node.url, "/readyz").await == Some(503) {
            break;
        }
        assert!(round < ROUNDS, "there is always room: the scenario proves nothing");
    }
    assert_eq!(town.status(&node.url, "/livez").await, Some(200), "it lives, and only cannot write");
    assert!(town.log().contains("The store"), "the reason is in the log: {}", town.log());

    let pid = node.process.id().to_string();
    let made_room = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited:unlimited"]).status();
    assert!(made_room.expect("prlimit runs").success());
    until_ready(&town, &node.url).await;
    for key in &refused {
        let (status, body) = town.pay(&node.url, key).await.expect("an answer");
        // What was refused after its first commit was in doubt and is undone; the same key finds that.
        assert!(matches!(status, 200 | 201 | 402 | 504), "{status} {body}");
    }
    assert_eq!(town.pay(&node.url, &fresh_key()).await.map(|(status, _)| status), Some(201));

    let payments = town.settled(&node.url).await;
    println!("{} acknowledged, {} refused, none lost", acknowledged.len(), refused.len());
    for told in &acknowledged {
        let now = payments.iter().find(|payment| payment["id"] == told["id"]);
        assert_eq!(now.map(|now| &now["status"]), Some(&told["status"]), "acknowledged, and not so any more");
    }
    town.bank_agrees(&payments);
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();
}

/// Waits until the gateway says that it is ready.
async fn until_ready(town: &Town, url: &str) {
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    let started = tokio::time::Instant::now();
    while town.status(url, "/readyz").await != Some(200) {
        tick.tick().await;
        assert!(started.elapsed() < PATIENCE, "not ready again: {}", town.log());
    }
}
