//! The authority in use.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use pki::chain::verify_issuing_ca;
use pki::{Anchor, Certificate, Curve, Intent, IssuingCa, KeyPair, Signer};
use types::{Clock, Entropy};

use crate::error::AuthorityError;
use crate::file::{AuthorityFile, FileError};
use crate::register::CertificateRegister;
use crate::seal::KeySealer;

/// One issuing CA with its key.
pub(crate) struct Issuing {
    pub(crate) anchor: Arc<Anchor>,
    pub(crate) key: KeyPair,
}

impl Issuing {
    pub(crate) fn new(ca: IssuingCa, certificate: Certificate, key: KeyPair) -> Result<Self, AuthorityError> {
        if certificate.public_key() != key.public_key() {
            return Err(AuthorityError::WrongKey(ca));
        }
        let anchor =
            Anchor::issuing_ca(certificate).map_err(|source| AuthorityError::Chain { ca, source })?;
        Ok(Self { anchor: Arc::new(anchor), key })
    }
}

/// The issuing CAs with their keys, and the register.
pub struct Authority<R> {
    pub(crate) root: Certificate,
    pub(crate) issuing: BTreeMap<IssuingCa, Issuing>,
    pub(crate) instance: u8,
    pub(crate) register: R,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl<R> fmt::Debug for Authority<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({:?})", self.root)
    }
}

impl<R: CertificateRegister> Authority<R> {
    /// Opens an authority from its file.
    ///
    /// # Errors
    /// [`AuthorityError`] when a key does not open, a CA is missing, or a certificate is not the root's or no longer valid.
    pub fn open(
        file: &AuthorityFile,
        register: R,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        sealer: &dyn KeySealer,
    ) -> Result<Self, AuthorityError> {
        let root = Certificate::from_der(&file.root).map_err(FileError::from)?;
        let mut issuing = BTreeMap::new();
        for ca in IssuingCa::ALL {
            let sealed = file.issuing.get(&ca).ok_or(AuthorityError::Missing(ca))?;
            let certificate = sealed.read().map_err(FileError::from)?;
            verify_issuing_ca(&root, &certificate, clock.now())
                .map_err(|source| AuthorityError::Chain { ca, source })?;
            let key = KeyPair::from_pkcs8(Curve::P256, sealer.open(ca.name(), &sealed.sealed_key)?.expose())?;
            issuing.insert(ca, Issuing::new(ca, certificate, key)?);
        }
        Ok(Self { root, issuing, instance: file.instance, register, clock, entropy })
    }

    /// The root's certificate.
    pub const fn root(&self) -> &Certificate {
        &self.root
    }

    /// An issuing CA as trust anchor: for one listener, one verifier.
    ///
    /// # Errors
    /// [`AuthorityError::Missing`] never happens to an authority that was created or opened whole.
    pub fn anchor(&self, ca: IssuingCa) -> Result<Arc<Anchor>, AuthorityError> {
        self.issuing(ca).map(|issuing| issuing.anchor.clone())
    }

    /// A leaf and its issuing CA as PEM, in the order in which TLS servers want them.
    ///
    /// # Errors
    /// As [`Authority::anchor`].
    pub fn chain_pem(&self, leaf: &Certificate, ca: IssuingCa) -> Result<String, AuthorityError> {
        Ok(leaf.pem() + &self.issuing(ca)?.anchor.certificate().pem())
    }

    /// The register.
    pub const fn register(&self) -> &R {
        &self.register
    }

    /// Intents without a certificate, after a crash.
    ///
    /// # Errors
    /// [`AuthorityError::Register`] when the register cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<Intent>, AuthorityError> {
        Ok(self.register.unfinished().await?)
    }

    pub(crate) fn issuing(&self, ca: IssuingCa) -> Result<&Issuing, AuthorityError> {
        self.issuing.get(&ca).ok_or(AuthorityError::Missing(ca))
    }
}
