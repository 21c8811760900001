//! Authenticator data (WebAuthn Level 3, section 6.1).

use super::RelyingParty;
use super::cbor::Reader;
use super::cose::read_es256;
use super::error::WebauthnError;
use crate::public_key::PublicKey;
use crate::sha256::{equal, sha256};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKUP_STATE: u8 = 1 << 4;
const ATTESTED: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;
const RESERVED: u8 = 1 << 1 | 1 << 5;

/// What the authenticator says about the gesture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// Somebody was present.
    pub user_present: bool,
    /// The user was verified by PIN, finger or face.
    pub user_verified: bool,
    /// The passkey may be synchronised between devices; never changes.
    pub backup_eligible: bool,
    /// The passkey is synchronised now.
    pub backup_state: bool,
}

/// Authenticator data, read strictly: nothing may follow what the flags announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatorData<'a> {
    /// SHA-256 of the relying party id.
    pub rp_id_hash: [u8; 32],
    /// The flags.
    pub flags: Flags,
    /// How often the key was used, or zero where the authenticator does not count.
    pub sign_count: u32,
    /// The new credential, at a registration.
    pub attested: Option<AttestedCredential<'a>>,
}

/// A new credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestedCredential<'a> {
    /// The authenticator's model; zero without attestation.
    pub aaguid: [u8; 16],
    /// The credential id.
    pub credential_id: &'a [u8],
    /// The key.
    pub public_key: PublicKey,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads authenticator data.
    ///
    /// # Errors
    /// [`WebauthnError::AuthenticatorData`], [`WebauthnError::Key`] or [`WebauthnError::CredentialId`].
    pub fn read(input: &'a [u8]) -> Result<Self, WebauthnError> {
        let malformed = WebauthnError::AuthenticatorData;
        let (rp_id_hash, rest) = input.split_first_chunk::<32>().ok_or(malformed)?;
        let (&[flags], rest) = rest.split_first_chunk::<1>().ok_or(malformed)?;
        let (sign_count, mut rest) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        // What a reserved bit will mean one day is not known, so it cannot be agreed to.
        if flags & RESERVED != 0 || (flags & BACKUP_STATE != 0 && flags & BACKUP_ELIGIBLE == 0) {
            return Err(malformed);
        }
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (credential, after) = AttestedCredential::read(rest)?;
            (attested, rest) = (Some(credential), after);
        }
        if flags & EXTENSIONS != 0 {
            rest = skip_extensions(rest).ok_or(malformed)?;
        }
        if !rest.is_empty() {
            return Err(malformed);
        }
        let flags = Flags {
            user_present: flags & USER_PRESENT != 0,
            user_verified: flags & USER_VERIFIED != 0,
            backup_eligible: flags & BACKUP_ELIGIBLE != 0,
            backup_state: flags & BACKUP_STATE != 0,
        };
        Ok(Self { rp_id_hash: *rp_id_hash, flags, sign_count: u32::from_be_bytes(*sign_count), attested })
    }

    /// The checks that both ceremonies share: our relying party, somebody present and verified.
    pub(super) fn check(&self, relying_party: &RelyingParty<'_>) -> Result<(), WebauthnError> {
        match () {
            () if !equal(&self.rp_id_hash, &sha256(relying_party.id.as_bytes())) => {
                Err(WebauthnError::RelyingParty)
            }
            () if !self.flags.user_present => Err(WebauthnError::UserPresence),
            () if !self.flags.user_verified => Err(WebauthnError::UserVerification),
            () => Ok(()),
        }
    }
}

impl<'a> AttestedCredential<'a> {
    fn read(input: &'a [u8]) -> Result<(Self, &'a [u8]), WebauthnError> {
        let malformed = WebauthnError::AuthenticatorData;
        let (aaguid, rest) = input.split_first_chunk::<16>().ok_or(malformed)?;
        let (len, rest) = rest.split_first_chunk::<2>().ok_or(malformed)?;
        let len = usize::from(u16::from_be_bytes(*len));
        // Section 7.1 step 25: a credential id has at most 1023 bytes.
        if !(1..=1023).contains(&len) {
            return Err(WebauthnError::CredentialId);
        }
        let (credential_id, rest) = rest.split_at_checked(len).ok_or(malformed)?;
        let mut reader = Reader::new(rest);
        let public_key = read_es256(&mut reader)?;
        Ok((Self { aaguid: *aaguid, credential_id, public_key }, reader.rest()))
    }
}

/// Extension outputs are a map; none was asked for, so none is looked at.
fn skip_extensions(input: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(input);
    for _ in 0..reader.map().ok()? {
        reader.text().ok()?;
        reader.skip().ok()?;
    }
    Some(reader.rest())
}
