//! `lian explain`: a payment's whole life, from the journal. The gateway may be running or not: only reads are made.

use std::sync::Arc;

use hostlink::shipped_bank;
use pcs::HistoryItem;
use serde_json::json;
use store::{Reads, Shard};

use crate::cli::ExplainArgs;
use crate::fault::{Fault, Tried as _};
use crate::tour::timeline;

pub async fn run(args: ExplainArgs) -> Result<(), Fault> {
    let path = args.data.join("lian.db");
    if !path.exists() {
        return Err(Fault::plain(format!("there is no store at {}", path.display())));
    }
    let reads = store::open_sqlite_read_only(&path).tried(format!("cannot open {}", path.display()))?;
    let items = life(&*reads, args.payment.to_u128())?;
    if items.is_empty() {
        return Err(Fault::plain(format!("there is no payment {}", args.payment)));
    }
    timeline(&json!({ "data": items.iter().map(api::body::timeline_item).collect::<Vec<_>>() }));
    Ok(())
}

/// Every record about the payment. Its merchant is not known here, so each shard is asked.
fn life(reads: &dyn Reads, payment: u128) -> Result<Vec<HistoryItem>, Fault> {
    let dialect = |bank: &str| shipped_bank(bank).ok().map(|profile| Arc::clone(profile.dialect()));
    for shard in 0..reads.shards() {
        let records = reads.history(Shard(shard), payment).tried("cannot read the store")?;
        if !records.is_empty() {
            let items = records
                .into_iter()
                .map(|record| HistoryItem::read(record, &dialect))
                .collect::<Result<_, _>>();
            return items.tried("cannot read a record of this payment");
        }
    }
    Ok(Vec::new())
}
