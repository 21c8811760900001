//! A gateway on the embedded store is copied while it pays, moved to PostgreSQL, where it goes on, and brought back from the copy.

#[path = "support/town.rs"]
mod town;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;
use town::{Town, fresh_key, lian};

fn refused(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lian")).args(arguments).output().expect("lian runs");
    assert!(!output.status.success(), "{arguments:?} was not refused");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_copied_under_load_moved_to_postgresql_and_brought_back() {
    let mut town = Town::found().await;
    let file = |name: &str| town.dir.path().join(name).display().to_string();
    let (store, copy, again) = (file("lian.db"), file("copy.db"), file("again.db"));
    let url_of = |path: &str| format!("sqlite:{path}");
    town.store_url = url_of(&store);
    town.configure("one", 0);
    let created = lian(&["merchant", "create", "--config"], &town.dir.path().join("one.toml"));
    town.merchant = serde_json::from_str(&created).expect("a line of JSON");
    let node = town.start("one");
    let first = fresh_key();
    let (status, before) = town.pay(&node.url, &first).await.expect("an answer");
    assert_eq!(status, 201, "{before}");

    // Copied while shoppers pay; every request is answered well meanwhile.
    let (town, stop) = (Arc::new(town), Arc::new(AtomicBool::new(false)));
    let mut shoppers = JoinSet::new();
    for _ in 0..8 {
        let (town, stop, url) = (Arc::clone(&town), Arc::clone(&stop), node.url.clone());
        shoppers.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                assert_eq!(town.pay(&url, &fresh_key()).await.map(|(status, _)| status), Some(201));
            }
        });
    }
    let backup = ["backup", "--store", &url_of(&store), "--to"].map(str::to_owned);
    let backup: Vec<&str> = backup.iter().map(String::as_str).collect();
    let told = tokio::task::block_in_place(|| lian(&backup, Path::new(&copy)));
    assert!(told.contains("The store holds") && told.contains("vault's key file is not in it"), "{told}");
    stop.store(true, Ordering::Relaxed);
    while let Some(shopper) = shoppers.join_next().await {
        shopper.expect("a shopper");
    }
    assert!(
        refused(&["migrate", "--from", &url_of(&store), "--to", &town.store_url]).contains("--to postgres")
    );
    let mut town = Arc::into_inner(town).expect("nobody else holds the town");
    town.database.create("moved").expect("a database");
    let moved = town.database.url("moved");
    let served = refused(&["migrate", "--from", &url_of(&store), "--to", &moved]);
    assert!(served.contains("in use by another process"), "{served}");
    let payments = town.settled(&node.url).await;
    town.bank_agrees(&payments);
    assert_eq!(node.stop(), Some(0), "{}", town.log());

    // Moved: everything is there, the keys too, and the gateway goes on.
    let proof = lian(&["migrate", "--from", &url_of(&store), "--to"], Path::new(&moved));
    assert!(proof.contains("Both hold:") && proof.contains("shard 1 ends at record"), "{proof}");
    town.store_url = moved;
    town.configure("one", 0);
    let node = town.start("one");
    assert_eq!(town.payments(&node.url).await, payments);
    let (_, replayed) = town.pay(&node.url, &first).await.expect("an answer");
    assert_eq!(replayed["id"], before["id"]);
    assert_eq!(town.pay(&node.url, &fresh_key()).await.map(|(status, _)| status), Some(201));
    town.bank_agrees(&town.settled(&node.url).await);
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();

    // Brought back, as if everything after the copy were lost: the first payment is there, and its key knows it. What was on its
    // way to the bank when the copy was taken has no outcome in it, so it is reversed like after any crash.
    let restored = lian(&["restore", "--from", &copy, "--store"], Path::new(&url_of(&again)));
    assert!(restored.contains("What was paid after the copy was taken is not in it"), "{restored}");
    assert!(refused(&["restore", "--from", &copy, "--store", &url_of(&again)]).contains("exists already"));
    town.store_url = url_of(&again);
    town.configure("one", 0);
    let node = town.start("one");
    let (_, replayed) = town.pay(&node.url, &first).await.expect("an answer");
    assert_eq!(replayed["id"], before["id"]);
    town.settled(&node.url).await;
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();
}
