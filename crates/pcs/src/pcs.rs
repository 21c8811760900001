//! The PCS itself: what the flows share.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use payment::routing::RoutingTable;
use store::{Shard, Store, shard_of};
use tokio::sync::{Notify, Semaphore};
use types::{Clock, Entropy, MerchantId, PaymentMethodId, ReconciliationId, Timestamp};
use vault::{KeyBlockKey, Vault};

use crate::bank::{Bank, BankState};
use crate::cache::Cache;
use crate::flow::Item;
use crate::measure::Counted;
use crate::model::{Merchant, PaymentMethod};
use crate::numbers::Numbers;
use crate::turns::Turns;
use crate::{Caller, CommandError, Custodian};

/// What the PCS is given. Time, chance and I/O all come in here.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// The vault.
    pub vault: Arc<Vault>,
    /// The links to banks, by the names that merchants' contracts use.
    pub banks: Vec<Bank>,
    /// Opens payment instructions and knows whom to believe.
    pub custodian: Custodian,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Chance.
    pub entropy: Arc<dyn Entropy>,
    /// How many shards the store was made with.
    pub shards: u16,
    /// Whether other processes share the store, and how long after its bank's time is up, in milliseconds, an exchange of
    /// one of them is taken over: by then its own process is dead or has lost the store.
    pub take_over_ms: Option<i64>,
    /// How many requests that move money may be under way at once. The next waits for half a second and is then turned away, before
    /// anything is written. One
    /// bank that is slow may hold up half of them, so that the others' customers still get through.
    pub at_once: usize,
    /// How payments are brought to banks, within their merchants' contracts.
    pub routing: RoutingTable,
    /// The key under which the PIN keys of terminals come, in key blocks; none: none can be brought in.
    pub pin_key_protection: Option<Arc<KeyBlockKey>>,
}

/// [`Parts::at_once`] where nobody says otherwise: a fifth of a second's work of two cores.
pub const AT_ONCE: usize = 2_048;

/// The payment control server. Shared; every payment runs in a task of its own, so that a client that hangs up cancels
/// nothing.
pub struct Pcs {
    pub(crate) store: Store,
    pub(crate) vault: Arc<Vault>,
    pub(crate) banks: BTreeMap<String, Bank>,
    pub(crate) custodian: Custodian,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) shards: u16,
    pub(crate) take_over_ms: Option<i64>,
    pub(crate) at_once: usize,
    pub(crate) routing: RoutingTable,
    pub(crate) pin_key_protection: Option<Arc<KeyBlockKey>>,
    /// As many as requests may be under way at once.
    pub(crate) places: Arc<Semaphore>,
    /// No new requests are wanted.
    draining: AtomicBool,
    pub(crate) numbers: Numbers,
    pub(crate) counted: Counted,
    pub(crate) turns: Turns,
    /// Idempotency keys of requests that run right now in this process.
    pub(crate) running: Mutex<HashSet<[u8; 16]>>,
    pub(crate) merchants: Cache<MerchantId, Merchant>,
    pub(crate) callers: Cache<[u8; 16], Caller>,
    pub(crate) methods: Cache<(u128, PaymentMethodId), PaymentMethod>,
    /// Batches that are known to be on the list of those to be compared with their banks.
    pub(crate) open_batches: Mutex<HashSet<(Shard, u128)>>,
    /// What the upload that was worked on last has to tell, and after which comparison: of one only, for it may be long.
    pub(crate) upload_items: Mutex<Option<(ReconciliationId, Arc<[Item]>)>>,
    /// Tasks that somebody in this process works on.
    pub(crate) in_hand: Mutex<HashSet<(u8, u128)>>,
    /// Wakes the pursuit of reversals and repeats.
    pub(crate) pursue: Notify,
    /// Tells the webhook dispatcher that the journal has grown.
    pub(crate) journal_grew: Notify,
}

/// Whether payments can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The store takes commits.
    pub store: bool,
    /// Each bank and the state of its link.
    pub banks: Vec<(String, BankState)>,
    /// The process is about to end: what is under way is finished, nothing new should come.
    pub draining: bool,
}

impl Readiness {
    /// At least one bank is signed on, the store takes commits, and the process is not about to end.
    pub fn is_ready(&self) -> bool {
        self.store && !self.draining && self.banks.iter().any(|(_, state)| *state == BankState::Up)
    }
}

impl Pcs {
    /// Puts the PCS together. Call [`Pcs::resume`] before taking requests, and keep [`Pcs::work`] running.
    pub fn new(parts: Parts) -> Arc<Self> {
        let banks = parts.banks.into_iter().map(|bank| (bank.name().to_owned(), bank)).collect();
        Arc::new(Self {
            store: parts.store,
            vault: parts.vault,
            banks,
            custodian: parts.custodian,
            clock: parts.clock,
            entropy: parts.entropy,
            shards: parts.shards,
            take_over_ms: parts.take_over_ms,
            at_once: parts.at_once.max(1),
            routing: parts.routing,
            pin_key_protection: parts.pin_key_protection,
            places: Arc::new(Semaphore::new(parts.at_once.clamp(1, Semaphore::MAX_PERMITS))),
            draining: AtomicBool::new(false),
            numbers: Numbers::default(),
            counted: Counted::default(),
            turns: Turns::default(),
            running: Mutex::default(),
            merchants: Cache::new(),
            callers: Cache::new(),
            methods: Cache::new(),
            open_batches: Mutex::default(),
            upload_items: Mutex::default(),
            in_hand: Mutex::default(),
            pursue: Notify::new(),
            journal_grew: Notify::new(),
        })
    }

    /// Whether payments can be made now.
    pub fn ready(&self) -> Readiness {
        let banks = self.banks.iter().map(|(name, bank)| (name.clone(), bank.state())).collect();
        Readiness { store: self.store.is_ready(), banks, draining: self.is_draining() }
    }

    /// From now on the PCS says that it is not ready, so that whoever distributes requests looks elsewhere. What comes all
    /// the same is served.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Whether [`Pcs::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// The banks, in the order of their names.
    pub fn banks(&self) -> impl Iterator<Item = &Bank> {
        self.banks.values()
    }

    /// The store, for read models such as `explain` and `verify`.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock that this PCS lives by.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until the journal has grown since the last call.
    pub async fn journal_growth(&self) {
        self.journal_grew.notified().await;
    }

    pub(crate) fn shard(&self, merchant: MerchantId) -> Shard {
        shard_of(merchant, self.shards)
    }

    pub(crate) fn bank(&self, name: &str) -> Result<&Bank, CommandError> {
        self.banks.get(name).ok_or_else(|| {
            CommandError::Internal(
                format!("bank {name} is in a contract but not in the configuration").into(),
            )
        })
    }

    pub(crate) fn new_id<K: types::Kind>(&self) -> types::Id<K> {
        types::Id::new(self.clock.now(), &*self.entropy)
    }
}
