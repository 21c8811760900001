//! What people may see of a field. In doubt, nothing.

use serde::Deserialize;

use crate::class::Class;
use crate::ebcdic;
use crate::raw::hex_value;

/// How much of a field a description, a log or a screen may show. Every field of a dialect must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Sensitivity {
    /// Shown in full. Only for fields too short to hold a card number.
    None,
    /// A message authentication code: shown, it proves nothing without its key.
    Mac,
    /// Shown, but every run of digits that could be a card number is masked first.
    Free,
    /// A card number: at most its first six and last four digits are shown.
    Pan,
    /// Track data: nothing is shown.
    Track,
    /// A PIN block: nothing is shown.
    Pin,
    /// A card security code: nothing is shown.
    Cvv,
    /// Chip data, which can hold the card number and the track: nothing is shown.
    Chip,
    /// Keys, even enciphered ones: nothing is shown.
    Key,
}

/// The shortest and the longest card number (ISO/IEC 7812-1), in digits.
pub(crate) const PAN_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

impl Sensitivity {
    /// Whether nothing of the value may be shown.
    #[must_use]
    pub const fn hides_all(self) -> bool {
        matches!(self, Self::Track | Self::Pin | Self::Cvv | Self::Chip | Self::Key)
    }

    /// Whether the value may be stored once the message has been sent. Track data, PIN blocks and security codes
    /// may not, not even enciphered (PCI DSS 4.0.1, requirement 3.3.1); chip data holds the track's equivalent.
    #[must_use]
    pub const fn may_be_stored(self) -> bool {
        !matches!(self, Self::Track | Self::Pin | Self::Cvv | Self::Chip)
    }

    /// How strict this is: a field must be at least as strict as each of its parts.
    pub(crate) const fn rank(self) -> u8 {
        match self {
            Self::None | Self::Mac => 0,
            Self::Free => 1,
            Self::Pan => 2,
            Self::Track | Self::Pin | Self::Cvv | Self::Chip | Self::Key => 3,
        }
    }

    const fn placeholder(self) -> &'static str {
        match self {
            Self::Track => "[track]",
            Self::Pin => "[pin]",
            Self::Cvv => "[cvv]",
            Self::Chip => "[chip]",
            Self::Key => "[key]",
            Self::None | Self::Mac | Self::Free | Self::Pan => "[hidden]",
        }
    }

    /// The text of a value of a class as it may be shown.
    pub(crate) fn mask_of(self, class: Class, text: &[u8]) -> String {
        match (class, self) {
            // Hexadecimal digits and asterisks are ASCII, so the empty text is never seen.
            (Class::Binary, Self::None | Self::Free) => {
                String::from_utf8(mask_bytes(text, Of::CardNumber)).unwrap_or_default()
            }
            _ => self.mask(text),
        }
    }

    /// The text as it may be shown.
    pub(crate) fn mask(self, text: &[u8]) -> String {
        let shown = match self {
            // A dialect keeps card numbers out of fields that are "none"; stored fields need not obey it.
            Self::None | Self::Mac | Self::Free => mask_free_text(text, Of::CardNumber),
            Self::Pan => mask_pan(text),
            Self::Track | Self::Pin | Self::Cvv | Self::Chip | Self::Key => {
                return self.placeholder().to_owned();
            }
        };
        // What is shown goes to a terminal: a control character must not act there.
        shown.into_iter().map(|c| if (0x20..0x7f).contains(&c) { char::from(c) } else { '.' }).collect()
    }
}

/// Hexadecimal digits, two a byte, in which a card number can stand in three forms: packed, in ASCII and in EBCDIC.
fn mask_bytes(text: &[u8], of: Of) -> Vec<u8> {
    let mut shown = mask_free_text(text, of);
    let bytes: Vec<u8> =
        text.chunks_exact(2).map(|pair| hex_value(pair[0]) << 4 | hex_value(pair[1])).collect();
    let in_ebcdic: Vec<u8> = bytes.iter().map(|byte| ebcdic::to_ascii(*byte)).collect();
    for characters in [bytes, in_ebcdic] {
        let masked = mask_free_text(&characters, of);
        let changed = masked.iter().zip(&characters).enumerate().filter(|(_, (masked, c))| masked != c);
        changed.for_each(|(at, _)| shown[at * 2..at * 2 + 2].fill(b'*'));
    }
    shown
}

/// Which characters of a text of a class may not be passed on. More than what may not be shown: of a run of digits that holds
/// a card number, all.
pub(crate) fn hidden(sensitivity: Sensitivity, class: Class, text: &[u8]) -> Vec<bool> {
    let masked = match (sensitivity, class) {
        (s, _) if s.hides_all() => return vec![true; text.len()],
        (Sensitivity::Pan, Class::Binary) => {
            // Packed, an odd number is filled with F.
            let digits = text.strip_suffix(b"F").unwrap_or(text);
            let mut masked = mask_pan(digits);
            masked.resize(text.len(), b'F');
            masked
        }
        (Sensitivity::Pan, _) => mask_pan(text),
        (_, Class::Binary) => mask_bytes(text, Of::Run),
        (_, _) => mask_free_text(text, Of::Run),
    };
    masked.iter().zip(text).map(|(masked, character)| masked != character).collect()
}

/// First six and last four, the length kept. What is too short to be a card number is hidden whole.
fn mask_pan(text: &[u8]) -> Vec<u8> {
    let mut shown = text.to_vec();
    let hidden = if PAN_DIGITS.contains(&text.len()) { 6..text.len() - 4 } else { 0..text.len() };
    shown[hidden].fill(b'*');
    shown
}

/// Masks whatever could be a card number: 13 to 19 digits with a valid check digit, also with up to two
/// separators between digits, also inside a longer run. A run no longer than a card number keeps its first six and
/// last four digits; of a longer one, every digit that could belong to a card number is hidden.
fn mask_free_text(text: &[u8], of: Of) -> Vec<u8> {
    let mut shown = text.to_vec();
    let mut run: Vec<usize> = Vec::new();
    for (at, c) in text.iter().enumerate() {
        if c.is_ascii_digit() {
            let joined = run.last().is_some_and(|&last| {
                at - last <= 3 && !text[last + 1..at].iter().any(u8::is_ascii_alphanumeric)
            });
            if !joined {
                mask_run(text, &run, &mut shown, of);
                run.clear();
            }
            run.push(at);
        }
    }
    mask_run(text, &run, &mut shown, of);
    shown
}

/// How much of a run of digits is masked that holds a card number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// What is not its first six and last four digits.
    CardNumber,
    /// All of it.
    Run,
}

fn mask_run(text: &[u8], run: &[usize], shown: &mut [u8], of: Of) {
    let digits: Vec<u8> = run.iter().map(|&at| text[at] - b'0').collect();
    let windows = |length| digits.windows(length).enumerate().filter(|(_, window)| could_be_pan(window));
    let mut found =
        PAN_DIGITS.flat_map(|length| windows(length).map(move |(start, _)| start..start + length));
    if of == Of::Run {
        if found.next().is_some() {
            run.iter().for_each(|&at| shown[at] = b'*');
        }
        return;
    }
    if PAN_DIGITS.contains(&digits.len()) {
        // Whichever window is the card number, no more than its first six and last four digits stay.
        if found.next().is_some() {
            run[6..run.len() - 4].iter().for_each(|&at| shown[at] = b'*');
        }
        return;
    }
    for window in found {
        run[window].iter().for_each(|&at| shown[at] = b'*');
    }
}

/// Whether this is a card number as far as anybody can tell: digits alone, of the right length, with the right check digit.
pub(crate) fn is_pan(text: &[u8]) -> bool {
    let digits: Option<Vec<u8>> = text.iter().map(|c| c.is_ascii_digit().then(|| c - b'0')).collect();
    PAN_DIGITS.contains(&text.len()) && digits.is_some_and(|digits| could_be_pan(&digits))
}

/// Whether the check digit is right (ISO/IEC 7812-1 Annex B). Zeros alone pass it and are no card number.
fn could_be_pan(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, digit) {
            (1, 5..) => u32::from(digit) * 2 - 9,
            (1, _) => u32::from(digit) * 2,
            _ => u32::from(digit),
        })
        .sum();
    sum.is_multiple_of(10) && digits.iter().any(|&digit| digit != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(text: &str) -> String {
        Sensitivity::Free.mask(text.as_bytes())
    }

    #[test]
    fn a_card_number_keeps_six_and_four() {
        assert_eq!(Sensitivity::Pan.mask(b"4111111111111111"), "411111******1111");
        assert_eq!(Sensitivity::Pan.mask(b"4222222222222"), "422222***2222");
        assert_eq!(Sensitivity::Pan.mask(b"411111111111"), "************");
        assert_eq!(Sensitivity::Pan.mask(b"41111111111111111111"), "********************");
    }

    #[test]
    fn free_text_gives_no_card_number_away() {
        assert_eq!(free("ref 4111111111111111."), "ref 411111******1111.");
        assert_eq!(free("4111-1111 1111--1111"), "4111-11** ****--1111");
        // Inside a longer run it is not known which digits are the card number's, so none is shown.
        assert!(!free("99941111111111111110007").contains('4'));
        assert_eq!(free("A1234B"), "A1234B");
        assert_eq!(free("0000000000000000"), "0000000000000000");
    }

    #[test]
    fn bytes_give_no_card_number_away_in_any_form() {
        let shown = |hex: &str| Sensitivity::Free.mask_of(Class::Binary, hex.as_bytes());
        assert_eq!(shown("4111111111111111"), "411111******1111");
        // The same and a letter, in ASCII and in EBCDIC: at least its middle is hidden.
        let ascii = shown(&format!("34{}41", "31".repeat(15)));
        assert!(ascii[12..24].bytes().all(|c| c == b'*') && ascii.ends_with("41"), "{ascii}");
        let ebcdic = shown(&format!("F4{}C1", "F1".repeat(15)));
        assert_eq!(ebcdic, format!("F4F1F1F1F1F1{}F1F1F1F1C1", "*".repeat(12)));
        assert_eq!(shown("0A0B0C"), "0A0B0C");
    }

    #[test]
    fn what_must_be_hidden_does_not_even_show_its_length() {
        assert_eq!(Sensitivity::Cvv.mask(b"123"), Sensitivity::Cvv.mask(b"1234"));
        for hidden in
            [Sensitivity::Track, Sensitivity::Pin, Sensitivity::Cvv, Sensitivity::Chip, Sensitivity::Key]
        {
            assert!(hidden.hides_all());
            assert!(!hidden.mask(b"4111111111111111=2512").contains('4'));
        }
    }
}
