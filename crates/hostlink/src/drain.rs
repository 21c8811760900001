//! The end of a session: in order where there is time, and with an outcome for every request in any case.

use std::sync::atomic::Ordering;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::link::{Drained, LinkState};
use crate::outcome::{MaybeSent, NotSent, Outcome};
use crate::pending::Waiter;
use crate::registry::Ended;
use crate::session::{End, Phase, Session};
use crate::shared::Afterwards;

/// A session that is to end.
pub(crate) struct Drain {
    pub deadline: Instant,
    pub then: Afterwards,
    done: Vec<oneshot::Sender<Drained>>,
    unanswered: usize,
}

impl Session<'_> {
    pub fn begin_drain(
        &mut self,
        deadline: Instant,
        then: Afterwards,
        done: Option<oneshot::Sender<Drained>>,
    ) {
        if let Some(drain) = &mut self.drain {
            // A link that was being taken out may be closed meanwhile, and hurried.
            drain.done.extend(done);
            drain.deadline = drain.deadline.min(deadline);
            if then == Afterwards::Close {
                drain.then = then;
            }
            return;
        }
        self.shared.set_state(LinkState::Draining);
        self.drain = Some(Drain { deadline, then, done: done.into_iter().collect(), unanswered: 0 });
        for id in std::mem::take(&mut self.waiting) {
            self.shared.counters.not_sent.add();
            self.conclude(id, Ended::Unanswered, Outcome::NotSent(NotSent::Draining));
        }
    }

    pub const fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// Signs off once nothing is in flight, or at the deadline.
    pub fn advance_drain(&mut self) {
        let Some(drain) = &mut self.drain else { return };
        let (deadline, then) = (drain.deadline, drain.then);
        let callers = self.pending.callers();
        if !callers.is_empty() && self.now < deadline {
            return;
        }
        drain.unanswered += callers.len();
        for id in callers {
            self.pending.abandon(id, MaybeSent::LinkClosed, NotSent::Draining, self.now);
        }
        match self.phase {
            Phase::Up if self.shared.parts.profile.sign_off.is_some() && self.now < deadline => {
                self.phase = Phase::SigningOff;
                self.send_own(Waiter::SignOff);
            }
            Phase::SigningOff if self.now < deadline => {}
            Phase::SigningOff | Phase::Up | Phase::BankSignedOff | Phase::SigningOn(_) => {
                self.end.get_or_insert(End::Drained(then));
            }
        }
    }

    /// Gives every request its outcome. What ended is how the session ended: a link that was to be closed stays closed,
    /// however its last connection ended.
    pub fn close(&mut self, end: End) -> End {
        let drain = self.drain.take();
        let may_be_answered_elsewhere = drain.is_none() && self.has_sibling_up();
        let (if_maybe, if_not) = match end {
            End::Lost(_) | End::Refused(_) => (MaybeSent::LinkLost, NotSent::LinkDown),
            End::Drained(_) => (MaybeSent::LinkClosed, NotSent::Draining),
        };
        let end = drain.as_ref().map_or(end, |drain| match end {
            End::Refused(why) => End::Refused(why),
            End::Lost(_) | End::Drained(_) => End::Drained(drain.then),
        });
        self.pending.forget_own();
        let mut unanswered = drain.as_ref().map_or(0, |drain| drain.unanswered);
        for id in self.pending.callers() {
            // It keeps its deadline, and the registry leads its answer here.
            if may_be_answered_elsewhere && self.pending.is_answerable(id) {
                continue;
            }
            unanswered += 1;
            self.pending.abandon(id, if_maybe.clone(), if_not, self.now);
        }
        self.shared.parts.security.forget_previous_keys();
        for done in drain.into_iter().flat_map(|drain| drain.done) {
            let _ = done.send(Drained { unanswered });
        }
        end
    }

    /// Whether the host answers over any of its links and has another one that is up.
    fn has_sibling_up(&self) -> bool {
        let own = usize::from(*self.shared.state.borrow() == LinkState::Up);
        self.shared.parts.profile.answers_on_any_link() && self.shared.host.up.load(Ordering::Relaxed) > own
    }
}
