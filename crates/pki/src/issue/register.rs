//! The register of certificates, as issuing writes it.

use std::future::Future;

use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::certificate::Certificate;
use crate::profile::Profile;
use crate::public_key::KeyId;
use crate::serial::Serial;

/// The register could not record.
#[derive(Debug, thiserror::Error)]
#[error("the register of certificates: {0}")]
pub struct RegisterError(pub String);

/// What is about to be signed, as the register keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The serial number, used once.
    pub serial: Serial,
    /// The kind of certificate.
    pub profile: Profile,
    /// The issuer's key.
    pub issuer: KeyId,
    /// Whom it names: its URI, or its common name for a CA.
    pub subject: String,
    /// The key that is certified.
    pub key: KeyId,
    /// First instant of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// SHA-256 of the bytes that are signed (TBSCertificate).
    #[serde(with = "crate::b64::array")]
    pub tbs_sha256: [u8; 32],
}

/// The register of certificates. Both operations return only when the record is durable.
pub trait Register {
    /// Records what is about to be signed. A serial number that is already there is an error.
    fn record_intent(&self, intent: &Intent) -> impl Future<Output = Result<(), RegisterError>> + Send;

    /// Records what was signed.
    fn record_certificate(
        &self,
        certificate: &Certificate,
    ) -> impl Future<Output = Result<(), RegisterError>> + Send;
}
