//! Whether a link does its work, by how its latest requests ended. Pure: time comes in as a parameter.
//!
//! A link can be signed on, answer every echo, and still lose what is sent over it. Such a link gets no requests for a
//! while as long as the host has a better one; then one request proves it, or puts it aside once more.

use std::time::Duration;

use tokio::time::Instant;

/// How many of the latest requests count.
const REMEMBERED: u32 = 8;
/// How many must have ended before anything is concluded.
const ENOUGH: u32 = 4;
/// How long a link is put aside.
const ASIDE: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub(crate) struct Health {
    /// The latest requests, a bit each: 1 ended without an answer that can be used.
    failed: u32,
    seen: u32,
    aside_until: Option<Instant>,
    /// The next request decides alone.
    on_probation: bool,
}

impl Health {
    /// A request ended, with an answer or without one.
    pub fn observe(&mut self, answered: bool, now: Instant) {
        if self.on_probation {
            self.on_probation = false;
            if !answered {
                return self.put_aside(now);
            }
        }
        self.failed = ((self.failed << 1) | u32::from(!answered)) & ((1 << REMEMBERED) - 1);
        self.seen = (self.seen + 1).min(REMEMBERED);
        if !answered && self.seen >= ENOUGH && self.failed.count_ones() * 2 >= self.seen {
            self.put_aside(now);
        }
    }

    fn put_aside(&mut self, now: Instant) {
        *self = Self { failed: 0, seen: 0, aside_until: Some(now + ASIDE), on_probation: true };
    }

    /// Whether the link is put aside now.
    pub fn is_suspect(&self, now: Instant) -> bool {
        self.aside_until.is_some_and(|until| now < until)
    }

    /// A new connection starts with a clean sheet.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_loses_half_of_its_requests_is_put_aside_and_one_request_proves_it_again() {
        let now = Instant::now();
        let mut health = Health::default();
        for answered in [true, false, true] {
            health.observe(answered, now);
            assert!(!health.is_suspect(now));
        }
        health.observe(false, now);
        assert!(health.is_suspect(now) && !health.is_suspect(now + ASIDE));
        // Not proved: aside once more, by a single request.
        let later = now + ASIDE;
        health.observe(false, later);
        assert!(health.is_suspect(later) && !health.is_suspect(later + ASIDE));
        // Proved.
        let at_last = later + ASIDE;
        health.observe(true, at_last);
        health.observe(false, at_last);
        assert!(!health.is_suspect(at_last));
    }

    #[test]
    fn a_single_silence_says_nothing_about_a_link() {
        let now = Instant::now();
        let mut health = Health::default();
        for request in 0..1_000 {
            health.observe(request % 4 != 0, now);
            assert!(!health.is_suspect(now), "after {request}");
        }
    }
}
