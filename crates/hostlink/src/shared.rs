//! What the tasks of a host's links share with each other and with their handles.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use iso8583::{Fields, Message};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::warn;

use crate::card_fields::PinToSend;
use crate::counters::Counters;
use crate::event::LinkEvent;
use crate::health::Health;
use crate::link::{Drained, LinkParts, LinkState};
use crate::outcome::{LateReason, LateReply, Outcome};
use crate::profile::{SessionFacts, Transaction};
use crate::registry::Registry;

/// How many late replies or events a slow listener may fall behind before it misses some.
const TOLD_BUFFER: usize = 1024;

/// What all links of a host share.
pub(crate) struct HostShared {
    pub registry: Mutex<Registry>,
    /// What the latest sign-on over any of the links told.
    pub facts: watch::Sender<SessionFacts>,
    pub late: broadcast::Sender<LateReply>,
    pub events: broadcast::Sender<LinkEvent>,
    /// Told whenever a link's state changes.
    pub changed: watch::Sender<()>,
    /// The ways to the links' tasks, for answers that come over another link than their requests left by.
    pub crossings: Vec<mpsc::Sender<Crossed>>,
    /// Links that are up.
    pub up: AtomicUsize,
}

impl HostShared {
    pub fn new(parts: &LinkParts, crossings: Vec<mpsc::Sender<Crossed>>) -> Self {
        Self {
            registry: Mutex::new(Registry::new(parts.profile.timers().late_window)),
            facts: watch::Sender::new(SessionFacts::default()),
            late: broadcast::Sender::new(TOLD_BUFFER),
            events: broadcast::Sender::new(TOLD_BUFFER),
            changed: watch::Sender::new(()),
            crossings,
            up: AtomicUsize::new(0),
        }
    }
}

/// What a link's task shares with its handles.
pub(crate) struct Shared {
    pub parts: LinkParts,
    pub host: Arc<HostShared>,
    /// The link's place among those of its host.
    pub index: usize,
    pub state: watch::Sender<LinkState>,
    pub counters: Counters,
    pub health: Mutex<Health>,
    /// Requests that were handed to the link and have no outcome yet.
    pub load: Arc<AtomicUsize>,
}

impl Shared {
    /// Moves the link to another state and tells those who wait for the link or for its host.
    pub fn set_state(&self, state: LinkState) {
        let was = self.state.send_replace(state);
        match (was == LinkState::Up, state == LinkState::Up) {
            (false, true) => _ = self.host.up.fetch_add(1, Ordering::Relaxed),
            (true, false) => _ = self.host.up.fetch_sub(1, Ordering::Relaxed),
            (true, true) | (false, false) => {}
        }
        self.host.changed.send_replace(());
    }

    pub fn tell(&self, event: LinkEvent) {
        // Without listeners there is nobody to tell.
        let _ = self.host.events.send(event);
    }

    pub fn is_authentic(&self, message: &Message<'_>) -> bool {
        if !self.parts.profile.is_protected(message.mti()) {
            return true;
        }
        let security = &self.parts.security;
        // The key before the last exchange still counts until the link makes the security forget it.
        message
            .mac()
            .is_some_and(|(input, mac)| security.verify(input, &mac) || security.verify_previous(input, &mac))
    }

    pub fn tell_late(&self, reason: LateReason, message: &Message<'_>, authentic: bool) {
        let profile = &self.parts.profile;
        warn!(bank.name = profile.name(), ?reason, mti = %message.mti(), authentic, "An answer nobody waits for");
        let fields = profile.without_cardholder_data(message.to_fields());
        // Without listeners there is nobody to tell; the counters know.
        let _ = self.host.late.send(LateReply { reason, fields, authentic });
    }
}

/// An answer that came over another link than its request left by.
pub(crate) struct Crossed {
    pub body: Bytes,
    /// Whether its MAC is right by the keys of the link that it came over.
    pub authentic: bool,
}

/// Counts a request among those of its link for as long as it lives.
pub(crate) struct Load(Arc<AtomicUsize>);

impl Load {
    pub fn on(shared: &Shared) -> Self {
        shared.load.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&shared.load))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a request's outcome goes.
pub(crate) struct ReplyTo {
    pub sender: oneshot::Sender<Outcome>,
    pub load: Load,
}

impl ReplyTo {
    /// Tells the outcome. False if nobody waits for it any more.
    pub fn send(self, outcome: Outcome) -> bool {
        // The caller's next request must find the place free that this one had.
        drop(self.load);
        self.sender.send(outcome).is_ok()
    }
}

/// A request on its way to a link's task.
pub(crate) struct Submit {
    /// What its response codes mean; nothing for a message that moves no money.
    pub transaction: Option<Transaction>,
    /// The whole message, card data included.
    pub fields: Fields,
    pub pin: Option<Box<PinToSend>>,
    pub fingerprint: u64,
    pub deadline: Instant,
    pub reply: ReplyTo,
}

/// What happens to a link once it is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Afterwards {
    /// It ends.
    Close,
    /// It waits, without a connection, to be brought back.
    Rest,
}

/// An order to a link's task.
pub(crate) enum Control {
    Drain { deadline: Instant, then: Afterwards, done: oneshot::Sender<Drained> },
    ExchangeKeys,
    Resume,
}

/// Where a link's task gets its work from.
pub(crate) struct Inlets {
    pub requests: mpsc::Receiver<Submit>,
    pub control: mpsc::Receiver<Control>,
    pub crossed: mpsc::Receiver<Crossed>,
}
