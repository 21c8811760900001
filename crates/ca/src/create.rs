//! The ceremony: a root, the issuing CAs under it, and the two files in which they rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use pki::issue::Request;
use pki::{Certificate, Curve, Draft, IssuingCa, KeyPair, Profile, Serial, Signer, Subject};
use types::{Clock, Entropy};

use crate::authority::{Authority, Issuing};
use crate::error::AuthorityError;
use crate::file::{AuthorityFile, RootFile, SealedCa};
use crate::register::CertificateRegister;
use crate::seal::KeySealer;

/// What an authority is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The installation, as people will read it in certificates: at most 40 printable ASCII characters.
    pub installation: String,
    /// The instance of the CA, 1 to 127: first byte of its serial numbers.
    pub instance: u8,
}

/// A new authority, and the files in which it rests.
pub struct Created<R> {
    /// Ready to issue.
    pub authority: Authority<R>,
    /// For the machine that issues.
    pub file: AuthorityFile,
    /// For the safe.
    pub root: RootFile,
}

impl<R: CertificateRegister> Authority<R> {
    /// Makes a root and the issuing CAs under it. Their keys are drawn from `entropy` and leave only through `sealer`; the
    /// root's key does not stay in the authority.
    ///
    /// # Errors
    /// [`AuthorityError`] names the step that failed. Whatever was recorded by then stays recorded.
    pub async fn create(
        settings: &Settings,
        register: R,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        sealer: &dyn KeySealer,
    ) -> Result<Created<R>, AuthorityError> {
        let Settings { installation, instance } = settings;
        let now = clock.now();

        // Step 1: the root.
        let root_key = KeyPair::generate(Curve::P384, &*entropy)?;
        let subject = Subject { common_name: format!("{installation} root CA"), uri: None, dns: Vec::new() };
        let serial = Serial::new(*instance, &*entropy);
        let draft = Draft::root(&subject, root_key.public_key(), serial, now)?;
        let root = draft.issue(&root_key, &register).await?;
        let sealed_root = seal("root", &root, &root_key, sealer)?;

        // Step 2: the issuing CAs.
        let mut issuing = BTreeMap::new();
        let mut sealed = BTreeMap::new();
        for ca in IssuingCa::ALL {
            let key = KeyPair::generate(Curve::P256, &*entropy)?;
            let subject =
                Subject { common_name: format!("{installation} {ca} CA"), uri: None, dns: Vec::new() };
            let request = Request {
                profile: Profile::IssuingCa(ca),
                subject: &subject,
                public_key: key.public_key(),
                credential: None,
                not_after: None,
            };
            let draft = Draft::new(&request, &root, Serial::new(*instance, &*entropy), now)?;
            let certificate = draft.issue(&root_key, &register).await?;
            sealed.insert(ca, seal(ca.name(), &certificate, &key, sealer)?);
            issuing.insert(ca, Issuing::new(ca, certificate, key)?);
        }

        // Step 3: the files.
        let file = AuthorityFile {
            version: 1,
            installation: installation.clone(),
            instance: *instance,
            root: root.der().to_vec(),
            issuing: sealed,
        };
        let root_file = RootFile { version: 1, installation: installation.clone(), root: sealed_root };
        let authority = Authority { root, issuing, instance: *instance, register, clock, entropy };
        Ok(Created { authority, file, root: root_file })
    }
}

fn seal(
    name: &str,
    certificate: &Certificate,
    key: &KeyPair,
    sealer: &dyn KeySealer,
) -> Result<SealedCa, AuthorityError> {
    let sealed_key = sealer.seal(name, key.to_pkcs8()?.expose())?;
    Ok(SealedCa { certificate: certificate.der().to_vec(), sealed_key })
}
