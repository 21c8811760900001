//! Sales per second through one link and back, simulator included, both on one thread, over TCP on this machine.
//!
//! `cargo run --release -p hostlink --example link_speed -- [bank] [in flight] [seconds]`

#[path = "../tests/link/support.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

use std::sync::Arc;
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::{LinkState, Outcome, Transaction, shipped_bank};
use support::{Noon, Seeded, TMK, World};
use tokio::time::Instant;
use types::Secret;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "iso87-ascii".to_owned());
    let in_flight: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(64);
    let seconds: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(3);

    let profile = Arc::new(shipped_bank(&name).expect("a shipped bank"));
    let config = BankConfig {
        profile: Arc::clone(&profile),
        tmk: Secret::new(TMK),
        listen: Some(([127, 0, 0, 1], 0).into()),
        log: None,
        clock: Arc::new(Noon),
        entropy: Arc::new(Seeded::new(42)),
        transcript_lines: 0,
    };
    let bank = Arc::new(Bank::start(config).await.expect("a bank"));
    let world = Arc::new(World::not_yet_up(&profile, bank));
    world.until(LinkState::Up).await;

    let started = Instant::now();
    let end = started + Duration::from_secs(seconds);
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let began = Instant::now();
                    let data = world.data(1, None);
                    let outcome = world.send(Transaction::Consume, &data, world.good_card()).await;
                    assert!(
                        matches!(&outcome, Outcome::Reply(reply) if reply.response_code() == "00"),
                        "{outcome:?}"
                    );
                    times.push(began.elapsed());
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.await.expect("a worker"));
    }
    let elapsed = started.elapsed();
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!(
        "{name}, {in_flight} in flight: {:.0} sales/s, p50 {:?}, p99 {:?}",
        times.len() as f64 / elapsed.as_secs_f64(),
        at(50),
        at(99)
    );
}
