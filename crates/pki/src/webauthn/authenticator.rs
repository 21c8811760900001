//! An authenticator in software: real registrations and assertions from a P-256 key in memory, for tests and the guided
//! tour. It stands where a phone would; nothing on a server uses it for a real customer.

use types::Entropy;

use super::assertion::Assertion;
use super::client_data::Ceremony;
use super::cose::write_es256;
use super::registration::Registration;
use crate::b64;
use crate::key::{KeyError, KeyPair, SignError, Signer};
use crate::public_key::Curve;
use crate::sha256::sha256;

const PRESENT_AND_VERIFIED: u8 = 0b0000_0101;
const ATTESTED: u8 = 0b0100_0000;

/// One passkey on one device.
#[derive(Debug)]
pub struct SoftwareAuthenticator {
    key: KeyPair,
    credential_id: Vec<u8>,
    rp_id: String,
    origin: String,
    sign_count: u32,
}

impl SoftwareAuthenticator {
    /// A new passkey for a relying party, used from the page at `origin`.
    ///
    /// # Errors
    /// [`KeyError::Library`] when the library fails.
    pub fn new(rp_id: &str, origin: &str, entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let key = KeyPair::generate(Curve::P256, entropy)?;
        let mut credential_id = vec![0; 32];
        entropy.fill(&mut credential_id);
        Ok(Self { key, credential_id, rp_id: rp_id.to_owned(), origin: origin.to_owned(), sign_count: 0 })
    }

    /// The credential id.
    pub fn credential_id(&self) -> &[u8] {
        &self.credential_id
    }

    /// Answers `navigator.credentials.create`, with attestation "none".
    pub fn register(&self, challenge: &[u8]) -> Registration {
        let id_len = u16::try_from(self.credential_id.len()).unwrap_or(u16::MAX).to_be_bytes();
        let data = [
            &self.data(PRESENT_AND_VERIFIED | ATTESTED)[..],
            &[0; 16],
            &id_len,
            &self.credential_id,
            &write_es256(self.key.public_key()),
        ]
        .concat();
        let len = u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes();
        // {"fmt": "none", "attStmt": {}, "authData": …}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".to_vec();
        match len {
            [0, short] => object.extend_from_slice(&[0x58, short]),
            [high, low] => object.extend_from_slice(&[0x59, high, low]),
        }
        object.extend_from_slice(&data);
        Registration {
            client_data_json: self.client_data(Ceremony::Create, challenge),
            attestation_object: object,
        }
    }

    /// Answers `navigator.credentials.get`: the gesture of somebody who was present and verified.
    ///
    /// # Errors
    /// [`SignError`] when the library fails.
    pub fn assert(&mut self, challenge: &[u8]) -> Result<Assertion, SignError> {
        self.sign_count = self.sign_count.saturating_add(1);
        self.sign(self.client_data(Ceremony::Get, challenge), self.data(PRESENT_AND_VERIFIED))
    }

    /// Signs whatever it is given as client data and authenticator data: how a broken or hostile client is played.
    ///
    /// # Errors
    /// [`SignError`] when the library fails.
    pub fn sign(
        &self,
        client_data_json: Vec<u8>,
        authenticator_data: Vec<u8>,
    ) -> Result<Assertion, SignError> {
        let credential_id = self.credential_id.clone();
        let mut assertion =
            Assertion { credential_id, client_data_json, authenticator_data, signature: Vec::new() };
        assertion.signature = self.key.sign(&assertion.signed_bytes())?;
        Ok(assertion)
    }

    /// The clientDataJSON that a browser would write.
    pub fn client_data(&self, ceremony: Ceremony, challenge: &[u8]) -> Vec<u8> {
        let (kind, challenge, origin) = (ceremony.name(), b64::encode(challenge), &self.origin);
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
            .into_bytes()
    }

    /// The authenticator data with these flags, without a credential.
    pub fn data(&self, flags: u8) -> Vec<u8> {
        [&sha256(self.rp_id.as_bytes())[..], &[flags], &self.sign_count.to_be_bytes()].concat()
    }
}
