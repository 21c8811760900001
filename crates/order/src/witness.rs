//! The wallet server's signature: it saw this consent to this LINK.

use pki::{Certificate, SignError, Signer};
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use crate::hash::WITNESS;
use crate::link::SealedLink;

/// The wallet server's signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witness {
    /// The wallet server's certificate, DER.
    #[serde(with = "pki::b64::bytes")]
    pub certificate: Vec<u8>,
    /// ES256 over LINK and the hash of the evidence, `r || s`.
    #[serde(with = "pki::b64::array")]
    pub signature: [u8; 64],
}

impl Witness {
    /// Signs.
    ///
    /// # Errors
    /// [`SignError`] when the key cannot sign, or is not a P-256 key.
    pub fn sign(
        link: &SealedLink,
        evidence: &Evidence,
        certificate: &Certificate,
        key: &dyn Signer,
    ) -> Result<Self, SignError> {
        let signature = key.sign_fixed(&signed_bytes(link, evidence))?;
        let signature =
            signature.try_into().map_err(|_| SignError("the witness needs a P-256 key".to_owned()))?;
        Ok(Self { certificate: certificate.der().to_vec(), signature })
    }
}

/// Domain, LINK, hash of the evidence. LINK ends with its closing brace and the hash has a fixed length, so there is one
/// way to cut them.
pub(crate) fn signed_bytes(link: &SealedLink, evidence: &Evidence) -> Vec<u8> {
    [WITNESS, link.bytes(), evidence.digest().as_bytes()].concat()
}
