//! A passkey in use (WebAuthn Level 3, section 7.2).

use serde::{Deserialize, Serialize};

use super::RelyingParty;
use super::authenticator_data::{AuthenticatorData, Flags};
use super::client_data::{Ceremony, ClientData};
use super::error::WebauthnError;
use crate::public_key::PublicKey;
use crate::sha256::sha256;

/// What the browser returns from `navigator.credentials.get`, as JSON with base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assertion {
    /// `rawId`.
    #[serde(with = "crate::b64::bytes")]
    pub credential_id: Vec<u8>,
    /// `response.clientDataJSON`.
    #[serde(with = "crate::b64::bytes")]
    pub client_data_json: Vec<u8>,
    /// `response.authenticatorData`.
    #[serde(with = "crate::b64::bytes")]
    pub authenticator_data: Vec<u8>,
    /// `response.signature`, DER.
    #[serde(with = "crate::b64::bytes")]
    pub signature: Vec<u8>,
}

impl Assertion {
    /// The bytes that the passkey signed: authenticator data and the hash of clientDataJSON. Any X.509 tool can verify
    /// the signature over them under the customer's certificate.
    pub fn signed_bytes(&self) -> Vec<u8> {
        [&self.authenticator_data[..], &sha256(&self.client_data_json)].concat()
    }
}

/// What a verified assertion says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssertionFacts {
    /// The flags.
    pub flags: Flags,
    /// How often the key was used. A risk signal, never a reason to refuse: synchronised passkeys count zero.
    pub sign_count: u32,
}

impl AssertionFacts {
    /// Whether the counter went back, which a copied authenticator would show (section 6.1.1).
    pub const fn counter_went_back(&self, stored: u32) -> bool {
        (stored != 0 || self.sign_count != 0) && self.sign_count <= stored
    }
}

/// Verifies an assertion over `challenge` by `key`.
///
/// # Errors
/// [`WebauthnError`] names the first check that fails.
pub fn verify_assertion(
    assertion: &Assertion,
    challenge: &[u8],
    relying_party: &RelyingParty<'_>,
    key: &PublicKey,
) -> Result<AssertionFacts, WebauthnError> {
    ClientData::read(&assertion.client_data_json)?.check(Ceremony::Get, challenge, relying_party)?;
    let data = AuthenticatorData::read(&assertion.authenticator_data)?;
    data.check(relying_party)?;
    if data.attested.is_some() {
        return Err(WebauthnError::AuthenticatorData);
    }
    key.verify_der(&assertion.signed_bytes(), &assertion.signature).map_err(|_| WebauthnError::Signature)?;
    Ok(AssertionFacts { flags: data.flags, sign_count: data.sign_count })
}
