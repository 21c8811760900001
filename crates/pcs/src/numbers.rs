//! Numbers that a bank must never see twice: STANs from durable blocks, RRNs from the clock and the STAN.

use std::collections::HashMap;
use std::ops::Range;

use store::Store;
use tokio::sync::Mutex;
use types::Timestamp;

use crate::CommandError;
use crate::hash::short_hash;

/// A crash skips what is left of a block, so it is small beside the million STANs of a terminal.
const BLOCK: u32 = 64;
/// DE 11 has six digits and 000000 is not used.
const STANS: u64 = 999_999;

/// Hands out STANs, one row of numbers a terminal.
#[derive(Default)]
pub(crate) struct Numbers {
    blocks: Mutex<HashMap<[u8; 16], Range<u64>>>,
}

impl Numbers {
    /// The next DE 11 of a terminal at a bank: 1 to 999999, then again from 1.
    pub async fn stan(&self, store: &Store, bank: &str, terminal: &str) -> Result<u32, CommandError> {
        let counter = short_hash(&["stan", bank, terminal]);
        let mut blocks = self.blocks.lock().await;
        let block = blocks.entry(counter).or_insert(0..0);
        if block.is_empty() {
            let start = store.reserve(counter, BLOCK).await?;
            *block = start..start + u64::from(BLOCK);
        }
        let number = block.start;
        block.start += 1;
        Ok((number % STANS) as u32 + 1)
    }
}

/// DE 37 where we assign it: last digit of the year, day of the year, hour, STAN (twelve digits).
pub(crate) fn rrn(now: Timestamp, stan: u32) -> String {
    let civil = now.utc();
    format!("{}{:03}{:02}{stan:06}", civil.year % 10, civil.day_of_year, civil.hour)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rrn_names_the_hour_and_the_stan() {
        assert_eq!(rrn(Timestamp::from_ms(1_796_113_800_007), 42), "633508000042");
    }
}
