//! What the rules ask of the maps.

use ledger::{AccountId, Balance};

use super::state::State;
use crate::plan::{Base, ClaimPlace, Claimed, CountKey};
use crate::{Head, RowKey, Shard, StoreError};

impl Base for State {
    fn shards(&self) -> u16 {
        self.heads.len() as u16
    }

    fn head(&mut self, shard: Shard) -> Result<Head, StoreError> {
        Ok(self.heads[usize::from(shard.0)])
    }

    fn version(&mut self, shard: Shard, key: &RowKey) -> Result<Option<u32>, StoreError> {
        Ok(self.rows.get(&(shard, *key)).map(|(version, _)| *version))
    }

    fn alias(&mut self, shard: Shard, space: u8, key: &[u8; 16]) -> Result<Option<RowKey>, StoreError> {
        Ok(self.aliases.get(&(shard, space, *key)).copied())
    }

    fn claim(&mut self, shard: Shard, key: &[u8; 16]) -> Result<Option<Claimed>, StoreError> {
        let Some(&place) = self.claim_index.get(&(shard, *key)) else { return Ok(None) };
        Ok(self.claims.get(&(shard, place)).map(|(claim, answer)| Claimed {
            place,
            digest: claim.digest,
            subject: claim.subject,
            answer: answer.clone(),
        }))
    }

    fn next_claim(&mut self, shard: Shard, day: i32) -> Result<u32, StoreError> {
        let (first, last) = (ClaimPlace { day, number: 0 }, ClaimPlace { day, number: u32::MAX });
        let newest = self.claims.range((shard, first)..=(shard, last)).next_back();
        Ok(newest.map_or(0, |((_, place), _)| place.number + 1))
    }

    fn balance(&mut self, shard: Shard, account: &AccountId) -> Result<Balance, StoreError> {
        Ok(self.balances.get(&(shard, *account)).copied().unwrap_or_default())
    }

    fn count(&mut self, shard: Shard, key: &CountKey) -> Result<(i64, i64), StoreError> {
        Ok(self.counts.get(&(shard, *key)).copied().unwrap_or_default())
    }

    fn cursor(&mut self, shard: Shard, consumer: &str) -> Result<u64, StoreError> {
        Ok(self.cursors.get(&(shard, consumer.to_owned())).copied().unwrap_or(0))
    }

    fn counter(&mut self, shard: Shard, counter: &[u8; 16]) -> Result<u64, StoreError> {
        Ok(self.counters.get(&(shard, *counter)).copied().unwrap_or(0))
    }
}
