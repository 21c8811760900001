//! The month in which a card ends.

use std::fmt;

use types::Timestamp;

use crate::entry;

/// Milliseconds of an hour.
const HOUR_MS: i64 = 3_600_000;

/// The last month of a card, 2000-01 to 2099-12. A card is good through the last day of this month.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry {
    year: u16,
    month: u8,
}

/// Why a text is not an expiry date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpiryError {
    /// None of the accepted forms.
    #[error("expiry date must be written as MM/YY, MM/YYYY, MMYY or YYYY-MM")]
    Form,
    /// No such month.
    #[error("expiry month must be 01 to 12")]
    Month,
    /// A year that no card can carry.
    #[error("expiry year must be 2000 to 2099")]
    Year,
}

impl ExpiryError {
    /// A stable code; never renamed, never reused.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form | Self::Month | Self::Year => "card_expiry_invalid",
        }
    }
}

impl Expiry {
    /// The month `month` (1 to 12) of `year` (2000 to 2099).
    ///
    /// # Errors
    /// [`ExpiryError::Month`] or [`ExpiryError::Year`] when out of range.
    pub const fn new(year: u16, month: u8) -> Result<Self, ExpiryError> {
        if month < 1 || month > 12 {
            Err(ExpiryError::Month)
        } else if year < 2000 || year > 2099 {
            Err(ExpiryError::Year)
        } else {
            Ok(Self { year, month })
        }
    }

    /// Reads `MM/YY`, `MM/YYYY`, `MMYY` or `YYYY-MM`; a month may be one digit before a slash. White space is dropped
    /// and full-width forms are read, as browsers and input methods produce both. A two-digit year is of this century.
    ///
    /// # Errors
    /// [`ExpiryError`] says which rule failed.
    ///
    /// # Example
    /// ```
    /// let expiry: card::Expiry = card::Expiry::parse("12 / 28").unwrap();
    /// assert_eq!(expiry.yymm(), "2812");
    /// assert_eq!(expiry.to_string(), "12/28");
    /// ```
    pub fn parse(text: &str) -> Result<Self, ExpiryError> {
        let plain = plain(text)?;
        if let Some((month, year)) = plain.split_once('/') {
            return match (month.len(), year.len()) {
                (1 | 2, 2) => Self::new(2000 + number(year)?, small(month)?),
                (1 | 2, 4) => Self::new(number(year)?, small(month)?),
                _ => Err(ExpiryError::Form),
            };
        }
        if let Some((year, month)) = plain.split_once('-') {
            return match (year.len(), month.len()) {
                (4, 2) => Self::new(number(year)?, small(month)?),
                _ => Err(ExpiryError::Form),
            };
        }
        match plain.len() {
            4 => Self::new(2000 + number(&plain[2..])?, small(&plain[..2])?),
            _ => Err(ExpiryError::Form),
        }
    }

    /// Reads four digits `YYMM`, the form of ISO 8583 DE 14.
    ///
    /// # Errors
    /// [`ExpiryError`] says which rule failed.
    pub fn from_yymm(text: &str) -> Result<Self, ExpiryError> {
        match (text.len(), text.is_ascii()) {
            (4, true) => Self::new(2000 + number(&text[..2])?, small(&text[2..])?),
            _ => Err(ExpiryError::Form),
        }
    }

    /// Four digits `YYMM`, the form of ISO 8583 DE 14.
    pub fn yymm(self) -> String {
        format!("{:02}{:02}", self.year % 100, self.month)
    }

    /// 2000 to 2099.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Whether the month has ended everywhere on Earth (UTC-12 is last). Until then the issuer decides: refusing a card
    /// that its bank would still accept loses a sale, asking the bank about one that has just ended costs nothing.
    pub fn is_past(self, now: Timestamp) -> bool {
        let there = now.plus_ms(-12 * HOUR_MS).utc();
        (i32::from(there.year), there.month) > (i32::from(self.year), self.month)
    }
}

impl fmt::Display for Expiry {
    /// `MM/YY`, as on the card.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}/{:02}", self.month, self.year % 100)
    }
}

impl fmt::Debug for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// ASCII digits with `/` and `-` only: white space dropped, full-width forms narrowed.
fn plain(text: &str) -> Result<String, ExpiryError> {
    let mut plain = String::with_capacity(7);
    for letter in text.chars() {
        match letter {
            '/' | '\u{ff0f}' => plain.push('/'),
            '-' | '\u{ff0d}' => plain.push('-'),
            _ if letter.is_whitespace() => {}
            _ => plain.push(char::from(b'0' + entry::digit(letter).ok_or(ExpiryError::Form)?)),
        }
        if plain.len() > 7 {
            return Err(ExpiryError::Form);
        }
    }
    Ok(plain)
}

fn number(digits: &str) -> Result<u16, ExpiryError> {
    // `parse` alone would admit a sign.
    if !digits.bytes().all(|letter| letter.is_ascii_digit()) {
        return Err(ExpiryError::Form);
    }
    digits.parse().map_err(|_| ExpiryError::Form)
}

fn small(digits: &str) -> Result<u8, ExpiryError> {
    u8::try_from(number(digits)?).map_err(|_| ExpiryError::Month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_people_and_browsers_use_is_read() {
        let wanted = Expiry::new(2028, 3);
        for text in ["03/28", "3/28", "03 / 28", "03/2028", "0328", "2028-03", " ０３／２８ "] {
            assert_eq!(Expiry::parse(text), wanted, "{text}");
        }
        assert_eq!(Expiry::from_yymm("2803"), wanted);
    }

    #[test]
    fn what_is_not_a_month_is_refused() {
        for (text, error) in [
            ("", ExpiryError::Form),
            ("13/28", ExpiryError::Month),
            ("00/28", ExpiryError::Month),
            ("2803", ExpiryError::Month),
            ("03/1999", ExpiryError::Year),
            ("03/28/1", ExpiryError::Form),
            ("032028", ExpiryError::Form),
            ("03/28 or so", ExpiryError::Form),
            ("+3/28", ExpiryError::Form),
        ] {
            assert_eq!(Expiry::parse(text), Err(error), "{text}");
        }
        assert_eq!(Expiry::from_yymm("+803"), Err(ExpiryError::Form));
        assert_eq!(Expiry::from_yymm("28é"), Err(ExpiryError::Form));
    }

    #[test]
    fn a_card_is_past_once_its_month_has_ended_everywhere() {
        let expiry = Expiry::new(2026, 11).unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(!expiry.is_past(at("2026-11-30T23:59:59.999Z")));
        assert!(!expiry.is_past(at("2026-12-01T11:59:59.999Z")));
        assert!(expiry.is_past(at("2026-12-01T12:00:00Z")));
        assert!(expiry.is_past(at("2027-01-15T00:00:00Z")));
        assert!(!Expiry::new(2099, 12).unwrap().is_past(at("2026-11-30T00:00:00Z")));
    }

    proptest! {
        #[test]
        fn every_month_of_the_century_reads_back(year in 2000u16..2100, month in 1u8..13) {
            let expiry = Expiry::new(year, month).unwrap();
            prop_assert_eq!(Expiry::parse(&expiry.to_string()), Ok(expiry));
            prop_assert_eq!(Expiry::from_yymm(&expiry.yymm()), Ok(expiry));
        }

        #[test]
        fn no_text_brings_the_reader_down(text in "\\PC{0,12}") {
            let _ = Expiry::parse(&text);
            let _ = Expiry::from_yymm(&text);
        }
    }
}
