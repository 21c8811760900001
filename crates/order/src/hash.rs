//! Hashes with their domains, and salts.

use std::fmt;

use pki::b64;
use pki::sha256::sha256_of;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::Entropy;

/// Domain of the hash of order information.
pub(crate) const ORDER: &[u8] = b"lian/oi/v1\0";
/// Domain of the hash of a payment instruction.
pub(crate) const INSTRUCTION: &[u8] = b"lian/pi/v1\0";
/// Domain of the passkey's challenge.
pub(crate) const LINK: &[u8] = b"lian/link/v1\0";
/// Domain of the hash of evidence.
pub(crate) const EVIDENCE: &[u8] = b"lian/evidence/v1\0";
/// Domain of the witness's signature.
pub(crate) const WITNESS: &[u8] = b"lian/witness/v1\0";

/// A SHA-256 over a domain and canonical bytes; travels as 43 letters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The hash of `bytes` in a domain. Domains end in a zero byte, which no canonical JSON contains.
    pub(crate) fn of(domain: &[u8], bytes: &[u8]) -> Self {
        Self(sha256_of(&[domain, bytes]))
    }

    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&b64::encode(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        b64::array::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        b64::array::deserialize(deserializer).map(Self)
    }
}

/// 128 random bits. As a salt they keep a hash from being searched: a card number has six million candidates once its
/// first six and last four digits are known. As a nonce they make each LINK happen once.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Salt([u8; 16]);

impl Salt {
    /// Fresh random bits.
    pub fn new(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// The salt with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A salt is what stands between a hash and a search, so it isn't printed.
        f.write_str("Salt")
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        b64::array::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        b64::array::deserialize(deserializer).map(Self)
    }
}
