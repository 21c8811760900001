//! The endpoints of the merchants whose events were told of late, so that a busy merchant's are not listed for each stretch
//! of the journal. Whoever follows the journal sees there when they change, so what is remembered is never old.

use std::collections::HashMap;

use parking_lot::Mutex;
use pcs::model::WebhookEndpoint;
use types::MerchantId;

/// How many merchants are remembered; then all are forgotten.
const MOST: usize = 10_000;

/// Of each shard.
#[derive(Default)]
pub(super) struct Endpoints {
    shards: Mutex<HashMap<u16, Remembered>>,
}

/// As they were at a place of the journal.
#[derive(Default)]
pub(super) struct Remembered {
    next_seq: u64,
    pub of: HashMap<MerchantId, Vec<WebhookEndpoint>>,
}

impl Endpoints {
    /// What is still true for a stretch that begins at `from` and in which something was `set_up` for some merchants. When
    /// another process has dealt with what lies between, nothing is.
    pub fn take(&self, shard: u16, from: u64, set_up: &[MerchantId]) -> Remembered {
        let mut known = self.shards.lock().remove(&shard).unwrap_or_default();
        if known.next_seq != from || known.of.len() > MOST {
            known.of.clear();
        }
        for merchant in set_up {
            known.of.remove(merchant);
        }
        known
    }

    /// What was learned, and from where on it is of use.
    pub fn put(&self, shard: u16, next_seq: u64, known: Remembered) {
        self.shards.lock().insert(shard, Remembered { next_seq, ..known });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_is_remembered_until_something_is_set_up_or_a_stretch_is_missed() {
        let [one, two] = [1, 2].map(MerchantId::from_u128);
        let endpoints = Endpoints::default();
        let mut known = endpoints.take(0, 1, &[]);
        known.of.insert(one, Vec::new());
        known.of.insert(two, Vec::new());
        endpoints.put(0, 11, known);
        let known = endpoints.take(0, 11, &[two]);
        assert!(known.of.contains_key(&one) && !known.of.contains_key(&two));
        endpoints.put(0, 21, known);
        assert!(endpoints.take(0, 31, &[]).of.is_empty());
    }
}
