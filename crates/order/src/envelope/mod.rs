//! The envelope: JWE compact (RFC 7516), `ECDH-ES+A256KW` with P-256 and `A256GCM`, and nothing else.
//!
//! The algorithm follows from our key, not from the message: a header that names another, or holds anything but the seven
//! members that we write, is refused.

mod header;
mod kdf;
mod open;
mod recipient;
mod seal;

pub use open::{Opened, Recipients, open};
pub use recipient::Recipient;
pub use seal::seal;

/// An envelope that cannot be sealed or opened. What was in it is not told, nor how far opening came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not a compact JWE with the header that we write.
    #[error("the envelope is not a compact JWE of the form used here")]
    Form,
    /// It is sealed to a key that is not ours, or no longer.
    #[error("the envelope is sealed to a key that is not ours")]
    WrongRecipient,
    /// It does not open: altered, or sealed with another key than it names.
    #[error("the envelope does not open")]
    Sealed,
    /// The cryptographic library failed while sealing.
    #[error("the cryptographic library failed")]
    Library,
}

#[cfg(test)]
mod tests;
