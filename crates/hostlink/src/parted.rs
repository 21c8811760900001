//! A map in many small parts. A single one is now and then made anew at twice its size while everybody waits: keys are remembered
//! for minutes, and with a quarter of a million of them that took 84 to 168 ms (measured).

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

const PARTS: usize = 1_024;

pub(crate) struct Parted<K, V> {
    parts: Vec<HashMap<K, V>>,
    which: RandomState,
}

impl<K: Eq + Hash, V> Parted<K, V> {
    pub fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| HashMap::new()).collect(), which: RandomState::new() }
    }

    fn part(&self, key: &K) -> usize {
        // The parts hash with seeds of their own.
        self.which.hash_one(key) as usize % PARTS
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.parts[self.part(key)].get(key)
    }

    pub fn insert(&mut self, key: K, value: V) {
        let part = self.part(&key);
        self.parts[part].insert(key, value);
    }

    pub fn remove(&mut self, key: &K) {
        let part = self.part(key);
        self.parts[part].remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map() {
        let mut map = Parted::new();
        (0..10_000).for_each(|key| map.insert(key, key + 1));
        map.insert(7, 0);
        map.remove(&8);
        assert_eq!(
            (map.get(&7), map.get(&8), map.get(&9), map.get(&10_000)),
            (Some(&0), None, Some(&10), None)
        );
    }
}
