//! One connection to a bank, from its sign-on to its end.
//!
//! A single task reads, writes, keeps the time and owns the requests, so there is no order of events that a test could
//! not make. What it shares with the other links of its host is the registry of keys, under a lock held for moments.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::ReadBuf;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use crate::connect::Stream;
use crate::drain::Drain;
use crate::framing::FrameReader;
use crate::outcome::Outcome;
use crate::pending::{Pending, SlotId};
use crate::registry::Ended;
use crate::security::SecurityError;
use crate::shared::{Afterwards, Control, Inlets, Shared};
use crate::timing::Times;
use crate::wire::Outgoing;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The connection is of no more use; the reason, for people.
    Lost(&'static str),
    /// The bank's keys cannot be trusted.
    Refused(SecurityError),
    /// Drained, or nobody holds the link any more.
    Drained(Afterwards),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The exchange with this index is under way.
    SigningOn(usize),
    Up,
    /// The bank has signed off: it takes nothing until we sign on again.
    BankSignedOff,
    SigningOff,
}

enum Io {
    Read(usize),
    Wrote,
    Failed(&'static str),
}

pub(crate) struct Session<'a> {
    pub shared: &'a Arc<Shared>,
    pub pending: &'a mut Pending,
    pub out: Outgoing,
    /// Requests without a key yet, in the order in which they came.
    pub waiting: VecDeque<SlotId>,
    pub phase: Phase,
    /// The batch that the bank named when it signed this connection on.
    pub batch: Option<String>,
    pub now: Instant,
    pub times: Times,
    pub undecodable: u32,
    pub wants_sign_on: bool,
    pub wants_keys: bool,
    pub echo_under_way: bool,
    pub came_up: bool,
    pub next_stan: u32,
    pub end: Option<End>,
    pub drain: Option<Drain>,
    scratch: Box<[u8]>,
    /// Something was written and not flushed yet.
    unflushed: bool,
}

impl<'a> Session<'a> {
    pub fn new(shared: &'a Arc<Shared>, pending: &'a mut Pending) -> Self {
        let now = Instant::now();
        let mut seed = [0; 4];
        shared.parts.entropy.fill(&mut seed);
        shared.health.lock().reset();
        Self {
            shared,
            pending,
            out: Outgoing::default(),
            waiting: VecDeque::new(),
            phase: Phase::SigningOn(0),
            batch: None,
            now,
            times: Times::starting(now),
            undecodable: 0,
            wants_sign_on: false,
            wants_keys: false,
            echo_under_way: false,
            came_up: false,
            next_stan: u32::from_be_bytes(seed) % 999_999 + 1,
            end: None,
            drain: None,
            scratch: vec![0; FrameReader::READ_BYTES].into_boxed_slice(),
            unflushed: false,
        }
    }

    /// Runs to the end of the connection. Every request gets its outcome before this returns, those excepted whose answer
    /// may still come over another link; the second value tells whether the link was up.
    pub async fn run(mut self, stream: &mut dyn Stream, inlets: &mut Inlets) -> (End, bool) {
        let mut reader = FrameReader::new();
        self.sign_on(0);
        let timer = sleep_until(self.now);
        tokio::pin!(timer);
        let (mut control_open, mut requests_open) = (true, true);
        let end = loop {
            while let Ok(submit) = inlets.requests.try_recv() {
                self.admit(submit);
            }
            self.fill_wire();
            self.advance_drain();
            if let Some(end) = self.end {
                break end;
            }
            self.times.note_wire(self.out.is_empty(), self.now);
            let wake = self.next_wake();
            if timer.deadline() != wake {
                timer.as_mut().reset(wake);
            }
            tokio::select! {
                biased;
                order = inlets.control.recv(), if control_open => match order {
                    Some(order) => self.obey(order),
                    None => control_open = false,
                },
                io = poll_fn(|cx| self.poll_io(cx, stream)) => {
                    self.now = Instant::now();
                    self.on_io(io, &mut reader);
                }
                Some(crossed) = inlets.crossed.recv() => {
                    self.now = Instant::now();
                    self.on_crossed(&crossed);
                }
                submit = inlets.requests.recv(), if requests_open => {
                    self.now = Instant::now();
                    match submit {
                        Some(submit) => self.admit(submit),
                        // The last handle is gone: whatever is in flight may still end in order.
                        None => {
                            requests_open = false;
                            let deadline = self.now + self.shared.parts.profile.timers().reply_timeout;
                            self.begin_drain(deadline, Afterwards::Close, None);
                        }
                    }
                }
                () = &mut timer => {
                    self.now = Instant::now();
                    self.on_time();
                }
            }
        };
        if matches!(end, End::Refused(_)) {
            // The bank learns that its keys were refused, if it takes a few bytes now; nothing else leaves.
            self.out.keep_answers();
            poll_fn(|cx| Poll::Ready(_ = self.poll_io(cx, stream))).await;
        }
        (self.close(end), self.came_up)
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
            self.times.stalled_since = None;
            self.unflushed = true;
        }
        // What is under the stream, TLS for instance, may have taken bytes that the kernel has not.
        if self.unflushed {
            match Pin::new(&mut *stream).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Io::Failed(reason(&error))),
                Poll::Pending => {}
            }
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
                self.times.read_at = self.now;
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

    /// Ends a caller's request and tells the caller, if it is still there.
    pub fn conclude(&mut self, id: SlotId, ended: Ended, outcome: Outcome) {
        if let Some(at) = self.waiting.iter().position(|waiting| *waiting == id) {
            self.waiting.remove(at);
        }
        self.pending.conclude(id, ended, outcome, self.now);
    }

    fn obey(&mut self, order: Control) {
        self.now = Instant::now();
        match order {
            Control::Resume => {}
            Control::ExchangeKeys => self.wants_keys = true,
            Control::Drain { deadline, then, done } => self.begin_drain(deadline, then, Some(done)),
        }
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
