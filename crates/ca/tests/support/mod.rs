//! A small authority with a toy sealer.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ca::{Authority, CertificateRegister, Created, KeySealer, MemoryRegister, SealError, Settings};
use futures_util::FutureExt as _;
use pki::webauthn::RelyingParty;
use pki::{Csr, Curve, KeyPair};
use types::{Clock, Entropy, Secret, Timestamp};

pub const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_000);
pub const RP: RelyingParty<'static> = RelyingParty { id: "pay.example", origins: &["https://pay.example"] };

pub struct At(pub Timestamp);
impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Numbers that never repeat: SHA-256 of a seed and a counter.
pub struct Seeded(u64, AtomicU64);

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

/// A toy: hides with one byte, and binds the name with a hash. The vault does it properly.
pub struct Xor(pub u8);

impl Xor {
    fn tag(&self, name: &str, key: &[u8]) -> [u8; 32] {
        pki::sha256::sha256_of(&[&[self.0], name.as_bytes(), &[0], key])
    }
}

impl KeySealer for Xor {
    fn seal(&self, name: &str, key: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(self.tag(name, key).into_iter().chain(key.iter().map(|byte| byte ^ self.0)).collect())
    }

    fn open(&self, name: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let wrong = || SealError("altered, or another name or key".to_owned());
        let (tag, hidden) = sealed.split_first_chunk::<32>().ok_or_else(wrong)?;
        let key: Vec<u8> = hidden.iter().map(|byte| byte ^ self.0).collect();
        if self.tag(name, &key) == *tag { Ok(Secret::new(key)) } else { Err(wrong()) }
    }
}

pub fn created<R: CertificateRegister>(register: R) -> Created<R> {
    created_from(1, register)
}

pub fn created_from<R: CertificateRegister>(seed: u64, register: R) -> Created<R> {
    let settings = Settings { installation: "Lian test".to_owned(), instance: 1 };
    Authority::create(&settings, register, Arc::new(At(NOW)), Arc::new(Seeded::new(seed)), &Xor(0x5a))
        .now_or_never()
        .expect("the register answers at once")
        .unwrap()
}

pub fn authority() -> Authority<MemoryRegister> {
    created(MemoryRegister::default()).authority
}

pub fn key(seed: u64) -> KeyPair {
    KeyPair::generate(Curve::P256, &Seeded::new(seed)).unwrap()
}

pub fn csr(seed: u64) -> Csr {
    Csr::from_der(&Csr::build(&key(seed)).unwrap()).unwrap()
}
