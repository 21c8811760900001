//! The gateway alone: requests that come by chance, more of them than it can carry, and a kill in their midst.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::processes::{Load, Process, Setup};
use super::sides::{AT_ONCE, measured};
use super::usage;
use crate::fault::{Fault, Tried as _};

/// Connections over which requests come by chance, and over which too many come.
const SHOPPERS: usize = 256;
const CROWD: usize = 4_096;
/// Files that a process needs beside its connections.
const OTHER_FILES: usize = 200;
/// The rate of the goal.
const GOAL_PER_S: f64 = 10_000.0;
/// Payments that are asked about at once after the kill.
const ASKED_AT_ONCE: usize = 32;

/// Closed loop with fewer and more in flight.
pub fn by_in_flight(setup: &Setup, gateway: &Process, phase: Duration) -> Result<Value, Fault> {
    let mut loads = serde_json::Map::new();
    for in_flight in [1, 16, 256] {
        let mut run = measured(setup, gateway, in_flight, phase)?;
        run.load["cpu_us"] = json!(run.cpu_us);
        loads.insert(in_flight.to_string(), run.load);
    }
    Ok(loads.into())
}

/// Open loop at shares of `capacity`, and at the rate of the goal if that is not beyond it.
pub fn open_loop(setup: &Setup, gateway: &Process, capacity: f64, phase: Duration) -> Result<Value, Fault> {
    let mut rates = [0.25, 0.5, 0.8].map(|share| capacity * share).to_vec();
    if capacity > GOAL_PER_S {
        rates.push(GOAL_PER_S);
    }
    let runs = rates.into_iter().map(|rate| offered(setup, gateway, SHOPPERS, rate, phase));
    runs.collect::<Result<Vec<_>, _>>().map(Into::into)
}

/// Three times as much as it can carry.
pub fn overload(setup: &Setup, gateway: &Process, capacity: f64, phase: Duration) -> Result<Value, Fault> {
    let crowd = CROWD.min(most_files().saturating_sub(OTHER_FILES));
    let mut load = offered(setup, gateway, crowd, capacity * 3.0, phase)?;
    load["connections"] = json!(crowd);
    load["goodput_over_capacity"] = json!(load["per_s"].as_f64().unwrap_or(0.0) / capacity);
    Ok(load)
}

/// How many files a process may have open here.
fn most_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(1_024)
}

fn offered(
    setup: &Setup,
    gateway: &Process,
    in_flight: usize,
    rate: f64,
    long: Duration,
) -> Result<Value, Fault> {
    let used = usage::cpu_us(&gateway.pid());
    let running = setup.start_load(gateway, Load { in_flight, long, rate: Some(rate), keeps_ids: false })?;
    let mut load = setup.report(running)?;
    load["cpu_us"] = json!((usage::cpu_us(&gateway.pid()) - used) / load["answered"].as_f64().unwrap_or(0.0));
    if load["refused"] != 0 || load["unanswered"] != 0 {
        return Err(Fault::plain(format!("requests were answered neither 201 nor 503: {load}")));
    }
    load["offered_per_s"] = json!(rate);
    Ok(load)
}

/// Kills the gateway in the midst of a load, starts it again, and asks it about every payment that was acknowledged.
pub async fn killed(setup: &Setup, gateway: Process, phase: Duration) -> Result<Value, Fault> {
    let load = Load { in_flight: AT_ONCE, long: phase * 2, rate: None, keeps_ids: true };
    let running = setup.start_load(&gateway, load)?;
    tokio::time::sleep(phase).await;
    gateway.kill();
    let load = setup.report(running)?;
    let starting = Instant::now();
    let gateway = setup.gateway()?;
    let start_up_ms = starting.elapsed().as_secs_f64() * 1_000.0;
    let acknowledged = setup.acknowledged()?;
    if acknowledged.is_empty() || load["answered"] != acknowledged.len() {
        return Err(Fault::plain(format!(
            "{} payments are written down of those in {load}",
            acknowledged.len()
        )));
    }
    let lost = not_succeeded(setup, &gateway, &acknowledged).await?;
    if load["unanswered"] == 0 {
        return Err(Fault::plain("the kill has caught no request: it proves nothing".to_owned()));
    }
    if lost > 0 {
        return Err(Fault::plain(format!("{lost} of {} acknowledged payments are lost", acknowledged.len())));
    }
    Ok(json!({
        "acknowledged": acknowledged.len(), "lost": lost, "unanswered": load["unanswered"], "start_up_ms": start_up_ms,
    }))
}

/// How many of these payments the gateway does not show as succeeded to the merchant that made it.
async fn not_succeeded(setup: &Setup, gateway: &Process, ids: &[String]) -> Result<usize, Fault> {
    let root = reqwest::Certificate::from_pem(&setup.certificate()?).tried("the certificate")?;
    let client =
        reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().tried("an HTTP client")?;
    let merchants = setup.merchants()?;
    let keys: std::collections::HashMap<String, String> = merchants
        .iter()
        .filter_map(|it| Some((it["merchant"].as_str()?.to_owned(), it["secret_key"].as_str()?.to_owned())))
        .collect();
    let (mut asking, mut lost) = (JoinSet::new(), 0);
    for line in ids {
        let (merchant, id) = line.split_once(' ').unwrap_or_default();
        let key = keys.get(merchant).cloned().unwrap_or_default();
        let url = format!("https://localhost:{}/v1/payments/{id}", gateway.port());
        let request = client.get(url).bearer_auth(key);
        asking.spawn(async move {
            let payment: Value = request.send().await.ok()?.json().await.ok()?;
            Some(payment["status"] == "succeeded")
        });
        if asking.len() >= ASKED_AT_ONCE
            && let Some(answer) = asking.join_next().await
        {
            lost += usize::from(!matches!(answer, Ok(Some(true))));
        }
    }
    while let Some(answer) = asking.join_next().await {
        lost += usize::from(!matches!(answer, Ok(Some(true))));
    }
    Ok(lost)
}
