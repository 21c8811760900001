//! Passkeys: what a relying party must verify (WebAuthn Level 3, sections 7.1 and 7.2), and no more than we use.
//!
//! Only ES256 keys, attestation is neither asked for nor believed. The challenge of a payment is not random text but the
//! hash of what is consented to, so every check that a challenge needs is here and none is left to a library that would
//! choose its own.

mod assertion;
pub mod authenticator;
mod authenticator_data;
mod cbor;
mod client_data;
mod cose;
mod error;
mod registration;

pub use assertion::{Assertion, AssertionFacts, verify_assertion};
pub use authenticator_data::{AuthenticatorData, Flags};
pub use client_data::{Ceremony, ClientData};
pub use error::WebauthnError;
pub use registration::{Registered, Registration, verify_registration};

/// The relying party: one id, and the exact origins at which its pages live.
#[derive(Clone, Copy, Debug)]
pub struct RelyingParty<'a> {
    /// The relying party id, a host name: `pay.example`.
    pub id: &'a str,
    /// The origins that may ask: `https://pay.example`. Compared letter by letter.
    pub origins: &'a [&'a str],
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
