//! Verifying requests and answers.

use sfv::{BareItem, Dictionary, ListEntry, Parser};
use types::Timestamp;

use super::digest::verify_content_digest;
use super::error::SignatureError;
use super::fields::{Input, signature_base};
use super::parts::{Message, RequestParts, ResponseParts, header};
use super::policy::Policy;
use crate::public_key::{KeyId, PublicKey};

/// A signature that was believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedSignature {
    /// The key that signed.
    pub key: KeyId,
    /// Its nonce, used up by now.
    pub nonce: String,
    /// Until when a replay must be recognised.
    pub expires: Timestamp,
}

/// Verifies the signature of a request.
///
/// `key` finds the key of a `keyid`, if it may sign here. `first_use` is asked last, with key, nonce and expiry, and must
/// remember: it answers whether this nonce of this key was never seen before.
///
/// # Errors
/// [`SignatureError`] names the first rule that is broken.
pub fn verify_request(
    parts: &RequestParts<'_>,
    body: &[u8],
    policy: &Policy<'_>,
    key: impl FnOnce(&KeyId) -> Option<PublicKey>,
    first_use: impl FnOnce(&KeyId, &str, Timestamp) -> bool,
) -> Result<VerifiedSignature, SignatureError> {
    verify(&Message::Request(parts), body, policy, key, first_use)
}

/// Verifies the signature of an answer, and that it answers this very request. `request.headers` must hold the headers
/// that were sent, signature and all. An answer needs no memory of nonces: it is bound to the request's.
///
/// # Errors
/// [`SignatureError`] names the first rule that is broken.
pub fn verify_response(
    parts: &ResponseParts<'_>,
    body: &[u8],
    request: &RequestParts<'_>,
    policy: &Policy<'_>,
    key: impl FnOnce(&KeyId) -> Option<PublicKey>,
) -> Result<VerifiedSignature, SignatureError> {
    verify(&Message::Response(parts, Some(request)), body, policy, key, |_, _, _| true)
}

fn verify(
    message: &Message<'_>,
    body: &[u8],
    policy: &Policy<'_>,
    key: impl FnOnce(&KeyId) -> Option<PublicKey>,
    first_use: impl FnOnce(&KeyId, &str, Timestamp) -> bool,
) -> Result<VerifiedSignature, SignatureError> {
    let (input, signature) = find(message, policy.tag)?;
    policy.check(message, &input)?;

    let digest = header(message.headers(), "content-digest").ok_or(SignatureError::DigestMissing)?;
    verify_content_digest(&digest, body)?;

    let nonce = input.text("nonce")?;
    if !(16..=64).contains(&nonce.len()) {
        return Err(SignatureError::Parameter("nonce"));
    }
    let key_id: KeyId = input.text("keyid")?.parse().map_err(|_| SignatureError::KeyUnknown)?;
    let public_key = key(&key_id).filter(|found| found.id() == key_id).ok_or(SignatureError::KeyUnknown)?;
    if public_key.curve() != crate::Curve::P256 {
        return Err(SignatureError::Algorithm);
    }
    let base = signature_base(message, &input)?;
    public_key.verify_fixed(base.as_bytes(), &signature).map_err(|_| SignatureError::Invalid)?;

    // Only what is rightly signed may use up a nonce, or strangers could use up other people's.
    let expires = Timestamp::from_ms(input.integer("expires")?.saturating_mul(1000));
    if !first_use(&key_id, nonce, expires) {
        return Err(SignatureError::NonceReplayed);
    }
    Ok(VerifiedSignature { key: key_id, nonce: nonce.to_owned(), expires })
}

/// The one signature with our tag.
fn find(message: &Message<'_>, tag: &str) -> Result<(Input, Vec<u8>), SignatureError> {
    let field = |name: &'static str, label: &str| -> Result<Dictionary, SignatureError> {
        let text = header(message.headers(), label).ok_or(SignatureError::Missing)?;
        Parser::new(&text).parse().map_err(|_| SignatureError::Malformed(name))
    };
    let inputs = field("Signature-Input", "signature-input")?;
    let signatures = field("Signature", "signature")?;
    let mut ours = inputs.iter().filter(|(_, entry)| has_tag(entry, tag));
    let (label, entry) = ours.next().ok_or(SignatureError::Missing)?;
    if ours.next().is_some() {
        return Err(SignatureError::Ambiguous);
    }
    match signatures.get(label) {
        Some(ListEntry::Item(item)) => match &item.bare_item {
            BareItem::ByteSequence(signature) => Ok((Input::read(entry)?, signature.clone())),
            _ => Err(SignatureError::Malformed("Signature")),
        },
        Some(ListEntry::InnerList(_)) => Err(SignatureError::Malformed("Signature")),
        None => Err(SignatureError::Missing),
    }
}

fn has_tag(entry: &ListEntry, tag: &str) -> bool {
    let ListEntry::InnerList(list) = entry else { return false };
    matches!(list.params.get("tag"), Some(BareItem::String(found)) if found.as_str() == tag)
}
