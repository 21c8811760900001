//! What a session does because of the time: deadlines, echo tests, key changes, and giving up a dead peer.

use tokio::time::Instant;

use crate::outcome::{MaybeSent, NotSent, Outcome};
use crate::pending::{SlotId, Waiter};
use crate::registry::Ended;
use crate::session::{End, Phase, Session};

/// When what happened last.
pub(crate) struct Times {
    /// The latest received byte.
    pub read_at: Instant,
    /// Since when bytes have been waiting without the peer taking any.
    pub stalled_since: Option<Instant>,
    /// The latest sign-on, or key exchange, began.
    pub signed_on_at: Option<Instant>,
    /// The current keys were proved.
    pub keys_at: Option<Instant>,
    /// Until when answers under the keys before the current ones count.
    pub previous_keys_until: Option<Instant>,
}

impl Times {
    pub const fn starting(now: Instant) -> Self {
        Self {
            read_at: now,
            stalled_since: None,
            signed_on_at: None,
            keys_at: None,
            previous_keys_until: None,
        }
    }

    pub fn note_wire(&mut self, is_empty: bool, now: Instant) {
        if is_empty {
            self.stalled_since = None;
        } else {
            self.stalled_since.get_or_insert(now);
        }
    }
}

impl Session<'_> {
    pub fn on_time(&mut self) {
        self.shared.host.registry.lock().bury(self.now);
        while let Some(id) = self.pending.expired(self.now) {
            self.expire(id);
        }
        if self.times.previous_keys_until.is_some_and(|until| self.now >= until) {
            self.times.previous_keys_until = None;
            self.shared.parts.security.forget_previous_keys();
        }
        let timers = *self.shared.parts.profile.timers();
        if self.now >= self.times.read_at + timers.dead_after {
            self.end = Some(End::Lost("the bank has been silent for too long"));
        } else if self.times.stalled_since.is_some_and(|since| self.now >= since + timers.write_timeout) {
            self.end = Some(End::Lost("the bank takes no bytes"));
        } else if self.sign_on_due().is_some_and(|due| self.now >= due) {
            self.sign_on(0);
        } else if self.key_exchange_due().is_some_and(|due| self.now >= due) {
            self.exchange_keys();
        } else if self.echo_due().is_some_and(|due| self.now >= due) {
            self.echo_under_way = true;
            self.send_own(Waiter::Echo);
        }
    }

    fn expire(&mut self, id: SlotId) {
        let Some(slot) = self.pending.get(id) else { return };
        if !slot.waiter.is_caller() {
            self.end.get_or_insert(End::Lost("a message of the link's own was not answered"));
            return;
        }
        if slot.maybe_sent {
            self.shared.counters.no_reply.add();
            self.conclude(id, Ended::Unanswered, Outcome::MaybeSent(MaybeSent::NoReply));
        } else {
            // Not a byte has left, and none will.
            self.out.withdraw(id);
            self.conclude(id, Ended::Unanswered, Outcome::NotSent(NotSent::Expired));
        }
    }

    /// Whether the link has no message of its own under way, and may send one.
    const fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Up | Phase::BankSignedOff) && !self.echo_under_way && self.drain.is_none()
    }

    fn sign_on_due(&self) -> Option<Instant> {
        (self.wants_sign_on && self.is_free()).then(|| self.rested())
    }

    /// The next sign-on or key exchange that was asked for is not begun before.
    fn rested(&self) -> Instant {
        let interval = self.shared.parts.profile.timers().sign_on_interval;
        self.times.signed_on_at.map_or(self.now, |at| at + interval)
    }

    fn key_exchange_due(&self) -> Option<Instant> {
        if !self.is_free() || self.phase != Phase::Up || self.shared.parts.profile.key_step().is_none() {
            return None;
        }
        let lifetime = self.shared.parts.profile.timers().key_lifetime;
        let old = lifetime.and_then(|lifetime| self.times.keys_at.map(|at| at + lifetime));
        if self.wants_keys { Some(self.rested()) } else { old }
    }

    fn echo_due(&self) -> Option<Instant> {
        let idle = self.phase == Phase::Up && !self.echo_under_way;
        idle.then(|| self.times.read_at + self.shared.parts.profile.timers().echo_idle)
    }

    pub fn echo_answered(&mut self) {
        self.echo_under_way = false;
        self.shared.counters.echoes.add();
    }

    pub fn next_wake(&mut self) -> Instant {
        let timers = *self.shared.parts.profile.timers();
        let others = [
            self.pending.next_deadline(),
            self.times.stalled_since.map(|since| since + timers.write_timeout),
            self.times.previous_keys_until,
            self.sign_on_due(),
            self.key_exchange_due(),
            self.drain.as_ref().map(|drain| drain.deadline),
            self.echo_due(),
        ];
        others.into_iter().flatten().fold(self.times.read_at + timers.dead_after, Instant::min)
    }
}
