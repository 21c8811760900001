//! One connection to a bank, from its sign-on to its end.
//!
//! A single task reads, writes, keeps the time and owns the requests, so there is no lock and no order of events that
//! a test could not make.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use iso8583::Fields;
use tokio::io::ReadBuf;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tracing::{error, info, warn};

use crate::connect::Stream;
use crate::drain::Drain;
use crate::framing::FrameReader;
use crate::link::{Control, LinkState, Shared, Submit};
use crate::outcome::{MaybeSent, NotSent, Outcome};
use crate::pending::{Ended, Pending, Slot, SlotId, Waiter};
use crate::profile::SessionFacts;
use crate::wire::Outgoing;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The connection is of no more use; the reason, for people.
    Lost(&'static str),
    /// The bank's keys are not what their check values say.
    Refused,
    /// Drained, or nobody holds the link any more.
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The exchange with this index is under way.
    SigningOn(usize),
    Up,
    SigningOff,
}

enum Io {
    Read(usize),
    Wrote,
    Failed(&'static str),
}

pub(crate) struct Session<'a> {
    pub shared: &'a Shared,
    pub pending: &'a mut Pending,
    pub out: Outgoing,
    /// Requests without a key yet, in the order in which they came.
    pub waiting: VecDeque<SlotId>,
    pub phase: Phase,
    pub facts: SessionFacts,
    pub now: Instant,
    pub undecodable: u32,
    pub wants_sign_on: bool,
    pub end: Option<End>,
    echo_under_way: bool,
    came_up: bool,
    read_at: Instant,
    /// Since when bytes have been waiting without the peer taking any.
    stalled_since: Option<Instant>,
    signed_on_at: Option<Instant>,
    next_stan: u32,
    pub drain: Option<Drain>,
    scratch: Box<[u8]>,
}

impl<'a> Session<'a> {
    pub fn new(shared: &'a Shared, pending: &'a mut Pending) -> Self {
        let now = Instant::now();
        let mut seed = [0; 4];
        shared.parts.entropy.fill(&mut seed);
        Self {
            shared,
            pending,
            out: Outgoing::default(),
            waiting: VecDeque::new(),
            phase: Phase::SigningOn(0),
            facts: SessionFacts::default(),
            now,
            undecodable: 0,
            wants_sign_on: false,
            end: None,
            echo_under_way: false,
            came_up: false,
            read_at: now,
            stalled_since: None,
            signed_on_at: None,
            next_stan: u32::from_be_bytes(seed) % 999_999 + 1,
            drain: None,
            scratch: vec![0; FrameReader::READ_BYTES].into_boxed_slice(),
        }
    }

    /// Runs to the end of the connection. Every request gets its outcome before this returns; the second value tells
    /// whether the link was up.
    pub async fn run(
        mut self,
        stream: &mut dyn Stream,
        requests: &mut mpsc::Receiver<Submit>,
        control: &mut mpsc::Receiver<Control>,
    ) -> (End, bool) {
        let mut reader = FrameReader::new();
        self.sign_on(0);
        let timer = sleep_until(self.now);
        tokio::pin!(timer);
        let (mut control_open, mut requests_open) = (true, true);
        let end = loop {
            while let Ok(submit) = requests.try_recv() {
                self.admit(submit);
            }
            self.fill_wire();
            self.advance_drain();
            if let Some(end) = self.end {
                break end;
            }
            if self.out.is_empty() {
                self.stalled_since = None;
            } else {
                self.stalled_since.get_or_insert(self.now);
            }
            let wake = self.next_wake();
            if timer.deadline() != wake {
                timer.as_mut().reset(wake);
            }
            tokio::select! {
                biased;
                order = control.recv(), if control_open => match order {
                    Some(order) => self.obey(order),
                    None => control_open = false,
                },
                io = poll_fn(|cx| self.poll_io(cx, stream)) => {
                    self.now = Instant::now();
                    self.on_io(io, &mut reader);
                }
                submit = requests.recv(), if requests_open => {
                    self.now = Instant::now();
                    match submit {
                        Some(submit) => self.admit(submit),
                        // The last handle is gone: whatever is in flight may still end in order.
                        None => {
                            requests_open = false;
                            self.begin_drain(self.now + self.shared.parts.profile.timers().reply_timeout, None);
                        }
                    }
                }
                () = &mut timer => {
                    self.now = Instant::now();
                    self.on_time();
                }
            }
        };
        // A link that was to be closed stays closed, however its last connection ended.
        let closing = self.drain.is_some();
        self.close(end);
        (if closing { End::Closed } else { end }, self.came_up)
    }

    /// Writes what waits and reads what has come.
    fn poll_io(&mut self, cx: &mut Context<'_>, stream: &mut dyn Stream) -> Poll<Io> {
        let mut wrote = false;
        while !self.out.is_empty() {
            match self.out.poll_write(stream, cx, self.pending) {
                Poll::Ready(Ok(_)) => wrote = true,
                Poll::Ready(Err(error)) => return Poll::Ready(Io::Failed(reason(&error))),
                Poll::Pending => break,
            }
        }
        if wrote {
            self.stalled_since = None;
        }
        let mut buffer = ReadBuf::new(&mut self.scratch);
        match Pin::new(stream).poll_read(cx, &mut buffer) {
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                Poll::Ready(Io::Failed("the bank closed it"))
            }
            Poll::Ready(Ok(())) => Poll::Ready(Io::Read(buffer.filled().len())),
            Poll::Ready(Err(error)) => Poll::Ready(Io::Failed(reason(&error))),
            Poll::Pending if wrote => Poll::Ready(Io::Wrote),
            Poll::Pending => Poll::Pending,
        }
    }

    fn on_io(&mut self, io: Io, reader: &mut FrameReader) {
        match io {
            Io::Wrote => {}
            Io::Failed(reason) => self.end = Some(End::Lost(reason)),
            Io::Read(count) => {
                self.read_at = self.now;
                reader.push(&self.scratch[..count]);
                loop {
                    match reader.next_frame(self.shared.parts.profile.framing()) {
                        Ok(Some(frame)) => self.on_frame(frame),
                        Ok(None) => break,
                        Err(error) => {
                            warn!(bank.name = self.shared.parts.profile.name(), "Lost the frames: {error}");
                            self.end = Some(End::Lost(error.code()));
                        }
                    }
                    if self.end.is_some() {
                        break;
                    }
                }
            }
        }
    }

    /// Starts the sign-on's exchange with this index.
    pub fn sign_on(&mut self, step: usize) {
        self.phase = Phase::SigningOn(step);
        if self.drain.is_none() {
            self.shared.state.send_replace(LinkState::SigningOn);
        }
        self.wants_sign_on = false;
        self.signed_on_at = Some(self.now);
        self.send_own(Waiter::SignOn(step));
    }

    /// The last exchange of the sign-on has been answered.
    pub fn signed_on(&mut self) {
        let profile = &self.shared.parts.profile;
        self.phase = Phase::Up;
        self.came_up = true;
        self.shared.counters.sign_ons.add();
        self.shared.facts.send_replace(self.facts.clone());
        if self.drain.is_none() {
            self.shared.state.send_replace(LinkState::Up);
        }
        let batch = self.facts.batch.as_deref().unwrap_or("none");
        info!(bank.name = profile.name(), batch, "Signed on at {}", profile.name());
    }

    pub fn send_own(&mut self, waiter: Waiter) {
        let parts = &self.shared.parts;
        let profile = &parts.profile;
        let exchange = match &waiter {
            Waiter::SignOn(step) => profile.sign_on.get(*step),
            Waiter::Echo => Some(&profile.echo),
            Waiter::SignOff => profile.sign_off.as_ref(),
            Waiter::Caller(..) => None,
        };
        let Some(exchange) = exchange else { return };
        let stan = self.next_stan;
        self.next_stan = stan % 999_999 + 1;
        let identity = (parts.terminal.as_str(), parts.acceptor.as_str());
        let batch = self.facts.batch.as_deref();
        match profile.link_message(exchange, identity, stan, batch, parts.clock.as_ref()) {
            Ok(fields) => self.submit_own(waiter, fields),
            Err(problem) => {
                error!(bank.name = profile.name(), "Cannot build the {}: {problem}", exchange.name());
                self.end = Some(End::Lost("a message of its own could not be built"));
            }
        }
    }

    fn submit_own(&mut self, waiter: Waiter, fields: Fields) {
        let deadline = self.now + self.shared.parts.profile.timers().reply_timeout;
        let slot = Slot::new(waiter, fields, deadline, 0, self.now);
        let id = self.pending.admit(slot);
        if self.frame(id).is_err() {
            self.end = Some(End::Lost("a message of its own could not be sent"));
        }
    }

    fn on_time(&mut self) {
        self.pending.bury(self.now);
        while let Some(id) = self.pending.expired(self.now) {
            self.expire(id);
        }
        let timers = self.shared.parts.profile.timers();
        if self.now >= self.read_at + timers.dead_after {
            self.end = Some(End::Lost("the bank has been silent for too long"));
        } else if self.stalled_since.is_some_and(|since| self.now >= since + timers.write_timeout) {
            self.end = Some(End::Lost("the bank takes no bytes"));
        } else if self.sign_on_due() {
            self.sign_on(0);
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

    /// Ends a caller's request and tells the caller, if it is still there.
    pub fn conclude(&mut self, id: SlotId, ended: Ended, outcome: Outcome) {
        self.waiting.retain(|waiting| *waiting != id);
        if let Some(Slot { waiter: Waiter::Caller(_, reply), .. }) = self.pending.finish(id, ended, self.now)
        {
            // Whoever dropped the future learns of the end through the late replies or not at all.
            let _ = reply.send(outcome);
        }
    }

    fn sign_on_due(&self) -> bool {
        let interval = self.shared.parts.profile.timers().sign_on_interval;
        let rested = self.signed_on_at.is_none_or(|at| self.now >= at + interval);
        self.wants_sign_on && self.phase == Phase::Up && !self.echo_under_way && rested
    }

    fn echo_due(&self) -> Option<Instant> {
        let idle = self.phase == Phase::Up && !self.echo_under_way;
        idle.then(|| self.read_at + self.shared.parts.profile.timers().echo_idle)
    }

    pub fn echo_answered(&mut self) {
        self.echo_under_way = false;
        self.shared.counters.echoes.add();
    }

    fn next_wake(&mut self) -> Instant {
        let timers = *self.shared.parts.profile.timers();
        let mut wake = self.read_at + timers.dead_after;
        let stalled = self.stalled_since.map(|since| since + timers.write_timeout);
        let sign_on = (self.wants_sign_on && self.phase == Phase::Up && !self.echo_under_way)
            .then(|| self.signed_on_at.map_or(self.now, |at| at + timers.sign_on_interval));
        let drain = self.drain.as_ref().map(|drain| drain.deadline);
        for at in
            [self.pending.next_deadline(), stalled, sign_on, drain, self.echo_due()].into_iter().flatten()
        {
            wake = wake.min(at);
        }
        wake
    }

    fn obey(&mut self, order: Control) {
        self.now = Instant::now();
        match order {
            Control::Resume => {}
            Control::Drain { deadline, done } => self.begin_drain(deadline, Some(done)),
        }
    }

    pub fn shut_down(&mut self) {
        self.end.get_or_insert(End::Closed);
    }
}

const fn is_reset(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted
    )
}

fn reason(error: &io::Error) -> &'static str {
    if is_reset(error.kind()) { "the bank reset it" } else { "the network failed" }
}
