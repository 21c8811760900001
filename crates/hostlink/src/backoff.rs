//! How long to wait before the next connection: exponential with full jitter, so that after a bank's restart its
//! terminals do not all come at once.

use std::time::Duration;

use types::Entropy;

/// Waiting times between connection attempts.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    cap: Duration,
    attempts: u32,
}

impl Backoff {
    /// Waits up to `base` before the second attempt, twice that before the third, and never more than `cap`.
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, attempts: 0 }
    }

    /// The next waiting time: any between zero and the current limit, all equally likely.
    pub fn next_wait(&mut self, entropy: &dyn Entropy) -> Duration {
        let limit = self.limit();
        self.attempts = self.attempts.saturating_add(1);
        let mut bytes = [0; 8];
        entropy.fill(&mut bytes);
        let millis = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(u64::from_be_bytes(bytes) % millis.saturating_add(1).max(1))
    }

    /// The longest that the next wait can be.
    pub fn limit(&self) -> Duration {
        let factor = 1u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The link came up: the next failure starts again from the beginning.
    pub const fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);
    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_limit_doubles_up_to_the_cap_and_starts_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(30));
        let mut limits = Vec::new();
        for _ in 0..9 {
            limits.push(backoff.limit().as_millis());
            assert_eq!(backoff.next_wait(&Fixed(0)), Duration::ZERO);
        }
        assert_eq!(limits, [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        backoff.reset();
        assert_eq!(backoff.limit(), Duration::from_millis(500));
    }

    #[test]
    fn no_number_of_failures_and_no_chance_exceeds_the_cap() {
        let cap = Duration::from_secs(30);
        let mut backoff = Backoff::new(Duration::from_millis(500), cap);
        for _ in 0..100 {
            assert!(backoff.next_wait(&Fixed(0xff)) <= cap);
        }
    }
}
