//! What a bank has for its terminals, as it was fetched.

use serde::{Deserialize, Serialize};
use types::{ParametersId, Timestamp};

/// One set of a bank's parameters, fetched once. To the gateway it is bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// Its id.
    pub id: ParametersId,
    /// Always 1: it is never changed. What is fetched later is another.
    pub version: u32,
    /// When it was fetched.
    pub created: Timestamp,
    /// The bank, by its name in our configuration.
    pub bank: String,
    /// Which of its sets, by the name in the bank's document.
    pub set: String,
    /// Why it was fetched.
    pub why: String,
    /// Who asked for it; none: the bank did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// In how many pieces it came.
    pub pieces: u16,
    /// How many bytes it has.
    pub bytes: usize,
    /// SHA-256 of them, hexadecimal.
    pub sha256: String,
    /// The bytes, hexadecimal, the pieces one after the other.
    pub content: String,
}
