//! The secrets of the key file, and the keys derived from them.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use types::Entropy;
use zeroize::Zeroizing;

use crate::Purpose;

/// 256 bits of a key, wiped when dropped.
pub type KeyBytes = Zeroizing<[u8; 32]>;

/// Root keys by version, and the secret that indexes are keyed with.
pub struct Keyring {
    /// Never changes: fingerprints and hashes made with it are looked up for as long as they are kept.
    pub index: KeyBytes,
    /// Older versions stay until no record is sealed under them.
    pub roots: BTreeMap<u32, KeyBytes>,
    /// The version that new records are sealed under.
    pub current: u32,
}

impl Keyring {
    /// A new ring with one root key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self { index: random(entropy), roots: BTreeMap::from([(1, random(entropy))]), current: 1 }
    }

    /// Adds a root key and makes it the current one. `None` when versions have run out.
    pub fn rotate(&mut self, entropy: &dyn Entropy) -> Option<u32> {
        let next = self.roots.last_key_value()?.0.checked_add(1)?;
        self.roots.insert(next, random(entropy));
        self.current = next;
        Some(next)
    }

    /// The key-encrypting key of a purpose and version. Version and purpose go into the derivation, so that a record
    /// whose header names another version or purpose unwraps to nothing.
    pub fn key_encrypting_key(&self, purpose: Purpose, version: u32) -> Option<KeyBytes> {
        let root = self.roots.get(&version)?;
        Some(expand(root, &[b"lian vault kek 1", &[purpose.tag()], &version.to_be_bytes()]))
    }

    /// A key for indexes of one use.
    pub fn index_key(&self, usage: &'static str) -> hmac::Key {
        hmac::Key::new(
            hmac::HMAC_SHA256,
            expand(&self.index, &[b"lian vault index 1", usage.as_bytes()]).as_slice(),
        )
    }
}

/// 32 random bytes.
pub fn random(entropy: &dyn Entropy) -> KeyBytes {
    let mut bytes = Zeroizing::new([0; 32]);
    entropy.fill(bytes.as_mut());
    bytes
}

/// HKDF-Expand with SHA-256 (RFC 5869 section 2.3) to one block. Extraction is not needed: the secret is already a
/// uniformly random key. Each part of the label is preceded by its length, so that no two labels read alike.
fn expand(secret: &KeyBytes, label: &[&[u8]]) -> KeyBytes {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice()));
    for part in label {
        context.update(&(part.len() as u32).to_be_bytes());
        context.update(part);
    }
    context.update(&[1]);
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(context.sign().as_ref());
    key
}
