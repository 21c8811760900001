//! Amounts on the wire: minor units as a decimal string, `"1250"`. No sign, no point, no leading zero, not zero.

use serde::{Deserialize, Deserializer, Serializer, de::Error as _};
use types::Money;

/// Writes an amount.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(minor: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(minor)
}

/// Reads an amount of 1 to 999 999 999 999 minor units.
///
/// # Errors
/// Those of the deserializer, and one for a text that is not such an amount.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    parse(&text)
        .ok_or_else(|| D::Error::custom("an amount is a decimal string of minor units, from \"1\" on"))
}

/// Reads an amount.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = !text.starts_with('0') && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|minor| digits && (1..=Money::MAX_MESSAGE_MINOR).contains(minor))
}
