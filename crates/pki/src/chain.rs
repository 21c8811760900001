//! One anchor, one purpose, one instant: is this certificate good?
//!
//! webpki does the path validation; around it stand the rules that it leaves open. The anchor is one issuing CA, never
//! the root, so that a wallet's certificate means nothing to a merchants' listener. The extended key usage must be there,
//! not merely not contradict. What is revoked is asked each time.

use std::collections::HashSet;
use std::fmt;
use std::sync::RwLock;

use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use types::Timestamp;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::certificate::{Certificate, CertificateError};
use crate::profile::Purpose;
use crate::serial::Serial;

/// Why a certificate is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// It cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It was not issued by the one CA that is trusted here.
    #[error("the certificate was not issued by the CA that is trusted here")]
    UnknownIssuer,
    /// It was issued in that CA's name but not by its key.
    #[error("the certificate's signature is wrong")]
    BadSignature,
    /// It is not valid yet.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// It is no longer valid.
    #[error("the certificate has expired")]
    Expired,
    /// The CA's own certificate is not valid at this instant.
    #[error("the issuing CA's certificate is not valid at this instant")]
    IssuerExpired,
    /// Its extended key usage does not name the purpose, or is missing.
    #[error("the certificate is not for this purpose")]
    WrongPurpose,
    /// It is a CA's, where a leaf is wanted.
    #[error("a CA's certificate is no identity")]
    IsCa,
    /// It was revoked.
    #[error("the certificate was revoked")]
    Revoked,
    /// It breaks another rule: an unknown critical extension, a name constraint, an algorithm.
    #[error("the certificate breaks a rule of path validation")]
    Invalid,
    /// It does not name the host that was called.
    #[error("the certificate does not name this host")]
    WrongName,
}

impl ChainError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Certificate(error) => error.code(),
            Self::UnknownIssuer => "certificate_unknown_issuer",
            Self::BadSignature => "certificate_signature_invalid",
            Self::NotYetValid => "certificate_not_yet_valid",
            Self::Expired => "certificate_expired",
            Self::IssuerExpired => "certificate_issuer_expired",
            Self::WrongPurpose => "certificate_wrong_purpose",
            Self::IsCa => "certificate_is_ca",
            Self::Revoked => "certificate_revoked",
            Self::Invalid => "certificate_invalid",
            Self::WrongName => "certificate_wrong_name",
        }
    }
}

/// Knows what was revoked. Asked per request, so an answer must come from memory.
pub trait Refused: Send + Sync + fmt::Debug {
    /// Whether this serial number was revoked.
    fn is_refused(&self, serial: Serial) -> bool;
}

/// A set of revoked serial numbers that others may extend while it is in use.
#[derive(Debug, Default)]
pub struct RefusedSet(RwLock<HashSet<Serial>>);

impl RefusedSet {
    /// Refuses a serial number from now on.
    pub fn refuse(&self, serial: Serial) {
        // A poisoned lock only means that another thread panicked between two complete states.
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(serial);
    }
}

impl Refused for RefusedSet {
    fn is_refused(&self, serial: Serial) -> bool {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner).contains(&serial)
    }
}

/// The one issuing CA that is trusted in one place.
pub struct Anchor {
    certificate: Certificate,
    anchor: TrustAnchor<'static>,
}

impl Anchor {
    /// Trusts this issuing CA.
    ///
    /// # Errors
    /// [`ChainError::Invalid`] when it is not a CA's certificate, or is a root's: anchoring at the root would let the
    /// certificates of every issuing CA in.
    pub fn issuing_ca(certificate: Certificate) -> Result<Self, ChainError> {
        if !certificate.is_ca() || certificate.is_self_issued() {
            return Err(ChainError::Invalid);
        }
        let der = CertificateDer::from(certificate.der());
        let anchor = anchor_from_trusted_cert(&der).map_err(|_| ChainError::Invalid)?.to_owned();
        Ok(Self { certificate, anchor })
    }

    /// The CA's certificate.
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Verifies a leaf: issued by this CA, valid at `now`, for `purpose`, not revoked.
    ///
    /// # Errors
    /// [`ChainError`] names the first rule that is broken.
    pub fn verify(
        &self,
        leaf: &Certificate,
        purpose: Purpose,
        now: Timestamp,
        refused: &dyn Refused,
    ) -> Result<(), ChainError> {
        if now < self.certificate.not_before() || now.seconds() > self.certificate.not_after().seconds() {
            return Err(ChainError::IssuerExpired);
        }
        if leaf.is_ca() {
            return Err(ChainError::IsCa);
        }
        let agrees = matches!(purpose, Purpose::InstructionRecipient);
        if !leaf.purposes().contains(&purpose) || leaf.may_agree() != agrees || leaf.may_sign() == agrees {
            return Err(ChainError::WrongPurpose);
        }
        self.validate(leaf, purpose, now)?;
        if refused.is_refused(leaf.serial()) { Err(ChainError::Revoked) } else { Ok(()) }
    }

    /// Reads and verifies a leaf.
    ///
    /// # Errors
    /// [`ChainError`] names the first rule that is broken.
    pub fn verify_der(
        &self,
        leaf: &[u8],
        purpose: Purpose,
        now: Timestamp,
        refused: &dyn Refused,
    ) -> Result<Certificate, ChainError> {
        let leaf = Certificate::from_der(leaf)?;
        self.verify(&leaf, purpose, now, refused)?;
        Ok(leaf)
    }

    fn validate(&self, leaf: &Certificate, purpose: Purpose, now: Timestamp) -> Result<(), ChainError> {
        let der = CertificateDer::from(leaf.der());
        let entity = EndEntityCert::try_from(&der).map_err(to_chain_error)?;
        entity
            .verify_for_usage(
                &[webpki::aws_lc_rs::ECDSA_P256_SHA256],
                std::slice::from_ref(&self.anchor),
                // Leaves hang directly under the anchor; whatever else a peer sends is of no interest.
                &[],
                unix_time(now)?,
                KeyUsage::required(purpose.oid_der()),
                None,
                None,
            )
            .map(|_| ())
            .map_err(to_chain_error)
    }
}

impl fmt::Debug for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Anchor({:?})", self.certificate)
    }
}

/// Verifies that `issuing` was issued by `root` and is valid at `now`; for the installation of an issuing CA, after
/// which the CA itself is the anchor.
///
/// # Errors
/// [`ChainError`] names the first rule that is broken.
pub fn verify_issuing_ca(
    root: &Certificate,
    issuing: &Certificate,
    now: Timestamp,
) -> Result<(), ChainError> {
    if !root.is_ca() || !issuing.is_ca() {
        return Err(ChainError::Invalid);
    }
    if now < issuing.not_before() {
        return Err(ChainError::NotYetValid);
    }
    if now.seconds() > issuing.not_after().seconds() {
        return Err(ChainError::Expired);
    }
    // webpki only validates paths that end in a leaf, so the one signature of this path is checked here.
    if issuing.authority_key_id() != root.subject_key_id() {
        return Err(ChainError::UnknownIssuer);
    }
    issuing.signed_by(root.public_key()).map_err(|_| ChainError::BadSignature)
}

/// The instant in webpki's form.
pub(crate) fn unix_time(now: Timestamp) -> Result<UnixTime, ChainError> {
    let seconds = u64::try_from(now.seconds()).map_err(|_| ChainError::NotYetValid)?;
    Ok(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
}

pub(crate) fn to_chain_error(error: webpki::Error) -> ChainError {
    use webpki::Error::*;
    match error {
        UnknownIssuer => ChainError::UnknownIssuer,
        InvalidSignatureForPublicKey => ChainError::BadSignature,
        CertNotValidYet { .. } => ChainError::NotYetValid,
        CertExpired { .. } => ChainError::Expired,
        RequiredEkuNotFoundContext(_) => ChainError::WrongPurpose,
        CaUsedAsEndEntity => ChainError::IsCa,
        CertNotValidForName(_) => ChainError::WrongName,
        _ => ChainError::Invalid,
    }
}
