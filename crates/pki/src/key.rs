//! Signing keys, and the trait behind which they may hide in a file, a module or another process.

use std::fmt;

use aws_lc_rs::agreement;
use aws_lc_rs::encoding::AsBigEndian;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair as _,
};
use types::{Entropy, Secret};
use zeroize::Zeroizing;

use crate::public_key::{Curve, PublicKey};
use crate::signature::der_to_fixed;

/// A key that cannot be read or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PKCS#8 private key of the wanted curve.
    #[error("not a PKCS#8 private key of the wanted curve")]
    Form,
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Library,
}

/// The key could not sign: the library failed, or the module that holds the key did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key could not sign: {0}")]
pub struct SignError(pub String);

/// Whatever can sign with ECDSA: a key in memory, a hardware module, a signing process.
pub trait Signer: Send + Sync {
    /// The key that verifies.
    fn public_key(&self) -> &PublicKey;

    /// Signs `message` with the hash of the key's curve; the signature is DER.
    ///
    /// # Errors
    /// [`SignError`] when the key cannot be used.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// Signs `message`; the signature is `r || s`.
    ///
    /// # Errors
    /// [`SignError`] when the key cannot be used.
    fn sign_fixed(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        der_to_fixed(&self.sign(message)?, self.public_key().curve())
            .map_err(|error| SignError(error.to_string()))
    }
}

/// A signing key in memory. Prints as its public thumbprint only; the library wipes the private half when dropped.
pub struct KeyPair {
    public: PublicKey,
    inner: EcdsaKeyPair,
}

impl KeyPair {
    /// A new key whose private half is drawn from `entropy`.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library fails.
    pub fn generate(curve: Curve, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let (scalar, public) = draw(curve, entropy)?;
        Self::from_parts(&scalar, public)
    }

    /// Reads a PKCS#8 private key.
    ///
    /// # Errors
    /// [`KeyError::Form`] when it is not one, or of another curve.
    pub fn from_pkcs8(curve: Curve, pkcs8: &[u8]) -> Result<Self, KeyError> {
        let inner = EcdsaKeyPair::from_pkcs8(signing_algorithm(curve), pkcs8).map_err(|_| KeyError::Form)?;
        let public =
            PublicKey::from_point(curve, inner.public_key().as_ref()).map_err(|_| KeyError::Library)?;
        Ok(Self { public, inner })
    }

    /// Writes the key as PKCS#8, in clear: for the sealer of keys and for nobody else.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library fails.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        let document = self.inner.to_pkcs8v1().map_err(|_| KeyError::Library)?;
        Ok(Secret::new(document.as_ref().to_vec()))
    }

    /// From a private scalar and its public point.
    pub(crate) fn from_parts(scalar: &[u8], public: PublicKey) -> Result<Self, KeyError> {
        let inner = EcdsaKeyPair::from_private_key_and_public_key(
            signing_algorithm(public.curve()),
            scalar,
            public.point(),
        )
        .map_err(|_| KeyError::Form)?;
        Ok(Self { public, inner })
    }

    /// The private scalar.
    pub(crate) fn scalar(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let scalar = self.inner.private_key().as_be_bytes().map_err(|_| KeyError::Library)?;
        Ok(Zeroizing::new(scalar.as_ref().to_vec()))
    }
}

impl Signer for KeyPair {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let signature = self
            .inner
            .sign(&SystemRandom::new(), message)
            .map_err(|_| SignError("the cryptographic library failed".to_owned()))?;
        Ok(signature.as_ref().to_vec())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public.id())
    }
}

fn signing_algorithm(curve: Curve) -> &'static EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
    }
}

const fn agreement_algorithm(curve: Curve) -> &'static agreement::Algorithm {
    match curve {
        Curve::P256 => &agreement::ECDH_P256,
        Curve::P384 => &agreement::ECDH_P384,
    }
}

/// Draws a private scalar uniformly (FIPS 186-5 appendix A.2.2: try until it lies below the order) and computes its point.
pub(crate) fn draw(curve: Curve, entropy: &dyn Entropy) -> Result<(Zeroizing<Vec<u8>>, PublicKey), KeyError> {
    let mut scalar = Zeroizing::new(vec![0; curve.coordinate_len()]);
    // A scalar misses the range once in 2^32 draws on P-256; sixteen misses mean a broken source.
    for _ in 0..16 {
        entropy.fill(&mut scalar);
        if let Ok(public) = public_of(curve, &scalar) {
            return Ok((scalar, public));
        }
    }
    Err(KeyError::Library)
}

/// The public key of a private scalar.
pub(crate) fn public_of(curve: Curve, scalar: &[u8]) -> Result<PublicKey, KeyError> {
    let private = agreement_key(curve, scalar)?;
    let public = private.compute_public_key().map_err(|_| KeyError::Library)?;
    PublicKey::from_point(curve, public.as_ref()).map_err(|_| KeyError::Library)
}

/// The library's form of a private scalar for key agreement.
pub(crate) fn agreement_key(curve: Curve, scalar: &[u8]) -> Result<agreement::PrivateKey, KeyError> {
    agreement::PrivateKey::from_private_key(agreement_algorithm(curve), scalar).map_err(|_| KeyError::Form)
}
