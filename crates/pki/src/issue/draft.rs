//! Draft, record, sign.

use rcgen::Issuer;
use types::Timestamp;

use super::build::{Placeholder, Subjected, end_of, key_identifier, params};
use super::lint::lint;
use super::{Intent, IssueError, Register, RegisterError, Request};
use crate::certificate::Certificate;
use crate::der;
use crate::key::{SignError, Signer};
use crate::profile::{HOUR_MS, Profile, Subject};
use crate::public_key::{Curve, PublicKey};
use crate::serial::Serial;
use crate::sha256::sha256;

/// The exact bytes to sign, checked, not yet recorded.
#[derive(Debug)]
pub struct Draft {
    intent: Intent,
    tbs: Vec<u8>,
    issuer_key: PublicKey,
}

impl Draft {
    /// Builds a certificate of `issuer`, valid from now.
    ///
    /// # Errors
    /// [`IssueError`] when the request breaks a rule of its profile or the issuer may not issue it.
    pub fn new(
        request: &Request<'_>,
        issuer: &Certificate,
        serial: Serial,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        if request.profile == Profile::Root {
            return Err(IssueError::Issuer("a root issues itself"));
        }
        if !issuer.is_ca() {
            return Err(IssueError::Issuer("not a CA"));
        }
        if issuer.is_self_issued() != matches!(request.profile, Profile::IssuingCa(_)) {
            return Err(IssueError::Issuer("the root issues the issuing CAs, and those everything else"));
        }
        if now < issuer.not_before() || issuer.not_after().ms_since(now) < HOUR_MS {
            return Err(IssueError::IssuerExpires);
        }
        let not_after = end_of(request, now).min(issuer.not_after());
        let key = Placeholder(issuer.public_key());
        let from = Issuer::from_ca_cert_der(&issuer.der().into(), key)
            .map_err(|_| IssueError::Issuer("its certificate cannot be read"))?;
        let params = params(request, serial, now, not_after)?;
        let placeholder = params
            .signed_by(&Subjected(request.public_key), &from)
            .map_err(|_| IssueError::Lint("it cannot be built"))?;
        Self::checked(request, serial, issuer.public_key(), issuer.subject_key_id(), placeholder.der())
    }

    /// Builds the self-signed root.
    ///
    /// # Errors
    /// [`IssueError`] when the subject or the key breaks a rule of the profile.
    pub fn root(
        subject: &Subject,
        key: &PublicKey,
        serial: Serial,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        let request =
            Request { profile: Profile::Root, subject, public_key: key, credential: None, not_after: None };
        let params = params(&request, serial, now, end_of(&request, now))?;
        let placeholder =
            params.self_signed(&Placeholder(key)).map_err(|_| IssueError::Lint("it cannot be built"))?;
        Self::checked(&request, serial, key, Some(&key_identifier(key)), placeholder.der())
    }

    /// Reads back what was built, with a placeholder in the place of the signature, and takes the bytes to sign from it.
    fn checked(
        request: &Request<'_>,
        serial: Serial,
        issuer_key: &PublicKey,
        issuer_key_id: Option<&[u8]>,
        placeholder: &[u8],
    ) -> Result<Self, IssueError> {
        let read = Certificate::from_der(placeholder)?;
        lint(&read, request, serial, issuer_key_id)?;
        let body = der::read_exactly(der::SEQUENCE, placeholder).ok_or(IssueError::Lint("outer form"))?;
        let (inner, _) = der::read(der::SEQUENCE, body).ok_or(IssueError::Lint("outer form"))?;
        let tbs = der::tlv(der::SEQUENCE, inner);
        let intent = Intent {
            serial,
            profile: request.profile,
            issuer: issuer_key.id(),
            subject: request.subject.uri.clone().unwrap_or_else(|| request.subject.common_name.clone()),
            key: request.public_key.id(),
            not_before: read.not_before(),
            not_after: read.not_after(),
            tbs_sha256: sha256(&tbs),
        };
        Ok(Self { intent, tbs, issuer_key: issuer_key.clone() })
    }

    /// What would be recorded.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Records the intent; from then on the draft may be signed, once.
    ///
    /// # Errors
    /// [`RegisterError`] when the register refuses.
    pub async fn record<R: Register + ?Sized>(self, register: &R) -> Result<Prepared, RegisterError> {
        register.record_intent(&self.intent).await?;
        Ok(Prepared(self))
    }

    /// The whole way: record the intent, sign, record the certificate.
    ///
    /// # Errors
    /// [`IssueError`]; after an error of the last step a signed certificate exists, the register knows its intent, and
    /// nobody has it.
    pub async fn issue<R: Register + ?Sized>(
        self,
        key: &dyn Signer,
        register: &R,
    ) -> Result<Certificate, IssueError> {
        let certificate = self.record(register).await?.sign(key)?;
        register.record_certificate(&certificate).await?;
        Ok(certificate)
    }
}

/// A checked and recorded certificate, not yet signed. Not `Clone`: one record, one signature.
#[derive(Debug)]
pub struct Prepared(Draft);

impl Prepared {
    /// Signs.
    ///
    /// # Errors
    /// [`IssueError`] when the key is not the issuer's, cannot sign, or signs wrongly.
    pub fn sign(self, key: &dyn Signer) -> Result<Certificate, IssueError> {
        let Self(Draft { tbs, issuer_key, .. }) = self;
        if *key.public_key() != issuer_key {
            return Err(IssueError::WrongKey);
        }
        let signature = key.sign(&tbs)?;
        // A faulty module may return rubbish, and a faulty signature may give the key away.
        issuer_key
            .verify_der(&tbs, &signature)
            .map_err(|_| SignError("the signature does not verify".to_owned()))?;
        let body =
            [tbs, signature_algorithm(issuer_key.curve()).to_vec(), der::bit_string(&signature)].concat();
        Ok(Certificate::from_der(&der::tlv(der::SEQUENCE, &body))?)
    }
}

/// AlgorithmIdentifier of ecdsa-with-SHA256 and ecdsa-with-SHA384 (RFC 5758 section 3.2).
const fn signature_algorithm(curve: Curve) -> &'static [u8] {
    match curve {
        Curve::P256 => &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        Curve::P384 => &[0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
    }
}
