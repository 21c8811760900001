//! What the kernel says a process has used so far. `pid` is its number, or `self`. What is not told counts as nothing.

use std::collections::BTreeMap;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

/// Microseconds on a core of each of its threads, by the threads' names. Those that have ended are not in it.
pub fn threads_us(pid: &str) -> BTreeMap<String, f64> {
    let mut threads = BTreeMap::new();
    for task in read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let name = read_to_string(task.path().join("comm")).unwrap_or_default().trim().to_owned();
        *threads.entry(name).or_insert(0.0) += on_cpu_us(&task.path());
    }
    threads
}

/// Microseconds on a core, all its threads together.
pub fn cpu_us(pid: &str) -> f64 {
    threads_us(pid).values().sum()
}

/// The scheduler counts nanoseconds; ticks of a hundredth of a second are too coarse for a phase.
fn on_cpu_us(task: &Path) -> f64 {
    let schedstat = read_to_string(task.join("schedstat")).unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(0.0) / 1_000.0
}

/// Bytes that it has sent towards a disk.
pub fn written_bytes(pid: &str) -> f64 {
    let io = read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|bytes| bytes.parse().ok()).unwrap_or(0.0)
}

/// How much of the memory it holds.
pub fn resident_kib(pid: &str) -> Option<u64> {
    let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The processes that its first thread has started and that still run.
pub fn children(pid: &str) -> Vec<String> {
    let children = read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_seen_and_a_missing_one_has_used_nothing() {
        let own = std::process::id().to_string();
        assert!(!threads_us(&own).is_empty());
        assert!(resident_kib(&own).is_some_and(|kib| kib > 0));
        // No process has this number: the kernel's largest is smaller.
        assert_eq!((cpu_us("4294967295"), written_bytes("4294967295")), (0.0, 0.0));
        assert!(children("4294967295").is_empty());
    }
}
