//! `lian bench`: the gateway beside a floor, in the same minute, everything on this machine over loopback.
//!
//! | part       | process         | what it is                                                                     |
//! |------------|-----------------|--------------------------------------------------------------------------------|
//! | gateway    | `lian serve`    | the whole path of a payment, TLS on, durable                                   |
//! | floor      | `bench-floor`   | the same bytes over HTTP, a bank's round trip, two group commits on the engine |
//! | log floor  | `bench-floor`   | the same, with appends to one file in place of the engine                       |
//! | ordinary   | `bench-floor`   | the same, written as ordinary gateways write; on PostgreSQL only               |
//! | bank       | `lian bank-sim` | the simulated bank                                                             |
//! | load       | `bench-load`    | N requests in flight, each sent when the one before it was answered            |

mod alone;
mod children;
mod disk;
mod load;
mod machine;
mod pace;
mod processes;
mod sides;
mod stored;
mod usage;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{BenchArgs, BenchEngine, BenchFloorArgs, FloorKind};
use crate::demo::stop_signal;
use crate::fault::{Fault, Tried as _};
use children::CHILDREN;
use machine::Calibration;
use processes::Setup;
use sides::{AT_ONCE, Side, median, side_by_side};

pub use load::run as run_load;

/// How far a calibration may move before the run counts as disturbed.
const MOST_MOVED: f64 = 0.10;

/// Runs the benchmark and prints a table, or one JSON object.
pub async fn run(args: BenchArgs) -> Result<(), Fault> {
    let dir = args.data.join(format!("bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).tried(format!("cannot make {}", dir.display()))?;
    let stopped = stop_signal()?;
    let (told, stopping) = tokio::sync::oneshot::channel();
    // In a task of its own, because the measuring waits for its children on this thread.
    tokio::spawn(async move {
        stopped.await;
        CHILDREN.stop();
        let _ = told.send(());
    });
    let measured = tokio::select! {
        measured = measure(&args, &dir) => Some(measured),
        _ = stopping => None,
    };
    // What was measured counts; a folder that stays behind is only untidy.
    let _ = std::fs::remove_dir_all(&dir);
    // What else went wrong went wrong because its children were killed.
    let Some(measured) = measured.filter(|_| !CHILDREN.are_stopped()) else {
        return Err(Fault::plain("the bench was told to stop"));
    };
    let report = measured?;
    if args.json {
        println!("{report}");
    } else {
        print(&report);
    }
    Ok(())
}

/// Serves a floor; a process of its own.
pub async fn run_floor(args: BenchFloorArgs) -> Result<(), Fault> {
    let kind = match args.kind {
        FloorKind::Log => floor::Kind::Log,
        FloorKind::Sqlite => floor::Kind::Sqlite,
        FloorKind::Postgres => floor::Kind::Postgres,
        FloorKind::Ordinary => floor::Kind::Ordinary,
    };
    let BenchFloorArgs { store, tls_certificate, tls_key, .. } = args;
    let bank = ([127, 0, 0, 1], args.bank).into();
    let options = floor::Options { kind, store, bank, tls_certificate, tls_key };
    floor::run(options).await.map_err(|error| Fault::plain(format!("the floor: {error}")))
}

async fn measure(args: &BenchArgs, dir: &Path) -> Result<Value, Fault> {
    let file_system = disk::file_system(dir, args.even_in_memory, "name a folder on a disk with --data")?;
    let database_file_system = match args.engine {
        BenchEngine::Sqlite => None,
        BenchEngine::Postgres => disk::file_system(
            &std::env::temp_dir(),
            args.even_in_memory,
            "name a folder on a disk in TMPDIR",
        )?,
    };
    let before = Calibration::take(dir)?;
    let setup = Setup::make(dir, args.engine).await?;
    let seconds = args.duration.max(1);
    let phase = Duration::from_secs(seconds);
    let mut sides = side_by_side(&setup, args, phase)?.into_iter();
    let (Some(gateway), Some(floor), Some(log_floor)) = (sides.next(), sides.next(), sides.next()) else {
        return Err(Fault::plain("a floor is missing".to_owned()));
    };
    let mut report = compared(&gateway, &floor, &log_floor, sides.next().as_ref());
    // Nothing but the gateway from here on.
    drop((floor, log_floor, sides));
    let capacity = gateway.median(|run| run.per_s);
    for (name, value) in [
        ("engine", json!(args.engine.name())),
        ("in_flight", json!(AT_ONCE)),
        ("tls", json!(true)),
        ("seconds_a_phase", json!(seconds)),
        ("file_system", json!(file_system)),
        ("database_file_system", json!(database_file_system)),
        ("debug_build", json!(cfg!(debug_assertions))),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("commit", json!(option_env!("LIAN_COMMIT"))),
        (
            "binary_bytes",
            json!(std::env::current_exe().and_then(std::fs::metadata).map(|file| file.len()).ok()),
        ),
        ("gateway_by_in_flight", alone::by_in_flight(&setup, &gateway.process, phase)?),
        ("open_loop", alone::open_loop(&setup, &gateway.process, capacity, phase)?),
        ("overload", alone::overload(&setup, &gateway.process, capacity, phase)?),
        ("resident_kib", json!(usage::resident_kib(&gateway.process.pid()))),
        ("kill", alone::killed(&setup, gateway.process, phase).await?),
    ] {
        report[name] = value;
    }
    setup.verify()?;
    report["stored_bytes_per_payment"] = json!(setup.stored_bytes_per_payment());
    report["stored"] = match args.payments() {
        Some(payments) => stored::compare(args, dir, payments).await?,
        None => Value::Null,
    };
    let after = Calibration::take(dir)?;
    report["books_verified"] = json!(true);
    report["disturbed"] =
        json!(before.foreign_cpu.max(after.foreign_cpu) > MOST_MOVED || before.moved(&after) > MOST_MOVED);
    report["fdatasync_moved"] = json!(before.fdatasync_moved(&after));
    (report["calibration_before"], report["calibration_after"]) = (before.to_json(), after.to_json());
    Ok(report)
}

fn compared(gateway: &Side, floor: &Side, log_floor: &Side, ordinary: Option<&Side>) -> Value {
    let (ratios, log_ratios) = (gateway.over(floor), gateway.over(log_floor));
    let at = |share: &str| median(gateway.runs.iter().filter_map(|run| run.load[share].as_f64()).collect());
    json!({
        "payments_per_s": gateway.median(|run| run.per_s), "floor_per_s": floor.median(|run| run.per_s),
        "log_floor_per_s": log_floor.median(|run| run.per_s),
        "ordinary_per_s": ordinary.map(|side| side.median(|run| run.per_s)),
        "ratio": median(ratios.clone()), "ratios": ratios,
        "ratio_to_log_floor": median(log_ratios.clone()), "ratios_to_log_floor": log_ratios,
        "ratio_to_ordinary": ordinary.map(|side| median(gateway.over(side))),
        "cpu_us_per_payment": gateway.median(|run| run.cpu_us), "floor_cpu_us": floor.median(|run| run.cpu_us),
        "log_floor_cpu_us": log_floor.median(|run| run.cpu_us),
        "cpu_us_split": gateway.split(), "floor_cpu_us_split": floor.split(),
        "units_per_payment": gateway.median(|run| run.units.unwrap_or(f64::NAN)),
        "units_per_commit": gateway.median(|run| run.units_a_commit.unwrap_or(f64::NAN)),
        "bytes_written_per_payment": gateway.written_bytes(),
        "p50_ms": at("p50_ms"), "p99_ms": at("p99_ms"), "p999_ms": at("p999_ms"),
    })
}

fn print(report: &Value) {
    let number = |name: &str| report[name].as_f64().map_or("-".to_owned(), |value| format!("{value:.1}"));
    println!("Engine {}, {AT_ONCE} in flight, TLS, durable, all on this machine:", report["engine"]);
    for (name, per_s, cpu) in [
        ("gateway", "payments_per_s", "cpu_us_per_payment"),
        ("floor", "floor_per_s", "floor_cpu_us"),
        ("log floor", "log_floor_per_s", "log_floor_cpu_us"),
        ("ordinary", "ordinary_per_s", "-"),
    ] {
        println!("  {name:<10} {:>10} payments/s  {:>8} us CPU", number(per_s), number(cpu));
    }
    let ratio = |name: &str| report[name].as_f64().map_or("-".to_owned(), |value| format!("{value:.3}"));
    println!(
        "  gateway / floor {}, / log floor {}, / ordinary {} (medians of three)",
        ratio("ratio"),
        ratio("ratio_to_log_floor"),
        ratio("ratio_to_ordinary")
    );
    println!(
        "  {} units of work a payment, {} of them in a commit; {} bytes written a payment",
        number("units_per_payment"),
        number("units_per_commit"),
        number("bytes_written_per_payment")
    );
    println!("  latency p50 {} p99 {} p99.9 {} ms", number("p50_ms"), number("p99_ms"), number("p999_ms"));
    for run in report["open_loop"].as_array().into_iter().flatten() {
        println!("  {}", by_chance("offered", run));
    }
    println!("  {}", by_chance("overload", &report["overload"]));
    println!(
        "  killed under load: {} acknowledged, {} lost, {} without an answer; ready again after {:.0} ms",
        report["kill"]["acknowledged"],
        report["kill"]["lost"],
        report["kill"]["unanswered"],
        report["kill"]["start_up_ms"].as_f64().unwrap_or(f64::NAN)
    );
    if let Some(ratio) = report["stored"]["ratio"].as_f64() {
        println!(
            "  with {} payments stored: {ratio:.3} of the speed over an empty store",
            report["stored"]["payments"]
        );
    }
    if report["disturbed"] == true {
        println!(
            "  The machine was disturbed by others; the ratios are worth more than the rest, and little."
        );
    }
}

fn by_chance(name: &str, run: &Value) -> String {
    let number = |name: &str| run[name].as_f64().unwrap_or(f64::NAN);
    format!(
        "{name:<8} {:>8.0}/s  paid {:>8.0}/s  p50 {:.2} p99 {:.2} p99.9 {:.2} ms  turned away {}, not sent {}",
        number("offered_per_s"),
        number("per_s"),
        number("p50_ms"),
        number("p99_ms"),
        number("p999_ms"),
        run["busy"],
        run["dropped"]
    )
}

impl BenchEngine {
    const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}
