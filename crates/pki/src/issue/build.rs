//! From a request to the bytes that rcgen writes for it.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, KeyIdMethod,
    PublicKeyData, SanType, SerialNumber, SignatureAlgorithm, SigningKey, date_time_ymd,
};
use types::Timestamp;

use super::{IssueError, Request};
use crate::credential::CertifiedCredential;
use crate::csr::rcgen_algorithm;
use crate::profile::{BACKDATE_MS, CREDENTIAL_OID, HOUR_MS, Profile, Subject};
use crate::public_key::{Curve, PublicKey};
use crate::serial::Serial;
use crate::sha256::sha256;

/// SHA-256 of the point, cut to 160 bits (RFC 7093 section 2, method 1).
pub(super) fn key_identifier(key: &PublicKey) -> [u8; 20] {
    let mut id = [0; 20];
    id.copy_from_slice(&sha256(key.point())[..20]);
    id
}

/// The end that the request asks for, at most the profile's.
pub(super) fn end_of(request: &Request<'_>, now: Timestamp) -> Timestamp {
    let full = now.plus_ms(request.profile.rules().life_ms);
    request.not_after.map_or(full, |wish| wish.min(full))
}

/// What rcgen is told.
pub(super) fn params(
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
pub(super) struct Placeholder<'a>(pub(super) &'a PublicKey);

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
pub(super) struct Subjected<'a>(pub(super) &'a PublicKey);

impl PublicKeyData for Subjected<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.point()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        rcgen_algorithm(self.0.curve())
    }
}
