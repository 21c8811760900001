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

mod build;
mod draft;
mod error;
mod lint;
mod register;

use types::Timestamp;

pub use self::draft::{Draft, Prepared};
pub use self::error::IssueError;
pub use self::register::{Intent, Register, RegisterError};
use crate::credential::CertifiedCredential;
use crate::profile::{Profile, Subject};
use crate::public_key::PublicKey;

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
