//! HTTP message signatures (RFC 9421) with ECDSA P-256, over digests (RFC 9530).
//!
//! | what        | rule                                                                                          |
//! |-------------|-----------------------------------------------------------------------------------------------|
//! | request     | covers `@method @authority @path @query content-digest`, and `content-type`, `idempotency-key` when there |
//! | answer      | covers `@status content-digest`, and with `;req` the request that it answers, and its signature   |
//! | parameters  | `created expires nonce keyid alg tag`, all of them                                              |
//! | window      | `created` within 60 s of now, `expires` at most 300 s after it, each nonce once                  |
//!
//! The algorithm follows from the key; `alg` may only agree. The digest is verified before the signature is believed.

mod digest;
mod error;
mod fields;
mod parts;
mod policy;
mod sign;
mod verify;

pub use digest::{content_digest, verify_content_digest};
pub use error::SignatureError;
pub use fields::{Component, Input, signature_base};
pub use parts::{Message, RequestParts, ResponseParts};
pub use policy::{CREATED_SKEW_MS, MAX_LIFE_S, Policy};
pub use sign::{SignatureHeaders, Signing, sign_request, sign_response};
pub use verify::{VerifiedSignature, verify_request, verify_response};

/// The one algorithm (RFC 9421 section 3.3.4).
pub const ALGORITHM: &str = "ecdsa-p256-sha256";

#[cfg(test)]
mod tests;
