//! Numbers that a bank must not see twice while it remembers: STANs, from durable blocks. A block has an end in time, too: a
//! process that hardly uses a terminal must not come back to old numbers when the others have gone once around.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;
use store::Store;
use tokio::sync::Mutex as AsyncMutex;
use types::Timestamp;

use crate::CommandError;
use crate::hash::short_hash;

/// A crash skips what is left of a block, so it is small beside the million STANs of a terminal; taking one is a commit
/// that payments wait for, so it is not tiny.
const BLOCK: u32 = 1_000;
/// How long a block is good. Others would have to use a million numbers of the terminal meanwhile, 1,600 a second, to meet it.
const BLOCK_MS: i64 = 600_000;
/// DE 11 has six digits and 000000 is not used.
const STANS: u64 = 999_999;

/// What is left of a terminal's block. Its lock is held while a new one is taken, so that it is taken once; the other
/// terminals go on.
type Block = Arc<AsyncMutex<Left>>;

struct Left {
    numbers: Range<u64>,
    taken: Timestamp,
}

/// Hands out STANs, one row of numbers a terminal.
#[derive(Default)]
pub(crate) struct Numbers {
    blocks: Mutex<HashMap<[u8; 16], Block>>,
}

impl Numbers {
    /// The next DE 11 of a terminal at a bank: 1 to 999999, then again from 1.
    pub async fn stan(
        &self,
        store: &Store,
        bank: &str,
        terminal: &str,
        now: Timestamp,
    ) -> Result<u32, CommandError> {
        let counter = short_hash(&["stan", bank, terminal]);
        let nothing = || Arc::new(AsyncMutex::new(Left { numbers: 0..0, taken: now }));
        let block = Arc::clone(self.blocks.lock().entry(counter).or_insert_with(nothing));
        let mut block = block.lock().await;
        // A clock that was set back makes the age negative: then a new block is taken, too.
        let is_good = (0..BLOCK_MS).contains(&now.ms_since(block.taken));
        if block.numbers.is_empty() || !is_good {
            let start = store.reserve(counter, BLOCK).await?;
            *block = Left { numbers: start..start + u64::from(BLOCK), taken: now };
        }
        let number = block.numbers.start;
        block.numbers.start += 1;
        Ok((number % STANS) as u32 + 1)
    }
}

#[cfg(test)]
mod tests {
    use store::Memory;

    use super::*;

    const START: Timestamp = Timestamp::from_ms(1_796_113_800_000);

    #[tokio::test]
    async fn a_process_that_idles_does_not_come_back_to_old_numbers() {
        let (engine, reads) = Memory::new(1, 7).open();
        let store = Store::inline(engine, reads);
        let (busy, idle) = (Numbers::default(), Numbers::default());
        let stan = async |numbers: &Numbers, now| numbers.stan(&store, "bank", "1", now).await.unwrap();
        assert_eq!(stan(&idle, START).await, 1);
        for expected in 1_001..=3_000 {
            assert_eq!(stan(&busy, START).await, expected);
        }
        assert_eq!(stan(&idle, START.plus_ms(BLOCK_MS - 1)).await, 2, "its block is still good");
        assert_eq!(stan(&idle, START.plus_ms(BLOCK_MS)).await, 3_001, "and now it is over");
        assert_eq!(stan(&idle, START).await, 4_001, "a clock that was set back makes no block young");
    }

    #[tokio::test]
    async fn the_highest_number_is_followed_by_one() {
        let (engine, reads) = Memory::new(1, 7).open();
        let store = Store::inline(engine, reads);
        store.reserve(short_hash(&["stan", "bank", "1"]), 999_998).await.unwrap();
        let numbers = Numbers::default();
        let mut stans = Vec::new();
        for _ in 0..3 {
            stans.push(numbers.stan(&store, "bank", "1", START).await.unwrap());
        }
        assert_eq!(stans, [999_999, 1, 2]);
    }
}
