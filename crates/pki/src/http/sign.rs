//! Signing requests and answers.

use sfv::{BareItem, Integer};
use types::Timestamp;

use super::digest::content_digest;
use super::error::SignatureError;
use super::fields::{Input, signature_base};
use super::parts::{Message, RequestParts, ResponseParts};
use super::policy::{MAX_LIFE_S, required};
use crate::b64;
use crate::key::Signer;
use crate::public_key::Curve;

/// The label of our signature within the headers; any would do.
const LABEL: &str = "sig";

/// The circumstances of a signature.
#[derive(Clone, Copy, Debug)]
pub struct Signing<'a> {
    /// The tag of this use.
    pub tag: &'a str,
    /// The instant of signing.
    pub now: Timestamp,
    /// A random number, used once.
    pub nonce: [u8; 16],
}

/// The headers to add to the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureHeaders {
    /// `Content-Digest`.
    pub content_digest: String,
    /// `Signature-Input`.
    pub signature_input: String,
    /// `Signature`.
    pub signature: String,
}

impl SignatureHeaders {
    /// The headers by their names in lower case.
    pub fn pairs(&self) -> [(&'static str, &str); 3] {
        [
            ("content-digest", &self.content_digest),
            ("signature-input", &self.signature_input),
            ("signature", &self.signature),
        ]
    }
}

/// Signs a request. `parts.headers` are those that will be sent, without the three that this adds.
///
/// # Errors
/// [`SignatureError`] when the key cannot sign, or a header that must be covered is not printable ASCII.
pub fn sign_request(
    parts: &RequestParts<'_>,
    body: &[u8],
    signing: &Signing<'_>,
    key: &dyn Signer,
) -> Result<SignatureHeaders, SignatureError> {
    let digest = content_digest(body);
    let headers = with_digest(parts.headers, &digest);
    let parts = RequestParts { headers: &headers, ..*parts };
    sign(&Message::Request(&parts), digest.clone(), signing, key)
}

/// Signs an answer, bound to its request: its method, target, digest and signature are covered with `;req`.
/// `request.headers` must hold the request's `Content-Digest`, `Signature-Input` and `Signature`.
///
/// # Errors
/// [`SignatureError`] when the key cannot sign, or the request isn't signed itself.
pub fn sign_response(
    parts: &ResponseParts<'_>,
    body: &[u8],
    request: &RequestParts<'_>,
    signing: &Signing<'_>,
    key: &dyn Signer,
) -> Result<SignatureHeaders, SignatureError> {
    let digest = content_digest(body);
    let headers = with_digest(parts.headers, &digest);
    let parts = ResponseParts { headers: &headers, ..*parts };
    sign(&Message::Response(&parts, Some(request)), digest.clone(), signing, key)
}

fn with_digest<'a>(headers: &[(&'a str, &'a str)], digest: &'a str) -> Vec<(&'a str, &'a str)> {
    headers.iter().copied().chain([("content-digest", digest)]).collect()
}

fn sign(
    message: &Message<'_>,
    content_digest: String,
    signing: &Signing<'_>,
    key: &dyn Signer,
) -> Result<SignatureHeaders, SignatureError> {
    if key.public_key().curve() != Curve::P256 {
        return Err(SignatureError::Algorithm);
    }
    let created = signing.now.seconds();
    let text = |value: String| {
        sfv::String::from_string(value).map(BareItem::String).map_err(|_| SignatureError::Parameter("tag"))
    };
    let seconds = |value: i64| {
        Integer::try_from(value).map(BareItem::Integer).map_err(|_| SignatureError::Parameter("created"))
    };
    let parameters = vec![
        ("created", seconds(created)?),
        ("expires", seconds(created.saturating_add(MAX_LIFE_S))?),
        ("nonce", text(b64::encode(&signing.nonce))?),
        ("keyid", text(key.public_key().id().to_string())?),
        ("alg", text(super::ALGORITHM.to_owned())?),
        ("tag", text(signing.tag.to_owned())?),
    ];
    let input = Input::make(required(message), parameters)?;
    let signature = key.sign_fixed(signature_base(message, &input)?.as_bytes())?;
    Ok(SignatureHeaders {
        content_digest,
        signature_input: format!("{LABEL}={}", input.serialize()?),
        signature: format!("{LABEL}=:{}:", b64::encode_standard(&signature)),
    })
}
