//! Reads hexadecimal as people paste it: with spaces, line breaks and `0x`.

use std::fmt;

/// Text that is not hexadecimal, and the place of the first character that is wrong, both counted from 1. The
/// character itself is not kept: what was pasted may hold a card number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HexError {
    /// A character that is neither a hexadecimal digit nor a separator.
    CharacterInvalid {
        /// Its line.
        line: usize,
        /// Its column, in characters.
        column: usize,
    },
    /// The last digit has no partner.
    DigitMissing {
        /// The line of the last digit.
        line: usize,
        /// The column of the last digit.
        column: usize,
    },
}

/// Reads bytes from hexadecimal digits in either case. White space may stand anywhere, `0x` before any byte.
///
/// # Errors
/// [`HexError`] with line and column.
///
/// # Example
/// ```
/// assert_eq!(iso8583::parse_hex("0x02 00\n30").unwrap(), [0x02, 0x00, 0x30]);
/// assert_eq!(iso8583::parse_hex("02 0g").unwrap_err().to_string(), "line 1, column 5: not a hexadecimal digit");
/// ```
pub fn parse_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    // The first digit of a byte, and where it stands.
    let mut half: Option<(u8, usize, usize)> = None;
    let mut previous = ' ';
    for (line, content) in text.split('\n').enumerate() {
        for (column, character) in content.chars().enumerate() {
            let (line, column) = (line + 1, column + 1);
            match (character.to_digit(16), half) {
                (Some(digit), None) => half = Some((digit as u8, line, column)),
                (Some(digit), Some((high, ..))) => {
                    bytes.push(high << 4 | digit as u8);
                    half = None;
                }
                // The zero before the x was taken for a digit.
                (None, Some((0, ..))) if matches!(character, 'x' | 'X') && previous == '0' => half = None,
                (None, _) if character.is_whitespace() => {}
                (None, _) => return Err(HexError::CharacterInvalid { line, column }),
            }
            previous = character;
        }
        previous = '\n';
    }
    match half {
        None => Ok(bytes),
        Some((_, line, column)) => Err(HexError::DigitMissing { line, column }),
    }
}

impl HexError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::CharacterInvalid { .. } => "hex_character_invalid",
            Self::DigitMissing { .. } => "hex_digit_missing",
        }
    }
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CharacterInvalid { line, column } => {
                write!(f, "line {line}, column {column}: not a hexadecimal digit")
            }
            Self::DigitMissing { line, column } => {
                write!(f, "line {line}, column {column}: the last digit has no partner")
            }
        }
    }
}

impl std::error::Error for HexError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_hexadecimal_is_read_in_every_usual_form() {
        for text in [
            "0200aBff",
            "02 00 ab FF",
            "0x02 0x00 0xab 0xff",
            "0x0200abff\r\n",
            "\n02\t00\nab ff\n",
            "0 2 0 0 a b f f",
        ] {
            assert_eq!(parse_hex(text).unwrap(), [0x02, 0x00, 0xab, 0xff], "{text:?}");
        }
        assert!(parse_hex(" \n").unwrap().is_empty());
    }

    #[test]
    fn a_bad_character_is_found_by_line_and_column() {
        let at = |line, column| HexError::CharacterInvalid { line, column };
        assert_eq!(parse_hex("02 00\n30 4z").unwrap_err(), at(2, 5));
        assert_eq!(parse_hex("02 00\n30 é4").unwrap_err(), at(2, 4));
        assert_eq!(parse_hex("x00").unwrap_err(), at(1, 1));
        assert_eq!(parse_hex("0 x00").unwrap_err(), at(1, 3));
        assert_eq!(parse_hex("02 00 3").unwrap_err(), HexError::DigitMissing { line: 1, column: 7 });
    }
}
