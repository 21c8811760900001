//! The passkey that a customer's certificate certifies.

use crate::der;

/// Which passkey a customer's certificate certifies: a non-critical extension of ours,
/// `SEQUENCE { credentialIdHash OCTET STRING, rpId UTF8String, backupEligible BOOLEAN }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifiedCredential {
    /// SHA-256 of the credential id.
    pub credential_id_hash: [u8; 32],
    /// The WebAuthn relying party id.
    pub rp_id: String,
    /// Whether the passkey may be synchronised between devices (WebAuthn flag BE, which never changes).
    pub backup_eligible: bool,
}

impl CertifiedCredential {
    pub(crate) fn to_der(&self) -> Vec<u8> {
        let body = [
            der::tlv(der::OCTET_STRING, &self.credential_id_hash),
            der::tlv(der::UTF8_STRING, self.rp_id.as_bytes()),
            der::tlv(der::BOOLEAN, &[if self.backup_eligible { 0xff } else { 0 }]),
        ];
        der::tlv(der::SEQUENCE, &body.concat())
    }

    pub(crate) fn from_der(input: &[u8]) -> Option<Self> {
        let body = der::read_exactly(der::SEQUENCE, input)?;
        let (hash, rest) = der::read(der::OCTET_STRING, body)?;
        let (rp_id, rest) = der::read(der::UTF8_STRING, rest)?;
        let backup_eligible = match der::read_exactly(der::BOOLEAN, rest)? {
            [0] => false,
            [0xff] => true,
            _ => return None,
        };
        let rp_id = std::str::from_utf8(rp_id).ok()?.to_owned();
        Some(Self { credential_id_hash: hash.try_into().ok()?, rp_id, backup_eligible })
    }
}
