//! The database's server dies under load and its synchronous standby takes its place: requests are refused clearly meanwhile,
//! nothing that was acknowledged is lost, and everything goes on alone.

#[path = "support/town.rs"]
mod town;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use town::{PATIENCE, Town, fresh_key};

const SHOPPERS: usize = 64;
const PAYMENTS: usize = 15;
/// Acknowledged when the server is killed.
const BEFORE: usize = 150;

/// What a shopper was told in the end, and how often he was turned away before.
struct Told {
    id: Value,
    status: Value,
    refused: usize,
    unanswered: usize,
}

/// Asks for one payment until it is answered, always with the same key, as a client does.
async fn insist(town: &Town, urls: &[String; 2], number: usize) -> Told {
    let (key, started) = (fresh_key(), tokio::time::Instant::now());
    let (mut refused, mut unanswered) = (0, 0);
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    for turn in number.. {
        pause.tick().await;
        match town.pay(&urls[turn % 2], &key).await {
            // Paid; or, after a bank's answer that could not be recorded, in doubt and to be reversed.
            Some((201 | 504, body)) => {
                let payment = if body["id"].is_string() { &body } else { &body["payment"] };
                let (id, status) = (payment["id"].clone(), payment["status"].clone());
                return Told { id, status, refused, unanswered };
            }
            Some((503 | 409, _)) => refused += 1,
            Some((status, body)) => panic!("{status} {body}"),
            None => unanswered += 1,
        }
        assert!(started.elapsed() < PATIENCE, "never answered: {}", town.log());
    }
    unreachable!("numbers do not end")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_synchronous_standby_takes_over_under_load_and_nothing_acknowledged_is_lost() {
    let mut town = Town::found().await;
    let standby = tokio::task::block_in_place(|| town.database.synchronous_standby(&std::env::temp_dir()));
    let standby = standby.expect("a standby");
    // Both hosts are named, as an operator would; only the one that takes writes is used.
    town.store_url = format!(
        "postgres://lian@127.0.0.1:{},127.0.0.1:{}/postgres",
        town.database.address().port(),
        standby.address().port()
    );
    for node in ["one", "two"] {
        town.configure(node, 0);
    }
    let (one, two) = (town.start("one"), town.start("two"));
    let urls = Arc::new([one.url.clone(), two.url.clone()]);
    let mut database = std::mem::replace(&mut town.database, standby);
    let (town, acknowledged) = (Arc::new(town), Arc::new(AtomicUsize::new(0)));

    let mut shoppers = JoinSet::new();
    for shopper in 0..SHOPPERS {
        let (town, urls, acknowledged) = (Arc::clone(&town), Arc::clone(&urls), Arc::clone(&acknowledged));
        shoppers.spawn(async move {
            let mut told = Vec::new();
            for payment in 0..PAYMENTS {
                told.push(insist(&town, &urls, shopper + payment).await);
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
    tokio::task::block_in_place(|| database.kill()).expect("the server is killed");
    tokio::task::block_in_place(|| town.database.promote()).expect("the standby is promoted");
    let mut told = Vec::new();
    while let Some(shopper) = shoppers.join_next().await {
        told.extend(shopper.expect("a shopper"));
    }

    let payments = town.settled(&two.url).await;
    let now: HashMap<String, Value> =
        payments.iter().map(|payment| (payment["id"].to_string(), payment["status"].clone())).collect();
    let succeeded: Vec<&Told> = told.iter().filter(|told| told.status == "succeeded").collect();
    for told in &succeeded {
        assert_eq!(now.get(&told.id.to_string()), Some(&told.status), "acknowledged, and not so any more");
    }
    let (refused, unanswered): (usize, usize) =
        told.iter().fold((0, 0), |sum, told| (sum.0 + told.refused, sum.1 + told.unanswered));
    println!(
        "{} acknowledged, {} in doubt and reversed, {refused} times refused and tried again, {unanswered} times without an \
         answer, 0 lost",
        succeeded.len(),
        told.len() - succeeded.len()
    );
    assert!(refused > 0, "the kill has turned nobody away: the scenario proves nothing");
    // Each key made one payment, however often it was sent.
    assert_eq!(now.len(), told.len());
    town.bank_agrees(&payments);
    assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)), "{}", town.log());
    town.verify();
}
