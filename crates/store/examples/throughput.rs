//! Measures the SQLite engine: units a second with so many in flight, each with an idempotency key, one row and one
//! record of three legs and 300 bytes. `cargo run --release -p store --example throughput -- [in flight] [seconds] [folder]`

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ledger::{AccountCode, AccountId, BankName, Entry, Leg, Movement, Owner, Side};
use store::{
    Claim, Record, RecordKind, RowChange, RowKey, Settings, Shard, SqliteOptions, Store, Table, Unit,
    open_sqlite, verify,
};
use types::{Clock, Currency, Entropy, MerchantId, PaymentId, SystemClock};

/// A stream of numbers from a counter (SplitMix64): chance enough for ids that nobody must guess.
struct Numbers(std::sync::atomic::AtomicU64);

impl Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut mixed = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, std::sync::atomic::Ordering::Relaxed);
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

fn unit(merchant: MerchantId, numbers: &Numbers) -> Unit {
    let at = SystemClock.now();
    let id = PaymentId::new(at, numbers).to_u128();
    let account = |code, owner| AccountId { code, owner, currency: Currency::CNY };
    let bank = Owner::Bank(BankName::new("bank").expect("a bank's name"));
    let leg = |account, side, amount| Leg { account, side, movement: Movement::Post, amount };
    let legs = vec![
        leg(account(AccountCode::BankClearing, bank), Side::Debit, 12_50),
        leg(account(AccountCode::MerchantPayable, Owner::Merchant(merchant)), Side::Credit, 12_00),
        leg(account(AccountCode::FeeIncome, Owner::None), Side::Credit, 50),
    ];
    let owner = merchant.to_u128();
    let mut unit = Unit::new(Shard(0), at);
    unit.claim = Some(Claim { key: numbers.u128().to_be_bytes(), digest: [7; 32], subject: id });
    let key = RowKey { table: Table::Payment, owner, id };
    unit.rows.push(RowChange { key, expected: None, body: Some(vec![b'x'; 300].into()) });
    unit.records.push(Record {
        kind: RecordKind(1),
        owner,
        subject: id,
        subject_version: 1,
        legs: Some(Entry::new(legs).expect("legs that balance")),
        event: vec![b'x'; 300],
    });
    unit
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let in_flight: usize = arguments.next().map_or(Ok(64), |text| text.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let folder = match arguments.next() {
        Some(parent) => tempfile::tempdir_in(parent)?,
        None => tempfile::tempdir()?,
    };
    let (engine, reads) = open_sqlite(&folder.path().join("store"), &SqliteOptions::default())?;
    let store = Store::start(engine, reads, Settings::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let latencies = Rc::new(Cell::new(Vec::<u32>::new()));
    let began = Instant::now();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let lanes: Vec<_> = (0..in_flight as u64)
            .map(|lane| {
                let (store, latencies) = (store.clone(), Rc::clone(&latencies));
                tokio::task::spawn_local(async move {
                    let numbers = Numbers((lane << 40 ^ 0x5eed).into());
                    let merchant = MerchantId::from_u128(u128::from(lane) % 20 + 1);
                    while began.elapsed() < Duration::from_secs(seconds) {
                        let since = Instant::now();
                        store.commit(unit(merchant, &numbers)).await?;
                        let mut all = latencies.take();
                        all.push(since.elapsed().as_micros() as u32);
                        latencies.set(all);
                    }
                    Ok::<_, store::CommitError>(())
                })
            })
            .collect();
        for lane in lanes {
            lane.await??;
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    let took = began.elapsed();
    let mut all = latencies.take();
    all.sort_unstable();
    let at = |per_mille: usize| all[(all.len() - 1) * per_mille / 1_000];
    println!(
        "{in_flight} in flight: {:.0} units/s, p50 {} us, p99 {} us, {} units",
        all.len() as f64 / took.as_secs_f64(),
        at(500),
        at(990),
        all.len()
    );
    let began = Instant::now();
    let verified = verify(&*store.reads().snapshot()?, |_, _| ())?;
    println!(
        "verified {} records in {:.1} s, projections folded",
        verified.records,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}
