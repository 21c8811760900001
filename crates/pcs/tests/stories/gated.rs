//! A store that writes when the test lets it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use pcs::{CommandError, Completed, Pcs};
use store::{Engine, MemoryEngine, Outcomes, Settings, Store, StoreError, Unit};
use testkit::{Shop, World, eur};
use tokio::task::JoinHandle;
use types::PaymentMethodId;

pub type Asked = JoinHandle<Result<Completed, CommandError>>;

/// An engine that says when it has been given a batch and writes it when it is let.
struct Gated {
    engine: MemoryEngine,
    gate: Receiver<Gate>,
    is_open: bool,
    began: tokio::sync::mpsc::UnboundedSender<()>,
}

pub enum Gate {
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

type GatedStore = Box<dyn FnOnce(MemoryEngine, Arc<dyn store::Reads>) -> Store>;

/// A world whose store has room for one unit beside the one that is being written.
pub struct Narrow {
    pub world: World,
    pub gate: Sender<Gate>,
    pub began: tokio::sync::mpsc::UnboundedReceiver<()>,
}

impl Narrow {
    pub async fn start(seed: u64) -> Self {
        Self::over(async |gated| World::over(seed, gated).await).await
    }

    /// The same with a second bank to choose.
    pub async fn start_with_twin(seed: u64) -> Self {
        Self::over(async |gated| World::with_twin(seed, gated).await).await
    }

    async fn over(world: impl AsyncFnOnce(GatedStore) -> World) -> Self {
        let (gate, gate_in) = channel();
        let (began_out, began) = tokio::sync::mpsc::unbounded_channel();
        let settings = Settings { queue_units: 1, batch_units: 1 };
        let gated: GatedStore = Box::new(move |engine, reads| {
            let engine = Gated { engine, gate: gate_in, is_open: true, began: began_out };
            Store::start(engine, reads, settings).unwrap()
        });
        Self { world: world(gated).await, gate, began }
    }

    /// From now on units wait at the gate, the next one first.
    pub fn close(&mut self) {
        self.gate.send(Gate::Closed).unwrap();
        while self.began.try_recv().is_ok() {}
    }

    /// Lets the unit at the gate pass, and waits for the next.
    pub async fn pass(&mut self) {
        self.gate.send(Gate::Open).unwrap();
        self.gate.send(Gate::Closed).unwrap();
        self.began.recv().await.unwrap();
    }

    pub fn sale(&self, shop: &Shop, card: PaymentMethodId) -> Asked {
        let pcs: Arc<Pcs> = Arc::clone(self.world.pcs());
        let (caller, key, sale) = (shop.caller.clone(), self.world.key(), self.world.sale(card, eur(1_00)));
        tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
    }

    /// Closes the gate and fills the store: one unit at the gate, one behind it.
    pub async fn fill(&mut self, shop: &Shop, card: PaymentMethodId) -> [Asked; 2] {
        self.close();
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
