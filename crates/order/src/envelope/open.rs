//! Opening.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap as _};
use pki::{AgreementKey, KeyId, b64};
use types::PaymentId;
use zeroize::Zeroizing;

use super::EnvelopeError;
use super::header::{ALGORITHM, Header};
use super::kdf::concat_kdf;
use crate::hash::Digest;

/// No envelope is longer.
const MAX_LEN: usize = 8 * 1024;

/// The keys that open envelopes: the current one, and older ones for as long as envelopes to them may be under way.
pub trait Recipients: Send + Sync {
    /// The key of this name.
    fn key(&self, id: &KeyId) -> Option<&AgreementKey>;
}

impl Recipients for [AgreementKey] {
    fn key(&self, id: &KeyId) -> Option<&AgreementKey> {
        self.iter().find(|key| key.id() == *id)
    }
}

impl Recipients for Vec<AgreementKey> {
    fn key(&self, id: &KeyId) -> Option<&AgreementKey> {
        self.as_slice().key(id)
    }
}

/// What an envelope held, and what its authenticated header says about it.
pub struct Opened {
    /// The content; wiped when dropped.
    pub plain: Zeroizing<Vec<u8>>,
    /// The key that opened it.
    pub kid: KeyId,
    /// The payment that the header names.
    pub payment: PaymentId,
    /// The hash of the instruction that the header names.
    pub h_pi: Digest,
}

/// Opens an envelope.
///
/// # Errors
/// [`EnvelopeError`].
pub fn open(envelope: &str, recipients: &dyn Recipients) -> Result<Opened, EnvelopeError> {
    let form = |_| EnvelopeError::Form;
    let sealed = |_| EnvelopeError::Sealed;
    if envelope.len() > MAX_LEN {
        return Err(EnvelopeError::Form);
    }
    let parts: Vec<&str> = envelope.split('.').collect();
    let [protected, wrapped, iv, cipher, tag] = parts[..] else { return Err(EnvelopeError::Form) };
    let header = Header::read(&b64::decode(protected).map_err(form)?)?;
    let wrapped: [u8; 40] = b64::decode_array(wrapped).map_err(form)?;
    let iv: [u8; 12] = b64::decode_array(iv).map_err(form)?;
    let tag: [u8; 16] = b64::decode_array(tag).map_err(form)?;
    let mut content = Zeroizing::new(b64::decode(cipher).map_err(form)?);

    let own = recipients.key(&header.kid).ok_or(EnvelopeError::WrongRecipient)?;
    let secret = own.agree(&header.ephemeral()?).map_err(|_| EnvelopeError::Sealed)?;
    let wrapping_key = concat_kdf(&secret, ALGORITHM, b"", b"", 256);
    let mut content_key = Zeroizing::new([0; 32]);
    let kek = AesKek::new(&AES_256, &wrapping_key).map_err(sealed)?;
    kek.unwrap(&wrapped, &mut *content_key).map_err(sealed)?;

    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*content_key).map_err(sealed)?);
    content.extend_from_slice(&tag);
    let aad = Aad::from(protected.as_bytes());
    let len = key.open_in_place(Nonce::assume_unique_for_key(iv), aad, &mut content).map_err(sealed)?.len();
    content.truncate(len);
    Ok(Opened { plain: content, kid: header.kid, payment: header.payment, h_pi: header.h_pi })
}
