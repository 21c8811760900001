//! The certificate authority: enrol, issue, register.
//!
//! ```text
//! root (P-384, 12 years, kept offline)
//!  ├─ node       our servers' TLS, and the keys that open envelopes
//!  ├─ merchant   merchants' request signing
//!  ├─ wallet     customers' passkeys, wallet servers
//!  ├─ staff      operators and finance staff
//!  └─ bank link  both ends of a bank link
//! ```
//!
//! From a certificate request only the public key and the proof of its possession are taken; every other byte of a
//! certificate comes from the enrolment record, that is from the arguments of the functions here. Nothing is signed before
//! it is recorded: after a crash, [`Authority::unfinished`] shows what was intended and perhaps signed.

mod authority;
mod create;
mod error;
mod file;
mod issue;
mod register;
mod seal;

pub use authority::Authority;
pub use create::{Created, Settings};
pub use error::AuthorityError;
pub use file::{AuthorityFile, FileError, RootFile, SealedCa};
pub use issue::PasskeyEnrolment;
pub use register::{CertificateRegister, MemoryRegister};
pub use seal::{KeySealer, SealError};
