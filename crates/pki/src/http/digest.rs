//! Content digests (RFC 9530), sha-256 only.

use sfv::{BareItem, Dictionary, ListEntry, Parser};

use super::error::SignatureError;
use crate::sha256::{equal, sha256};

/// The value of `Content-Digest` for a body.
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", crate::b64::encode_standard(&sha256(body)))
}

/// Compares a body with its `Content-Digest`. Digests of other algorithms may stand beside, and are ignored: they are
/// never enough.
///
/// # Errors
/// [`SignatureError::DigestMismatch`], [`SignatureError::DigestMissing`] or [`SignatureError::Malformed`].
pub fn verify_content_digest(header: &str, body: &[u8]) -> Result<(), SignatureError> {
    let digests: Dictionary =
        Parser::new(header).parse().map_err(|_| SignatureError::Malformed("Content-Digest"))?;
    let Some(ListEntry::Item(item)) = digests.get("sha-256") else {
        return Err(SignatureError::DigestMissing);
    };
    let BareItem::ByteSequence(claimed) = &item.bare_item else {
        return Err(SignatureError::Malformed("Content-Digest"));
    };
    if equal(claimed, &sha256(body)) { Ok(()) } else { Err(SignatureError::DigestMismatch) }
}
