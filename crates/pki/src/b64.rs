//! Base64url without padding (RFC 4648 section 5), strict, and as serde adapters.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// The text is not base64url without padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not base64url without padding")]
pub struct NotBase64;

/// Encodes as base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding. Padding, other letters and non-zero trailing bits are refused, so that one value
/// has one text.
///
/// # Errors
/// [`NotBase64`], which does not repeat the text.
pub fn decode(text: &str) -> Result<Vec<u8>, NotBase64> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64)
}

/// Decodes exactly `N` bytes of base64url without padding.
///
/// # Errors
/// [`NotBase64`] for other letters or another length.
pub fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], NotBase64> {
    decode(text)?.try_into().map_err(|_| NotBase64)
}

/// Encodes as ordinary base64 with padding, as PEM wants it.
pub(crate) fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes ordinary base64 with padding.
pub(crate) fn decode_standard(text: &str) -> Result<Vec<u8>, NotBase64> {
    STANDARD.decode(text).map_err(|_| NotBase64)
}

/// `#[serde(with = "pki::b64::bytes")]` for a `Vec<u8>` that travels as base64url.
pub mod bytes {
    use super::*;

    /// Writes base64url.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    /// Reads base64url.
    ///
    /// # Errors
    /// Those of the deserializer, and one for text that is not base64url.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        decode(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// `#[serde(with = "pki::b64::array")]` for a `[u8; N]` that travels as base64url.
pub mod array {
    use super::*;

    /// Writes base64url.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(bytes))
    }

    /// Reads base64url of exactly `N` bytes.
    ///
    /// # Errors
    /// Those of the deserializer, and one for text that is not base64url of `N` bytes.
    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        decode_array(&std::borrow::Cow::<'de, str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_text() {
        assert_eq!(decode("AQI"), Ok(vec![1, 2]));
        for text in ["AQI=", "AQJ", "A", "A+A", "A/A", " AQI", "AQI\n"] {
            assert_eq!(decode(text), Err(NotBase64), "{text:?}");
        }
        assert_eq!(decode_array::<3>("AQI"), Err(NotBase64));
    }
}
