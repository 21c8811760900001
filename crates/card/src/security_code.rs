//! The security code printed on a card.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Brand, entry};

/// Three or four digits. It has no `Display`, no serialisation and no sealed form: PCI DSS v4.0.1 requirement 3.3.1
/// forbids keeping it once the bank has answered, encrypted or not, so it only ever lives in memory. Wiped on drop.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecurityCode {
    /// ASCII digits; the fourth is a zero byte for a code of three.
    digits: [u8; 4],
}

/// Why a text is not a security code. Never repeats a digit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("security code must be 3 or 4 digits")]
pub struct SecurityCodeError;

impl SecurityCodeError {
    /// A stable code; never renamed, never reused.
    pub const fn code(self) -> &'static str {
        "card_security_code_invalid"
    }
}

impl SecurityCode {
    /// Reads three or four digits; white space around them is dropped and full-width digits are read.
    ///
    /// # Errors
    /// [`SecurityCodeError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, SecurityCodeError> {
        let mut code = Self { digits: [0; 4] };
        let mut count = 0;
        for letter in text.trim().chars() {
            let place = code.digits.get_mut(count).ok_or(SecurityCodeError)?;
            *place = b'0' + entry::digit(letter).ok_or(SecurityCodeError)?;
            count += 1;
        }
        if count < 3 { Err(SecurityCodeError) } else { Ok(code) }
    }

    /// The digits. Every call is a place where a security code could leak: there should be one, at the bank link.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.digits[..self.digit_count()]).unwrap_or_default()
    }

    /// 3 or 4.
    pub const fn digit_count(&self) -> usize {
        if self.digits[3] == 0 { 3 } else { 4 }
    }

    /// Whether the brand's codes have this many digits.
    pub const fn fits(&self, brand: Brand) -> bool {
        self.digit_count() == brand.security_code_digits()
    }
}

impl fmt::Debug for SecurityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[security code]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_or_four_digits_and_nothing_else() {
        let code = SecurityCode::parse(" 1２3 ").unwrap();
        assert_eq!(code.expose(), "123");
        assert!(code.fits(Brand::Visa) && !code.fits(Brand::Amex));
        assert!(SecurityCode::parse("0000").unwrap().fits(Brand::Amex));
        for text in ["", "12", "12345", "12a", "1 23", "-123"] {
            assert_eq!(SecurityCode::parse(text).err(), Some(SecurityCodeError), "{text}");
        }
    }

    #[test]
    fn it_never_prints() {
        assert_eq!(format!("{:?}", SecurityCode::parse("737").unwrap()), "[security code]");
    }
}
