//! More work than the store takes. What is refused is refused before anything is written; what a bank has answered is not
//! given up.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use banksim::{Fault, Scope};
use payment::State;
use pcs::{CommandError, Completed, Pcs};
use store::{Engine, MemoryEngine, Outcomes, Settings, Store, StoreError, Unit};
use testkit::{Shop, World, cny, eur, payment_of};
use tokio::task::JoinHandle;
use types::PaymentMethodId;

use crate::GOOD;

type Asked = JoinHandle<Result<Completed, CommandError>>;

/// An engine that says when it has been given a batch and writes it when it is let.
struct Gated {
    engine: MemoryEngine,
    gate: Receiver<Gate>,
    is_open: bool,
    began: tokio::sync::mpsc::UnboundedSender<()>,
}

enum Gate {
    Open,
    Closed,
}

impl Engine for Gated {
    fn commit(&mut self, batch: &[Unit]) -> Result<Outcomes, StoreError> {
        while let Ok(gate) = self.gate.try_recv() {
            self.is_open = matches!(gate, Gate::Open);
        }
        let _ = self.began.send(());
        while !self.is_open {
            self.is_open = !matches!(self.gate.recv(), Ok(Gate::Closed));
        }
        self.engine.commit(batch)
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        self.engine.recover()
    }
}

/// A world whose store has room for one unit beside the one that is being written.
struct Narrow {
    world: World,
    gate: Sender<Gate>,
    began: tokio::sync::mpsc::UnboundedReceiver<()>,
}

impl Narrow {
    async fn start(seed: u64) -> Self {
        let (gate, gate_in) = channel();
        let (began_out, began) = tokio::sync::mpsc::unbounded_channel();
        let settings = Settings { queue_units: 1, batch_units: 1 };
        let world = World::over(seed, |engine, reads| {
            let engine = Gated { engine, gate: gate_in, is_open: true, began: began_out };
            Store::start(engine, reads, settings).unwrap()
        })
        .await;
        Self { world, gate, began }
    }

    fn sale(&self, shop: &Shop, card: PaymentMethodId) -> Asked {
        let pcs: Arc<Pcs> = Arc::clone(self.world.pcs());
        let (caller, key, sale) = (shop.caller.clone(), self.world.key(), self.world.sale(card, eur(1_00)));
        tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
    }

    /// Closes the gate and fills the store: one unit at the gate, one behind it.
    async fn fill(&mut self, shop: &Shop, card: PaymentMethodId) -> [Asked; 2] {
        self.gate.send(Gate::Closed).unwrap();
        while self.began.try_recv().is_ok() {}
        let first = self.sale(shop, card);
        self.began.recv().await.unwrap();
        let second = self.sale(shop, card);
        // The second is queued as soon as its task has run: it finds everything it asks for in memory.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        [first, second]
    }
}

#[tokio::test]
async fn a_full_store_refuses_before_anything_is_written_and_the_queued_are_paid() {
    let mut narrow = Narrow::start(120).await;
    let shop = narrow.world.merchant("stadium").await;
    let card = narrow.world.card(&shop, GOOD).await;
    narrow.world.paid(&shop, card, eur(1_00)).await;
    let queued = narrow.fill(&shop, card).await;

    let refused = narrow.sale(&shop, card).await.unwrap();
    assert!(matches!(refused, Err(CommandError::Overloaded)), "{refused:?}");

    narrow.gate.send(Gate::Open).unwrap();
    for asked in queued {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);
    }
    assert_eq!(narrow.world.rows(store::Table::Payment, shop.id()).await, 3);
    narrow.world.audit().await;
}

#[tokio::test]
async fn a_full_store_is_waited_for_once_the_bank_has_answered() {
    let mut narrow = Narrow::start(121).await;
    let shop = narrow.world.merchant("stadium").await;
    let card = narrow.world.card(&shop, GOOD).await;
    narrow.world.paid(&shop, card, eur(1_00)).await;
    narrow.world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::next());
    let paying = narrow.sale(&shop, card);
    narrow.world.until("the answer is held", || narrow.world.bank("iso87-ascii").held() == 1).await;
    let queued = narrow.fill(&shop, card).await;
    narrow.world.bank("iso87-ascii").release();
    // Its first tries meet the full queue.
    narrow.world.pass_ms(50).await;
    assert!(!paying.is_finished());

    narrow.gate.send(Gate::Open).unwrap();
    for asked in queued.into_iter().chain([paying]) {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);
    }
    narrow.world.audit().await;
}

/// A place is held as long as a request is under way, so a bank that says nothing could take them all.
#[tokio::test(start_paused = true)]
async fn a_slow_bank_holds_up_half_of_the_places_and_the_next_is_turned_away_before_anything_is_written() {
    let mut world = World::seeded(122).await;
    world.at_once = 4;
    world.crash().await;
    let shop = world.merchant("arena").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::always());
    let pay = |amount| -> Asked {
        let (pcs, caller, key, sale) =
            (world.pcs().clone(), shop.caller.clone(), world.key(), world.sale(card, amount));
        tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
    };
    let waiting = [pay(eur(1_00)), pay(eur(2_00))];
    world.until("both wait", || world.bank("iso87-ascii").held() == 2).await;

    let turned_away = pay(eur(3_00)).await.unwrap();
    assert!(matches!(turned_away, Err(CommandError::Overloaded)), "{turned_away:?}");
    assert_eq!(payment_of(pay(cny(4_00)).await.unwrap().unwrap()).state, State::Captured);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 3);

    // Both banks are slow: every place is taken.
    world.bank("cups-pos").set_fault(Fault::HeldAnswer, Scope::always());
    let more = [pay(cny(5_00)), pay(cny(6_00))];
    world.until("all four wait", || world.bank("cups-pos").held() == 2).await;
    let turned_away = pay(cny(7_00)).await.unwrap();
    assert!(matches!(turned_away, Err(CommandError::Overloaded)), "{turned_away:?}");

    for bank in ["iso87-ascii", "cups-pos"] {
        world.bank(bank).clear_faults();
        world.bank(bank).release();
    }
    for asked in waiting.into_iter().chain(more) {
        assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);
    }
    assert_eq!(payment_of(pay(eur(3_00)).await.unwrap().unwrap()).state, State::Captured);
    world.audit().await;
}
