//! The life of a link: connect, run a session, wait, connect again; until it is drained or refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{error, info, warn};

use crate::backoff::Backoff;
use crate::connect::Stream;
use crate::link::{Control, Drained, LinkState, Shared, Submit};
use crate::outcome::{NotSent, Outcome};
use crate::pending::Pending;
use crate::session::{End, Session};

/// What ended a wait.
enum Woken {
    Time,
    Resumed,
    Closed,
}

pub(crate) async fn supervise(
    shared: Arc<Shared>,
    mut requests: mpsc::Receiver<Submit>,
    mut control: mpsc::Receiver<Control>,
) {
    let profile = Arc::clone(&shared.parts.profile);
    let bank = profile.name();
    let mut backoff = Backoff::new(profile.timers().backoff_base, profile.timers().backoff_cap);
    let mut pending = Pending::new(profile.timers().late_window);
    let mut wait = Duration::ZERO;
    loop {
        let until = Instant::now() + wait;
        match idle(&shared, NotSent::LinkDown, Some(until), &mut requests, &mut control).await {
            Woken::Time | Woken::Resumed => {}
            Woken::Closed => break,
        }
        shared.state.send_replace(LinkState::Connecting);
        let connected = tokio::select! {
            connected = connect(&shared) => connected,
            woken = idle(&shared, NotSent::LinkDown, None, &mut requests, &mut control) => match woken {
                Woken::Closed => break,
                Woken::Time | Woken::Resumed => None,
            },
        };
        if let Some(mut stream) = connected {
            shared.counters.connects.add();
            let session = Session::new(&shared, &mut pending);
            let (end, came_up) = session.run(stream.as_mut(), &mut requests, &mut control).await;
            shared.counters.losses.add();
            if came_up {
                backoff.reset();
            }
            match end {
                End::Lost(reason) => warn!(bank.name = bank, reason, "Lost the link to {bank}: {reason}"),
                End::Refused => {
                    error!(bank.name = bank, "Stopped the link to {bank}: its keys cannot be trusted");
                    shared.state.send_replace(LinkState::Refused);
                    match idle(&shared, NotSent::LinkRefused, None, &mut requests, &mut control).await {
                        Woken::Closed => break,
                        Woken::Time | Woken::Resumed => {}
                    }
                }
                End::Closed => break,
            }
        }
        shared.state.send_replace(LinkState::Down);
        wait = backoff.next_wait(shared.parts.entropy.as_ref());
    }
    requests.close();
    while let Ok(submit) = requests.try_recv() {
        // The caller may have gone; then nobody needs to know.
        let _ = submit.reply.send(Outcome::NotSent(NotSent::Draining));
    }
    shared.state.send_replace(LinkState::Closed);
    info!(bank.name = bank, "Closed the link to {bank}");
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

/// Waits without a connection, and refuses every request meanwhile.
async fn idle(
    shared: &Shared,
    refusal: NotSent,
    until: Option<Instant>,
    requests: &mut mpsc::Receiver<Submit>,
    control: &mut mpsc::Receiver<Control>,
) -> Woken {
    loop {
        tokio::select! {
            biased;
            order = control.recv() => match order {
                Some(Control::Resume) if refusal == NotSent::LinkRefused => return Woken::Resumed,
                Some(Control::Resume) => {}
                Some(Control::Drain { done, .. }) => {
                    shared.state.send_replace(LinkState::Draining);
                    let _ = done.send(Drained::default());
                    return Woken::Closed;
                }
                None => return Woken::Closed,
            },
            submit = requests.recv() => match submit {
                Some(submit) => {
                    let _ = submit.reply.send(Outcome::NotSent(refusal));
                }
                None => return Woken::Closed,
            },
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => return Woken::Time,
        }
    }
}
