//! clientDataJSON (WebAuthn Level 3, section 5.8.1): what the browser says it was asked.

use serde::Deserialize;

use super::RelyingParty;
use super::error::WebauthnError;
use crate::b64;
use crate::json::refuse_duplicate_keys;
use crate::sha256::equal;

/// No browser writes more.
const MAX_LEN: usize = 4096;

/// The two ceremonies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceremony {
    /// `webauthn.create`: a new passkey.
    Create,
    /// `webauthn.get`: a passkey in use.
    Get,
}

impl Ceremony {
    /// The value of `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "webauthn.create",
            Self::Get => "webauthn.get",
        }
    }
}

/// clientDataJSON. Browsers may add keys, so unknown ones are skipped; none may stand twice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    top_origin: Option<String>,
}

impl ClientData {
    /// Reads clientDataJSON.
    ///
    /// # Errors
    /// [`WebauthnError::ClientData`] when it is too long, not JSON, or names a key twice.
    pub fn read(json: &[u8]) -> Result<Self, WebauthnError> {
        if json.len() > MAX_LEN {
            return Err(WebauthnError::ClientData);
        }
        refuse_duplicate_keys(json).map_err(|_| WebauthnError::ClientData)?;
        serde_json::from_slice(json).map_err(|_| WebauthnError::ClientData)
    }

    /// Checks ceremony, challenge and page.
    ///
    /// # Errors
    /// [`WebauthnError`] names the first that is wrong.
    pub fn check(
        &self,
        ceremony: Ceremony,
        challenge: &[u8],
        relying_party: &RelyingParty<'_>,
    ) -> Result<(), WebauthnError> {
        if self.ceremony != ceremony.name() {
            return Err(WebauthnError::Type);
        }
        // Compared as bytes: base64url of the same bytes could be written with stray bits.
        let answered = b64::decode(&self.challenge).map_err(|_| WebauthnError::Challenge)?;
        if !equal(&answered, challenge) {
            return Err(WebauthnError::Challenge);
        }
        if !relying_party.origins.contains(&self.origin.as_str()) {
            return Err(WebauthnError::Origin);
        }
        // Our pages are never embedded, so a page that was is not ours to answer for.
        if self.cross_origin || self.top_origin.is_some() {
            return Err(WebauthnError::CrossOrigin);
        }
        Ok(())
    }
}
