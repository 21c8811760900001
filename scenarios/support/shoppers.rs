//! Shoppers who insist: each asks for payments one after the other, each with one key until it is answered, as a client does.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::town::{PATIENCE, Town, fresh_key};

/// What a shopper was told in the end of a payment, and how often he was turned away, or not answered, before.
pub struct Told {
    id: Value,
    status: Value,
    pub refused: usize,
    pub unanswered: usize,
}

/// Shoppers under way.
pub struct Shoppers {
    told: JoinSet<Vec<Told>>,
    acknowledged: Arc<AtomicUsize>,
}

impl Shoppers {
    /// Lets `many` shoppers make `payments` each, at these gateways in turns.
    pub fn start(town: &Arc<Town>, urls: &[String], many: usize, payments: usize) -> Self {
        let (mut told, acknowledged, urls) = (JoinSet::new(), Arc::<AtomicUsize>::default(), Arc::from(urls));
        for shopper in 0..many {
            let (town, urls, acknowledged) =
                (Arc::clone(town), Arc::<[String]>::clone(&urls), Arc::clone(&acknowledged));
            told.spawn(async move {
                let mut told = Vec::new();
                for payment in 0..payments {
                    told.push(insist(&town, &urls, shopper + payment).await);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                told
            });
        }
        Self { told, acknowledged }
    }

    /// Waits until so many payments have been answered.
    pub async fn until_acknowledged(&self, town: &Town, many: usize) {
        let (mut tick, started) =
            (tokio::time::interval(Duration::from_millis(5)), tokio::time::Instant::now());
        while self.acknowledged.load(Ordering::Relaxed) < many {
            tick.tick().await;
            assert!(started.elapsed() < PATIENCE, "nobody is paid: {}", town.log());
        }
    }

    /// What they were told, once all of them have been.
    pub async fn told(mut self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some(shopper) = self.told.join_next().await {
            told.extend(shopper.expect("a shopper"));
        }
        told
    }
}

async fn insist(town: &Town, urls: &[String], number: usize) -> Told {
    let (key, started) = (fresh_key(), tokio::time::Instant::now());
    let (mut refused, mut unanswered) = (0, 0);
    let mut pause = tokio::time::interval(Duration::from_millis(100));
    for turn in number.. {
        pause.tick().await;
        match town.pay(&urls[turn % urls.len()], &key).await {
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

/// What was acknowledged stands, each key has made one payment however often it was sent, and somebody was turned away, or
/// the scenario would prove nothing. Prints the figures.
pub fn nothing_is_lost(told: &[Told], payments: &[Value]) {
    let now: HashMap<String, &Value> =
        payments.iter().map(|payment| (payment["id"].to_string(), &payment["status"])).collect();
    let succeeded: Vec<&Told> = told.iter().filter(|told| told.status == "succeeded").collect();
    for told in &succeeded {
        assert_eq!(now.get(&told.id.to_string()), Some(&&told.status), "acknowledged, and not so any more");
    }
    let (refused, unanswered): (usize, usize) =
        told.iter().fold((0, 0), |sum, told| (sum.0 + told.refused, sum.1 + told.unanswered));
    println!(
        "{} acknowledged, {} in doubt and reversed, {refused} times refused and tried again, {unanswered} times without an \
         answer, 0 lost",
        succeeded.len(),
        told.len() - succeeded.len()
    );
    assert!(refused > 0, "nobody was turned away: the scenario proves nothing");
    assert_eq!(now.len(), told.len(), "a key has made more or less than one payment");
}
