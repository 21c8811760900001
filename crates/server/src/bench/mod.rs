//! `lian bench`: the gateway beside a floor, in the same minute, everything on this machine over loopback.
//!
//! | part       | process         | what it is                                                                     |
//! |------------|-----------------|--------------------------------------------------------------------------------|
//! | gateway    | `lian serve`    | the whole path of a payment, TLS on, durable                                   |
//! | log floor  | `bench-floor`   | the same bytes over HTTP, a bank's round trip, two durable appends to one file |
//! | bank       | `lian bank-sim` | the simulated bank                                                             |
//! | load       | `bench-load`    | N requests in flight, each sent when the one before it was answered            |

mod floor;
mod load;
mod machine;
mod processes;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{BenchArgs, BenchEngine};
use crate::fault::{Fault, Tried as _};
use machine::Calibration;
use processes::{Process, Setup};

pub use floor::run as run_floor;
pub use load::run as run_load;

/// In flight where gateway and floor are compared.
const AT_ONCE: usize = 64;
/// How far a calibration may move before the run counts as disturbed.
const MOST_MOVED: f64 = 0.10;

/// One measurement.
struct Measured {
    per_s: f64,
    cpu_us: f64,
    load: Value,
}

/// Runs the benchmark and prints a table, or one JSON object.
pub async fn run(args: BenchArgs) -> Result<(), Fault> {
    let dir = args.data.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).tried(format!("cannot make {}", dir.display()))?;
    let measured = measure(&args, &dir).await;
    // What was measured counts; a folder that stays behind is only untidy.
    let _ = std::fs::remove_dir_all(&dir);
    let report = measured?;
    if args.json {
        println!("{report}");
    } else {
        print(&report);
    }
    Ok(())
}

async fn measure(args: &BenchArgs, dir: &Path) -> Result<Value, Fault> {
    let before = Calibration::take(dir)?;
    let setup = Setup::make(dir, args.engine).await?;
    let (gateway, floor) = (setup.gateway()?, setup.floor()?);
    let seconds = args.duration.max(1);
    let phase = Duration::from_secs(seconds);
    // Warm: connections, caches, plans.
    load(&setup, &gateway, AT_ONCE, Duration::from_millis(500)).await?;
    load(&setup, &floor, AT_ONCE, Duration::from_millis(500)).await?;
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for turn in 0..3 {
        // A B, B A, A B: whatever drifts drifts for both.
        for is_gateway in if turn % 2 == 0 { [false, true] } else { [true, false] } {
            let (process, into) = if is_gateway { (&gateway, &mut ours) } else { (&floor, &mut floors) };
            into.push(load(&setup, process, AT_ONCE, phase).await?);
        }
    }
    let mut others = serde_json::Map::new();
    for in_flight in [1, 16, 256] {
        let measured = load(&setup, &gateway, in_flight, phase).await?;
        others.insert(in_flight.to_string(), measured.load);
    }
    let memory = gateway.resident_kib();
    drop((gateway, floor));
    setup.verify()?;
    let after = Calibration::take(dir)?;
    let ratios: Vec<f64> = ours.iter().zip(&floors).map(|(ours, floor)| ours.per_s / floor.per_s).collect();
    let median_of = |of: fn(&Measured) -> f64, all: &[Measured]| median(all.iter().map(of).collect());
    let at = |share: &str| median(ours.iter().filter_map(|measured| measured.load[share].as_f64()).collect());
    Ok(json!({
        "engine": args.engine.name(), "in_flight": AT_ONCE, "tls": true, "seconds_a_phase": seconds,
        "payments_per_s": median_of(|m| m.per_s, &ours), "log_floor_per_s": median_of(|m| m.per_s, &floors),
        "ratio_to_log_floor": median(ratios.clone()), "ratios_to_log_floor": ratios,
        // The floor on the same engine and the ordinary way of writing are not built yet.
        "floor_per_s": null, "ordinary_per_s": null, "ratio": null,
        "cpu_us_per_payment": median_of(|m| m.cpu_us, &ours), "log_floor_cpu_us": median_of(|m| m.cpu_us, &floors),
        "p50_ms": at("p50_ms"), "p99_ms": at("p99_ms"), "p999_ms": at("p999_ms"),
        "debug_build": cfg!(debug_assertions), "version": env!("CARGO_PKG_VERSION"),
        "gateway_by_in_flight": others, "resident_kib": memory,
        "calibration_before": before.to_json(), "calibration_after": after.to_json(),
        "disturbed": before.foreign_cpu.max(after.foreign_cpu) > MOST_MOVED || before.moved(&after) > MOST_MOVED,
        "fdatasync_moved": before.fdatasync_moved(&after),
        "books_verified": true,
    }))
}

async fn load(setup: &Setup, process: &Process, in_flight: usize, long: Duration) -> Result<Measured, Fault> {
    let before = process.cpu_us();
    let load = setup.load(process, in_flight, long).await?;
    let answered = load["answered"].as_u64().unwrap_or(0);
    if answered == 0 || load["refused"] != 0 {
        return Err(Fault::plain(format!("{}: not every request was answered well: {load}", process.name)));
    }
    let cpu_us = (process.cpu_us() - before) / answered as f64;
    Ok(Measured { per_s: load["per_s"].as_f64().unwrap_or(0.0), cpu_us, load })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn print(report: &Value) {
    let number = |name: &str| report[name].as_f64().map_or("-".to_owned(), |value| format!("{value:.1}"));
    println!("Engine {}, {AT_ONCE} in flight, TLS, durable, all on this machine:", report["engine"]);
    println!(
        "  gateway     {:>10} payments/s  {:>8} us CPU",
        number("payments_per_s"),
        number("cpu_us_per_payment")
    );
    println!(
        "  log floor   {:>10} payments/s  {:>8} us CPU",
        number("log_floor_per_s"),
        number("log_floor_cpu_us")
    );
    let ratio = report["ratio_to_log_floor"].as_f64().unwrap_or(f64::NAN);
    println!("  gateway / log floor  {ratio:.3} (median of three pairs)");
    println!("  latency p50 {} p99 {} p99.9 {} ms", number("p50_ms"), number("p99_ms"), number("p999_ms"));
    if report["disturbed"] == true {
        println!("  The machine was disturbed by others; the ratio is worth more than the rest, and little.");
    }
}

impl BenchEngine {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((super::median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(super::median(Vec::new()).is_nan());
    }
}
