//! The secrets of the key file, and the keys derived from them.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use parking_lot::Mutex;
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
    /// What was derived from them, since each payment needs three of them.
    derived: Derived,
}

/// Keys that were derived once. They depend on nothing but the secrets, which never change under their version.
#[derive(Default)]
struct Derived {
    api_keys: OnceLock<hmac::Key>,
    card_fingerprints: OnceLock<hmac::Key>,
    key_encrypting: Mutex<BTreeMap<(u8, u32), KeyBytes>>,
}

/// What an index is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// Hashes of API keys.
    ApiKey,
    /// Fingerprints of cards.
    CardFingerprint,
}

impl Keyring {
    /// A ring of these keys.
    pub fn new(index: KeyBytes, roots: BTreeMap<u32, KeyBytes>, current: u32) -> Self {
        Self { index, roots, current, derived: Derived::default() }
    }

    /// A new ring with one root key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::new(random(entropy), BTreeMap::from([(1, random(entropy))]), 1)
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
        let mut known = self.derived.key_encrypting.lock();
        let key = known.entry((purpose.tag(), version)).or_insert_with(|| {
            expand(root, &[b"lian vault kek 1", &[purpose.tag()], &version.to_be_bytes()])
        });
        Some(key.clone())
    }

    /// The key that protects the key blocks of one terminal. The terminal goes into the derivation, so that its block opens
    /// for no other.
    pub fn key_block_key(&self, record: crate::Record, version: u32) -> Option<KeyBytes> {
        let root = self.roots.get(&version)?;
        let (owner, id) = (record.owner.to_be_bytes(), record.id.to_be_bytes());
        Some(expand(root, &[b"lian vault kbpk 1", &version.to_be_bytes(), &owner, &id]))
    }

    /// The key of an index.
    pub fn index_key(&self, index: Index) -> &hmac::Key {
        let (known, usage) = match index {
            Index::ApiKey => (&self.derived.api_keys, "api key"),
            Index::CardFingerprint => (&self.derived.card_fingerprints, "card fingerprint"),
        };
        known.get_or_init(|| {
            let key = expand(&self.index, &[b"lian vault index 1", usage.as_bytes()]);
            hmac::Key::new(hmac::HMAC_SHA256, key.as_slice())
        })
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
