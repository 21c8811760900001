//! What people and keyboards do to digits: grouping, full-width forms, look-alike hyphens.

/// The value of an ASCII or full-width (U+FF10 to U+FF19) decimal digit.
///
/// Other scripts' digits are not read: a card is embossed in ASCII digits, and full-width ones only come from East Asian
/// input methods left in full-width mode.
pub fn digit(letter: char) -> Option<u8> {
    match letter {
        '0'..='9' => Some(letter as u8 - b'0'),
        '\u{ff10}'..='\u{ff19}' => u8::try_from(letter as u32 - 0xff10).ok(),
        _ => None,
    }
}

/// Whether people put this between groups of digits: any white space (ideographic and no-break included) or hyphen.
pub fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}')
        // Zero-width marks that come along when a number is pasted from a page.
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{feff}')
}
