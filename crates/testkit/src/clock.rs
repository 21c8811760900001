//! A wall clock that goes with tokio's own, so that timers and dates agree when a test lets time pass.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;
use types::{Clock, Timestamp};

/// 2026-12-01T08:30:00Z.
const BEGINNING_MS: i64 = 1_796_113_800_000;

/// The world's clock.
pub struct WorldClock {
    started: Instant,
    jumped_ms: AtomicI64,
}

impl WorldClock {
    /// Starts in the morning of 1 December 2026, UTC.
    pub fn start() -> Self {
        Self { started: Instant::now(), jumped_ms: AtomicI64::new(0) }
    }

    /// Sets the wall clock on (or back) without running any timer, as an operator would.
    pub fn jump_ms(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_ms(BEGINNING_MS).plus_ms(elapsed).plus_ms(self.jumped_ms.load(Ordering::Relaxed))
    }
}
