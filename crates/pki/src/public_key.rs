//! Public keys as X.509 writes them, and the thumbprint that names them.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{b64, sha256::sha256};

/// SubjectPublicKeyInfo up to the point: id-ecPublicKey, prime256v1 (RFC 5480 section 2.1.1).
const P256_SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// SubjectPublicKeyInfo up to the point: id-ecPublicKey, secp384r1.
const P384_SPKI: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81,
    0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];

/// The curves in use: P-256 for everything online, P-384 for the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, signatures with SHA-256.
    P256,
    /// NIST P-384, signatures with SHA-384.
    P384,
}

impl Curve {
    /// Bytes of one coordinate, and of one half of a signature.
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }

    const fn spki_prefix(self) -> &'static [u8] {
        match self {
            Self::P256 => &P256_SPKI,
            Self::P384 => &P384_SPKI,
        }
    }

    fn der_verifier(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_ASN1,
            Self::P384 => &signature::ECDSA_P384_SHA384_ASN1,
        }
    }

    fn fixed_verifier(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::P256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::P384 => &signature::ECDSA_P384_SHA384_FIXED,
        }
    }
}

/// A public key that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Not the SubjectPublicKeyInfo of an uncompressed P-256 or P-384 point.
    #[error("not the SubjectPublicKeyInfo of an uncompressed P-256 or P-384 key")]
    Form,
    /// The point is not on its curve.
    #[error("the public key is not a point of its curve")]
    Point,
}

impl PublicKeyError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Form => "public_key_unsupported",
            Self::Point => "public_key_invalid",
        }
    }
}

/// The signature is not one of this key over this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature is not one of this key over this message")]
pub struct WrongSignature;

/// A P-256 or P-384 public key, known to lie on its curve.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    curve: Curve,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Takes an uncompressed point (SEC 1 section 2.3.3: `04 || x || y`).
    ///
    /// # Errors
    /// [`PublicKeyError`] when the length is wrong or the point is not on the curve.
    pub fn from_point(curve: Curve, point: &[u8]) -> Result<Self, PublicKeyError> {
        if point.len() != 2 * curve.coordinate_len() + 1 || point[0] != 4 {
            return Err(PublicKeyError::Form);
        }
        ParsedPublicKey::new(curve.der_verifier(), point).map_err(|_| PublicKeyError::Point)?;
        Ok(Self { curve, spki: [curve.spki_prefix(), point].concat() })
    }

    /// Takes the coordinates of a P-256 key, as COSE and JWK write them.
    ///
    /// # Errors
    /// [`PublicKeyError::Point`] when the point is not on the curve.
    pub fn from_p256_coordinates(x: &[u8; 32], y: &[u8; 32]) -> Result<Self, PublicKeyError> {
        Self::from_point(Curve::P256, &[&[4], &x[..], &y[..]].concat())
    }

    /// Reads a DER SubjectPublicKeyInfo. There is exactly one encoding of a key, so this compares the frame byte for byte.
    ///
    /// # Errors
    /// [`PublicKeyError`] for other algorithms and curves, compressed points, and points off the curve.
    pub fn from_spki(spki: &[u8]) -> Result<Self, PublicKeyError> {
        [Curve::P256, Curve::P384]
            .into_iter()
            .find_map(|curve| Some((curve, spki.strip_prefix(curve.spki_prefix())?)))
            .ok_or(PublicKeyError::Form)
            .and_then(|(curve, point)| Self::from_point(curve, point))
    }

    /// The curve.
    pub const fn curve(&self) -> Curve {
        self.curve
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The uncompressed point, `04 || x || y`.
    pub fn point(&self) -> &[u8] {
        &self.spki[self.curve.spki_prefix().len()..]
    }

    /// The two coordinates.
    pub fn coordinates(&self) -> (&[u8], &[u8]) {
        self.point()[1..].split_at(self.curve.coordinate_len())
    }

    /// The key's name: SHA-256 of its SubjectPublicKeyInfo.
    pub fn id(&self) -> KeyId {
        KeyId(sha256(&self.spki))
    }

    /// Verifies a DER signature, strictly.
    ///
    /// # Errors
    /// [`WrongSignature`], whatever is wrong with it.
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), WrongSignature> {
        // Our own reader first: it refuses every second way to write one signature.
        crate::signature::der_to_fixed(signature, self.curve).map_err(|_| WrongSignature)?;
        self.verify_with(self.curve.der_verifier(), message, signature)
    }

    /// Verifies an `r || s` signature.
    ///
    /// # Errors
    /// [`WrongSignature`], whatever is wrong with it.
    pub fn verify_fixed(&self, message: &[u8], signature: &[u8]) -> Result<(), WrongSignature> {
        self.verify_with(self.curve.fixed_verifier(), message, signature)
    }

    fn verify_with(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), WrongSignature> {
        signature::UnparsedPublicKey::new(algorithm, self.point())
            .verify(message, signature)
            .map_err(|_| WrongSignature)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {})", self.curve, self.id())
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        b64::bytes::serialize(&self.spki, serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_spki(&b64::bytes::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The thumbprint that names a key: SHA-256 of its SubjectPublicKeyInfo, written as 43 letters of base64url. Used as
/// `keyid` of HTTP signatures, `kid` of envelopes and `pcs` of LINK.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The 32 bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The thumbprint with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&b64::encode(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = b64::NotBase64;

    fn from_str(text: &str) -> Result<Self, b64::NotBase64> {
        b64::decode_array(text).map(Self)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        b64::array::deserialize(deserializer).map(Self)
    }
}
