//! A certificate and the facts we take from it.

use std::fmt;

use types::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use crate::profile::{CREDENTIAL_OID, Purpose};
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

/// Which passkey a customer's certificate certifies: a non-critical extension of ours,
/// `SEQUENCE { credentialIdHash OCTET STRING, rpId UTF8String, backupEligible BOOLEAN }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedCredential {
    /// SHA-256 of the credential id.
    pub credential_id_hash: [u8; 32],
    /// The WebAuthn relying party id.
    pub rp_id: String,
    /// Whether the passkey may be synchronised between devices (WebAuthn flag BE, which never changes).
    pub backup_eligible: bool,
}

impl CertifiedCredential {
    pub(crate) fn to_der(&self) -> Vec<u8> {
        let body = [
            der::tlv(der::OCTET_STRING, &self.credential_id_hash),
            der::tlv(der::UTF8_STRING, self.rp_id.as_bytes()),
            der::tlv(der::BOOLEAN, &[if self.backup_eligible { 0xff } else { 0 }]),
        ];
        der::tlv(der::SEQUENCE, &body.concat())
    }

    fn from_der(input: &[u8]) -> Option<Self> {
        let body = der::read_exactly(der::SEQUENCE, input)?;
        let (hash, rest) = der::read(der::OCTET_STRING, body)?;
        let (rp_id, rest) = der::read(der::UTF8_STRING, rest)?;
        let backup_eligible = match der::read_exactly(der::BOOLEAN, rest)? {
            [0] => false,
            [0xff] => true,
            _ => return None,
        };
        let rp_id = std::str::from_utf8(rp_id).ok()?.to_owned();
        Some(Self { credential_id_hash: hash.try_into().ok()?, rp_id, backup_eligible })
    }
}

/// A certificate. Reading it says nothing about trust: see [`crate::chain`].
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    facts: Facts,
}

#[derive(Clone, PartialEq, Eq)]
struct Facts {
    serial: Serial,
    public_key: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
    subject: String,
    uri: Option<String>,
    dns: Vec<String>,
    ca: bool,
    signs: bool,
    agrees: bool,
    purposes: Vec<Purpose>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    credential: Option<CertifiedCredential>,
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

impl Facts {
    fn read(parsed: &X509Certificate<'_>) -> Result<Self, CertificateError> {
        let instant =
            |time: x509_parser::time::ASN1Time| Timestamp::from_ms(time.timestamp().saturating_mul(1000));
        let validity = parsed.validity();
        let mut facts = Self {
            serial: Serial::from_bytes(parsed.raw_serial()).map_err(|_| CertificateError::Serial)?,
            public_key: PublicKey::from_spki(parsed.public_key().raw)?,
            not_before: instant(validity.not_before),
            not_after: instant(validity.not_after),
            subject: parsed.subject().to_string(),
            uri: None,
            dns: Vec::new(),
            ca: false,
            signs: false,
            agrees: false,
            purposes: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
            credential: None,
        };
        // The map refuses an extension that is there twice.
        let extensions = parsed.extensions_map().map_err(|_| CertificateError::Extension("repeated"))?;
        for extension in extensions.values() {
            facts.take(&extension.oid, extension.parsed_extension(), extension.value)?;
        }
        Ok(facts)
    }

    fn take(
        &mut self,
        oid: &x509_parser::oid_registry::Oid<'_>,
        parsed: &ParsedExtension<'_>,
        value: &[u8],
    ) -> Result<(), CertificateError> {
        match parsed {
            ParsedExtension::BasicConstraints(constraints) => self.ca = constraints.ca,
            ParsedExtension::KeyUsage(usage) => {
                self.signs = usage.digital_signature();
                self.agrees = usage.key_agreement();
            }
            ParsedExtension::ExtendedKeyUsage(usage) => self.purposes = purposes_of(usage),
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::SubjectAlternativeName(names) => self.take_names(&names.general_names)?,
            ParsedExtension::ParseError { .. } => return Err(CertificateError::Extension("standard")),
            // Unknown extensions: if critical, webpki refuses the certificate when its chain is checked.
            _ if oid.iter().is_some_and(|parts| parts.eq(CREDENTIAL_OID)) => {
                let credential = CertifiedCredential::from_der(value);
                self.credential = Some(credential.ok_or(CertificateError::Extension("credential"))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn take_names(&mut self, names: &[GeneralName<'_>]) -> Result<(), CertificateError> {
        for name in names {
            match name {
                GeneralName::URI(uri) if self.uri.is_none() => self.uri = Some((*uri).to_owned()),
                GeneralName::DNSName(name) => self.dns.push((*name).to_owned()),
                // Two identities, or a kind of name that we never issue.
                _ => return Err(CertificateError::Extension("subjectAltName")),
            }
        }
        Ok(())
    }
}

fn purposes_of(usage: &x509_parser::extensions::ExtendedKeyUsage<'_>) -> Vec<Purpose> {
    let standard = [(usage.server_auth, Purpose::ServerAuth), (usage.client_auth, Purpose::ClientAuth)];
    let standard = standard.into_iter().filter(|(there, _)| *there).map(|(_, purpose)| purpose);
    let ours = usage
        .other
        .iter()
        .filter_map(|oid| Purpose::ALL.into_iter().find(|purpose| purpose.oid_der() == oid.as_bytes()));
    standard.chain(ours).collect()
}
