//! The message type identifier: four digits for version, class, function and origin (ISO 8583-1).

use std::fmt;

/// A message type identifier, kept as its four ASCII digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mti([u8; 4]);

/// The text is not four digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MtiError;

impl Mti {
    /// 0100, authorization request.
    pub const AUTHORIZATION_REQUEST: Self = Self(*b"0100");
    /// 0110, authorization response.
    pub const AUTHORIZATION_RESPONSE: Self = Self(*b"0110");
    /// 0200, financial request.
    pub const FINANCIAL_REQUEST: Self = Self(*b"0200");
    /// 0210, financial response.
    pub const FINANCIAL_RESPONSE: Self = Self(*b"0210");
    /// 0220, financial advice.
    pub const FINANCIAL_ADVICE: Self = Self(*b"0220");
    /// 0230, financial advice response.
    pub const FINANCIAL_ADVICE_RESPONSE: Self = Self(*b"0230");
    /// 0400, reversal request.
    pub const REVERSAL_REQUEST: Self = Self(*b"0400");
    /// 0401, repeat of a reversal request.
    pub const REVERSAL_REPEAT: Self = Self(*b"0401");
    /// 0410, reversal response.
    pub const REVERSAL_RESPONSE: Self = Self(*b"0410");
    /// 0800, network management request.
    pub const NETWORK_REQUEST: Self = Self(*b"0800");
    /// 0810, network management response.
    pub const NETWORK_RESPONSE: Self = Self(*b"0810");
    /// 0820, network management advice.
    pub const NETWORK_ADVICE: Self = Self(*b"0820");
    /// 0830, network management advice response.
    pub const NETWORK_ADVICE_RESPONSE: Self = Self(*b"0830");

    /// Reads four digits.
    ///
    /// # Errors
    /// [`MtiError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, MtiError> {
        Self::from_ascii(text.as_bytes()).ok_or(MtiError)
    }

    pub(crate) fn from_ascii(bytes: &[u8]) -> Option<Self> {
        let digits: [u8; 4] = bytes.try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    pub(crate) fn from_bcd(bytes: [u8; 2]) -> Option<Self> {
        let [a, b] = bytes;
        Self::from_ascii(&[b'0' + (a >> 4), b'0' + (a & 15), b'0' + (b >> 4), b'0' + (b & 15)])
    }

    pub(crate) const fn to_bcd(self) -> [u8; 2] {
        let [a, b, c, d] = self.0;
        [(a & 15) << 4 | (b & 15), (c & 15) << 4 | (d & 15)]
    }

    /// The four digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only digits are ever stored, so the empty text is never seen.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) const fn as_ascii(&self) -> &[u8; 4] {
        &self.0
    }

    /// The message class, the second digit: 1 authorization, 2 financial, 4 reversal, 8 network management.
    #[must_use]
    pub const fn class(self) -> u8 {
        self.0[1] - b'0'
    }

    /// The message function, the third digit: 0 request, 1 its response, 2 advice, 3 its response.
    #[must_use]
    pub const fn function(self) -> u8 {
        self.0[2] - b'0'
    }

    /// The answer to this request or advice, or `None` for what is not answered. A repeat (0401) is answered
    /// like its original (0410).
    #[must_use]
    pub const fn response(self) -> Option<Self> {
        let [version, class, function, origin] = self.0;
        match function {
            b'0' | b'2' => Some(Self([version, class, function + 1, origin & !1])),
            _ => None,
        }
    }

    /// The repeat of this request or advice: 0400 becomes 0401. A repeat stays what it is.
    #[must_use]
    pub const fn repeat(self) -> Self {
        let [version, class, function, origin] = self.0;
        // Origins come in pairs, an original and its repeat: 0 and 1, 2 and 3, 4 and 5. Above that is reserved.
        if origin < b'6' { Self([version, class, function, origin | 1]) } else { self }
    }

    /// Whether this is a repeat: an odd last digit.
    #[must_use]
    pub const fn is_repeat(self) -> bool {
        self.0[3] & 1 == 1
    }
}

impl fmt::Display for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl MtiError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        "mti_invalid"
    }
}

impl fmt::Display for MtiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message type identifier is four digits")
    }
}

impl std::error::Error for MtiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_its_repeat_have_the_same_answer() {
        assert_eq!(Mti::REVERSAL_REQUEST.response(), Some(Mti::REVERSAL_RESPONSE));
        assert_eq!(Mti::REVERSAL_REQUEST.repeat(), Mti::REVERSAL_REPEAT);
        assert_eq!(Mti::REVERSAL_REPEAT.response(), Some(Mti::REVERSAL_RESPONSE));
        assert_eq!(Mti::NETWORK_ADVICE.response(), Some(Mti::NETWORK_ADVICE_RESPONSE));
        assert_eq!(Mti::FINANCIAL_RESPONSE.response(), None);
    }

    #[test]
    fn only_four_digits_are_a_message_type() {
        assert_eq!(Mti::parse("0200"), Ok(Mti::FINANCIAL_REQUEST));
        for bad in ["", "020", "02000", "02a0", "０２０"] {
            assert_eq!(Mti::parse(bad), Err(MtiError), "{bad}");
        }
        assert_eq!(Mti::from_bcd([0x02, 0x1a]), None);
    }
}
