//! Sales per second through one link and back over TCP on this machine: the message made and encoded, its MAC, the link, and
//! all of that again at the simulated bank, which has a thread of its own.
//!
//! `cargo run --release -p hostlink --example link_speed -- [bank] [in flight] [seconds]`

#[path = "../tests/link/support.rs"]
#[expect(dead_code, reason = "the tests use more of it")]
mod support;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::{BankProfile, CodeOutcome, Host, LinkState, Outcome, TcpConnect, Transaction, shipped_bank};
use support::{Noon, Seeded, TMK, World};
use tokio::time::Instant;
use types::Secret;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "iso87-ascii".to_owned());
    let in_flight: usize = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(64);
    let seconds: u64 = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(3);
    let profile = Arc::new(shipped_bank(&name).expect("a shipped bank"));

    let (port_to, port) = mpsc::channel();
    let (ask_to, asked) = mpsc::channel::<mpsc::Sender<u64>>();
    let at_the_bank = Arc::clone(&profile);
    std::thread::spawn(move || on_one_thread(be_the_bank(at_the_bank, port_to, asked)));
    let port = port.recv().expect("the bank listens");
    let bank_cpu = || {
        let (to, cpu) = mpsc::channel();
        ask_to.send(to).expect("the bank is there");
        cpu.recv().expect("the bank answers")
    };
    on_one_thread(async move {
        let link = format!("127.0.0.1:{port}");
        let sold = sell(&profile, link, in_flight, Duration::from_secs(seconds), bank_cpu).await;
        println!("{name}, {in_flight} in flight: {sold}");
    });
}

fn on_one_thread(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work);
}

/// Nanoseconds that this thread has run, as Linux counts them; 0 elsewhere.
fn thread_cpu() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
}

async fn be_the_bank(
    profile: Arc<BankProfile>,
    port: mpsc::Sender<u16>,
    asked: mpsc::Receiver<mpsc::Sender<u64>>,
) {
    let config = BankConfig {
        profile,
        tmk: Secret::new(TMK),
        listen: Some(([127, 0, 0, 1], 0).into()),
        log: None,
        clock: Arc::new(Noon),
        entropy: Arc::new(Seeded::new(42)),
        transcript_lines: 0,
    };
    let bank = Bank::start(config).await.expect("a bank");
    port.send(bank.address().expect("it listens").port()).expect("somebody asks");
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        match asked.try_recv() {
            Ok(to) => to.send(thread_cpu()).expect("somebody asks"),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => return,
        }
    }
}

async fn sell(
    profile: &Arc<BankProfile>,
    address: String,
    in_flight: usize,
    lasts: Duration,
    bank_cpu: impl Fn() -> u64,
) -> String {
    let (parts, keys) = support::parts(profile, Arc::new(TcpConnect::new(address)));
    let host = Host::start(parts, Vec::new());
    host.until(|state| state == LinkState::Up).await;
    let world = Arc::new(World::of_host(support::bank(profile, false).await, host, keys));

    let (bank_before, ours_before) = (bank_cpu(), thread_cpu());
    let started = Instant::now();
    let end = started + lasts;
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (world, profile) = (Arc::clone(&world), Arc::clone(profile));
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < end {
                    let began = Instant::now();
                    let data = world.data(1, None);
                    let outcome = world.send(Transaction::Consume, &data, world.good_card()).await;
                    let approves = |code: &str| {
                        let row = profile.outcome(Transaction::Consume, code);
                        matches!(row.outcome, CodeOutcome::Approve { .. })
                    };
                    assert!(
                        matches!(&outcome, Outcome::Reply(reply) if approves(reply.response_code())),
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
    let (ours, bank) = (thread_cpu() - ours_before, bank_cpu() - bank_before);
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let each = |ns: u64| ns as f64 / 1000.0 / times.len() as f64;
    format!(
        "{:.0} sales/s, p50 {:?}, p99 {:?}; CPU a sale: caller and link {:.1} us, bank {:.1} us",
        times.len() as f64 / elapsed.as_secs_f64(),
        at(50),
        at(99),
        each(ours),
        each(bank)
    )
}
