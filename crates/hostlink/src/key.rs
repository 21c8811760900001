//! The key that ties an answer to its request.

use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::sync::{Arc, LazyLock};

use iso8583::{Fields, Message};

/// Message class and the values of the bank's matching fields, as both ends encode them. Every part is required: an
/// absent one makes no shorter key, it makes none.
///
/// A key is looked up and remembered several times, so its hash is taken once and its copies share their bytes.
#[derive(Clone)]
pub(crate) struct MatchKey {
    hash: u64,
    bytes: Arc<[u8]>,
}

static SEEDS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

impl MatchKey {
    /// The key of a message, or the field that is missing.
    pub fn of(message: &Message<'_>, fields: &[u8]) -> Result<Self, u8> {
        let mut key = Vec::with_capacity(64);
        key.push(message.mti().class());
        for &de in fields {
            let value = message.get(de).ok_or(de)?;
            // The length before each value keeps "12" + "3" and "1" + "23" apart.
            key.extend_from_slice(&(value.len() as u16).to_be_bytes());
            key.extend(value.characters());
        }
        Ok(Self::of_bytes(&key))
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Self { hash: SEEDS.hash_one(bytes), bytes: bytes.into() }
    }

    #[cfg(test)]
    pub fn of_text(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }
}

impl PartialEq for MatchKey {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.bytes == other.bytes
    }
}

impl Eq for MatchKey {}

impl Hash for MatchKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// Tells whether two requests are the same message, the second perhaps with the repeat message type.
pub(crate) fn fingerprint(fields: &Fields) -> u64 {
    let mut hasher = DefaultHasher::new();
    fields.mti().repeat().as_str().hash(&mut hasher);
    for pair in fields.iter() {
        pair.hash(&mut hasher);
    }
    hasher.finish()
}
