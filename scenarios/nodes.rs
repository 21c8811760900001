//! Several `lian serve` over one PostgreSQL: any of them takes any request, one that is killed leaves nothing behind, and
//! so does a database that is killed.

#[path = "support/town.rs"]
mod town;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use town::{PATIENCE, Town, fresh_key};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_nodes_is_killed_and_the_other_ends_what_it_began() {
    let town = Arc::new(Town::found().await);
    let (one, two) = (town.start("one"), town.start("two"));

    // The same key at both nodes in the same moment: one payment.
    for _ in 0..20 {
        let key = fresh_key();
        let (here, there) = tokio::join!(town.pay(&one.url, &key), town.pay(&two.url, &key));
        let (again_here, again_there) = (town.pay(&one.url, &key).await, town.pay(&two.url, &key).await);
        let id = again_here.as_ref().map(|(_, body)| body["id"].clone());
        assert!(id.as_ref().is_some_and(Value::is_string), "{again_here:?}");
        assert_eq!(again_there.map(|(_, body)| body["id"].clone()), id);
        for (status, body) in [here, there].into_iter().flatten() {
            assert!(status == 409 || Some(&body["id"]) == id.as_ref(), "{status} {body}");
        }
    }

    let mut paying = JoinSet::new();
    for number in 0..400 {
        let (town, url) =
            (Arc::clone(&town), if number % 2 == 0 { one.url.clone() } else { two.url.clone() });
        paying.spawn(async move { town.pay(&url, &fresh_key()).await });
    }
    let (mut acknowledged, mut refused, mut lost_sight) = (Vec::new(), 0, 0);
    let mut one = Some(one);
    while let Some(paid) = paying.join_next().await {
        match paid.expect("a task") {
            Some((201, body)) => acknowledged.push(body),
            Some((503, _)) => refused += 1,
            Some((status, body)) => panic!("{status} {body}"),
            None => lost_sight += 1,
        }
        if acknowledged.len() == 60
            && let Some(node) = one.take()
        {
            node.kill();
        }
    }
    assert!(lost_sight > 0, "the kill has caught nothing: the scenario proves nothing");
    let payments = town.settled(&two.url).await;
    let reversed =
        payments.iter().filter(|payment| payment["cancellation_reason"] == "timeout_reversed").count();
    println!(
        "{} acknowledged, {refused} refused, {lost_sight} without an answer, {reversed} reversed by the survivor",
        acknowledged.len()
    );
    for told in &acknowledged {
        let now = payments.iter().find(|payment| payment["id"] == told["id"]);
        assert_eq!(now.map(|now| &now["status"]), Some(&told["status"]), "acknowledged, and not so any more");
    }
    town.bank_agrees(&payments);
    assert_eq!(two.stop(), Some(0), "{}", town.log());
    town.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_is_a_clear_no_and_everything_goes_on_by_itself() {
    let mut town = Town::found().await;
    let node = town.start("one");
    assert_eq!(town.pay(&node.url, &fresh_key()).await.map(|(status, _)| status), Some(201));
    assert_eq!(town.status(&node.url, "/readyz").await, Some(200));
    let seen = (town.metric(&node, "lian_store_ready").await, town.metric(&node, "lian_batches_open").await);
    assert_eq!(seen, (Some(1.0), Some(1.0)));

    tokio::task::block_in_place(|| town.database.kill()).expect("PostgreSQL is killed");
    let key = fresh_key();
    let (status, body) = town.pay(&node.url, &key).await.expect("an answer");
    assert_eq!(status, 503, "{body}");
    assert_eq!(town.status(&node.url, "/livez").await, Some(200));
    let seen = (town.metric(&node, "lian_store_ready").await, town.metric(&node, "lian_batches_open").await);
    assert_eq!(seen, (Some(0.0), None), "monitoring sees that there is no store");

    tokio::task::block_in_place(|| town.database.start_again()).expect("PostgreSQL starts");
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let started = tokio::time::Instant::now();
    while town.status(&node.url, "/readyz").await != Some(200) {
        tick.tick().await;
        assert!(started.elapsed() < PATIENCE, "not ready again: {}", town.log());
    }
    // The same key, as a client would: nothing of the first try was written.
    let (status, body) = town.pay(&node.url, &key).await.expect("an answer");
    assert_eq!(status, 201, "{body}");
    let payments = town.settled(&node.url).await;
    assert_eq!(payments.len(), 2);
    town.bank_agrees(&payments);
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_to_stop_says_so_first_and_serves_until_it_is_gone() {
    let town = Town::found().await;
    // Long enough for a slow machine to ask in between.
    town.configure("one", 5_000);
    let node = town.start("one");
    assert_eq!(town.status(&node.url, "/readyz").await, Some(200));
    let pid = node.process.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        match town.status(&node.url, "/readyz").await {
            Some(200) => {}
            other => break assert_eq!(other, Some(503), "it says no before it is gone"),
        }
    }
    assert_eq!(town.status(&node.url, "/livez").await, Some(200));
    // What a proxy still sends is not lost.
    assert_eq!(town.pay(&node.url, &fresh_key()).await.map(|(status, _)| status), Some(201));
    assert_eq!(node.ended(), Some(0), "{}", town.log());
    town.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_vault_is_refused() {
    let town = Town::found().await;
    let path = town.dir.path().join("two.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration").replace("vault.key", "other.key");
    std::fs::write(&path, text).expect("a configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lian"));
    let refused = command.args(["serve", "--config"]).arg(&path).output().expect("lian runs");
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("other.key is missing"), "{told}");
}
