//! Ranges of first digits of card numbers (IIN, BIN).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Issuers are told apart by up to eight digits (ISO/IEC 7812-1:2017).
const MAX_DIGITS: usize = 8;

/// Card numbers that begin alike: `62`, or `622126-622925`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct BinRange {
    low: u32,
    high: u32,
    digits: usize,
}

/// Not a range of first digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a BIN range is 1 to 8 digits, or two of equal length with the lower first: \"62\", \"622126-622925\""
)]
pub struct BinRangeError;

impl BinRange {
    /// How many digits must be known to tell.
    pub const fn digits(&self) -> usize {
        self.digits
    }

    /// Whether a number with these first digits belongs to it. Digits that are too few to tell belong to no range.
    pub fn contains(&self, first_digits: &str) -> bool {
        let first = first_digits.get(..self.digits).and_then(number);
        first.is_some_and(|first| (self.low..=self.high).contains(&first))
    }
}

impl FromStr for BinRange {
    type Err = BinRangeError;

    fn from_str(text: &str) -> Result<Self, BinRangeError> {
        let (low, high) = text.split_once('-').unwrap_or((text, text));
        let digits = low.len();
        if digits != high.len() || !(1..=MAX_DIGITS).contains(&digits) {
            return Err(BinRangeError);
        }
        match (number(low), number(high)) {
            (Some(low), Some(high)) if low <= high => Ok(Self { low, high, digits }),
            _ => Err(BinRangeError),
        }
    }
}

/// `parse` alone would take a sign.
fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

impl TryFrom<String> for BinRange {
    type Error = BinRangeError;

    fn try_from(text: String) -> Result<Self, BinRangeError> {
        text.parse()
    }
}

impl From<BinRange> for String {
    fn from(range: BinRange) -> Self {
        range.to_string()
    }
}

impl fmt::Display for BinRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { low, high, digits } = *self;
        if low == high { write!(f, "{low:0digits$}") } else { write!(f, "{low:0digits$}-{high:0digits$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_and_shown_alike_and_holds_both_its_ends() {
        for text in ["62", "0", "622126-622925", "00000001-00000009", "40000000"] {
            assert_eq!(text.parse::<BinRange>().unwrap().to_string(), text);
        }
        let range: BinRange = "622126-622925".parse().unwrap();
        for (digits, is_in) in [
            ("622125", false),
            ("622126", true),
            ("62212699", true),
            ("622925", true),
            ("622926", false),
            ("6225", false),
            ("", false),
        ] {
            assert_eq!(range.contains(digits), is_in, "{digits}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "-", "62-", "62-7", "63-62", "6x", "+6", "123456789", "62-63-64", "６２"] {
            assert_eq!(text.parse::<BinRange>(), Err(BinRangeError), "{text}");
        }
    }
}
