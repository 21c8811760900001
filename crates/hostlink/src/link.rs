//! The handle of a link: one connection to a bank, kept up for as long as it is wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iso8583::Fields;
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use types::{Clock, Entropy};

use crate::card_fields::{CardFields, PinToSend};
use crate::connect::Connect;
use crate::counters::{CounterValues, Counters};
use crate::event::LinkEvent;
use crate::health::Health;
use crate::key::fingerprint;
use crate::outcome::{LateReply, MaybeSent, NotSent, Outcome, Rejection};
use crate::profile::{BankProfile, SessionFacts, Transaction};
use crate::security::{LinkSecurity, SecurityError};
use crate::shared::{Afterwards, Control, Crossed, HostShared, Inlets, Load, ReplyTo, Shared, Submit};
use crate::supervisor;

/// Where a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// No connection; the next attempt is waited for.
    Down,
    /// A connection is being opened.
    Connecting,
    /// Connected; keys and batch are being fetched. Requests wait.
    SigningOn,
    /// Requests are sent.
    Up,
    /// Closing: requests in flight may still be answered, new ones are refused.
    Draining,
    /// Taken out by a person, without a connection. [`HostLink::resume`] brings it back.
    OutOfService,
    /// Stopped for good, because the bank's keys cannot be trusted. [`HostLink::resume`] tries again.
    Refused(SecurityError),
    /// Drained and closed.
    Closed,
}

impl LinkState {
    /// Whether requests are taken.
    pub const fn takes_requests(self) -> bool {
        matches!(self, Self::SigningOn | Self::Up)
    }

    /// Whether it stays as it is until a person does something.
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Up | Self::OutOfService | Self::Refused(_) | Self::Closed)
    }

    /// Its name, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::SigningOn => "signing_on",
            Self::Up => "up",
            Self::Draining => "draining",
            Self::OutOfService => "out_of_service",
            Self::Refused(_) => "refused",
            Self::Closed => "closed",
        }
    }

    /// Why a link in this state sends nothing, if it does not.
    pub(crate) const fn refusal(self) -> Option<NotSent> {
        match self {
            Self::SigningOn | Self::Up => None,
            Self::Down | Self::Connecting => Some(NotSent::LinkDown),
            Self::Draining | Self::Closed => Some(NotSent::Draining),
            Self::OutOfService => Some(NotSent::OutOfService),
            Self::Refused(_) => Some(NotSent::LinkRefused),
        }
    }
}

/// What a link needs from outside.
#[derive(Clone)]
pub struct LinkParts {
    /// The bank.
    pub profile: Arc<BankProfile>,
    /// DE 41 of the link's own messages.
    pub terminal: String,
    /// DE 42 of the link's own messages.
    pub acceptor: String,
    /// Opens connections.
    pub connect: Arc<dyn Connect>,
    /// The keys.
    pub security: Arc<dyn LinkSecurity>,
    /// The wall clock, for dates in messages. Waiting goes by tokio's monotonic clock.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the waits between connection attempts.
    pub entropy: Arc<dyn Entropy>,
}

/// One request to a bank.
#[derive(Clone, Debug)]
pub struct TransactionRequest {
    /// What is asked; decides which card data are sent.
    pub transaction: Transaction,
    /// The recorded message, as [`BankProfile::message`] or [`BankProfile::repeat`] gave it.
    pub fields: Fields,
    /// The card.
    pub card: Option<CardFields>,
}

/// A request that is fit to be sent, card data included.
#[derive(Clone)]
pub(crate) struct Prepared {
    transaction: Option<Transaction>,
    fields: Fields,
    /// Its PIN, which the link that sends it translates.
    pin: Option<Box<PinToSend>>,
    fingerprint: u64,
}

impl Prepared {
    pub fn of(profile: &BankProfile, request: TransactionRequest) -> Result<Self, Rejection> {
        let TransactionRequest { transaction, fields, card } = request;
        let fingerprint = fingerprint(&fields);
        let fields = profile.with_card(transaction, fields, card.as_ref())?;
        let pin = profile.pin_of(transaction, card.as_ref());
        Self { transaction: Some(transaction), fields, pin, fingerprint }.checked(profile)
    }

    /// A message that moves no money and needs no card.
    pub fn plain(profile: &BankProfile, fields: Fields) -> Result<Self, Rejection> {
        Self { transaction: None, fingerprint: fingerprint(&fields), fields, pin: None }.checked(profile)
    }

    fn checked(self, profile: &BankProfile) -> Result<Self, Rejection> {
        let violations = profile.dialect_of(self.fields.mti()).check_fields(&self.fields);
        if violations.is_empty() { Ok(self) } else { Err(Rejection::Rules(violations)) }
    }
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Requests that had no answer by the deadline; each got `MaybeSent`.
    pub unanswered: usize,
}

/// A link to a bank. Clones are handles of the same link; when the last is dropped the link closes.
#[derive(Clone)]
pub struct HostLink {
    shared: Arc<Shared>,
    requests: mpsc::Sender<Submit>,
    control: mpsc::Sender<Control>,
}

/// The way into a link's task for answers from its siblings.
pub(crate) fn crossing(profile: &BankProfile) -> (mpsc::Sender<Crossed>, mpsc::Receiver<Crossed>) {
    // Every answer that crosses has a request on the wire.
    mpsc::channel(profile.limits().max_in_flight)
}

impl HostLink {
    /// Starts the only link of a bank on the current tokio runtime and returns at once; the state tells when it is up.
    /// Several links to one bank are a [`crate::Host`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(parts: LinkParts) -> Self {
        let (way, crossed) = crossing(&parts.profile);
        let host = Arc::new(HostShared::new(&parts, vec![way]));
        Self::start_among(host, 0, parts, crossed)
    }

    pub(crate) fn start_among(
        host: Arc<HostShared>,
        index: usize,
        parts: LinkParts,
        crossed: mpsc::Receiver<Crossed>,
    ) -> Self {
        let (requests, requests_in) = mpsc::channel(parts.profile.limits().queue);
        let (control, control_in) = mpsc::channel(4);
        let shared = Arc::new(Shared {
            parts,
            host,
            index,
            state: watch::Sender::new(LinkState::Down),
            counters: Counters::default(),
            health: Mutex::new(Health::default()),
            load: Arc::new(AtomicUsize::new(0)),
        });
        let inlets = Inlets { requests: requests_in, control: control_in, crossed };
        tokio::spawn(supervisor::supervise(Arc::clone(&shared), inlets));
        Self { shared, requests, control }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The bank.
    pub fn profile(&self) -> &Arc<BankProfile> {
        &self.shared.parts.profile
    }

    /// DE 41 of its own messages.
    pub fn terminal(&self) -> &str {
        &self.shared.parts.terminal
    }

    /// DE 42 of its own messages.
    pub fn acceptor(&self) -> &str {
        &self.shared.parts.acceptor
    }

    /// Where the link is, and a way to wait for it.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.shared.state.subscribe()
    }

    /// What the latest sign-on told: batch number and accounting date.
    pub fn facts(&self) -> SessionFacts {
        self.shared.host.facts.borrow().clone()
    }

    /// Answers that nobody waits for, from now on.
    pub fn late(&self) -> broadcast::Receiver<LateReply> {
        self.shared.host.late.subscribe()
    }

    /// What happens at the bank, from now on.
    pub fn events(&self) -> broadcast::Receiver<LinkEvent> {
        self.shared.host.events.subscribe()
    }

    /// What the link has seen since its start.
    pub fn counters(&self) -> CounterValues {
        self.shared.counters.values()
    }

    /// Requests that were handed to the link and have no outcome yet.
    pub fn load(&self) -> usize {
        self.shared.load.load(Ordering::Relaxed)
    }

    /// Whether the link loses too many of its requests to be given more while there are better ones.
    pub fn is_suspect(&self) -> bool {
        self.shared.health.lock().is_suspect(Instant::now())
    }

    /// Sends a request and waits for its outcome, until `deadline` at the latest.
    ///
    /// Once taken, the request belongs to the link: dropping this future cancels nothing, and its answer is then told
    /// to [`HostLink::late`].
    pub async fn request(&self, request: TransactionRequest, deadline: Instant) -> Outcome {
        if let Some(refusal) = self.shared.state.borrow().refusal() {
            return Outcome::NotSent(refusal);
        }
        match Prepared::of(self.profile(), request) {
            Ok(prepared) => self.send(prepared, deadline).await,
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    /// Hands a message to the link's task, without waiting for a place.
    pub(crate) async fn send(&self, prepared: Prepared, deadline: Instant) -> Outcome {
        let state = *self.shared.state.borrow();
        if let Some(refusal) = state.refusal() {
            return Outcome::NotSent(refusal);
        }
        let (sender, outcome) = oneshot::channel();
        let Prepared { transaction, fields, pin, fingerprint } = prepared;
        let reply = ReplyTo { sender, load: Load::on(&self.shared) };
        match self.requests.try_send(Submit { transaction, fields, pin, fingerprint, deadline, reply }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Outcome::NotSent(NotSent::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => return Outcome::NotSent(NotSent::Draining),
        }
        // The task answers every request it takes; only if it dies is the answer missing, and then nobody knows.
        outcome.await.unwrap_or(Outcome::MaybeSent(MaybeSent::LinkClosed))
    }

    /// Closes the link in order: no new requests, answers are waited for until `deadline`, then sign-off.
    pub async fn drain(&self, deadline: Instant) -> Drained {
        self.drain_and(deadline, Afterwards::Close).await
    }

    /// Takes the link out of service in the same order. It stays without a connection until [`HostLink::resume`].
    pub async fn take_out(&self, deadline: Instant) -> Drained {
        self.drain_and(deadline, Afterwards::Rest).await
    }

    async fn drain_and(&self, deadline: Instant, then: Afterwards) -> Drained {
        let (done, drained) = oneshot::channel();
        if self.control.send(Control::Drain { deadline, then, done }).await.is_err() {
            return Drained::default();
        }
        drained.await.unwrap_or_default()
    }

    /// Lets a link try again that stopped with [`LinkState::Refused`], once its keys have been put in order, or that was
    /// taken out of service.
    pub async fn resume(&self) {
        // A link that is gone has nothing to resume.
        let _ = self.control.send(Control::Resume).await;
    }

    /// Fetches new working keys from the bank, as soon as the link is up. Answers under the old ones count for the grace
    /// time of the profile.
    pub async fn exchange_keys(&self) {
        // A link that is gone needs no keys.
        let _ = self.control.send(Control::ExchangeKeys).await;
    }
}
