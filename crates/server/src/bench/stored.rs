//! How much slower a full store is than an empty one: two gateways, one of them over many payments, in turns.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::processes::Setup;
use super::sides::{AT_ONCE, measured, median};
use crate::cli::BenchArgs;
use crate::fault::{Fault, Tried as _};
use crate::progress;

/// In flight, and how long at a time, while payments are made to be stored.
const FILLING: usize = 256;
const STRETCH: Duration = Duration::from_secs(5);

/// Stores `payments` in one gateway, none in another, and measures both three times, forth, back and forth.
pub async fn compare(args: &BenchArgs, dir: &Path, payments: u64) -> Result<Value, Fault> {
    let make = async |name: &str| {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).tried("cannot make a folder")?;
        Setup::make(&dir, args.engine).await
    };
    let (full, empty) = (make("full").await?, make("empty").await?);
    let gateways = [full.gateway()?, empty.gateway()?];
    let (bar, mut stored) = (progress::bar("storing", "payments"), 0);
    while stored < payments {
        let filled = measured(&full, &gateways[0], FILLING, STRETCH)?;
        stored += filled.load["answered"].as_u64().unwrap_or(0);
        progress::show(&bar, stored.min(payments), payments);
    }
    bar.finish_and_clear();
    let mut speeds = [Vec::new(), Vec::new()];
    for turn in 0..3 {
        for place in if turn % 2 == 0 { [0, 1] } else { [1, 0] } {
            let setup = [&full, &empty][place];
            let run = measured(setup, &gateways[place], AT_ONCE, Duration::from_secs(args.duration.max(1)))?;
            speeds[place].push(run.per_s);
        }
    }
    let [full, empty] = &speeds;
    let ratios: Vec<f64> = full.iter().zip(empty).map(|(full, empty)| full / empty).collect();
    Ok(json!({
        "payments": stored, "payments_per_s": median(full.clone()), "empty_payments_per_s": median(empty.clone()),
        "ratio": median(ratios.clone()), "ratios": ratios,
    }))
}
