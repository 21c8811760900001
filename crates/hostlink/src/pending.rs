//! The requests of a link: waiting, on the wire, ended. Which keys are free is the host's to say (`registry`).
//!
//! Pure but for the lock on the registry: time comes in as a parameter. An answer is given only to the request whose key
//! it carries.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use iso8583::Fields;
use tokio::time::Instant;

use crate::card_fields::PinToSend;
use crate::key::MatchKey;
use crate::outcome::{MaybeSent, NotSent, Outcome};
use crate::parted::ByNumber;
use crate::profile::Transaction;
use crate::registry::{Ended, Owner, Taken};
use crate::shared::{ReplyTo, Shared};

/// Names a request within its link; never used twice.
pub(crate) type SlotId = u64;

/// The number of frames that belong to no request of ours: answers to the bank's own.
pub(crate) const NO_SLOT: SlotId = 0;

/// Who waits for the answer.
pub(crate) enum Waiter {
    Caller(Option<Transaction>, ReplyTo),
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
    /// Its PIN, until it is framed.
    pub pin: Option<Box<PinToSend>>,
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
        Self {
            waiter,
            request,
            pin: None,
            deadline,
            framed_at: now,
            maybe_sent: false,
            key: None,
            fingerprint,
        }
    }
}

pub(crate) struct Pending {
    shared: Arc<Shared>,
    slots: HashMap<SlotId, Slot, ByNumber>,
    /// The link's own messages on the wire. They are about this connection: their answers come over it, and their keys are
    /// no business of the other links, which send the same.
    own: Vec<(MatchKey, SlotId)>,
    deadlines: BinaryHeap<Reverse<(Instant, SlotId)>>,
    next_id: SlotId,
    on_wire: usize,
}

impl Pending {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            slots: HashMap::default(),
            own: Vec::new(),
            deadlines: BinaryHeap::new(),
            next_id: 1,
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
        if slot.waiter.is_caller() {
            // The answer would be taken for that to the link's own message.
            if self.own.iter().any(|(taken, _)| *taken == key) {
                return Err(Taken::InFlight);
            }
            let owner = Owner { link: self.shared.index, id };
            self.shared.host.registry.lock().claim(&key, owner, slot.fingerprint, now)?;
        } else if self.own.iter().any(|(taken, _)| *taken == key) {
            return Err(Taken::InFlight);
        } else {
            self.own.push((key.clone(), id));
        }
        slot.key = Some(key);
        slot.framed_at = now;
        self.on_wire += 1;
        Ok(())
    }

    /// Takes a request's PIN: it is translated once and then gone.
    pub fn take_pin(&mut self, id: SlotId) -> Option<Box<PinToSend>> {
        self.slots.get_mut(&id)?.pin.take()
    }

    pub fn get(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(&id)
    }

    pub fn set_maybe_sent(&mut self, id: SlotId, maybe_sent: bool) {
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.maybe_sent = maybe_sent;
        }
    }

    /// Whether the request is there and its first byte may have left: only then can it have been answered.
    pub fn is_answerable(&self, id: SlotId) -> bool {
        self.slots.get(&id).is_some_and(|slot| slot.maybe_sent)
    }

    /// Requests that have a key: framed or on the wire.
    pub const fn on_wire(&self) -> usize {
        self.on_wire
    }

    /// The message of the link's own with this key.
    pub fn find_own(&self, key: &MatchKey) -> Option<SlotId> {
        self.own.iter().find(|(own, _)| own == key).map(|(_, id)| *id)
    }

    /// Ends a request. If its first byte may have left, its key is remembered for the late window.
    pub fn finish(&mut self, id: SlotId, ended: Ended, now: Instant) -> Option<Slot> {
        let mut slot = self.slots.remove(&id)?;
        if let Some(key) = slot.key.take() {
            self.on_wire -= 1;
            if !slot.waiter.is_caller() {
                // The link's own messages use the same key again and again, one at a time.
                self.own.retain(|(_, own)| *own != id);
            } else if slot.maybe_sent {
                self.shared.host.registry.lock().end(key, ended, slot.fingerprint, now);
            } else {
                self.shared.host.registry.lock().free(&key);
            }
        }
        Some(slot)
    }

    /// Ends a caller's request and tells the caller, if it is still there.
    pub fn conclude(&mut self, id: SlotId, ended: Ended, outcome: Outcome, now: Instant) {
        if let Some(Slot { waiter: Waiter::Caller(_, reply), .. }) = self.finish(id, ended, now) {
            if matches!(outcome, Outcome::MaybeSent(MaybeSent::NoReply | MaybeSent::BadMac)) {
                self.shared.health.lock().observe(false, now);
            }
            // Whoever dropped the future learns of the end through the late replies or not at all.
            reply.send(outcome);
        }
    }

    /// Ends a caller's request without an answer, by whether its first byte may have left.
    pub fn abandon(&mut self, id: SlotId, if_maybe: MaybeSent, if_not: NotSent, now: Instant) {
        let maybe_sent = self.is_answerable(id);
        let outcome = if maybe_sent { Outcome::MaybeSent(if_maybe) } else { Outcome::NotSent(if_not) };
        self.conclude(id, Ended::Unanswered, outcome, now);
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

    /// The callers' requests, oldest first.
    pub fn callers(&self) -> Vec<SlotId> {
        let callers = self.slots.iter().filter(|(_, slot)| slot.waiter.is_caller());
        let mut ids: Vec<SlotId> = callers.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Lets go of the link's own messages: their connection has ended.
    pub fn forget_own(&mut self) {
        self.slots.retain(|_, slot| slot.waiter.is_caller() || slot.key.is_some());
        for (_, id) in std::mem::take(&mut self.own) {
            self.on_wire -= usize::from(self.slots.remove(&id).is_some());
        }
    }
}
