//! Certificates, chains, signatures and signed HTTP requests, without I/O.
//!
//! | module        | what it holds                                                                       |
//! |---------------|-------------------------------------------------------------------------------------|
//! | [`key`]       | P-256 and P-384 signing keys, and the [`Signer`] trait behind which a key may hide    |
//! | [`agreement`] | P-256 keys that receive sealed envelopes, and never sign anything but their own CSR  |
//! | [`profile`]   | what each kind of certificate says, in one table                                     |
//! | [`issue`]     | draft, record, sign: nothing is signed before it is recorded                         |
//! | [`chain`]     | one anchor, one purpose, one instant: is this certificate good?                      |
//! | [`http`]      | RFC 9421 signatures and RFC 9530 digests of requests and answers                     |
//! | [`webauthn`]  | passkey registrations and assertions, and a software authenticator                   |
//! | [`tls`]       | TLS 1.3 configurations that trust one issuing CA; no sockets                         |
//!
//! All cryptography is aws-lc-rs. Keys come from the caller's [`types::Entropy`]; the per-signature secret of ECDSA is
//! the one piece of chance that the library draws itself, so two signatures of one message differ.

pub mod agreement;
pub mod b64;
pub mod certificate;
pub mod chain;
pub mod credential;
pub mod csr;
mod der;
mod facts;
pub mod http;
pub mod issue;
pub mod json;
pub mod key;
pub mod pem;
pub mod profile;
pub mod public_key;
pub mod serial;
pub mod sha256;
pub mod signature;
pub mod tls;
pub mod webauthn;

pub use agreement::AgreementKey;
pub use certificate::{Certificate, CertificateError};
pub use chain::{Anchor, ChainError, Refused};
pub use credential::CertifiedCredential;
pub use csr::{Csr, CsrError};
pub use issue::{Draft, Intent, IssueError, Prepared, Register, RegisterError};
pub use key::{KeyError, KeyPair, SignError, Signer};
pub use profile::{IssuingCa, Profile, Purpose, Subject};
pub use public_key::{Curve, KeyId, PublicKey, PublicKeyError};
pub use serial::Serial;
