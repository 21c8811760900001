//! The handle of a link: what the flows hold.

use std::sync::Arc;

use iso8583::Fields;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;
use types::{Clock, Entropy};

use crate::card_fields::CardFields;
use crate::connect::Connect;
use crate::counters::{CounterValues, Counters};
use crate::key::fingerprint;
use crate::outcome::{LateReply, MaybeSent, NotSent, Outcome, Rejection};
use crate::profile::{BankProfile, SessionFacts, Transaction};
use crate::security::LinkSecurity;
use crate::supervisor;

/// How many late replies a slow listener may fall behind before it misses some.
const LATE_BUFFER: usize = 1024;

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
    /// Stopped for good: the bank's keys are not those it says they are. [`HostLink::resume`] tries again.
    Refused,
    /// Drained and closed.
    Closed,
}

impl LinkState {
    /// Whether requests are taken.
    pub const fn takes_requests(self) -> bool {
        matches!(self, Self::SigningOn | Self::Up)
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

/// What the links' tasks share with their handles.
pub(crate) struct Shared {
    pub parts: LinkParts,
    pub state: watch::Sender<LinkState>,
    pub facts: watch::Sender<SessionFacts>,
    pub late: broadcast::Sender<LateReply>,
    pub counters: Counters,
}

/// A request on its way to the link's task.
pub(crate) struct Submit {
    pub transaction: Transaction,
    /// The whole message, card data included.
    pub fields: Fields,
    pub fingerprint: u64,
    pub deadline: Instant,
    pub reply: oneshot::Sender<Outcome>,
}

/// An order to the link's task.
pub(crate) enum Control {
    Drain { deadline: Instant, done: oneshot::Sender<Drained> },
    Resume,
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

impl HostLink {
    /// Starts the link's task on the current tokio runtime and returns at once; the state tells when it is up.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(parts: LinkParts) -> Self {
        let (requests, requests_in) = mpsc::channel(parts.profile.limits().queue);
        let (control, control_in) = mpsc::channel(4);
        let shared = Arc::new(Shared {
            parts,
            state: watch::Sender::new(LinkState::Down),
            facts: watch::Sender::new(SessionFacts::default()),
            late: broadcast::Sender::new(LATE_BUFFER),
            counters: Counters::default(),
        });
        tokio::spawn(supervisor::supervise(Arc::clone(&shared), requests_in, control_in));
        Self { shared, requests, control }
    }

    /// The bank.
    pub fn profile(&self) -> &Arc<BankProfile> {
        &self.shared.parts.profile
    }

    /// Where the link is, and a way to wait for it.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.shared.state.subscribe()
    }

    /// What the latest sign-on told: batch number and accounting date.
    pub fn facts(&self) -> SessionFacts {
        self.shared.facts.borrow().clone()
    }

    /// Answers that nobody waits for, from now on.
    pub fn late(&self) -> broadcast::Receiver<LateReply> {
        self.shared.late.subscribe()
    }

    /// What the link has seen since its start.
    pub fn counters(&self) -> CounterValues {
        self.shared.counters.values()
    }

    /// Sends a request and waits for its outcome, until `deadline` at the latest.
    ///
    /// Once taken, the request belongs to the link: dropping this future cancels nothing, and its answer is then told
    /// to [`HostLink::late`].
    pub async fn request(&self, request: TransactionRequest, deadline: Instant) -> Outcome {
        let state = *self.shared.state.borrow();
        match state {
            LinkState::SigningOn | LinkState::Up => {}
            LinkState::Down | LinkState::Connecting => return Outcome::NotSent(NotSent::LinkDown),
            LinkState::Draining | LinkState::Closed => return Outcome::NotSent(NotSent::Draining),
            LinkState::Refused => return Outcome::NotSent(NotSent::LinkRefused),
        }
        let profile = &self.shared.parts.profile;
        let TransactionRequest { transaction, fields, card } = request;
        let fingerprint = fingerprint(&fields);
        let fields = match profile.with_card(transaction, &fields, card.as_ref()) {
            Ok(fields) => fields,
            Err(rejection) => return Outcome::Rejected(rejection),
        };
        let violations = profile.dialect().check_fields(&fields);
        if !violations.is_empty() {
            return Outcome::Rejected(Rejection::Rules(violations));
        }
        let (reply, outcome) = oneshot::channel();
        match self.requests.try_send(Submit { transaction, fields, fingerprint, deadline, reply }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Outcome::NotSent(NotSent::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => return Outcome::NotSent(NotSent::Draining),
        }
        // The task answers every request it takes; only if it dies is the answer missing, and then nobody knows.
        outcome.await.unwrap_or(Outcome::MaybeSent(MaybeSent::LinkClosed))
    }

    /// Closes the link in order: no new requests, answers are waited for until `deadline`, then sign-off.
    pub async fn drain(&self, deadline: Instant) -> Drained {
        let (done, drained) = oneshot::channel();
        if self.control.send(Control::Drain { deadline, done }).await.is_err() {
            return Drained::default();
        }
        drained.await.unwrap_or_default()
    }

    /// Lets a link that stopped with [`LinkState::Refused`] try again, once its keys have been put in order.
    pub async fn resume(&self) {
        // A link that is gone has nothing to resume.
        let _ = self.control.send(Control::Resume).await;
    }
}
