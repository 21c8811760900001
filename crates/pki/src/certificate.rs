//! A certificate and the facts we take from it.

use std::fmt;

use types::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::credential::CertifiedCredential;
use crate::facts::Facts;
use crate::profile::Purpose;
use crate::public_key::{PublicKey, PublicKeyError, WrongSignature};
use crate::serial::Serial;
use crate::{der, pem};

/// No certificate of ours is larger.
const MAX_LEN: usize = 8 * 1024;

/// A certificate that cannot be read, or is not of a form we issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not one DER certificate, or larger than any of ours.
    #[error("not a DER certificate")]
    Malformed,
    /// The public key cannot be used.
    #[error("the certificate's public key: {0}")]
    PublicKey(#[from] PublicKeyError),
    /// The serial number is not one that we give.
    #[error("the certificate's serial number is not one that we give")]
    Serial,
    /// An extension that we issue is there twice or malformed.
    #[error("the certificate's {0} extension is malformed")]
    Extension(&'static str),
}

impl CertificateError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "certificate_malformed",
            Self::PublicKey(_) => "certificate_key_unsupported",
            Self::Serial => "certificate_serial_foreign",
            Self::Extension(_) => "certificate_extension_malformed",
        }
    }
}

/// A certificate. Reading it says nothing about trust: see [`crate::chain`].
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    facts: Facts,
}

impl Certificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    /// [`CertificateError`] names what could not be read.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_LEN {
            return Err(CertificateError::Malformed);
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let facts = Facts::read(&parsed)?;
        Ok(Self { der: der.to_vec(), facts })
    }

    /// Reads PEM certificates, in the order of the text.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] for text that is not PEM, else as [`Certificate::from_der`].
    pub fn from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem::decode_all("CERTIFICATE", text).map_err(|_| CertificateError::Malformed)?;
        blocks.iter().map(|der| Self::from_der(der)).collect()
    }

    /// The DER bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM.
    pub fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// Verifies the signature with the issuer's key, and nothing else.
    ///
    /// # Errors
    /// [`WrongSignature`].
    pub fn signed_by(&self, issuer: &PublicKey) -> Result<(), WrongSignature> {
        let body = der::read_exactly(der::SEQUENCE, &self.der).ok_or(WrongSignature)?;
        let (tbs, rest) = der::read(der::SEQUENCE, body).ok_or(WrongSignature)?;
        let (_, rest) = der::read(der::SEQUENCE, rest).ok_or(WrongSignature)?;
        let bits = der::read_exactly(der::BIT_STRING, rest).ok_or(WrongSignature)?;
        let signature = bits.strip_prefix(&[0]).ok_or(WrongSignature)?;
        issuer.verify_der(&der::tlv(der::SEQUENCE, tbs), signature)
    }

    /// The serial number.
    pub const fn serial(&self) -> Serial {
        self.facts.serial
    }

    /// The certified key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.facts.public_key
    }

    /// The first instant at which it is valid.
    pub const fn not_before(&self) -> Timestamp {
        self.facts.not_before
    }

    /// The last second in which it is valid.
    pub const fn not_after(&self) -> Timestamp {
        self.facts.not_after
    }

    /// The instant from which it should be renewed: two thirds of its life.
    pub fn renew_from(&self) -> Timestamp {
        let life = self.facts.not_after.ms_since(self.facts.not_before);
        self.facts.not_before.plus_ms(life / 3 * 2)
    }

    /// The subject, for people to read.
    pub fn subject(&self) -> &str {
        &self.facts.subject
    }

    /// The identity: the one URI among the subject alternative names.
    pub fn uri(&self) -> Option<&str> {
        self.facts.uri.as_deref()
    }

    /// The id within the identity `urn:lian:<kind>:<id>`, if it is of this kind.
    pub fn id_of_kind(&self, kind: &str) -> Option<&str> {
        self.uri()?.strip_prefix("urn:lian:")?.strip_prefix(kind)?.strip_prefix(':')
    }

    /// Host names.
    pub fn dns(&self) -> &[String] {
        &self.facts.dns
    }

    /// Whether it is a CA's.
    pub const fn is_ca(&self) -> bool {
        self.facts.ca
    }

    /// Whether it is its own issuer, as a root is. A certificate without key identifiers, which we never issue, counts as such.
    pub fn is_self_issued(&self) -> bool {
        self.authority_key_id() == self.subject_key_id()
    }

    /// Whether the key may sign (key usage digitalSignature).
    pub const fn may_sign(&self) -> bool {
        self.facts.signs
    }

    /// Whether the key may agree on keys (key usage keyAgreement).
    pub const fn may_agree(&self) -> bool {
        self.facts.agrees
    }

    /// The purposes that we know among its extended key usages.
    pub fn purposes(&self) -> &[Purpose] {
        &self.facts.purposes
    }

    /// The subject key identifier.
    pub fn subject_key_id(&self) -> Option<&[u8]> {
        self.facts.subject_key_id.as_deref()
    }

    /// The authority key identifier.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.facts.authority_key_id.as_deref()
    }

    /// The passkey that it certifies, for a customer's certificate.
    pub const fn credential(&self) -> Option<&CertifiedCredential> {
        self.facts.credential.as_ref()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, {})", self.facts.serial, self.uri().unwrap_or(&self.facts.subject))
    }
}
