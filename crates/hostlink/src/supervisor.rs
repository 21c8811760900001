//! The life of a link: connect, run a session, wait, connect again; until it is drained, taken out or refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tracing::{error, info, warn};

use crate::answer::deliver;
use crate::backoff::Backoff;
use crate::connect::Stream;
use crate::inbound::stray;
use crate::key::MatchKey;
use crate::link::{Drained, LinkState};
use crate::outcome::{MaybeSent, NotSent, Outcome};
use crate::pending::Pending;
use crate::registry::Found;
use crate::session::{End, Session};
use crate::shared::{Afterwards, Control, Crossed, Inlets, Shared};

/// What ended a wait.
enum Woken {
    Time,
    Resumed,
    TakenOut,
    Closed,
}

pub(crate) async fn supervise(shared: Arc<Shared>, inlets: Inlets) {
    let pending = Pending::new(Arc::clone(&shared));
    let mut supervisor = Supervisor { shared, inlets, pending };
    supervisor.run().await;
    supervisor.close();
}

struct Supervisor {
    shared: Arc<Shared>,
    inlets: Inlets,
    /// Requests without a connection: their answers may come over another link of the host.
    pending: Pending,
}

impl Supervisor {
    async fn run(&mut self) {
        let profile = Arc::clone(&self.shared.parts.profile);
        let mut backoff = Backoff::new(profile.timers().backoff_base, profile.timers().backoff_cap);
        let mut wait = Duration::ZERO;
        loop {
            let until = Instant::now() + wait;
            let mut woken = self.idle(Some(until)).await;
            if matches!(woken, Woken::Time | Woken::Resumed) {
                woken = self.connect_and_run(&mut backoff).await;
            }
            match woken {
                Woken::Time | Woken::Resumed => {}
                Woken::TakenOut => {
                    if !self.rest(LinkState::OutOfService).await {
                        return;
                    }
                    backoff.reset();
                }
                Woken::Closed => return,
            }
            self.shared.set_state(LinkState::Down);
            wait = backoff.next_wait(self.shared.parts.entropy.as_ref());
        }
    }

    async fn connect_and_run(&mut self, backoff: &mut Backoff) -> Woken {
        self.shared.set_state(LinkState::Connecting);
        let connecting = Arc::clone(&self.shared);
        let connected = tokio::select! {
            connected = connect(&connecting) => connected,
            woken = self.idle(None) => return woken,
        };
        let Some(mut stream) = connected else { return Woken::Time };
        self.shared.counters.connects.add();
        let session = Session::new(&self.shared, &mut self.pending);
        let (end, came_up) = session.run(stream.as_mut(), &mut self.inlets).await;
        self.shared.counters.losses.add();
        if came_up {
            backoff.reset();
        }
        let bank = self.shared.parts.profile.name();
        match end {
            End::Lost(reason) => {
                warn!(bank.name = bank, reason, "Lost the link to {bank}: {reason}");
                Woken::Time
            }
            End::Refused(why) => {
                error!(bank.name = bank, code = why.code(), "Stopped the link to {bank}: {why}");
                self.shared.tell(crate::event::LinkEvent::KeysRefused { link: self.shared.index, why });
                if self.rest(LinkState::Refused(why)).await { Woken::Resumed } else { Woken::Closed }
            }
            End::Drained(Afterwards::Rest) => Woken::TakenOut,
            End::Drained(Afterwards::Close) => Woken::Closed,
        }
    }

    /// Stays without a connection until a person says otherwise. False if the link is to be closed.
    async fn rest(&mut self, state: LinkState) -> bool {
        self.shared.set_state(state);
        loop {
            match self.idle(None).await {
                Woken::Resumed => return true,
                Woken::Closed => return false,
                Woken::TakenOut => self.shared.set_state(LinkState::OutOfService),
                Woken::Time => {}
            }
        }
    }

    /// Waits without a connection, refuses every request meanwhile, and hears answers that come over other links.
    async fn idle(&mut self, until: Option<Instant>) -> Woken {
        loop {
            let wake = [until, self.pending.next_deadline()].into_iter().flatten().min();
            tokio::select! {
                biased;
                order = self.inlets.control.recv() => match order {
                    Some(Control::Resume) if self.is_resting() => return Woken::Resumed,
                    Some(Control::Resume | Control::ExchangeKeys) => {}
                    Some(Control::Drain { then, done, .. }) => {
                        let unanswered = self.pending.callers().len();
                        self.abandon_all();
                        let _ = done.send(Drained { unanswered });
                        match then {
                            Afterwards::Close => return Woken::Closed,
                            Afterwards::Rest => return Woken::TakenOut,
                        }
                    }
                    None => return Woken::Closed,
                },
                submit = self.inlets.requests.recv() => match submit {
                    Some(submit) => {
                        let refusal = self.shared.state.borrow().refusal().unwrap_or(NotSent::LinkDown);
                        self.shared.counters.not_sent.add();
                        submit.reply.send(Outcome::NotSent(refusal));
                    }
                    None => return Woken::Closed,
                },
                Some(crossed) = self.inlets.crossed.recv() => self.on_crossed(&crossed),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    let now = Instant::now();
                    while let Some(id) = self.pending.expired(now) {
                        self.shared.counters.no_reply.add();
                        self.pending.abandon(id, MaybeSent::NoReply, NotSent::Expired, now);
                    }
                    if until.is_some_and(|until| now >= until) {
                        return Woken::Time;
                    }
                }
            }
        }
    }

    fn is_resting(&self) -> bool {
        matches!(*self.shared.state.borrow(), LinkState::OutOfService | LinkState::Refused(_))
    }

    fn on_crossed(&mut self, crossed: &Crossed) {
        let now = Instant::now();
        let profile = &self.shared.parts.profile;
        let Ok(message) = profile.decode(&crossed.body) else { return };
        let Ok(key) = MatchKey::of(&message, profile.match_fields(message.mti())) else { return };
        let found = self.shared.host.registry.lock().find(&key, now);
        let authentic = crossed.authentic || self.shared.is_authentic(&message);
        match found {
            Found::Request(owner)
                if owner.link == self.shared.index && self.pending.is_answerable(owner.id) =>
            {
                // A sign-on comes with the next connection in any case.
                deliver(&self.shared, &mut self.pending, owner.id, &message, authentic, now);
            }
            found => stray(&self.shared, found, &message, authentic),
        }
    }

    fn abandon_all(&mut self) {
        let now = Instant::now();
        for id in self.pending.callers() {
            self.pending.abandon(id, MaybeSent::LinkClosed, NotSent::Draining, now);
        }
    }

    fn close(&mut self) {
        self.inlets.requests.close();
        while let Ok(submit) = self.inlets.requests.try_recv() {
            // The caller may have gone; then nobody needs to know.
            submit.reply.send(Outcome::NotSent(NotSent::Draining));
        }
        self.abandon_all();
        self.shared.set_state(LinkState::Closed);
        let bank = self.shared.parts.profile.name();
        info!(bank.name = bank, "Closed the link to {bank}");
    }
}

async fn connect(shared: &Shared) -> Option<Box<dyn Stream>> {
    let profile = &shared.parts.profile;
    match timeout(profile.timers().connect_timeout, shared.parts.connect.connect()).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            warn!(bank.name = profile.name(), %error, "Cannot connect to {}", profile.name());
            None
        }
        Err(_) => {
            warn!(bank.name = profile.name(), "Connecting to {} took too long", profile.name());
            None
        }
    }
}
