//! The world: one gateway, its banks, and time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use payment::routing::RoutingTable;
use payment::{Payment, Refund};
use pcs::{BankState, CommandError, Completed, Done, Parts, Pcs};
use store::{Memory, MemoryEngine, Reads, Store};
use tempfile::TempDir;
use types::{Clock as _, Currency, Money, PaymentId, PaymentMethodId, RefundId, Timestamp};
use vault::Vault;

use crate::pin_pad;
use crate::{Installation, Seeded, Shop, SimulatedBank, WorldClock};

/// The banks of every world.
const BANKS: [&str; 3] = ["cups-pos", "iso87-ascii", "iso93-bcd"];
/// A second bank that speaks and takes what `iso87-ascii` does, but for offline sales, in worlds that choose between banks.
pub const TWIN: &str = "iso87-twin";
/// How long its gateway waits for a bank's answer.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
const RETENTION_DAYS: u16 = 30;

/// A gateway with everything around it.
pub struct World {
    /// The wall clock, which goes with tokio's.
    pub clock: Arc<WorldClock>,
    /// What outlives the gateway's process; orders store failures.
    pub memory: Memory,
    /// What processes that are started from now on are told of others that share their store.
    pub take_over_ms: Option<i64>,
    /// How many requests that move money they take at once.
    pub at_once: usize,
    /// By which rules they choose banks.
    pub routing: RoutingTable,
    /// Certificates and the wallet's keys.
    pub installation: Installation,
    entropy: Arc<Seeded>,
    banks: Vec<SimulatedBank>,
    vault: Arc<Vault>,
    pcs: Arc<Pcs>,
    numbers: AtomicU64,
    _dir: TempDir,
}

impl World {
    /// Starts a world; its links are signed on. The same seed gives the same world.
    pub async fn seeded(seed: u64) -> Self {
        Self::over(seed, Store::inline).await
    }

    /// A world whose store is put together by the test: with a queue, or an engine around the engine. A store with a
    /// thread of its own does not go with a paused clock.
    pub async fn over(seed: u64, store: impl FnOnce(MemoryEngine, Arc<dyn Reads>) -> Store) -> Self {
        Self::of(seed, &BANKS, store).await
    }

    /// The same with [`TWIN`] as a fourth bank.
    pub async fn with_twin(seed: u64, store: impl FnOnce(MemoryEngine, Arc<dyn Reads>) -> Store) -> Self {
        Self::of(seed, &[BANKS[0], BANKS[1], BANKS[2], TWIN], store).await
    }

    async fn of(
        seed: u64,
        names: &[&str],
        store: impl FnOnce(MemoryEngine, Arc<dyn Reads>) -> Store,
    ) -> Self {
        let clock = Arc::new(WorldClock::start());
        let entropy = Arc::new(Seeded::new(seed));
        let dir = tempfile::tempdir().unwrap();
        let vault = Arc::new(
            Vault::open_or_create(&dir.path().join("vault.key"), Arc::clone(&entropy) as _).unwrap(),
        );
        let mut banks = Vec::new();
        for name in names {
            banks.push(SimulatedBank::start(name, Arc::clone(&clock) as _, Arc::clone(&entropy) as _).await);
        }
        let installation = Installation::new(clock.now(), Arc::clone(&entropy) as _);
        let memory = Memory::new(1, RETENTION_DAYS);
        let (engine, reads) = memory.open();
        let pcs = Pcs::new(parts(store(engine, reads), &vault, &banks, &installation, &clock, &entropy));
        let numbers = AtomicU64::new(1);
        let world = Self {
            clock,
            memory,
            installation,
            entropy,
            banks,
            vault,
            pcs,
            numbers,
            take_over_ms: None,
            at_once: pcs::AT_ONCE,
            routing: RoutingTable::default(),
            _dir: dir,
        };
        world.links_up().await;
        world
    }

    /// The gateway in its present life.
    pub const fn pcs(&self) -> &Arc<Pcs> {
        &self.pcs
    }

    /// A second process over the same store, as long as this one does not write: whoever opened last may.
    pub fn store(&self) -> &Store {
        self.pcs.store()
    }

    /// A bank's far end.
    pub fn bank(&self, name: &str) -> &banksim::Bank {
        self.simulated(name).sim()
    }

    /// The same, for a task of its own.
    pub fn bank_handle(&self, name: &str) -> Arc<banksim::Bank> {
        self.simulated(name).handle()
    }

    pub(crate) fn bank_names(&self) -> impl Iterator<Item = &str> {
        self.banks.iter().map(SimulatedBank::name)
    }

    pub(crate) fn simulated(&self, name: &str) -> &SimulatedBank {
        self.banks.iter().find(|bank| bank.name() == name).expect("a bank of this world")
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Another process over the same store. What its predecessor still tries to write is refused from now on: to the
    /// rest of the world it has crashed.
    pub async fn crash(&mut self) {
        let (engine, reads) = self.memory.open();
        let store = Store::inline(engine, reads);
        self.pcs = self.process(store);
        self.links_up().await;
    }

    /// A gateway process beside the first, over the same store and vault.
    pub fn second_process(&self) -> Arc<Pcs> {
        self.process(self.store().clone())
    }

    fn process(&self, store: Store) -> Arc<Pcs> {
        let parts = parts(store, &self.vault, &self.banks, &self.installation, &self.clock, &self.entropy);
        let routing = self.routing.clone();
        Pcs::new(Parts { take_over_ms: self.take_over_ms, at_once: self.at_once, routing, ..parts })
    }

    async fn links_up(&self) {
        for bank in self.pcs.banks() {
            assert_eq!(bank.settled().await, BankState::Up, "{}", bank.name());
        }
    }

    /// Lets time pass.
    pub async fn pass_ms(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Waits until something is so; a minute of the world's time at most.
    pub async fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..60_000 {
            if is_so() {
                return;
            }
            self.pass_ms(1).await;
        }
        panic!("a minute has passed and {what} is not so");
    }

    /// Does the gateway's own work until nothing is in doubt any more; an hour of the world's time at most.
    pub async fn settle(&self) {
        let end = self.now().plus_ms(3_600_000);
        while self.now() < end {
            self.pcs.work_once().await.unwrap();
            if self.unsettled().await == 0 {
                return;
            }
            self.pass_ms(1_000).await;
        }
        let left = (self.unsettled().await, self.pcs.doubts().await.unwrap());
        panic!("an hour has passed and tasks are left: {left:#?}");
    }

    /// Exchanges without an outcome, and pursuits.
    pub async fn unsettled(&self) -> usize {
        let mut tasks = 0;
        for kind in [pcs::TASK_EXCHANGE, pcs::TASK_PURSUIT] {
            tasks += self.store().tasks(kind, None, 100_000).await.unwrap().len();
        }
        tasks
    }

    /// A sale, whatever comes of it.
    pub async fn pay(
        &self,
        shop: &Shop,
        card: PaymentMethodId,
        amount: Money,
    ) -> Result<Completed, CommandError> {
        self.pcs.create_payment(&shop.caller, self.key(), self.sale(card, amount)).await
    }

    /// A sale that must be paid.
    pub async fn paid(&self, shop: &Shop, card: PaymentMethodId, amount: Money) -> Payment {
        let payment = payment_of(self.pay(shop, card, amount).await.unwrap());
        assert_eq!(payment.state, payment::State::Captured);
        payment
    }

    /// An authorization, whatever comes of it.
    pub async fn authorize(&self, shop: &Shop, card: PaymentMethodId, amount: Money) -> Payment {
        let new = self.authorization(card, amount);
        payment_of(self.pcs.create_payment(&shop.caller, self.key(), new).await.unwrap())
    }

    /// A refund, whatever comes of it.
    pub async fn refund(
        &self,
        shop: &Shop,
        payment: PaymentId,
        amount: Option<u64>,
    ) -> Result<Refund, CommandError> {
        let request = self.refund_request(payment, amount);
        Ok(refund_of(self.pcs.create_refund(&shop.caller, self.key(), request).await?))
    }

    /// A payment as it is now.
    pub async fn payment(&self, shop: &Shop, id: PaymentId) -> Payment {
        self.pcs.payment(shop.id(), id).await.unwrap().expect("the payment exists")
    }

    /// A refund as it is now.
    pub async fn refund_now(&self, shop: &Shop, id: RefundId) -> Refund {
        self.pcs.refund(shop.id(), id).await.unwrap().expect("the refund exists")
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

fn parts(
    store: Store,
    vault: &Arc<Vault>,
    banks: &[SimulatedBank],
    installation: &Installation,
    clock: &Arc<WorldClock>,
    entropy: &Arc<Seeded>,
) -> Parts {
    let link = |bank: &SimulatedBank| {
        bank.link(Arc::clone(clock) as _, Arc::clone(entropy) as _, Arc::clone(vault), REPLY_TIMEOUT)
    };
    Parts {
        take_over_ms: None,
        at_once: pcs::AT_ONCE,
        routing: RoutingTable::default(),
        pin_key_protection: Some(pin_pad::protection()),
        shards: store.shards(),
        store,
        vault: Arc::clone(vault),
        banks: banks.iter().map(link).collect(),
        custodian: installation.custodian(),
        clock: Arc::clone(clock) as _,
        entropy: Arc::clone(entropy) as _,
    }
}

/// Euros and cents.
pub fn eur(cents: u64) -> Money {
    Money::new(cents, Currency::EUR).unwrap()
}

/// Pounds and pence.
pub fn gbp(pence: u64) -> Money {
    Money::new(pence, "GBP".parse().unwrap()).unwrap()
}

/// Yuan and fen.
pub fn cny(fen: u64) -> Money {
    Money::new(fen, Currency::CNY).unwrap()
}

/// The payment that a command ended with.
pub fn payment_of(completed: Completed) -> Payment {
    match completed.done {
        Done::Payment(payment) | Done::ActionRefused(payment) => *payment,
        Done::Refund(refund) => panic!("a refund, not a payment: {refund:?}"),
    }
}

/// The refund that a command ended with.
pub fn refund_of(completed: Completed) -> Refund {
    match completed.done {
        Done::Refund(refund) => *refund,
        Done::Payment(payment) | Done::ActionRefused(payment) => {
            panic!("a payment, not a refund: {payment:?}")
        }
    }
}
