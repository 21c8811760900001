//! The end of a session: in order where there is time, and with an outcome for every request in any case.

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::link::{Drained, LinkState};
use crate::outcome::{MaybeSent, NotSent, Outcome};
use crate::pending::{Ended, SlotId, Waiter};
use crate::session::{End, Phase, Session};

/// A session that is to end.
pub(crate) struct Drain {
    pub deadline: Instant,
    done: Option<oneshot::Sender<Drained>>,
    unanswered: usize,
}

impl Session<'_> {
    pub fn begin_drain(&mut self, deadline: Instant, done: Option<oneshot::Sender<Drained>>) {
        if self.drain.is_some() {
            return;
        }
        self.shared.state.send_replace(LinkState::Draining);
        self.drain = Some(Drain { deadline, done, unanswered: 0 });
        for id in std::mem::take(&mut self.waiting) {
            self.conclude(id, Ended::Unanswered, Outcome::NotSent(NotSent::Draining));
        }
    }

    pub const fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// Signs off once nothing is in flight, or at the deadline.
    pub fn advance_drain(&mut self) {
        let Some(drain) = &self.drain else { return };
        let deadline = drain.deadline;
        let callers = self.pending.ids().into_iter().filter(|id| self.is_callers(*id)).collect::<Vec<_>>();
        if !callers.is_empty() && self.now < deadline {
            return;
        }
        if let Some(drain) = &mut self.drain {
            drain.unanswered += callers.len();
        }
        for id in callers {
            self.abandon(id, MaybeSent::LinkClosed, NotSent::Draining);
        }
        match self.phase {
            Phase::Up if self.shared.parts.profile.sign_off.is_some() && self.now < deadline => {
                self.phase = Phase::SigningOff;
                self.send_own(Waiter::SignOff);
            }
            Phase::SigningOff if self.now < deadline => {}
            Phase::SigningOff | Phase::Up | Phase::SigningOn(_) => {
                self.end.get_or_insert(End::Closed);
            }
        }
    }

    fn is_callers(&self, id: SlotId) -> bool {
        self.pending.get(id).is_some_and(|slot| slot.waiter.is_caller())
    }

    /// Ends a request without an answer, by whether its first byte may have left.
    fn abandon(&mut self, id: SlotId, if_maybe: MaybeSent, if_not: NotSent) {
        let maybe_sent = self.pending.get(id).is_some_and(|slot| slot.maybe_sent);
        let outcome = if maybe_sent { Outcome::MaybeSent(if_maybe) } else { Outcome::NotSent(if_not) };
        self.conclude(id, Ended::Unanswered, outcome);
    }

    pub fn close(&mut self, end: End) {
        let (if_maybe, if_not) = match end {
            End::Lost(_) | End::Refused => (MaybeSent::LinkLost, NotSent::LinkDown),
            End::Closed => (MaybeSent::LinkClosed, NotSent::Draining),
        };
        for id in self.pending.ids() {
            if self.is_callers(id) {
                if let Some(drain) = &mut self.drain {
                    drain.unanswered += 1;
                }
                self.abandon(id, if_maybe.clone(), if_not);
            } else {
                self.pending.finish(id, Ended::Unanswered, self.now);
            }
        }
        if let Some(Drain { done: Some(done), unanswered, .. }) = self.drain.take() {
            let _ = done.send(Drained { unanswered });
        }
    }
}
