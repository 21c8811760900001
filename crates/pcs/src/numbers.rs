//! Numbers that a bank must not see twice while it remembers: STANs, from durable blocks.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use store::Store;
use tokio::sync::Mutex as AsyncMutex;

use crate::CommandError;
use crate::hash::short_hash;

/// A crash skips what is left of a block, so it is small beside the million STANs of a terminal; taking one is a commit
/// that payments wait for, so it is not tiny.
const BLOCK: u32 = 1_000;
/// DE 11 has six digits and 000000 is not used.
const STANS: u64 = 999_999;

/// What is left of a terminal's block. Its lock is held while a new one is taken, so that it is taken once; the other
/// terminals go on.
type Block = Arc<AsyncMutex<Range<u64>>>;

/// Hands out STANs, one row of numbers a terminal.
#[derive(Default)]
pub(crate) struct Numbers {
    blocks: Mutex<HashMap<[u8; 16], Block>>,
}

impl Numbers {
    /// The next DE 11 of a terminal at a bank: 1 to 999999, then again from 1.
    pub async fn stan(&self, store: &Store, bank: &str, terminal: &str) -> Result<u32, CommandError> {
        let counter = short_hash(&["stan", bank, terminal]);
        let block = Arc::clone(self.blocks.lock().entry(counter).or_default());
        let mut block = block.lock().await;
        if block.is_empty() {
            let start = store.reserve(counter, BLOCK).await?;
            *block = start..start + u64::from(BLOCK);
        }
        let number = block.start;
        block.start += 1;
        Ok((number % STANS) as u32 + 1)
    }
}
