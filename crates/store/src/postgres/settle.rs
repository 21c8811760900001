//! How a COMMIT ended whose answer was lost with its connection.

use std::collections::HashMap;
use std::time::Duration;

use super::columns::{at, bytes};
use super::connect::{Conn, Target, words};
use super::fetch::LOCK;
use crate::plan::Plan;
use crate::{Shard, StoreError};

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) enum Ending {
    Written,
    NotWritten,
    /// The database cannot be asked, or others have written since and left no trace of the batch to look for.
    Unknown(String),
}

/// Connects anew, for as long as `within`, and looks.
pub(super) async fn settle(
    target: &Target,
    plan: &Plan<'_>,
    turns: &HashMap<Shard, i64>,
    batch: &[u8; 16],
    within: Duration,
) -> Ending {
    let mut last = "the database could not be reached again".to_owned();
    let looking = async {
        loop {
            match target.connect().await {
                Ok(conn) => match look(&conn, plan, turns, batch).await {
                    Ok(ending) => return ending,
                    Err(error) => last = error.to_string(),
                },
                Err(error) => last = error,
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(within, looking).await {
        Ok(ending) => ending,
        Err(_) => Ending::Unknown(last),
    }
}

async fn look(
    conn: &Conn,
    plan: &Plan<'_>,
    turns: &HashMap<Shard, i64>,
    batch: &[u8; 16],
) -> Result<Ending, StoreError> {
    let read = |error: tokio_postgres::Error| StoreError::Read(words(&error));
    // One shard tells for all; best one whose journal grew.
    let grew = plan.heads.iter().find(|(_, (before, after))| before.seq < after.seq);
    let Some((&shard, (before, after))) = grew.or_else(|| plan.heads.iter().next()) else {
        return Ok(Ending::NotWritten);
    };
    // The lock waits for the end of the transaction in question, should the server still be at it.
    conn.client.batch_execute("BEGIN").await.map_err(read)?;
    let rows = conn.query(LOCK, &[&vec![shard.0 as i16]]).await.map_err(read)?;
    let last = conn.query("SELECT batch FROM shard_head WHERE shard = $1", &[&(shard.0 as i16)]).await;
    let last = last.map_err(read)?;
    let (Some(row), Some(last)) = (rows.first(), last.first()) else {
        return Err(StoreError::Damaged(format!("{shard:?} has no head")));
    };
    let turn: i64 = at(row, 4)?;
    if bytes::<16>(last, 0)? == *batch {
        return Ok(Ending::Written);
    }
    if turns.get(&shard) == Some(&turn) {
        return Ok(Ending::NotWritten);
    }
    if before.seq == after.seq {
        return Ok(Ending::Unknown(format!("others have written to {shard:?} since")));
    }
    // Others have written since; the journal knows whether the batch's last record is in it.
    let sql = "SELECT hash FROM journal WHERE shard = $1 AND seq = $2";
    let found = conn.query(sql, &[&(shard.0 as i16), &(after.seq as i64)]).await.map_err(read)?;
    let ours = found.first().map(|row| bytes::<32>(row, 0)).transpose()? == Some(after.hash);
    Ok(if ours { Ending::Written } else { Ending::NotWritten })
}
