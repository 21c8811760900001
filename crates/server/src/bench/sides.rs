//! What is measured side by side: the gateway, the floors, and on PostgreSQL the ordinary way of writing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::processes::{Load, Process, Setup};
use super::usage;
use crate::cli::{BenchArgs, BenchEngine, FloorKind};
use crate::fault::Fault;

/// In flight where they are compared.
pub const AT_ONCE: usize = 64;

/// One measurement. Times are microseconds a payment.
pub struct Measured {
    pub per_s: f64,
    pub cpu_us: f64,
    threads_us: BTreeMap<String, f64>,
    bank_us: f64,
    database_us: f64,
    written_bytes: f64,
    /// Units of work a payment, and how many of them shared a transaction; of the gateway only.
    pub units: Option<f64>,
    pub units_a_commit: Option<f64>,
    pub load: Value,
}

/// A process, and how it went each time.
pub struct Side {
    pub process: Process,
    pub runs: Vec<Measured>,
}

impl Side {
    pub fn median(&self, of: fn(&Measured) -> f64) -> f64 {
        median(self.runs.iter().map(of).collect())
    }

    /// This one's speed over another's, run by run.
    pub fn over(&self, other: &Self) -> Vec<f64> {
        self.runs.iter().zip(&other.runs).map(|(ours, theirs)| ours.per_s / theirs.per_s).collect()
    }

    /// Where the CPU time of a payment goes, process by process and thread by thread of this one.
    pub fn split(&self) -> Value {
        let names: Vec<&String> = self.runs.iter().flat_map(|run| run.threads_us.keys()).collect();
        let threads: BTreeMap<&String, f64> = names
            .into_iter()
            .map(|name| {
                let times = self.runs.iter().filter_map(|run| run.threads_us.get(name)).copied();
                (name, median(times.collect()))
            })
            .collect();
        json!({
            "threads": threads, "bank": self.median(|run| run.bank_us), "database": self.median(|run| run.database_us),
            "load": self.median(|run| run.load["load_cpu_us"].as_f64().unwrap_or(0.0)),
        })
    }

    pub fn written_bytes(&self) -> f64 {
        self.median(|run| run.written_bytes)
    }
}

/// All of them, measured three times, forth, back and forth, so that whatever drifts drifts for all.
pub fn side_by_side(setup: &Setup, args: &BenchArgs, phase: Duration) -> Result<Vec<Side>, Fault> {
    let kinds: &[FloorKind] = match args.engine {
        BenchEngine::Sqlite => &[FloorKind::Sqlite, FloorKind::Log],
        BenchEngine::Postgres => &[FloorKind::Postgres, FloorKind::Log, FloorKind::Ordinary],
    };
    let floors = kinds.iter().map(|&kind| setup.floor(kind)).collect::<Result<Vec<_>, _>>()?;
    let mut sides: Vec<Side> = std::iter::once(setup.gateway()?)
        .chain(floors)
        .map(|process| Side { process, runs: Vec::new() })
        .collect();
    // Warm: connections, caches, plans.
    for side in &sides {
        measured(setup, &side.process, AT_ONCE, Duration::from_millis(500))?;
    }
    for turn in 0..3 {
        let mut order: Vec<usize> = (0..sides.len()).collect();
        if turn % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let run = measured(setup, &sides[place].process, AT_ONCE, phase)?;
            sides[place].runs.push(run);
        }
    }
    Ok(sides)
}

/// A phase of closed loop, in which every request must be answered well.
pub fn measured(
    setup: &Setup,
    process: &Process,
    in_flight: usize,
    long: Duration,
) -> Result<Measured, Fault> {
    let pid = process.pid();
    let counted = process.written();
    let written_bytes = || usage::written_bytes(&pid) + setup.database_written_bytes();
    let (threads, written, (bank, database)) = (usage::threads_us(&pid), written_bytes(), setup.others_us());
    let running = setup.start_load(process, Load { in_flight, long, rate: None, keeps_ids: false })?;
    let load = setup.report(running)?;
    let answered = load["answered"].as_f64().unwrap_or(0.0);
    if answered == 0.0 || ["busy", "refused", "unanswered"].iter().any(|name| load[name] != 0) {
        return Err(Fault::plain(format!("{}: not every request was answered well: {load}", process.name)));
    }
    let threads_us: BTreeMap<String, f64> = usage::threads_us(&pid)
        .into_iter()
        .map(|(name, now)| (now - threads.get(&name).copied().unwrap_or(0.0), name))
        .map(|(spent, name)| (name, spent / answered))
        .collect();
    let (bank_now, database_now) = setup.others_us();
    let counted = counted.zip(process.written()).map(|(then, now)| (now.0 - then.0, now.1 - then.1));
    Ok(Measured {
        per_s: load["per_s"].as_f64().unwrap_or(0.0),
        cpu_us: threads_us.values().sum(),
        threads_us,
        bank_us: (bank_now - bank) / answered,
        database_us: (database_now - database) / answered,
        written_bytes: (written_bytes() - written) / answered,
        units: counted.map(|(units, _)| units / answered),
        units_a_commit: counted.map(|(units, commits)| units / commits),
        load,
    })
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((super::median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(super::median(Vec::new()).is_nan());
    }
}
