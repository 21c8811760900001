//! Keys that receive sealed envelopes: P-256 key agreement (NIST SP 800-56A, one-pass with an ephemeral sender).

use std::fmt;

use aws_lc_rs::agreement;
use types::{Entropy, Secret};
use zeroize::Zeroizing;

use crate::csr::Csr;
use crate::key::{KeyError, KeyPair, agreement_key, draw};
use crate::public_key::{Curve, KeyId, PublicKey};

/// The two keys do not agree: the peer's is not a P-256 key, or the library failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no shared secret with this public key")]
pub struct AgreeError;

/// A P-256 key for key agreement. Its certificate says `keyAgreement`; the one thing it signs is its own request for it.
pub struct AgreementKey {
    scalar: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl AgreementKey {
    /// A new key drawn from `entropy`.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let (scalar, public) = draw(Curve::P256, entropy)?;
        Ok(Self { scalar, public })
    }

    /// Reads a PKCS#8 private key.
    ///
    /// # Errors
    /// [`KeyError::Form`] when it is not a P-256 key.
    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pkcs8(Curve::P256, pkcs8)?;
        Ok(Self { scalar: pair.scalar()?, public: crate::Signer::public_key(&pair).clone() })
    }

    /// From the big-endian private scalar, as a JWK's `d` writes it.
    ///
    /// # Errors
    /// [`KeyError::Form`] when it is not a scalar of P-256.
    pub fn from_scalar(scalar: &[u8; 32]) -> Result<Self, KeyError> {
        let public = crate::key::public_of(Curve::P256, scalar)?;
        Ok(Self { scalar: Zeroizing::new(scalar.to_vec()), public })
    }

    /// Writes the key as PKCS#8, in clear: for the sealer of keys and for nobody else.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library fails.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        KeyPair::from_parts(&self.scalar, self.public.clone())?.to_pkcs8()
    }

    /// The public half.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The name of the key.
    pub fn id(&self) -> KeyId {
        self.public.id()
    }

    /// The shared secret with `peer`: the x coordinate, 32 bytes. Never a key by itself: derive one from it.
    ///
    /// # Errors
    /// [`AgreeError`] when `peer` is of another curve.
    pub fn agree(&self, peer: &PublicKey) -> Result<Zeroizing<[u8; 32]>, AgreeError> {
        let mine = agreement_key(Curve::P256, &self.scalar).map_err(|_| AgreeError)?;
        let peer = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, peer.point());
        agreement::agree(&mine, peer, AgreeError, |secret| {
            Ok(Zeroizing::new(<[u8; 32]>::try_from(secret).map_err(|_| AgreeError)?))
        })
    }

    /// A certificate request that proves possession of the key.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library fails.
    pub fn csr(&self) -> Result<Vec<u8>, KeyError> {
        let pair = KeyPair::from_parts(&self.scalar, self.public.clone())?;
        Csr::build(&pair).map_err(|_| KeyError::Library)
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgreementKey({})", self.id())
    }
}
