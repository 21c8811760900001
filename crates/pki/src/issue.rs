//! Issuing: draft, record, sign. The types keep the order: only a [`Prepared`] can be signed, only a recorded [`Draft`]
//! becomes one, and neither can be cloned.
//!
//! | step | leaves behind                                                                         |
//! |------|---------------------------------------------------------------------------------------|
//! | 1    | a [`Draft`]: the exact bytes to sign, built by the profile and checked against it       |
//! | 2    | the [`Intent`] in the register                                                         |
//! | 3    | the signature over those bytes                                                         |
//! | 4    | the certificate in the register                                                        |
//!
//! An intent without a certificate, found at a restart, is a signature that may or may not exist: it is shown, and its
//! serial number is never used again.

use std::future::Future;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, Issuer,
    KeyIdMethod, PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::certificate::{Certificate, CertificateError, CertifiedCredential};
use crate::csr::rcgen_algorithm;
use crate::der;
use crate::key::{SignError, Signer};
use crate::profile::{BACKDATE_MS, CREDENTIAL_OID, HOUR_MS, Profile, Subject};
use crate::public_key::{Curve, KeyId, PublicKey};
use crate::serial::Serial;
use crate::sha256::sha256;

/// A certificate that is not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The subject breaks a rule of its profile.
    #[error("subject: {0}")]
    Subject(&'static str),
    /// The profile wants another curve.
    #[error("a {profile:?} certificate needs a {wanted:?} key")]
    Curve {
        /// The profile.
        profile: Profile,
        /// Its curve.
        wanted: Curve,
    },
    /// The issuer is not a CA, or not the one for this profile.
    #[error("issuer: {0}")]
    Issuer(&'static str),
    /// The issuer is not valid now, or ends too soon for a certificate to be of use.
    #[error("the issuer is not valid for long enough")]
    IssuerExpires,
    /// The register refused, so nothing was signed (or the signed certificate isn't handed out).
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The issuer's key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The key that was to sign is not the issuer's.
    #[error("the signing key is not the issuer's")]
    WrongKey,
    /// What was built is not what was asked for: a defect of ours, found before signing.
    #[error("the draft does not say what was asked for: {0}")]
    Lint(&'static str),
    /// What was built cannot be read back.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

impl IssueError {
    /// Stable code of the error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Subject(_) => "issue_subject_invalid",
            Self::Curve { .. } => "issue_key_unsupported",
            Self::Issuer(_) => "issue_wrong_issuer",
            Self::IssuerExpires => "issue_issuer_expires",
            Self::Register(_) => "issue_register_unavailable",
            Self::Sign(_) => "issue_key_unavailable",
            Self::WrongKey => "issue_wrong_key",
            Self::Lint(_) | Self::Certificate(_) => "issue_lint_failed",
        }
    }
}

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

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The kind of certificate.
    pub profile: Profile,
    /// Whom it names.
    pub subject: &'a Subject,
    /// The key to certify.
    pub public_key: &'a PublicKey,
    /// The passkey, for a customer's certificate.
    pub credential: Option<&'a CertifiedCredential>,
    /// An end earlier than the profile's.
    pub not_after: Option<Timestamp>,
}

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
        // An issuing CA's place in the hierarchy is told by its path length, which is its profile's.
        if now < issuer.not_before() || issuer.not_after().ms_since(now) < HOUR_MS {
            return Err(IssueError::IssuerExpires);
        }
        let not_after = earliest(request, now).min(issuer.not_after());
        let key = Placeholder(issuer.public_key());
        let from = Issuer::from_ca_cert_der(&issuer.der().into(), key)
            .map_err(|_| IssueError::Issuer("its certificate cannot be read"))?;
        let params = params(request, serial, now, not_after)?;
        let placeholder = params
            .signed_by(&Subjected(request.public_key), &from)
            .map_err(|_| IssueError::Lint("it cannot be built"))?;
        Self::check(request, serial, issuer.public_key(), issuer.subject_key_id(), placeholder.der())
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
        let params = params(&request, serial, now, earliest(&request, now))?;
        let placeholder =
            params.self_signed(&Placeholder(key)).map_err(|_| IssueError::Lint("it cannot be built"))?;
        Self::check(&request, serial, key, Some(&key_identifier(key)), placeholder.der())
    }

    /// Reads back what was built, with an empty signature in the place of the real one, and compares it with the request.
    fn check(
        request: &Request<'_>,
        serial: Serial,
        issuer_key: &PublicKey,
        issuer_key_id: Option<&[u8]>,
        placeholder: &[u8],
    ) -> Result<Self, IssueError> {
        let read = Certificate::from_der(placeholder)?;
        let rules = request.profile.rules();
        let sorted = |purposes: &[_]| {
            let mut purposes = purposes.to_vec();
            purposes.sort();
            purposes
        };
        let wrong = |what| Err(IssueError::Lint(what));
        match () {
            () if read.serial() != serial => return wrong("serial number"),
            () if read.public_key() != request.public_key => return wrong("public key"),
            () if read.uri() != request.subject.uri.as_deref() => return wrong("identity"),
            () if read.dns() != request.subject.dns => return wrong("host names"),
            () if read.is_ca() != rules.ca.is_some() => return wrong("basic constraints"),
            () if read.may_sign() != (rules.ca.is_none() && !rules.agrees) => return wrong("key usage"),
            () if read.may_agree() != rules.agrees => return wrong("key usage"),
            () if sorted(read.purposes()) != sorted(rules.purposes) => return wrong("extended key usage"),
            () if read.subject_key_id() != Some(&key_identifier(request.public_key)) => return wrong("SKI"),
            () if read.authority_key_id().is_none() || read.authority_key_id() != issuer_key_id => {
                return wrong("AKI");
            }
            () if read.credential() != request.credential => return wrong("credential"),
            () if read.not_after().ms_since(read.not_before()) > rules.life_ms + BACKDATE_MS => {
                return wrong("life");
            }
            () => {}
        }
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

/// SHA-256 of the point, cut to 160 bits (RFC 7093 section 2, method 1).
fn key_identifier(key: &PublicKey) -> [u8; 20] {
    let mut id = [0; 20];
    id.copy_from_slice(&sha256(key.point())[..20]);
    id
}

fn earliest(request: &Request<'_>, now: Timestamp) -> Timestamp {
    let full = now.plus_ms(request.profile.rules().life_ms);
    request.not_after.map_or(full, |wish| wish.min(full))
}

fn params(
    request: &Request<'_>,
    serial: Serial,
    now: Timestamp,
    not_after: Timestamp,
) -> Result<CertificateParams, IssueError> {
    let Request { profile, subject, public_key, .. } = request;
    let rules = profile.rules();
    let wanted = if *profile == Profile::Root { Curve::P384 } else { Curve::P256 };
    if public_key.curve() != wanted {
        return Err(IssueError::Curve { profile: *profile, wanted });
    }
    let name = &subject.common_name;
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(IssueError::Subject("the common name must be 1 to 64 printable ASCII characters"));
    }
    if subject.uri.is_some() != rules.ca.is_none() {
        return Err(IssueError::Subject("a leaf has one identity, a CA none"));
    }
    if request.credential.is_some() != (*profile == Profile::Customer) {
        return Err(IssueError::Subject("a customer's certificate, and no other, names a credential"));
    }
    if not_after.ms_since(now) < HOUR_MS {
        return Err(IssueError::Subject("the certificate would end within the hour"));
    }
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
    params.not_before = date_time_ymd(1970, 1, 1) + seconds(now.plus_ms(-BACKDATE_MS))?;
    params.not_after = date_time_ymd(1970, 1, 1) + seconds(not_after)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name.as_str());
    params.subject_alt_names = alternative_names(subject)?;
    params.is_ca = match rules.ca {
        Some(path_len) => IsCa::Ca(BasicConstraints::Constrained(path_len)),
        None => IsCa::ExplicitNoCa,
    };
    params.key_usages = profile.key_usages();
    params.extended_key_usages = rules.purposes.iter().map(|purpose| purpose.to_rcgen()).collect();
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(public_key).to_vec());
    let extension = |credential: &CertifiedCredential| {
        CustomExtension::from_oid_content(&CREDENTIAL_OID, credential.to_der())
    };
    params.custom_extensions = request.credential.map(extension).into_iter().collect();
    Ok(params)
}

fn seconds(instant: Timestamp) -> Result<Duration, IssueError> {
    let seconds =
        u64::try_from(instant.seconds()).map_err(|_| IssueError::Subject("validity before 1970"))?;
    Ok(Duration::from_secs(seconds))
}

fn alternative_names(subject: &Subject) -> Result<Vec<SanType>, IssueError> {
    let mut names = Vec::new();
    if let Some(uri) = &subject.uri {
        if !uri.starts_with("urn:lian:") || uri.bytes().any(|byte| !byte.is_ascii_graphic()) {
            return Err(IssueError::Subject("the identity must be urn:lian:<kind>:<id> in ASCII"));
        }
        names.push(SanType::URI(uri.as_str().try_into().map_err(|_| IssueError::Subject("identity"))?));
    }
    for host in &subject.dns {
        let good =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
        if host.is_empty() || host.len() > 253 || !host.bytes().all(good) {
            return Err(IssueError::Subject(
                "a host name must be lower-case letters, digits, dots and hyphens",
            ));
        }
        names.push(SanType::DnsName(host.as_str().try_into().map_err(|_| IssueError::Subject("host name"))?));
    }
    Ok(names)
}

/// Stands in the place of the issuer's key while rcgen builds a certificate, so that the bytes to sign are known before
/// anything is signed: it "signs" with a byte that no reader takes for a signature.
struct Placeholder<'a>(&'a PublicKey);

impl PublicKeyData for Placeholder<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.point()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        rcgen_algorithm(self.0.curve())
    }
}

impl SigningKey for Placeholder<'_> {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(vec![0])
    }
}

/// A public key as rcgen sees a subject.
struct Subjected<'a>(&'a PublicKey);

impl PublicKeyData for Subjected<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.point()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        rcgen_algorithm(self.0.curve())
    }
}
