//! `lian migrate`: from the embedded store to PostgreSQL.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use store::Moved;

use crate::cli::MigrateArgs;
use crate::fault::{Fault, Tried as _};
use crate::progress;
use crate::store_url::StoreUrl;

pub async fn run(args: MigrateArgs) -> Result<(), Fault> {
    let here = Path::new(".");
    let (StoreUrl::Sqlite(from), StoreUrl::Postgres(to)) =
        (StoreUrl::parse(&args.from, here)?, StoreUrl::parse(&args.to, here)?)
    else {
        return Err(Fault::plain("a store is moved --from sqlite:FILE --to postgres://…"));
    };
    let (bar, started) = (progress::bar("moving", "rows"), Instant::now());
    let shown = bar.clone();
    let moving = tokio::task::spawn_blocking(move || {
        let told = |Moved { step, done, all }: Moved| {
            shown.set_message(step);
            progress::show(&shown, done, all);
            ControlFlow::Continue(())
        };
        store::move_to_postgres(&from, to.expose(), told)
    });
    let proof = moving.await.tried("the move was interrupted")?.tried("the store was not moved")?;
    bar.finish_and_clear();
    let Some(proof) = proof else { return Err(Fault::plain("the move was broken off")) };
    println!("Moved, and read back from both ({:.1} s). Both hold:", started.elapsed().as_secs_f64());
    for (table, checksum) in &proof.tables {
        let sum: String = checksum.sum.iter().map(|part| format!("{part:016x}")).collect();
        println!("  {table:<9} {:>12} rows  {sum}", checksum.rows);
    }
    for (shard, seq, hash) in &proof.heads {
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        println!("  shard {} ends at record {seq} with {hash}", shard.0);
    }
    println!(
        "Serve the database from now on, with the same vault key file; the old file must not be served again."
    );
    Ok(())
}
