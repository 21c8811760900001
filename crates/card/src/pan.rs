//! The primary account number.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{Bin, Brand, entry, luhn};

/// The shortest card number in use. Source: ISO/IEC 7812-1 leaves the minimum open; twelve is Maestro's.
pub const MIN_DIGITS: usize = 12;
/// The longest card number. Source: ISO/IEC 7812-1, ISO 8583 DE 2.
pub const MAX_DIGITS: usize = 19;

/// A card number that passed its check digit. `Debug` and `Display` show the first six and last four digits; the whole
/// number is only seen through [`Pan::expose`]. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pan {
    /// ASCII digits; those beyond `len` are zero bytes.
    digits: [u8; MAX_DIGITS],
    len: u8,
}

/// Why a text is not a card number. Never repeats a digit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PanError {
    /// Nothing was given.
    #[error("card number is missing")]
    Missing,
    /// Something other than digits was found.
    #[error("card number may only hold digits")]
    NotDigits,
    /// Too short or too long.
    #[error("card number has {digits} digits; it must have 12 to 19")]
    Length {
        /// How many digits were given.
        digits: usize,
    },
    /// The brand has no cards of this length.
    #[error("card number has {digits} digits, which {brand} cards do not have")]
    BrandLength {
        /// How many digits were given.
        digits: usize,
        /// The brand by the first digits.
        brand: Brand,
    },
    /// The check digit (ISO/IEC 7812-1 annex B) does not match.
    #[error("card number fails its check digit")]
    CheckDigit,
}

impl PanError {
    /// A stable code; never renamed, never reused.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "card_number_missing",
            Self::NotDigits => "card_number_not_digits",
            Self::Length { .. } | Self::BrandLength { .. } => "card_number_length",
            Self::CheckDigit => "card_number_invalid",
        }
    }
}

impl Pan {
    /// Reads a card number: ASCII digits alone, 12 to 19 of them, the last one the check digit.
    /// Source: ISO/IEC 7812-1 (length, check digit).
    ///
    /// # Errors
    /// [`PanError`] says which rule failed, and never repeats the digits.
    ///
    /// # Example
    /// ```
    /// let pan = card::Pan::parse("4000000000000002").unwrap();
    /// assert_eq!(pan.to_string(), "400000******0002");
    /// assert_eq!(pan.last4(), "0002");
    /// ```
    pub fn parse(text: &str) -> Result<Self, PanError> {
        let mut reader = Reader::new();
        for letter in text.chars() {
            match letter {
                '0'..='9' => reader.push(letter as u8 - b'0'),
                _ => return Err(PanError::NotDigits),
            }
        }
        reader.finish()
    }

    /// Reads a card number as people type it into a form: white space and hyphens between digits are dropped,
    /// full-width digits are read as digits. Also checks the length against the brand, when the brand is known.
    ///
    /// # Errors
    /// As [`Pan::parse`], and [`PanError::BrandLength`].
    ///
    /// # Example
    /// ```
    /// let typed = card::Pan::parse_lenient(" ４000-0000 0000 0002 ").unwrap();
    /// assert!(typed == card::Pan::parse("4000000000000002").unwrap());
    /// ```
    pub fn parse_lenient(text: &str) -> Result<Self, PanError> {
        let mut reader = Reader::new();
        for letter in text.chars() {
            match entry::digit(letter) {
                Some(value) => reader.push(value),
                None if entry::is_separator(letter) => {}
                None => return Err(PanError::NotDigits),
            }
        }
        // A wrong length explains more than a wrong check digit, so it is said first.
        if let Some(brand) = Brand::of_digits(reader.ascii())
            && (MIN_DIGITS..=MAX_DIGITS).contains(&reader.count)
            && !brand.allows_length(reader.count)
        {
            return Err(PanError::BrandLength { digits: reader.count, brand });
        }
        reader.finish()
    }

    /// The whole number. Every call is a place where a card number could leak: keep them few.
    pub fn expose(&self) -> &str {
        // The constructor admits ASCII digits only.
        std::str::from_utf8(self.ascii()).unwrap_or_default()
    }

    /// The last four digits, which people know their card by.
    pub fn last4(&self) -> &str {
        let digits = self.expose();
        &digits[digits.len() - 4..]
    }

    /// The first six digits.
    pub fn bin(&self) -> Bin {
        Bin::from_digits([0, 1, 2, 3, 4, 5].map(|place| self.digits[place]))
    }

    /// The brand by the first digits, if we know it.
    pub fn brand(&self) -> Option<Brand> {
        Brand::of_digits(self.ascii())
    }

    /// How many digits the number has, 12 to 19.
    pub fn digit_count(&self) -> usize {
        usize::from(self.len)
    }

    fn ascii(&self) -> &[u8] {
        &self.digits[..usize::from(self.len)]
    }
}

/// Compares every digit whatever the first difference, so that time tells nothing.
impl PartialEq for Pan {
    fn eq(&self, other: &Self) -> bool {
        let difference = self.digits.iter().zip(&other.digits).fold(0, |sum, (a, b)| sum | (a ^ b));
        (difference | (self.len ^ other.len)) == 0
    }
}

impl Eq for Pan {}

impl fmt::Display for Pan {
    /// First six and last four digits, a star for each digit between.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stars = self.digit_count() - 10;
        write!(f, "{}{:*>stars$}{}", self.bin(), "", self.last4())
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Collects digits into a buffer that is wiped whatever happens.
struct Reader {
    pan: Pan,
    count: usize,
}

impl Reader {
    fn new() -> Self {
        Self { pan: Pan { digits: [0; MAX_DIGITS], len: 0 }, count: 0 }
    }

    fn push(&mut self, value: u8) {
        if let Some(place) = self.pan.digits.get_mut(self.count) {
            *place = b'0' + value;
            self.pan.len += 1;
        }
        self.count += 1;
    }

    fn ascii(&self) -> &[u8] {
        self.pan.ascii()
    }

    fn finish(self) -> Result<Pan, PanError> {
        match self.count {
            0 => return Err(PanError::Missing),
            MIN_DIGITS..=MAX_DIGITS => {}
            digits => return Err(PanError::Length { digits }),
        }
        let mut values = self.pan.digits.map(|ascii| ascii.wrapping_sub(b'0'));
        let valid = luhn::is_valid(&values[..self.count]);
        values.zeroize();
        if valid { Ok(self.pan) } else { Err(PanError::CheckDigit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_people_type_it() {
        let wanted = Pan::parse("6222021234567894").unwrap();
        for typed in [
            "6222 0212 3456 7894",
            "6222-0212-3456-7894",
            "６２２２０２１２３４５６７８９４",
            "6222\u{3000}0212\u{a0}3456\u{2009}7894\n",
            "6222\u{2013}0212\u{ff0d}34567894",
        ] {
            assert_eq!(Pan::parse_lenient(typed), Ok(wanted.clone()), "{typed}");
            assert_eq!(Pan::parse(typed), Err(PanError::NotDigits), "{typed}");
        }
    }

    #[test]
    fn each_broken_rule_has_its_own_error() {
        assert_eq!(Pan::parse(""), Err(PanError::Missing));
        assert_eq!(Pan::parse_lenient(" - "), Err(PanError::Missing));
        assert_eq!(Pan::parse("4000000000000003"), Err(PanError::CheckDigit));
        assert_eq!(Pan::parse("40000000000"), Err(PanError::Length { digits: 11 }));
        assert_eq!(Pan::parse("40000000000000000002"), Err(PanError::Length { digits: 20 }));
        assert_eq!(Pan::parse("4000o00000000002"), Err(PanError::NotDigits));
        assert_eq!(
            Pan::parse_lenient("400000000000006"),
            Err(PanError::BrandLength { digits: 15, brand: Brand::Visa })
        );
        assert_eq!(Pan::parse_lenient("٤000000000000002"), Err(PanError::NotDigits), "Arabic-Indic digits");
    }

    #[test]
    fn what_people_see_is_masked_at_every_length() {
        for (digits, shown) in [
            ("676770000005", "676770**0005"),
            ("378282246310005", "378282*****0005"),
            ("6212345678900000003", "621234*********0003"),
        ] {
            let pan = Pan::parse(digits).unwrap();
            assert_eq!(format!("{pan} {pan:?}"), format!("{shown} {shown}"));
        }
    }
}
