//! Group commit: whatever is queued while the last batch was written becomes the next batch. No timer, no waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use crate::{CommitError, Committed, Engine, StoreError, Unit};

/// Sizes of the queue in front of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many units may wait; the next is refused as busy.
    pub queue_units: usize,
    /// How many units one transaction takes at most.
    pub batch_units: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { queue_units: 4_096, batch_units: 1_024 }
    }
}

/// The first and the longest pause before the engine is asked to recover again.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

type Outcome = Result<Committed, CommitError>;
type Reply = oneshot::Sender<Answer>;

/// What one caller is told, and what it passes on to its neighbours of the batch. Waking a runtime from another thread is
/// a system call each time, so the writer wakes one caller, and that one, already on the runtime's thread, the others.
/// They are passed on when this is dropped, so also when its caller has gone away.
pub(crate) struct Answer {
    outcome: Option<Outcome>,
    others: Vec<(Reply, Outcome)>,
}

impl Answer {
    /// This caller's part.
    pub fn take(mut self) -> Outcome {
        self.outcome.take().unwrap_or(Err(CommitError::Unavailable))
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        for (reply, outcome) in self.others.drain(..) {
            // A caller that went away does not care.
            drop(reply.send(Answer { outcome: Some(outcome), others: Vec::new() }));
        }
    }
}

/// Tells a batch.
fn tell(mut batch: Vec<(Reply, Outcome)>) {
    while let Some((reply, outcome)) = batch.pop() {
        let answer = Answer { outcome: Some(outcome), others: batch };
        match reply.send(answer) {
            Ok(()) => return,
            // This one has gone away: the next passes it on.
            Err(mut back) => batch = std::mem::take(&mut back.others),
        }
    }
}

/// What a store has committed since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Units of work.
    pub units: u64,
    /// Transactions that they were committed in, each with all that waited at its time.
    pub batches: u64,
    /// How long these took, decisions included.
    pub took: Duration,
}

/// The writer's own count.
#[derive(Default)]
struct Counted {
    units: AtomicU64,
    batches: AtomicU64,
    micros: AtomicU64,
}

impl Counted {
    fn batch(&self, units: usize, took: Duration) {
        self.units.fetch_add(units as u64, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

struct Job {
    unit: Unit,
    reply: Reply,
}

/// The thread that owns the engine, and the queue to it. Dropping it writes what is queued and ends the thread.
pub(crate) struct Writer {
    queue: Option<SyncSender<Job>>,
    ready: Arc<AtomicBool>,
    counted: Arc<Counted>,
    stopped: watch::Receiver<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub fn start(engine: Box<dyn Engine>, settings: Settings) -> Result<Self, StoreError> {
        let (queue, jobs) = sync_channel(settings.queue_units);
        let ready = Arc::new(AtomicBool::new(true));
        let (stops, stopped) = watch::channel(false);
        let batch_units = settings.batch_units.max(1);
        let counted = Arc::new(Counted::default());
        let mut work = Work {
            engine,
            jobs,
            batch_units,
            ready: Ready(Arc::clone(&ready)),
            counted: Arc::clone(&counted),
            stops,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work.run())
            .map_err(|error| StoreError::Open(format!("cannot start the writer's thread: {error}")))?;
        Ok(Self { queue: Some(queue), ready, counted, stopped, thread: Some(thread) })
    }

    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub fn written(&self) -> Written {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counted = &self.counted;
        Written {
            units: read(&counted.units),
            batches: read(&counted.batches),
            took: Duration::from_micros(read(&counted.micros)),
        }
    }

    /// Waits until the thread has stopped for good, which only an engine beyond help makes it do.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.stopped.clone();
        async move {
            // A closed writer is gone with its thread, and has not stopped by itself.
            if stopped.wait_for(|stopped| *stopped).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Queues a unit. Once queued it is decided on, whether or not anybody waits for the answer.
    pub fn submit(&self, unit: Unit) -> Result<oneshot::Receiver<Answer>, CommitError> {
        let (reply, answer) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(CommitError::Unavailable)?;
        match queue.try_send(Job { unit, reply }) {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_)) => Err(CommitError::Busy),
            Err(TrySendError::Disconnected(_)) => Err(CommitError::Unavailable),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("The store's writer had panicked");
        }
    }
}

/// Turns not-ready when dropped, also by a panic.
struct Ready(Arc<AtomicBool>);

impl Ready {
    fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.set(false);
    }
}

struct Work {
    engine: Box<dyn Engine>,
    jobs: Receiver<Job>,
    batch_units: usize,
    ready: Ready,
    counted: Arc<Counted>,
    stops: watch::Sender<bool>,
}

impl Work {
    /// Until the queue is closed or the engine is beyond help. Then whatever is queued is dropped, which answers it with
    /// `Unavailable`.
    fn run(&mut self) {
        let (mut units, mut replies) = (Vec::new(), Vec::new());
        while let Ok(first) = self.jobs.recv() {
            let more = self.batch_units - 1;
            for job in std::iter::once(first).chain(self.jobs.try_iter().take(more)) {
                units.push(job.unit);
                replies.push(job.reply);
            }
            if !self.commit(&units, replies.drain(..)) {
                self.stops.send_replace(true);
                return;
            }
            units.clear();
        }
    }

    /// Commits and answers. False: never again.
    fn commit(&mut self, units: &[Unit], replies: impl Iterator<Item = Reply>) -> bool {
        let started = Instant::now();
        let committed = catch_unwind(AssertUnwindSafe(|| self.engine.commit(units)));
        match committed {
            Ok(Ok(outcomes)) => {
                let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                self.counted.batch(accepted, started.elapsed());
                tell(
                    replies
                        .zip(outcomes.into_iter().map(|outcome| outcome.map_err(CommitError::Refused)))
                        .collect(),
                );
                true
            }
            Ok(Err(error @ StoreError::NotWritten(_))) => {
                tracing::error!(units = units.len(), error = %error, "The store refused a batch; trying to recover");
                self.ready.set(false);
                tell(replies.map(|reply| (reply, Err(CommitError::Unavailable))).collect());
                self.recover()
            }
            Ok(Err(error @ StoreError::Unknown(_))) if self.engine.outlives_unknown() => {
                tracing::error!(units = units.len(), error = %error, "It is not known whether a batch was written; trying to recover");
                self.ready.set(false);
                tell(replies.map(|reply| (reply, Err(CommitError::Unavailable))).collect());
                self.recover()
            }
            Ok(Err(error)) => {
                tracing::error!(units = units.len(), error = %error, "The store's writer stops; open the store again");
                self.ready.set(false);
                false
            }
            Err(_) => {
                tracing::error!(
                    units = units.len(),
                    "The store's writer panicked and stops; open the store again"
                );
                self.ready.set(false);
                false
            }
        }
    }

    /// Asks the engine to recover, with longer and longer pauses, and answers whoever comes meanwhile. False: the queue
    /// was closed or the engine is beyond help.
    fn recover(&mut self) -> bool {
        let mut pause = FIRST_PAUSE;
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.engine.recover())) {
                Ok(Ok(())) => {
                    self.ready.set(true);
                    return true;
                }
                Ok(Err(StoreError::NotWritten(_))) => {}
                Ok(Err(error)) => {
                    tracing::error!(error = %error, "The store cannot recover; its writer stops");
                    return false;
                }
                Err(_) => return false,
            }
            if !self.turn_away(pause) {
                return false;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Answers everybody who comes within `pause` with `Unavailable`. False: the queue was closed.
    fn turn_away(&mut self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        loop {
            match self.jobs.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(job) => tell(vec![(job.reply, Err(CommitError::Unavailable))]),
                Err(RecvTimeoutError::Timeout) => return true,
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }
}
