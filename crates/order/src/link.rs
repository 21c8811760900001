//! LINK: the few words that join order and instruction, and the only thing that the customer signs.

use pki::{KeyId, b64};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use types::{Currency, MerchantId, PaymentId, Timestamp};

use crate::canonical::{self, NotCanonical, V1};
use crate::hash::{Digest, LINK, Salt};
use crate::minor;

/// A LINK lives at most this long, in seconds.
pub const MAX_LIFE_S: i64 = 300;
/// `iat` may lie this far in the future, in seconds, for clocks that run late.
pub const MAX_SKEW_S: i64 = 60;
/// No LINK is longer.
const MAX_LEN: usize = 1024;

/// LINK.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Version of the form.
    pub v: V1,
    /// The payment.
    pub payment: PaymentId,
    /// The payee.
    pub merchant: MerchantId,
    /// The PCS's key, to which the instruction is sealed: who may act on this LINK.
    pub pcs: KeyId,
    /// The amount, in minor units.
    #[serde(with = "minor")]
    pub amount: u64,
    /// Its currency.
    pub currency: Currency,
    /// h(OI).
    pub h_oi: Digest,
    /// h(PI).
    pub h_pi: Digest,
    /// Makes this LINK happen once.
    pub nonce: Salt,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970: at most 300 after `iat`.
    pub exp: i64,
}

/// A LINK together with the exact bytes that are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedLink {
    link: Link,
    bytes: Vec<u8>,
}

impl SealedLink {
    /// Fixes the bytes of a LINK.
    pub fn new(link: Link) -> Self {
        let bytes = canonical::to_vec(&link);
        Self { link, bytes }
    }

    /// Reads the canonical form.
    ///
    /// # Errors
    /// [`NotCanonical`].
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, NotCanonical> {
        Ok(Self { link: canonical::from_slice(bytes, MAX_LEN)?, bytes: bytes.to_vec() })
    }

    /// What it says.
    pub const fn link(&self) -> &Link {
        &self.link
    }

    /// The bytes that are signed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// h(LINK): the challenge that the passkey signs.
    pub fn challenge(&self) -> [u8; 32] {
        *Digest::of(LINK, &self.bytes).as_bytes()
    }

    /// Whether it may be acted upon at `now`.
    pub fn is_current(&self, now: Timestamp) -> bool {
        let Link { iat, exp, .. } = self.link;
        let now = now.seconds();
        let life = exp.saturating_sub(iat);
        (1..=MAX_LIFE_S).contains(&life) && iat <= now.saturating_add(MAX_SKEW_S) && now < exp
    }
}

/// Travels as base64url of its bytes, so that no transport can rewrite what was signed.
impl Serialize for SealedLink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        b64::bytes::serialize(&self.bytes, serializer)
    }
}

impl<'de> Deserialize<'de> for SealedLink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_canonical(&b64::bytes::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
