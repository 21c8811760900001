//! The engine that keeps everything in memory, for simulations and tests. It knows the same rules as the others, and can
//! be told to fail.

mod base;
mod reads;
mod state;

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::engine::Outcomes;
use crate::plan::plan;
use crate::{Engine, Reads, Shard, StoreError, Unit};

use state::State;

/// A failure that the next commit meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is written, and the engine says so.
    NotWritten,
    /// All is written, but the engine cannot tell.
    WrittenUnknown,
    /// Nothing is written, but the engine cannot tell.
    LostUnknown,
    /// The engine panics.
    Panic,
}

/// What outlives a crash of the process: open it again for the next life.
#[derive(Clone)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    retention_days: u16,
}

/// The engine over a [`Memory`].
pub struct MemoryEngine {
    memory: Memory,
    epochs: Vec<u64>,
}

impl Memory {
    /// An empty store with so many shards, which keeps idempotency keys for so many days.
    pub fn new(shards: u16, retention_days: u16) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(shards.max(1)))),
            faults: Arc::default(),
            retention_days,
        }
    }

    /// Takes the store over. An engine opened before stops at its next commit.
    pub fn open(&self) -> (MemoryEngine, Arc<dyn Reads>) {
        let epochs = self.state.lock().take_over();
        (MemoryEngine { memory: self.clone(), epochs }, self.reads())
    }

    /// Reads.
    pub fn reads(&self) -> Arc<dyn Reads> {
        Arc::new(reads::MemoryReads { state: Arc::clone(&self.state) })
    }

    /// Makes a coming commit fail; faults are met in the order in which they were ordered.
    pub fn order_fault(&self, fault: Fault) {
        self.faults.lock().push_back(fault);
    }
}

impl Engine for MemoryEngine {
    fn commit(&mut self, batch: &[Unit]) -> Result<Outcomes, StoreError> {
        let fault = self.memory.faults.lock().pop_front();
        match fault {
            Some(Fault::NotWritten) => return Err(StoreError::NotWritten("an ordered fault".to_owned())),
            Some(Fault::LostUnknown) => return Err(StoreError::Unknown("an ordered fault".to_owned())),
            Some(Fault::Panic) => panic!("an ordered fault"),
            Some(Fault::WrittenUnknown) | None => {}
        }
        let mut state = self.memory.state.lock();
        for (number, &ours) in self.epochs.iter().enumerate() {
            let found = state.heads[number].epoch;
            if found != ours {
                return Err(StoreError::Superseded { shard: Shard(number as u16), ours, found });
            }
        }
        let (plan, outcomes) = plan(&mut *state, batch, self.memory.retention_days)?;
        state.write(plan, self.memory.retention_days)?;
        match fault {
            Some(_) => Err(StoreError::Unknown("an ordered fault".to_owned())),
            None => Ok(outcomes),
        }
    }

    fn recover(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}
