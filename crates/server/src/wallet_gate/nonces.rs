//! Nonces of signatures, remembered for as long as a replay could be believed. A restart forgets them; what a replay could
//! do is stopped by the idempotency key and by LINK, which the store remembers.

use std::collections::HashMap;

use parking_lot::Mutex;
use pki::KeyId;
use types::Timestamp;

/// The memory is swept when it has grown by this much.
const SWEEP: usize = 4_096;

/// Nonces that were used.
#[derive(Default)]
pub struct Nonces(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    used: HashMap<(KeyId, String), Timestamp>,
    since_sweep: usize,
}

impl Nonces {
    /// Whether this key uses this nonce for the first time; remembers it until `expires`.
    pub fn first_use(&self, key: &KeyId, nonce: &str, expires: Timestamp, now: Timestamp) -> bool {
        let mut memory = self.0.lock();
        memory.since_sweep += 1;
        if memory.since_sweep >= SWEEP {
            memory.since_sweep = 0;
            memory.used.retain(|_, expires| *expires > now);
        }
        memory.used.insert((*key, nonce.to_owned()), expires).is_none()
    }
}
