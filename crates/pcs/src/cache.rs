//! Rows that hardly ever change, remembered for a moment. Another node's change is seen once the moment is over.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use types::Timestamp;

const KEPT_MS: i64 = 2_000;
const MOST: usize = 10_000;

pub(crate) struct Cache<K, V> {
    kept: Mutex<HashMap<K, (Timestamp, Arc<V>)>>,
}

impl<K: Eq + Hash, V> Cache<K, V> {
    pub fn new() -> Self {
        Self { kept: Mutex::new(HashMap::new()) }
    }

    pub fn get(&self, key: &K, now: Timestamp) -> Option<Arc<V>> {
        let kept = self.kept.lock();
        let (since, value) = kept.get(key)?;
        // A clock that was set back makes the age negative: then ask again, too.
        (0..KEPT_MS).contains(&now.ms_since(*since)).then(|| Arc::clone(value))
    }

    pub fn keep(&self, key: K, value: V, now: Timestamp) -> Arc<V> {
        let value = Arc::new(value);
        let mut kept = self.kept.lock();
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(key, (now, Arc::clone(&value)));
        value
    }

    pub fn forget(&self, key: &K) {
        self.kept.lock().remove(key);
    }
}
