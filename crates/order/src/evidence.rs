//! How the customer consented.

use pki::webauthn::Assertion;
use serde::{Deserialize, Serialize};

use crate::canonical;
use crate::hash::{Digest, EVIDENCE};

/// How the customer consented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Evidence {
    /// With a passkey over h(LINK), certified by the wallet CA.
    Passkey {
        /// The assertion.
        assertion: Assertion,
        /// The customer's certificate, DER.
        #[serde(with = "pki::b64::bytes")]
        certificate: Vec<u8>,
    },
    /// By submitting a card without an account: only the wallet server stands for it, and this says so.
    Guest {},
}

impl Evidence {
    /// The hash that the witness signs.
    pub fn digest(&self) -> Digest {
        Digest::of(EVIDENCE, &canonical::to_vec(self))
    }
}
