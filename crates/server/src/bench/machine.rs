//! What the machine can do right now, so that a figure can be judged.

use std::fs::OpenOptions;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::fault::{Fault, Tried as _};

/// SHA-256 on one core, a durable write, and how busy others keep the machine.
pub struct Calibration {
    sha256_mb_per_s: f64,
    fdatasync_p50_ms: f64,
    fdatasync_p99_ms: f64,
    /// Cores that processes other than this one used, over the measurement.
    pub foreign_cpu: f64,
}

impl Calibration {
    pub fn take(dir: &Path) -> Result<Self, Fault> {
        let (busy, started) = (busy_ticks(), Instant::now());
        let foreign = || {
            std::thread::sleep(Duration::from_secs(1));
            (busy_ticks() - busy) / 100.0 / started.elapsed().as_secs_f64()
        };
        let foreign_cpu = foreign();
        let block = vec![7u8; 1 << 20];
        let hashing = Instant::now();
        for _ in 0..100 {
            std::hint::black_box(digest(&SHA256, &block));
        }
        let sha256_mb_per_s = 100.0 / hashing.elapsed().as_secs_f64();
        let (fdatasync_p50_ms, fdatasync_p99_ms) =
            syncs(dir).tried("cannot write to the folder of the bench")?;
        Ok(Self { sha256_mb_per_s, fdatasync_p50_ms, fdatasync_p99_ms, foreign_cpu })
    }

    /// How far another calibration is from this one: 0.1 is a tenth. The disk's is left out, it moves on a quiet machine too.
    pub fn moved(&self, other: &Self) -> f64 {
        (other.sha256_mb_per_s / self.sha256_mb_per_s - 1.0).abs()
    }

    /// The same of the disk.
    pub fn fdatasync_moved(&self, other: &Self) -> f64 {
        (other.fdatasync_p50_ms / self.fdatasync_p50_ms - 1.0).abs()
    }

    pub fn to_json(&self) -> Value {
        json!({
            "sha256_mb_per_s": self.sha256_mb_per_s, "fdatasync_p50_ms": self.fdatasync_p50_ms,
            "fdatasync_p99_ms": self.fdatasync_p99_ms, "foreign_cpu_cores": self.foreign_cpu,
        })
    }
}

fn syncs(dir: &Path) -> std::io::Result<(f64, f64)> {
    let path = dir.join("sync");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&[0; 4_096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    std::fs::remove_file(&path)?;
    times.sort_by(f64::total_cmp);
    Ok((times[times.len() / 2], times[times.len() * 99 / 100]))
}

/// Ticks of a hundredth of a second that all cores were busy; 0 where that is not known.
fn busy_ticks() -> f64 {
    let text = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let numbers: Vec<f64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    numbers
        .iter()
        .enumerate()
        .filter(|(place, _)| ![3, 4].contains(place))
        .map(|(_, ticks)| ticks)
        .take(6)
        .sum()
}
