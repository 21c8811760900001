//! Sealed records: one data key a record, wrapped under the purpose's key-encrypting key.
//!
//! | bytes | what                                                              |
//! |-------|-------------------------------------------------------------------|
//! | 1     | form, 1                                                           |
//! | 1     | purpose                                                           |
//! | 4     | version of the key-encrypting key, big-endian                     |
//! | 40    | data key under AES-256 key wrap (RFC 3394)                        |
//! | 12    | nonce                                                             |
//! | n     | AES-256-GCM ciphertext                                            |
//! | 16    | tag, over form, purpose, owner and record as associated data too  |
//!
//! The version is not among the associated data, so that rotation can wrap data keys anew without touching data; it is
//! bound all the same, because each version and purpose derives its own key-encrypting key. With a new data key for
//! each sealing no nonce can ever repeat under one key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use types::{Entropy, Secret};
use zeroize::Zeroizing;

use crate::VaultError;
use crate::keyring::{KeyBytes, Keyring, random};

const FORM: u8 = 1;
const WRAPPED_LEN: usize = 40;
const TAG_LEN: usize = 16;
const HEADER_LEN: usize = 1 + 1 + 4;
const OVERHEAD: usize = HEADER_LEN + WRAPPED_LEN + NONCE_LEN + TAG_LEN;

/// What a sealed record is for. Each purpose has its own keys: what was sealed for one cannot be opened as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A card number with its expiry date; through `Vault::seal_card` only.
    Card,
    /// A signing key of the certificate authority.
    CaKey,
    /// A key of a gateway node: opening payment instructions, signing answers, TLS.
    NodeKey,
    /// A merchant's webhook signing secret.
    WebhookSecret,
    /// A bank's transport key.
    BankKey,
    /// What a chip said of a sale that it approved offline, until the bank has heard of it.
    ChipData,
}

impl Purpose {
    /// The byte that stands for the purpose; never reused.
    pub(crate) const fn tag(self) -> u8 {
        match self {
            Self::Card => 1,
            Self::CaKey => 2,
            Self::NodeKey => 3,
            Self::WebhookSecret => 4,
            Self::BankKey => 5,
            Self::ChipData => 6,
        }
    }

    fn from_tag(tag: u8) -> Option<Self> {
        [Self::Card, Self::CaKey, Self::NodeKey, Self::WebhookSecret, Self::BankKey, Self::ChipData]
            .into_iter()
            .find(|purpose| purpose.tag() == tag)
    }
}

/// Which record a sealed text belongs to. It opens for this record and owner, and for no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// The merchant's number; 0 for the gateway itself.
    pub owner: u128,
    /// The number of the record.
    pub id: u128,
}

impl Record {
    /// A record of a merchant.
    pub const fn of(owner: u128, id: u128) -> Self {
        Self { owner, id }
    }

    /// A record of the gateway that has a name instead of a number, such as `ca/root` or `bank/cups-pos/tmk`.
    pub fn named(name: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, name.as_bytes());
        let mut id = [0; 16];
        id.copy_from_slice(&hash.as_ref()[..16]);
        Self { owner: 0, id: u128::from_be_bytes(id) }
    }

    fn associated_data(self, purpose: Purpose) -> [u8; 2 + 32] {
        let mut bytes = [0; 34];
        bytes[0] = FORM;
        bytes[1] = purpose.tag();
        bytes[2..18].copy_from_slice(&self.owner.to_be_bytes());
        bytes[18..].copy_from_slice(&self.id.to_be_bytes());
        bytes
    }
}

/// Seals `plain` for one purpose and record.
pub fn seal(
    keys: &Keyring,
    entropy: &dyn Entropy,
    purpose: Purpose,
    record: Record,
    plain: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let data_key = random(entropy);
    let mut nonce = [0; NONCE_LEN];
    entropy.fill(&mut nonce);

    let mut sealed = Vec::with_capacity(OVERHEAD + plain.len());
    push_header(&mut sealed, keys, purpose, &data_key)?;
    sealed.extend_from_slice(&nonce);
    let body = sealed.len();
    sealed.extend_from_slice(plain);
    let tag = cipher(&data_key)?
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(record.associated_data(purpose)),
            &mut sealed[body..],
        )
        .map_err(|_| VaultError::Crypto { doing: "sealing a record" })?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal`] made for the same purpose and record.
pub fn open(
    keys: &Keyring,
    purpose: Purpose,
    record: Record,
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>, VaultError> {
    let parts = Parts::read(sealed)?;
    if parts.purpose != purpose {
        return Err(VaultError::NotAuthentic);
    }
    let data_key = unwrap(keys, &parts)?;
    let mut plain = Zeroizing::new(parts.body.to_vec());
    let length = cipher(&data_key)?
        .open_in_place(
            Nonce::assume_unique_for_key(parts.nonce),
            Aad::from(record.associated_data(purpose)),
            &mut plain,
        )
        .map_err(|_| VaultError::NotAuthentic)?
        .len();
    plain.truncate(length);
    Ok(Secret::new(std::mem::take(&mut *plain)))
}

/// Wraps the record's data key under the current key version; `None` when it already is. The data is not opened.
pub fn rewrap(keys: &Keyring, sealed: &[u8]) -> Result<Option<Vec<u8>>, VaultError> {
    let parts = Parts::read(sealed)?;
    let data_key = unwrap(keys, &parts)?;
    if parts.version == keys.current {
        return Ok(None);
    }
    let mut again = Vec::with_capacity(sealed.len());
    push_header(&mut again, keys, parts.purpose, &data_key)?;
    again.extend_from_slice(&sealed[HEADER_LEN + WRAPPED_LEN..]);
    Ok(Some(again))
}

/// The key version that a record is sealed under.
pub fn version(sealed: &[u8]) -> Result<u32, VaultError> {
    Ok(Parts::read(sealed)?.version)
}

struct Parts<'a> {
    purpose: Purpose,
    version: u32,
    wrapped: &'a [u8],
    nonce: [u8; NONCE_LEN],
    /// Ciphertext and tag.
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(sealed: &'a [u8]) -> Result<Self, VaultError> {
        let short = VaultError::Form { rule: "too short" };
        if sealed.len() < OVERHEAD {
            return Err(short);
        }
        let (header, rest) = sealed.split_at(HEADER_LEN);
        let (wrapped, rest) = rest.split_at(WRAPPED_LEN);
        let Some((nonce, body)) = rest.split_first_chunk() else { return Err(short) };
        if header[0] != FORM {
            return Err(VaultError::Form { rule: "form is not 1" });
        }
        let purpose =
            Purpose::from_tag(header[1]).ok_or(VaultError::Form { rule: "purpose is not known" })?;
        let version = u32::from_be_bytes([header[2], header[3], header[4], header[5]]);
        Ok(Self { purpose, version, wrapped, nonce: *nonce, body })
    }
}

fn push_header(
    sealed: &mut Vec<u8>,
    keys: &Keyring,
    purpose: Purpose,
    data_key: &KeyBytes,
) -> Result<(), VaultError> {
    let failed = || VaultError::Crypto { doing: "wrapping a data key" };
    let mut wrapped = [0; WRAPPED_LEN];
    let kek = key_encrypting_key(keys, purpose, keys.current)?;
    let length = kek.wrap(data_key.as_slice(), &mut wrapped).map_err(|_| failed())?.len();
    if length != WRAPPED_LEN {
        return Err(failed());
    }
    sealed.extend_from_slice(&[FORM, purpose.tag()]);
    sealed.extend_from_slice(&keys.current.to_be_bytes());
    sealed.extend_from_slice(&wrapped);
    Ok(())
}

fn unwrap(keys: &Keyring, parts: &Parts<'_>) -> Result<KeyBytes, VaultError> {
    let mut data_key = Zeroizing::new([0; 32]);
    let kek = key_encrypting_key(keys, parts.purpose, parts.version)?;
    kek.unwrap(parts.wrapped, data_key.as_mut()).map_err(|_| VaultError::NotAuthentic)?;
    Ok(data_key)
}

fn key_encrypting_key(keys: &Keyring, purpose: Purpose, version: u32) -> Result<AesKek, VaultError> {
    let key = keys.key_encrypting_key(purpose, version).ok_or(VaultError::UnknownKeyVersion { version })?;
    AesKek::new(&AES_256, key.as_slice())
        .map_err(|_| VaultError::Crypto { doing: "taking up a wrapping key" })
}

fn cipher(data_key: &KeyBytes) -> Result<LessSafeKey, VaultError> {
    let key = UnboundKey::new(&AES_256_GCM, data_key.as_slice());
    key.map(LessSafeKey::new).map_err(|_| VaultError::Crypto { doing: "taking up a data key" })
}
