//! The requests of a link: waiting, on the wire, and for a while after their end.
//!
//! Pure: time comes in as a parameter. A key is inserted only where it is free; an answer is given only to the request
//! whose key it carries; and for the length of the late window a key is not given to another request, so that an
//! answer that comes late is never taken for the answer to something else.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use iso8583::Fields;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::key::MatchKey;
use crate::outcome::Outcome;
use crate::parted::Parted;
use crate::profile::Transaction;

/// Names a request within its link; never used twice.
pub(crate) type SlotId = u64;

/// Who waits for the answer.
pub(crate) enum Waiter {
    Caller(Transaction, oneshot::Sender<Outcome>),
    /// The sign-on exchange with this index.
    SignOn(usize),
    Echo,
    SignOff,
}

impl Waiter {
    pub const fn is_caller(&self) -> bool {
        matches!(self, Self::Caller(..))
    }
}

/// A request that the link owns until its outcome is given.
pub(crate) struct Slot {
    pub waiter: Waiter,
    /// The whole message while it waits and for checking its answer; wiped with the slot.
    pub request: Fields,
    pub deadline: Instant,
    /// When its frame was handed to the wire.
    pub framed_at: Instant,
    /// Whether its first byte may have left. Set before the write that could make it true.
    pub maybe_sent: bool,
    key: Option<MatchKey>,
    fingerprint: u64,
}

impl Slot {
    pub fn new(waiter: Waiter, request: Fields, deadline: Instant, fingerprint: u64, now: Instant) -> Self {
        Self { waiter, request, deadline, framed_at: now, maybe_sent: false, key: None, fingerprint }
    }
}

/// How a request ended, as far as later answers with its key are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Answered,
    Unanswered,
}

struct Grave {
    ended: Ended,
    fingerprint: u64,
    until: Instant,
}

enum Place {
    InFlight(SlotId),
    Grave(Grave),
}

/// Why a key is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    InFlight,
    Recently,
}

/// Whose key an answer carries.
pub(crate) enum Found {
    Request(SlotId),
    Ended(Ended),
    Nothing,
}

pub(crate) struct Pending {
    slots: HashMap<SlotId, Slot>,
    by_key: Parted<MatchKey, Place>,
    deadlines: BinaryHeap<Reverse<(Instant, SlotId)>>,
    graves: VecDeque<(Instant, MatchKey)>,
    next_id: SlotId,
    late_window: Duration,
    on_wire: usize,
}

impl Pending {
    pub fn new(late_window: Duration) -> Self {
        Self {
            slots: HashMap::new(),
            by_key: Parted::new(),
            deadlines: BinaryHeap::new(),
            graves: VecDeque::new(),
            next_id: 1,
            late_window,
            on_wire: 0,
        }
    }

    /// Takes a request in. It has no key yet: it waits.
    pub fn admit(&mut self, slot: Slot) -> SlotId {
        let id = self.next_id;
        self.next_id += 1;
        self.deadlines.push(Reverse((slot.deadline, id)));
        self.slots.insert(id, slot);
        id
    }

    /// Gives a waiting request its key: from now on an answer can find it.
    pub fn bind(&mut self, id: SlotId, key: MatchKey, now: Instant) -> Result<(), Taken> {
        let Some(slot) = self.slots.get_mut(&id) else { return Ok(()) };
        match self.by_key.get(&key) {
            Some(Place::InFlight(_)) => return Err(Taken::InFlight),
            // Only the same message may use the key again: its answers say the same, whichever copy they answer.
            Some(Place::Grave(grave)) if grave.until > now && grave.fingerprint != slot.fingerprint => {
                return Err(Taken::Recently);
            }
            Some(Place::Grave(_)) | None => {}
        }
        self.by_key.insert(key.clone(), Place::InFlight(id));
        slot.key = Some(key);
        slot.framed_at = now;
        self.on_wire += 1;
        Ok(())
    }

    pub fn get(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(&id)
    }

    pub fn set_maybe_sent(&mut self, id: SlotId, maybe_sent: bool) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.maybe_sent = maybe_sent;
        }
    }

    /// Requests that have a key: framed or on the wire.
    pub const fn on_wire(&self) -> usize {
        self.on_wire
    }

    /// Whose key this is.
    pub fn find(&self, key: &MatchKey, now: Instant) -> Found {
        match self.by_key.get(key) {
            Some(Place::InFlight(id)) => Found::Request(*id),
            Some(Place::Grave(grave)) if grave.until > now => Found::Ended(grave.ended),
            Some(Place::Grave(_)) | None => Found::Nothing,
        }
    }

    /// Ends a request. If its first byte may have left, its key is remembered for the late window.
    pub fn finish(&mut self, id: SlotId, ended: Ended, now: Instant) -> Option<Slot> {
        let slot = self.slots.remove(&id)?;
        if let Some(key) = &slot.key {
            self.on_wire -= 1;
            // The link's own messages use the same key again and again, one at a time.
            if slot.maybe_sent && slot.waiter.is_caller() {
                let until = now + self.late_window;
                let grave = Grave { ended, fingerprint: slot.fingerprint, until };
                self.by_key.insert(key.clone(), Place::Grave(grave));
                self.graves.push_back((until, key.clone()));
            } else {
                self.by_key.remove(key);
            }
        }
        Some(slot)
    }

    /// The next moment at which something ends.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, id))) = self.deadlines.peek().copied() {
            if self.slots.contains_key(&id) {
                return Some(at);
            }
            self.deadlines.pop();
        }
        None
    }

    /// A request whose deadline has passed, if there is one. The caller ends it.
    pub fn expired(&mut self, now: Instant) -> Option<SlotId> {
        self.next_deadline().filter(|&at| at <= now)?;
        self.deadlines.pop().map(|Reverse((_, id))| id)
    }

    /// Forgets keys whose late window is over.
    pub fn bury(&mut self, now: Instant) {
        while self.graves.front().is_some_and(|(until, _)| *until <= now) {
            let Some((_, key)) = self.graves.pop_front() else { return };
            // The same message may have used the key again meanwhile, and its grave is younger.
            if matches!(self.by_key.get(&key), Some(Place::Grave(grave)) if grave.until <= now) {
                self.by_key.remove(&key);
            }
        }
    }

    /// All requests, oldest first.
    pub fn ids(&self) -> Vec<SlotId> {
        let mut ids: Vec<SlotId> = self.slots.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}
