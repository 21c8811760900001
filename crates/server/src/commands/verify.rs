//! `lian verify`: recompute everything that can be recomputed, and name the first breach.

use std::path::Path;

use store::{Reads, Verified};

use super::verify_rows::verify_rows;
use crate::cli::VerifyArgs;
use crate::fault::{Fault, Tried as _};
use crate::progress;
use crate::store_url::StoreUrl;

pub async fn run(args: VerifyArgs) -> Result<(), Fault> {
    prove(match &args.store {
        Some(text) => StoreUrl::parse(text, Path::new("."))?,
        None => StoreUrl::Sqlite(args.data.join("lian.db")),
    })
    .await
}

/// Proves a store, and says what was proved and where its journals end.
pub async fn prove(url: StoreUrl) -> Result<(), Fault> {
    let reads = url.open_read_only()?;
    let bar = progress::bar("proving", "records");
    let shown = bar.clone();
    let progress = move |done, all| progress::show(&shown, done, all);
    // A snapshot, so that a gateway that goes on working meanwhile does not move the ground.
    let checked = tokio::task::spawn_blocking(move || check(&*reads, progress));
    let checked = checked.await.tried("the check was interrupted")?;
    bar.finish_and_clear();
    let (verified, objects) = checked?;
    println!(
        "The store holds: {} journal records chained without a gap, {} accounts and {} statistics recomputed, {} lines of statements, {objects} payments and refunds compared.",
        verified.records, verified.accounts, verified.counts, verified.postings
    );
    for (shard, seq, hash) in &verified.heads {
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("  shard {} ends at record {seq} with {hash}", shard.0);
    }
    Ok(())
}

/// Everything that can be recomputed, on a snapshot; and how many payments and refunds were compared.
fn check(reads: &dyn Reads, progress: impl FnMut(u64, u64)) -> Result<(Verified, usize), Fault> {
    let snapshot = reads.snapshot().tried("cannot read the store")?;
    let verified = store::verify(&*snapshot, progress).tried("the store does not hold")?;
    let objects = verify_rows(&*snapshot).tried("the store does not hold")?;
    Ok((verified, objects))
}
