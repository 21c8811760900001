//! The protected header.

use pki::{KeyId, PublicKey};
use serde::{Deserialize, Serialize};
use types::PaymentId;

use super::EnvelopeError;
use crate::canonical;
use crate::hash::Digest;

/// The key agreement and wrapping (RFC 7518 section 4.6).
pub(super) const ALGORITHM: &str = "ECDH-ES+A256KW";
/// The content encryption (RFC 7518 section 5.3).
pub(super) const ENCRYPTION: &str = "A256GCM";
/// What is inside.
const TYPE: &str = "lian-pi+json";
/// No header is longer, in bytes of JSON.
const MAX_LEN: usize = 1024;

/// The protected header: these members, no others. In particular no `crit`, `zip`, `jku`, `jwk`, `x5u`, `x5c`, `apu`, `apv`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    alg: String,
    enc: String,
    epk: EphemeralKey,
    pub(super) h_pi: Digest,
    pub(super) kid: KeyId,
    pub(super) payment: PaymentId,
    typ: String,
}

/// The sender's ephemeral public key as a JWK (RFC 7518 section 6.2.1).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EphemeralKey {
    crv: String,
    kty: String,
    #[serde(with = "pki::b64::array")]
    x: [u8; 32],
    #[serde(with = "pki::b64::array")]
    y: [u8; 32],
}

impl Header {
    pub(super) fn new(
        ephemeral: &PublicKey,
        kid: KeyId,
        payment: PaymentId,
        h_pi: Digest,
    ) -> Result<Self, EnvelopeError> {
        let (x, y) = ephemeral.coordinates();
        let coordinate = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map_err(|_| EnvelopeError::Library);
        let epk = EphemeralKey {
            crv: "P-256".to_owned(),
            kty: "EC".to_owned(),
            x: coordinate(x)?,
            y: coordinate(y)?,
        };
        Ok(Self {
            alg: ALGORITHM.to_owned(),
            enc: ENCRYPTION.to_owned(),
            epk,
            h_pi,
            kid,
            payment,
            typ: TYPE.to_owned(),
        })
    }

    /// The header as JSON.
    pub(super) fn to_json(&self) -> Vec<u8> {
        canonical::to_vec(self)
    }

    /// Reads a header. Its writing need not be canonical, since its bytes are authenticated as they are.
    pub(super) fn read(json: &[u8]) -> Result<Self, EnvelopeError> {
        if json.len() > MAX_LEN {
            return Err(EnvelopeError::Form);
        }
        let header: Self = serde_json::from_slice(json).map_err(|_| EnvelopeError::Form)?;
        let names = [&header.alg, &header.enc, &header.typ, &header.epk.kty, &header.epk.crv];
        if names == [ALGORITHM, ENCRYPTION, TYPE, "EC", "P-256"] {
            Ok(header)
        } else {
            Err(EnvelopeError::Form)
        }
    }

    /// The sender's ephemeral key, on its curve.
    pub(super) fn ephemeral(&self) -> Result<PublicKey, EnvelopeError> {
        PublicKey::from_p256_coordinates(&self.epk.x, &self.epk.y).map_err(|_| EnvelopeError::Form)
    }
}
