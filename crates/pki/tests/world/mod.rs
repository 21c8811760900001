//! A root, its issuing CAs, and leaves.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use pki::issue::Request;
use pki::{
    Anchor, Certificate, Curve, Draft, Intent, IssuingCa, KeyPair, Profile, PublicKey, Register,
    RegisterError, Serial, Signer, Subject,
};
use types::{Entropy, Timestamp};

pub const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_000);

/// Numbers that never repeat: SHA-256 of a seed and a counter.
pub struct Seeded(pub u64, AtomicU64);

impl Seeded {
    pub const fn new(seed: u64) -> Self {
        Self(seed, AtomicU64::new(0))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.1.fetch_add(1, Ordering::Relaxed);
            let hash = pki::sha256::sha256_of(&[&self.0.to_be_bytes(), &count.to_be_bytes()]);
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

pub fn key(seed: u64) -> KeyPair {
    KeyPair::generate(Curve::P256, &Seeded::new(seed)).unwrap()
}

/// Remembers nothing.
pub struct Forgetful;

impl Register for Forgetful {
    async fn record_intent(&self, _: &Intent) -> Result<(), RegisterError> {
        Ok(())
    }
    async fn record_certificate(&self, _: &Certificate) -> Result<(), RegisterError> {
        Ok(())
    }
}

pub struct World {
    pub entropy: Seeded,
    pub root: Certificate,
    pub cas: BTreeMap<IssuingCa, (Certificate, KeyPair)>,
}

impl World {
    pub fn new() -> Self {
        let entropy = Seeded::new(1000);
        let root_key = KeyPair::generate(Curve::P384, &entropy).unwrap();
        let named = |name: String| Subject { common_name: name, uri: None, dns: vec![] };
        let draft =
            Draft::root(&named("root".into()), root_key.public_key(), Serial::new(1, &entropy), NOW).unwrap();
        let root = sign(draft, &root_key);
        let ca = |ca: IssuingCa| {
            let key = KeyPair::generate(Curve::P256, &entropy).unwrap();
            let subject = named(format!("{ca} CA"));
            let request = request(Profile::IssuingCa(ca), &subject, key.public_key());
            let draft = Draft::new(&request, &root, Serial::new(1, &entropy), NOW).unwrap();
            (ca, (sign(draft, &root_key), key))
        };
        let cas = IssuingCa::ALL.map(ca).into();
        Self { entropy, root, cas }
    }

    pub fn certificate(&self, ca: IssuingCa) -> Certificate {
        self.cas[&ca].0.clone()
    }

    pub fn anchor(&self, ca: IssuingCa) -> Anchor {
        Anchor::issuing_ca(self.certificate(ca)).unwrap()
    }

    pub fn leaf(&self, profile: Profile) -> Certificate {
        self.leaf_for(profile, &Subject::named("test", "one"), key(1).public_key())
    }

    pub fn leaf_for(&self, profile: Profile, subject: &Subject, key: &PublicKey) -> Certificate {
        let (issuer, issuer_key) = &self.cas[&profile.rules().issuer.unwrap()];
        let request = request(profile, subject, key);
        sign(Draft::new(&request, issuer, Serial::new(1, &self.entropy), NOW).unwrap(), issuer_key)
    }

    /// A certificate under the node CA's key that no profile of ours made.
    pub fn careless(&self, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Vec<u8> {
        let (issuer, issuer_key) = &self.cas[&IssuingCa::Node];
        let pkcs8 = issuer_key.to_pkcs8().unwrap();
        let issuer_key = rcgen::KeyPair::try_from(pkcs8.expose().as_slice()).unwrap();
        let issuer = rcgen::Issuer::from_ca_cert_der(&issuer.der().into(), issuer_key).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.serial_number =
            Some(rcgen::SerialNumber::from_slice(Serial::new(1, &self.entropy).as_bytes()));
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        change(&mut params);
        params.signed_by(&rcgen::KeyPair::generate().unwrap(), &issuer).unwrap().der().to_vec()
    }
}

pub fn request<'a>(profile: Profile, subject: &'a Subject, public_key: &'a PublicKey) -> Request<'a> {
    Request { profile, subject, public_key, credential: None, not_after: None }
}

pub fn sign(draft: Draft, key: &KeyPair) -> Certificate {
    draft.issue(key, &Forgetful).now_or_never().expect("the register answers at once").unwrap()
}
