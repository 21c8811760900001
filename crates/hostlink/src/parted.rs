//! A map in many small parts. A single one is now and then made anew at twice its size while everybody waits: keys are remembered
//! for minutes, and with a quarter of a million of them that took 84 to 168 ms (measured).

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

const PARTS: usize = 1_024;

/// For keys that hash to one number, which is good already: a hash that was taken when the key was made, or a serial number.
#[derive(Clone, Copy, Default)]
pub(crate) struct OneNumber(u64);

impl Hasher for OneNumber {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, number: u64) {
        // Serial numbers differ in their low bits only; the map tells keys apart by their high ones, too.
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Hashes with [`OneNumber`].
pub(crate) type ByNumber = BuildHasherDefault<OneNumber>;

pub(crate) struct Parted<K, V> {
    parts: Vec<HashMap<K, V, ByNumber>>,
}

impl<K: Eq + Hash, V> Parted<K, V> {
    pub fn new() -> Self {
        Self { parts: (0..PARTS).map(|_| HashMap::default()).collect() }
    }

    fn part(key: &K) -> usize {
        // From the middle: the part's own map goes by the low bits and the highest.
        (ByNumber::default().hash_one(key) >> 32) as usize % PARTS
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.parts[Self::part(key)].get(key)
    }

    pub fn insert(&mut self, key: K, value: V) {
        self.parts[Self::part(&key)].insert(key, value);
    }

    pub fn remove(&mut self, key: &K) {
        self.parts[Self::part(key)].remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map() {
        let mut map = Parted::new();
        (0..10_000u64).for_each(|key| map.insert(key, key + 1));
        map.insert(7, 0);
        map.remove(&8);
        assert_eq!(
            (map.get(&7), map.get(&8), map.get(&9), map.get(&10_000)),
            (Some(&0), None, Some(&10), None)
        );
    }

    #[test]
    fn serial_numbers_spread_over_the_parts() {
        let mut map = Parted::new();
        (0..100_000u64).for_each(|key| map.insert(key, ()));
        let sizes = map.parts.iter().map(HashMap::len);
        assert!(sizes.clone().min() > Some(40) && sizes.max() < Some(200));
    }
}
