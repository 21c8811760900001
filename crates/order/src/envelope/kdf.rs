//! From the shared secret to the key: Concat KDF (RFC 7518 section 4.6.2, NIST SP 800-56A section 5.8.1) with SHA-256.

use pki::sha256::sha256_of;
use zeroize::Zeroizing;

/// Derives `bits` bits of key, at most 256: one round of the hash.
pub(super) fn concat_kdf(
    secret: &[u8; 32],
    algorithm: &str,
    party_u: &[u8],
    party_v: &[u8],
    bits: u32,
) -> Zeroizing<Vec<u8>> {
    debug_assert!(bits <= 256 && bits % 8 == 0);
    // Names of algorithms and parties are short texts of ours, so their lengths fit 32 bits.
    let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let hash = Zeroizing::new(sha256_of(&[
        &1u32.to_be_bytes(),
        secret,
        &len(algorithm.as_bytes()),
        algorithm.as_bytes(),
        &len(party_u),
        party_u,
        &len(party_v),
        party_v,
        &bits.to_be_bytes(),
    ]));
    Zeroizing::new(hash[..(bits / 8) as usize].to_vec())
}
