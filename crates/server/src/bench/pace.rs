//! When the load starts its requests: each when the one before it is answered, or at the times of a Poisson process, whether or not
//! anything was answered. The latter is how shoppers come, and what shows a gateway that stands still for a moment.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc};

/// Requests that are due within so long are started together: waking up for each would cost more than they do.
const TICK: Duration = Duration::from_micros(200);
/// A request that no connection was free for in so long is not sent any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// Gives out the times at which requests ought to start.
pub enum Pace {
    /// At once, until then.
    Closed { until: Instant },
    /// As they come.
    Open { starts: Mutex<mpsc::UnboundedReceiver<Instant>>, dropped: AtomicU64 },
}

impl Pace {
    pub fn closed(long: Duration) -> Self {
        Self::Closed { until: Instant::now() + long }
    }

    /// `rate` a second on the average for so long, the same times for the same seed.
    pub fn open(rate: f64, long: Duration, seed: u64) -> std::io::Result<Self> {
        let (start, starts) = mpsc::unbounded_channel();
        let run = move || {
            let (begin, mut arrivals) = (Instant::now(), Arrivals::new(rate, seed));
            let mut next = arrivals.next_gap();
            while next < long {
                let now = begin.elapsed();
                if next > now {
                    std::thread::sleep((next - now).max(TICK));
                    continue;
                }
                if start.send(begin + next).is_err() {
                    return;
                }
                next += arrivals.next_gap();
            }
        };
        std::thread::Builder::new().name("bench-pace".to_owned()).spawn(run)?;
        Ok(Self::Open { starts: Mutex::new(starts), dropped: AtomicU64::new(0) })
    }

    /// When the next request ought to start: now or a little ago. None: no more.
    pub async fn next(&self) -> Option<Instant> {
        match self {
            Self::Closed { until } => Some(Instant::now()).filter(|now| now < until),
            Self::Open { starts, dropped } => loop {
                let start = starts.lock().await.recv().await?;
                if start.elapsed() < PATIENCE {
                    return Some(start);
                }
                dropped.fetch_add(1, Ordering::Relaxed);
            },
        }
    }

    /// How many requests no connection was free for in time.
    pub fn dropped(&self) -> u64 {
        match self {
            Self::Closed { .. } => 0,
            Self::Open { dropped, .. } => dropped.load(Ordering::Relaxed),
        }
    }
}

/// A Poisson process: exponentially distributed gaps, out of a seed (SplitMix64, public domain).
struct Arrivals {
    rate: f64,
    state: u64,
}

impl Arrivals {
    const fn new(rate: f64, seed: u64) -> Self {
        Self { rate, state: seed }
    }

    fn next_gap(&mut self) -> Duration {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // 53 bits, never 0.
        let share = ((mixed >> 11) + 1) as f64 / (1u64 << 53) as f64;
        Duration::from_secs_f64(-share.ln() / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_have_the_mean_and_the_spread_of_an_exponential_distribution() {
        let mut arrivals = Arrivals::new(1_000.0, 7);
        let gaps: Vec<f64> = (0..100_000).map(|_| arrivals.next_gap().as_secs_f64() * 1_000.0).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
