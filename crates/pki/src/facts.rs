//! What we take from a certificate, and how it is read.

use types::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};

use crate::certificate::CertificateError;
use crate::credential::CertifiedCredential;
use crate::profile::{CREDENTIAL_OID, Purpose};
use crate::public_key::PublicKey;
use crate::serial::Serial;

/// What we take from a certificate.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) serial: Serial,
    pub(crate) public_key: PublicKey,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) subject: String,
    pub(crate) uri: Option<String>,
    pub(crate) dns: Vec<String>,
    pub(crate) ca: bool,
    pub(crate) signs: bool,
    pub(crate) agrees: bool,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) subject_key_id: Option<Vec<u8>>,
    pub(crate) authority_key_id: Option<Vec<u8>>,
    pub(crate) credential: Option<CertifiedCredential>,
}

impl Facts {
    pub(crate) fn read(parsed: &X509Certificate<'_>) -> Result<Self, CertificateError> {
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
