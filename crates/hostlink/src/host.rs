//! Several links to one bank, as one: jPOS calls it a MUX pool, card networks a host.
//!
//! | question                    | answer                                                                               |
//! |-----------------------------|--------------------------------------------------------------------------------------|
//! | which link takes a request? | the least loaded one that is up and does its work; in turn, where several are        |
//! | what if it cannot?          | the next one, but only where not a byte has left ([`Outcome::NotSent`])              |
//! | where may the answer come?  | over any link: the keys of requests are the host's                                   |
//! | what if all are full?       | `NotSent(Busy)` at once: nobody waits for a place                                     |

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use iso8583::Fields;
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::counters::CounterValues;
use crate::event::LinkEvent;
use crate::link::{Drained, HostLink, LinkParts, LinkState, Prepared, TransactionRequest, crossing};
use crate::outcome::{LateReply, NotSent, Outcome};
use crate::profile::{BankProfile, SessionFacts};
use crate::shared::HostShared;

/// A bank behind one or several links. Clones are handles of the same links; when the last is dropped they close.
#[derive(Clone)]
pub struct Host {
    links: Arc<[HostLink]>,
    turn: Arc<AtomicUsize>,
}

impl From<HostLink> for Host {
    /// A bank with one link.
    fn from(link: HostLink) -> Self {
        Self { links: Arc::new([link]), turn: Arc::default() }
    }
}

impl Host {
    /// Starts a link for `first` and one for each of `others`, all to the same bank, and returns at once.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(first: LinkParts, others: Vec<LinkParts>) -> Self {
        let (mut ways, mut links) = (Vec::new(), Vec::new());
        for parts in std::iter::once(first.clone()).chain(others) {
            let (way, crossed) = crossing(&parts.profile);
            ways.push(way);
            links.push((parts, crossed));
        }
        let shared = Arc::new(HostShared::new(&first, ways));
        let started = links.into_iter().enumerate().map(|(index, (parts, crossed))| {
            HostLink::start_among(Arc::clone(&shared), index, parts, crossed)
        });
        Self { links: started.collect(), turn: Arc::default() }
    }

    /// The links, in the order of their parts.
    pub fn links(&self) -> &[HostLink] {
        &self.links
    }

    fn shared(&self) -> &HostShared {
        &self.links[0].shared().host
    }

    /// The bank.
    pub fn profile(&self) -> &Arc<BankProfile> {
        self.links[0].profile()
    }

    /// The state of the link that is furthest: a host is up when one of its links is.
    pub fn state(&self) -> LinkState {
        let states = self.links.iter().map(|link| *link.shared().state.borrow());
        states.max_by_key(|state| rank(*state)).unwrap_or(LinkState::Closed)
    }

    /// Waits until the host is in a state that `wanted` names.
    pub async fn until(&self, wanted: impl Fn(LinkState) -> bool) -> LinkState {
        let mut changed = self.shared().changed.subscribe();
        loop {
            let state = self.state();
            // The sender lives in what the links share, so it is there for as long as this handle is.
            if wanted(state) || changed.changed().await.is_err() {
                return state;
            }
        }
    }

    /// What the latest sign-on over any link told.
    pub fn facts(&self) -> SessionFacts {
        self.shared().facts.borrow().clone()
    }

    /// Answers that nobody waits for, from now on, over whichever link.
    pub fn late(&self) -> broadcast::Receiver<LateReply> {
        self.shared().late.subscribe()
    }

    /// What happens at the bank, from now on.
    pub fn events(&self) -> broadcast::Receiver<LinkEvent> {
        self.shared().events.subscribe()
    }

    /// What all links together have seen since their start.
    pub fn counters(&self) -> CounterValues {
        self.links.iter().map(HostLink::counters).fold(CounterValues::default(), |sum, link| sum + link)
    }

    /// Sends a request over one of the links and waits for its outcome, until `deadline` at the latest.
    pub async fn request(&self, request: TransactionRequest, deadline: Instant) -> Outcome {
        if let Some(refusal) = self.state().refusal() {
            return Outcome::NotSent(refusal);
        }
        match Prepared::of(self.profile(), request) {
            Ok(prepared) => self.send(prepared, deadline).await,
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    /// Sends a message that moves no money, such as the totals of a batch, and waits for its answer.
    pub async fn ask(&self, fields: Fields, deadline: Instant) -> Outcome {
        match Prepared::plain(self.profile(), fields) {
            Ok(prepared) => self.send(prepared, deadline).await,
            Err(rejection) => Outcome::Rejected(rejection),
        }
    }

    async fn send(&self, prepared: Prepared, deadline: Instant) -> Outcome {
        if let [only] = &*self.links {
            return only.send(prepared, deadline).await;
        }
        let mut outcome = Outcome::NotSent(self.state().refusal().unwrap_or(NotSent::LinkDown));
        for link in self.by_fitness() {
            outcome = link.send(prepared.clone(), deadline).await;
            match outcome {
                // Nothing has left, so nothing can happen twice.
                Outcome::NotSent(why) if why.is_of_the_link() => {}
                _ => break,
            }
        }
        outcome
    }

    /// The links that take requests, the one to be tried first at the front: up before signing on, those that do their
    /// work before those that lose requests, the least loaded before the others, and equals in turn.
    fn by_fitness(&self) -> Vec<&HostLink> {
        let (now, count) = (Instant::now(), self.links.len());
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut fit: Vec<_> = Vec::with_capacity(count);
        for (place, link) in self.links.iter().enumerate() {
            let state = *link.shared().state.borrow();
            if state.takes_requests() {
                let suspect = link.shared().health.lock().is_suspect(now);
                let after_turn = (place + count - turn % count) % count;
                fit.push(((state != LinkState::Up, suspect, link.load(), after_turn), link));
            }
        }
        fit.sort_unstable_by_key(|(fitness, _)| *fitness);
        fit.into_iter().map(|(_, link)| link).collect()
    }

    /// Closes all links in order: no new requests, answers are waited for until `deadline`, then sign-off.
    pub async fn drain(&self, deadline: Instant) -> Drained {
        let drains: Vec<_> = (0..self.links.len())
            .map(|index| {
                let link = self.links[index].clone();
                tokio::spawn(async move { link.drain(deadline).await })
            })
            .collect();
        let mut unanswered = 0;
        for drain in drains {
            unanswered += drain.await.map_or(0, |drained| drained.unanswered);
        }
        Drained { unanswered }
    }
}

/// How far a state is from sending.
const fn rank(state: LinkState) -> u8 {
    match state {
        LinkState::Up => 7,
        LinkState::SigningOn => 6,
        LinkState::Connecting => 5,
        LinkState::Down => 4,
        // A host that waits for a person says so rather than that it is closing.
        LinkState::Refused(_) => 3,
        LinkState::OutOfService => 2,
        LinkState::Draining => 1,
        LinkState::Closed => 0,
    }
}
