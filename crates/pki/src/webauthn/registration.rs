//! A new passkey (WebAuthn Level 3, section 7.1), attestation disregarded.

use serde::{Deserialize, Serialize};

use super::RelyingParty;
use super::authenticator_data::AuthenticatorData;
use super::cbor::{Malformed, Reader};
use super::client_data::{Ceremony, ClientData};
use super::error::WebauthnError;
use crate::credential::CertifiedCredential;
use crate::public_key::PublicKey;
use crate::sha256::sha256;

/// What the browser returns from `navigator.credentials.create`, as JSON with base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// `response.clientDataJSON`.
    #[serde(with = "crate::b64::bytes")]
    pub client_data_json: Vec<u8>,
    /// `response.attestationObject`.
    #[serde(with = "crate::b64::bytes")]
    pub attestation_object: Vec<u8>,
}

/// A passkey that was registered. The registration alone doesn't prove possession of its key; an assertion does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registered {
    /// The credential id.
    #[serde(with = "crate::b64::bytes")]
    pub credential_id: Vec<u8>,
    /// The key.
    pub public_key: PublicKey,
    /// The relying party id.
    pub rp_id: String,
    /// The authenticator's model; zero when it does not say.
    #[serde(with = "crate::b64::array")]
    pub aaguid: [u8; 16],
    /// How often the key was used, or zero where the authenticator does not count.
    pub sign_count: u32,
    /// Whether the passkey may be synchronised between devices.
    pub backup_eligible: bool,
}

impl Registered {
    /// The form in which a customer's certificate names the passkey.
    pub fn certified(&self) -> CertifiedCredential {
        CertifiedCredential {
            credential_id_hash: sha256(&self.credential_id),
            rp_id: self.rp_id.clone(),
            backup_eligible: self.backup_eligible,
        }
    }
}

/// Verifies a registration.
///
/// # Errors
/// [`WebauthnError`] names the first check that fails.
pub fn verify_registration(
    registration: &Registration,
    challenge: &[u8],
    relying_party: &RelyingParty<'_>,
) -> Result<Registered, WebauthnError> {
    ClientData::read(&registration.client_data_json)?.check(Ceremony::Create, challenge, relying_party)?;
    let data =
        authenticator_data(&registration.attestation_object).map_err(|_| WebauthnError::Attestation)?;
    let data = AuthenticatorData::read(data)?;
    data.check(relying_party)?;
    let credential = data.attested.ok_or(WebauthnError::AuthenticatorData)?;
    Ok(Registered {
        credential_id: credential.credential_id.to_vec(),
        public_key: credential.public_key,
        rp_id: relying_party.id.to_owned(),
        aaguid: credential.aaguid,
        sign_count: data.sign_count,
        backup_eligible: data.flags.backup_eligible,
    })
}

/// The `authData` of an attestation object, `{"fmt": …, "attStmt": …, "authData": …}` in any order, each once. The
/// statement is skipped: who made an authenticator is of no interest to us, and "none" is what we ask for.
fn authenticator_data(object: &[u8]) -> Result<&[u8], Malformed> {
    let mut reader = Reader::new(object);
    let (mut format, mut statement, mut data) = (None, None, None);
    for _ in 0..reader.map()? {
        let repeated = match reader.text()? {
            "fmt" => format.replace(reader.text()?).is_some(),
            "attStmt" => statement.replace(reader.skip()?).is_some(),
            "authData" => data.replace(reader.bytes()?).is_some(),
            _ => return Err(Malformed),
        };
        if repeated {
            return Err(Malformed);
        }
    }
    match (format, statement, data) {
        (Some(_), Some(()), Some(data)) if reader.rest().is_empty() => Ok(data),
        _ => Err(Malformed),
    }
}
