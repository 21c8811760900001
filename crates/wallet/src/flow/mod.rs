//! The flows of a wallet server, one a file.

pub mod consent;
pub mod enrol;
pub mod enter;
pub mod guest;
mod request;

/// What a page's script hands to `navigator.credentials`, and the ticket that it brings back with the answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PasskeyOptions {
    /// Comes back with the assertion.
    pub ticket: String,
    /// The challenge, base64url.
    pub challenge: String,
    /// The relying party id.
    pub rp_id: String,
    /// The credential ids that will do, base64url; empty lets the shopper choose.
    pub credentials: Vec<String>,
}
