//! The vault: what the rest of the gateway may ask of keys.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use card::{Expiry, Pan};
use types::{Entropy, Secret};

use crate::bank::{KeyFamily, TransportKey};
use crate::cards::{self, Fingerprint, SealedCard};
use crate::keyring::{Index, Keyring};
use crate::seal::{self, Purpose, Record};
use crate::{VaultError, key_file};

/// Holds the keys of one key file. Sharing it between threads needs no lock; only [`Vault::rotate`] changes it.
pub struct Vault {
    pub(crate) keys: Keyring,
    path: PathBuf,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Vault {
    /// Opens the key file at `path`.
    ///
    /// # Errors
    /// [`VaultError`] when there is none, when others than its owner may read it, or when it is not whole.
    pub fn open(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, VaultError> {
        let keys = key_file::read(path)?.ok_or_else(|| VaultError::Io {
            doing: "open it",
            path: path.to_owned(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        Ok(Self { keys, path: path.to_owned(), entropy })
    }

    /// Opens the key file at `path`, or makes one with new keys (mode 0600) when there is none.
    ///
    /// New keys open nothing that was sealed before: a gateway that already has a database should use [`Vault::open`].
    ///
    /// # Errors
    /// As [`Vault::open`], and when the file cannot be created.
    pub fn open_or_create(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self, VaultError> {
        if key_file::read(path)?.is_none() {
            key_file::create(path, &Keyring::generate(&*entropy), &*entropy)?;
        }
        // Read back what stands there: another process may have been first.
        Self::open(path, entropy)
    }

    /// The key version that new records are sealed under.
    pub const fn key_version(&self) -> u32 {
        self.keys.current
    }

    /// Adds a root key to the key file, durably, and seals under it from now on. Records sealed before stay readable;
    /// [`Vault::rewrap`] moves them. Other processes see the new key when they open the file again, so rotate first
    /// and let them restart before anything new is sealed that they must read.
    ///
    /// # Errors
    /// [`VaultError`] when the key file cannot be replaced; the vault then goes on with the keys it had.
    pub fn rotate(&mut self) -> Result<u32, VaultError> {
        // What another process added since must not be lost: a root key that is gone takes its records along.
        let _lock = key_file::lock(&self.path)?;
        let mut keys = key_file::read(&self.path)?.ok_or_else(|| VaultError::KeyFile {
            path: self.path.clone(),
            rule: "it has been removed since it was opened",
        })?;
        let version = keys.rotate(&*self.entropy).ok_or_else(|| VaultError::KeyFile {
            path: self.path.clone(),
            rule: "its key versions have run out",
        })?;
        key_file::replace(&self.path, &keys, &*self.entropy)?;
        self.keys = keys;
        Ok(version)
    }

    /// The record with its data key wrapped under the current key version; `None` when it already is. What is sealed
    /// is neither opened nor changed.
    ///
    /// # Errors
    /// [`VaultError`] when the record's header was altered or its key version is not held.
    pub fn rewrap(&self, sealed: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
        seal::rewrap(&self.keys, sealed)
    }

    /// The key version that a record is sealed under, so that a rotation can see what is left to do.
    ///
    /// # Errors
    /// [`VaultError::Form`] when the bytes are not a sealed record.
    pub fn sealed_version(&self, sealed: &[u8]) -> Result<u32, VaultError> {
        seal::version(sealed)
    }

    /// Seals a card number for one merchant's record.
    ///
    /// # Errors
    /// [`VaultError::Crypto`] when the cryptographic library fails.
    pub fn seal_card(&self, pan: &Pan, expiry: Expiry, record: Record) -> Result<SealedCard, VaultError> {
        cards::seal_card(&self.keys, &*self.entropy, pan, expiry, record)
    }

    /// Opens a card number sealed for this record. Each call shows a card number: the caller records who and why.
    ///
    /// # Errors
    /// [`VaultError`] when the bytes were altered or belong to another record or merchant.
    pub fn open_card(&self, sealed: &[u8], record: Record) -> Result<(Pan, Expiry), VaultError> {
        cards::open_card(&self.keys, sealed, record)
    }

    /// The fingerprint by which one merchant recognises a card it has seen.
    pub fn card_fingerprint(&self, pan: &Pan, owner: u128) -> Fingerprint {
        cards::fingerprint(&self.keys, pan, owner)
    }

    /// The fingerprint by which the gateway recognises a card at whatever merchant, for velocity and risk rules. It is
    /// never shown to a merchant.
    pub fn gateway_fingerprint(&self, pan: &Pan) -> Fingerprint {
        cards::fingerprint(&self.keys, pan, 0)
    }

    /// Seals bytes of a purpose for one record.
    ///
    /// # Errors
    /// [`VaultError::Form`] for [`Purpose::Card`], which has its own way in; [`VaultError::Crypto`] when the
    /// cryptographic library fails.
    pub fn seal_bytes(&self, purpose: Purpose, record: Record, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        refuse_card(purpose)?;
        seal::seal(&self.keys, &*self.entropy, purpose, record, plain)
    }

    /// Opens bytes sealed for this purpose and record.
    ///
    /// # Errors
    /// [`VaultError`] when the bytes were altered or belong to another purpose, record or owner.
    pub fn open_bytes(
        &self,
        purpose: Purpose,
        record: Record,
        sealed: &[u8],
    ) -> Result<Secret<Vec<u8>>, VaultError> {
        refuse_card(purpose)?;
        seal::open(&self.keys, purpose, record, sealed)
    }

    /// Seals a bank's transport key.
    ///
    /// # Errors
    /// [`VaultError::Crypto`] when the cryptographic library fails.
    pub fn seal_transport_key(&self, key: &TransportKey, record: Record) -> Result<Vec<u8>, VaultError> {
        let mut plain = zeroize::Zeroizing::new(Vec::with_capacity(1 + key.bytes().len()));
        plain.push(key.family().tag());
        plain.extend_from_slice(key.bytes());
        self.seal_bytes(Purpose::BankKey, record, &plain)
    }

    /// Opens a bank's transport key sealed for this record.
    ///
    /// # Errors
    /// [`VaultError`] when the bytes were altered or belong to another record.
    pub fn open_transport_key(&self, sealed: &[u8], record: Record) -> Result<TransportKey, VaultError> {
        let plain = self.open_bytes(Purpose::BankKey, record, sealed)?;
        let wrong = VaultError::Form { rule: "what was sealed is not a transport key" };
        let Some((&tag, bytes)) = plain.expose().split_first() else { return Err(wrong) };
        let family = KeyFamily::from_tag(tag);
        family.and_then(|family| TransportKey::from_bytes(family, bytes).ok()).ok_or(wrong)
    }

    /// The keyed hash under which an API key is stored and looked up. The key itself is not kept.
    pub fn api_key_hash(&self, api_key: &str) -> [u8; 32] {
        let tag = hmac::sign(self.keys.index_key(Index::ApiKey), api_key.as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(tag.as_ref());
        hash
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(key version {})", self.keys.current)
    }
}

fn refuse_card(purpose: Purpose) -> Result<(), VaultError> {
    match purpose {
        Purpose::Card => {
            Err(VaultError::Form { rule: "cards are sealed by seal_card and opened by open_card" })
        }
        Purpose::CaKey | Purpose::NodeKey | Purpose::WebhookSecret | Purpose::BankKey | Purpose::ChipData => {
            Ok(())
        }
    }
}
