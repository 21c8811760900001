//! Sealing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use pki::{AgreementKey, b64};
use types::{Entropy, PaymentId};
use zeroize::Zeroizing;

use super::EnvelopeError;
use super::header::{ALGORITHM, Header};
use super::kdf::concat_kdf;
use super::recipient::Recipient;
use crate::hash::Digest;

/// Seals bytes to a recipient: a fresh ephemeral key, a fresh content key, a fresh nonce.
///
/// # Errors
/// [`EnvelopeError::Library`] when the library fails.
pub fn seal(
    plain: &[u8],
    recipient: &Recipient,
    payment: &PaymentId,
    h_pi: &Digest,
    entropy: &dyn Entropy,
) -> Result<String, EnvelopeError> {
    let failed = |_| EnvelopeError::Library;
    let ephemeral = AgreementKey::generate(entropy).map_err(|_| EnvelopeError::Library)?;
    let header = Header::new(ephemeral.public_key(), recipient.id(), *payment, *h_pi)?;
    let protected = b64::encode(&header.to_json());

    let secret = ephemeral.agree(recipient.key()).map_err(|_| EnvelopeError::Library)?;
    let wrapping_key = concat_kdf(&secret, ALGORITHM, b"", b"", 256);
    let mut content_key = Zeroizing::new([0; 32]);
    entropy.fill(&mut *content_key);
    let mut wrapped = [0; 40];
    AesKek::new(&AES_256, &wrapping_key)
        .map_err(failed)?
        .wrap(&*content_key, &mut wrapped)
        .map_err(failed)?;

    let mut iv = [0; 12];
    entropy.fill(&mut iv);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*content_key).map_err(failed)?);
    // The buffer holds the plain text until it is encrypted in place, so it is one that wipes itself.
    let mut sealed = Zeroizing::new(plain.to_vec());
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(iv),
            Aad::from(protected.as_bytes()),
            &mut sealed,
        )
        .map_err(failed)?;
    Ok([protected, b64::encode(&wrapped), b64::encode(&iv), b64::encode(&sealed), b64::encode(tag.as_ref())]
        .join("."))
}
