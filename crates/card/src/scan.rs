//! Card numbers in free text, where they must not be: metadata, descriptions, references, log lines.

use std::borrow::Cow;
use std::ops::Range;

use crate::{entry, luhn};

/// Shorter runs are not taken for card numbers: the last twelve-digit brand, Maestro, issues none since July 2023, and
/// twelve digits are the length of a retrieval reference number (ISO 8583 DE 37) and of many order numbers.
const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;

/// The most separators that may stand between two groups of one number, as in `4000 - 0000`.
const MAX_GAP: usize = 3;

/// Whether the text holds what looks like a card number: 13 to 19 digits with a valid check digit that start as payment
/// cards do, alone or in groups parted by spaces, hyphens or dots, in ASCII or full-width digits.
///
/// Digits that no payment card starts with are let through even when the check digit fits, as one number in ten does
/// by chance: refusing every tenth time-stamped order number (`20261124…`) would be worse than useless.
///
/// # Example
/// ```
/// assert!(card::contains_pan("customer read me 4000 0000 0000 0002 on the phone"));
/// assert!(!card::contains_pan("order 2026112400000005"));
/// ```
pub fn contains_pan(text: &str) -> bool {
    find(text).is_some()
}

/// The text with every digit of each card number but the last four replaced by `*`.
pub fn mask_pans(text: &str) -> Cow<'_, str> {
    let Some(first) = find(text) else { return Cow::Borrowed(text) };
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    let mut next = Some(first);
    while let Some(range) = next {
        masked.push_str(&rest[..range.start]);
        push_masked(&mut masked, &rest[range.clone()]);
        rest = &rest[range.end..];
        next = find(rest);
    }
    masked.push_str(rest);
    // Two numbers can share groups; one more look makes sure that nothing readable is left.
    match find(&masked) {
        Some(_) => Cow::Owned(mask_pans(&masked).into_owned()),
        None => Cow::Owned(masked),
    }
}

fn push_masked(masked: &mut String, number: &str) {
    let digits = number.chars().filter(|&letter| entry::digit(letter).is_some()).count();
    let mut seen = 0;
    for letter in number.chars() {
        let is_digit = entry::digit(letter).is_some();
        seen += usize::from(is_digit);
        masked.push(if is_digit && seen + 4 <= digits { '*' } else { letter });
    }
}

/// The bytes of the first card number in the text, from its first digit to its last.
fn find(text: &str) -> Option<Range<usize>> {
    // Most texts have too few digits for any card number; every byte of a full-width digit is beyond ASCII.
    let few = |bytes: &[u8]| bytes.iter().filter(|byte| byte.is_ascii_digit() || !byte.is_ascii()).count();
    if few(text.as_bytes()) < MIN_DIGITS {
        return None;
    }
    let groups = groups(text);
    for first in 0..groups.len() {
        let mut digits: Vec<u8> = Vec::with_capacity(MAX_DIGITS);
        for (place, group) in groups.iter().enumerate().skip(first) {
            if place > first && !group.joined {
                break;
            }
            digits.extend_from_slice(&group.digits);
            if digits.len() > MAX_DIGITS {
                break;
            }
            if looks_like_pan(&digits) {
                return Some(groups[first].bytes.start..group.bytes.end);
            }
        }
    }
    None
}

/// A run of digits without a gap.
struct Group {
    digits: Vec<u8>,
    bytes: Range<usize>,
    /// Only separators, and few of them, stand between the run before and this one.
    joined: bool,
}

fn groups(text: &str) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // Letters other than separators since the last digit, and separators since then.
    let (mut broken, mut gap) = (true, 0);
    let mut in_group = false;
    for (start, letter) in text.char_indices() {
        let end = start + letter.len_utf8();
        if let Some(value) = entry::digit(letter) {
            match groups.last_mut() {
                Some(group) if in_group => {
                    group.digits.push(value);
                    group.bytes.end = end;
                }
                _ => groups.push(Group {
                    digits: vec![value],
                    bytes: start..end,
                    joined: !broken && gap <= MAX_GAP,
                }),
            }
            (in_group, broken, gap) = (true, false, 0);
        } else {
            in_group = false;
            if entry::is_separator(letter) || matches!(letter, '.' | '_' | '\u{b7}') {
                gap += 1;
            } else {
                broken = true;
            }
        }
    }
    groups
}

fn looks_like_pan(digits: &[u8]) -> bool {
    (MIN_DIGITS..=MAX_DIGITS).contains(&digits.len()) && starts_as_cards_do(digits) && luhn::is_valid(digits)
}

/// Major industry identifiers 3 to 6 are payment cards (ISO/IEC 7812-1 table 1); beside them Mir (2200-2204),
/// Mastercard (2221-2720), RuPay and UnionPay (81, 82) and Troy (9792).
fn starts_as_cards_do(digits: &[u8]) -> bool {
    let first4 = digits[..4].iter().fold(0u16, |number, &digit| number * 10 + u16::from(digit));
    matches!(first4, 2200..=2204 | 2221..=2720 | 3000..=6999 | 8100..=8299 | 9792)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_found_however_it_is_written() {
        for text in [
            "4000000000000002",
            "card=4000000000000002;",
            "4000 0000 0000 0002",
            "4000-0000.0000_0002",
            "4000 - 0000 - 0000 - 0002",
            "４０００００００００００００02",
            "order 12 4000 0000 0000 0002 12/28",
            "x378282246310005x",
            "track ;4000000000000002=28121010000000000?",
            "2223003122003222",
        ] {
            assert!(contains_pan(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_card_number_is_let_through() {
        for text in [
            "",
            "4000000000000003",
            "20261124000000000006",
            "2026112400000005",
            "0000000000000000",
            "+86 138 0013 8000",
            "pay_01h455vb4pex5vsknk084sn02q",
            "4000 0000 and then 0000 0002",
            "123456789012",
        ] {
            assert!(!contains_pan(text), "{text}");
        }
    }

    #[test]
    fn masking_leaves_the_last_four() {
        assert_eq!(mask_pans("paid by 4000 0000 0000 0002, twice"), "paid by **** **** **** 0002, twice");
        assert_eq!(mask_pans("4000000000000002 6222021234567894"), "************0002 ************7894");
        assert!(matches!(mask_pans("nothing here"), Cow::Borrowed(_)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_planted_number_is_found_and_masked_in_any_text(
            before in "[^0-9０-９]{0,20}[a-z]",
            payload in "[3-6][0-9]{11,17}",
            gaps in prop::collection::vec("[ -]{0,2}", 18),
            after in "[a-z][^0-9０-９]{0,20}",
        ) {
            let values: Vec<u8> = payload.bytes().map(|letter| letter - b'0').collect();
            let number = format!("{payload}{}", luhn::check_digit(&values));
            let written: String = number.chars().zip(gaps.iter().chain(std::iter::repeat(&String::new())))
                .flat_map(|(digit, gap)| std::iter::once(digit).chain(gap.chars()).collect::<Vec<_>>())
                .collect();
            let text = format!("{before}{written}{after}");
            prop_assert!(contains_pan(&text));
            let masked = mask_pans(&text);
            prop_assert!(!contains_pan(&masked));
            prop_assert_eq!(masked.len(), text.len());
        }

        #[test]
        fn no_text_brings_the_scan_down(text in "\\PC{0,60}") {
            let masked = mask_pans(&text);
            prop_assert!(!contains_pan(&masked));
        }
    }
}
