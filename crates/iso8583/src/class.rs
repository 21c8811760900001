//! Which characters a field may hold: the attributes of ISO 8583-1, and quick ways to look at whole texts.

use serde::Deserialize;

use crate::class_set::ClassSet;

/// What a field's characters may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[non_exhaustive]
pub enum Class {
    /// Digits.
    #[serde(rename = "n")]
    Numeric,
    /// Letters.
    #[serde(rename = "a")]
    Alphabetic,
    /// Letters and digits.
    #[serde(rename = "an")]
    Alphanumeric,
    /// Letters, digits and the space that pads them.
    #[serde(rename = "anp")]
    AlphanumericPad,
    /// All printable ASCII.
    #[serde(rename = "ans")]
    Text,
    /// Track data (ISO/IEC 7813): the sixteen characters from `0` to `?`, with `=` as the separator.
    #[serde(rename = "z")]
    Track,
    /// A sign, `C` for credit or `D` for debit, and digits. The length counts the sign.
    #[serde(rename = "x+n")]
    SignedNumeric,
    /// Bytes; as text, two upper-case hexadecimal digits a byte. The length counts bytes.
    #[serde(rename = "b")]
    Binary,
}

impl Class {
    /// Whether all of `text` is of this class. A signed number is a sign, then digits.
    #[inline]
    pub(crate) fn allows(self, text: &[u8]) -> bool {
        match self {
            Self::Numeric => every_word(text, word_is_digits),
            Self::Text => every_word(text, word_is_printable),
            Self::Track => every_word(text, |word| word & HIGH_NIBBLES == 0x3030_3030_3030_3030),
            Self::SignedNumeric => match text {
                [sign, digits @ ..] => self.allows_at(0, *sign) && every_word(digits, word_is_digits),
                [] => false,
            },
            Self::Alphabetic => every_word(text, |word| letters(word) == all(word)),
            Self::Alphanumeric => every_word(text, |word| letters(word) | digits(word) == all(word)),
            Self::AlphanumericPad => {
                every_word(text, |word| letters(word) | digits(word) | within(word, b' ', b' ') == all(word))
            }
            Self::Binary => every_word(text, |word| digits(word) | within(word, b'A', b'F') == all(word)),
        }
    }

    /// Whether all of `bytes` are characters of this class in EBCDIC.
    #[inline]
    pub(crate) fn allows_ebcdic(self, bytes: &[u8]) -> bool {
        ClassSet::of_ebcdic(bytes).meets(ClassSet::only(self))
    }

    /// Whether the character at `index` is of this class.
    pub(crate) fn allows_at(self, index: usize, character: u8) -> bool {
        let own =
            if self == Self::SignedNumeric && index == 0 { ClassSet::SIGN } else { ClassSet::only(self) };
        ClassSet::of_character(character).meets(own)
    }

    /// Whether a nibble can stand for one of this class's characters, `0x30 + nibble`.
    pub(crate) const fn allows_nibble(self, nibble: u8) -> bool {
        matches!(self, Self::Track) || nibble < 10
    }

    /// Whether fields of this class may be packed two characters a byte.
    pub(crate) const fn packs(self) -> bool {
        matches!(self, Self::Numeric | Self::SignedNumeric | Self::Track)
    }
}

/// Whether every nibble is a decimal digit.
#[inline]
pub(crate) fn all_bcd_digits(bytes: &[u8]) -> bool {
    // A nibble is above nine if its highest bit is set and one of the next two is.
    every_word(bytes, |word| word & (word << 1 | word << 2) & 0x8888_8888_8888_8888 == 0)
}

const HIGH_NIBBLES: u64 = 0xF0F0_F0F0_F0F0_F0F0;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
const EACH_BYTE: u64 = 0x0101_0101_0101_0101;

/// The high bit of each byte that lies between two characters. Right where no byte has its own high bit set, and nothing then
/// carries from byte to byte.
const fn within(word: u64, first: u8, last: u8) -> u64 {
    let from_first = word.wrapping_add((0x80 - first as u64) * EACH_BYTE);
    let after_last = word.wrapping_add((0x7f - last as u64) * EACH_BYTE);
    from_first & !after_last & HIGH_BITS
}

/// What [`within`] gives where it is true of all bytes; of a word that it cannot judge, nothing that it ever gives.
const fn all(word: u64) -> u64 {
    if word & HIGH_BITS == 0 { HIGH_BITS } else { 1 }
}

const fn digits(word: u64) -> u64 {
    within(word, b'0', b'9')
}

/// Letters of either case: they differ in one bit.
const fn letters(word: u64) -> u64 {
    within(word | (0x20 * EACH_BYTE), b'a', b'z')
}

/// Digits are 0x30 to 0x39: the high nibble is 3, and still is after adding 6.
fn word_is_digits(word: u64) -> bool {
    let raised = word.wrapping_add(6 * EACH_BYTE);
    ((word ^ 0x3030_3030_3030_3030) | (raised ^ 0x3030_3030_3030_3030)) & HIGH_NIBBLES == 0
}

/// Printable ASCII is 0x20 to 0x7e: below 0x80, not below 0x20 and not 0x7f. Nothing carries from byte to byte once
/// the first condition holds.
fn word_is_printable(word: u64) -> bool {
    word & HIGH_BITS == 0
        && word.wrapping_add(0x60 * EACH_BYTE) & HIGH_BITS == HIGH_BITS
        && word.wrapping_add(EACH_BYTE) & HIGH_BITS == 0
}

/// Whether `holds` is true of all bytes, taken eight at a time. What is left over is taken again together with bytes
/// before it, or repeated to fill a word; so `holds` must judge each byte for itself.
#[inline]
fn every_word(bytes: &[u8], holds: impl Fn(u64) -> bool) -> bool {
    if let Some(last) = bytes.last_chunk::<8>() {
        let (words, _) = bytes.as_chunks::<8>();
        // All of them, as there is mostly no fault to stop at.
        return words
            .iter()
            .fold(holds(u64::from_le_bytes(*last)), |all, word| all & holds(u64::from_le_bytes(*word)));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return holds(u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32);
    }
    match bytes {
        [first, .., last] => {
            let middle = bytes[bytes.len() / 2];
            let word =
                (u64::from(*first) * (EACH_BYTE & !0xffff)) | (u64::from(middle) << 8) | u64::from(*last);
            holds(word)
        }
        [only] => holds(u64::from(*only) * EACH_BYTE),
        [] => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_takes_its_characters_and_no_others() {
        let cases: [(Class, &str, &str); 8] = [
            (Class::Numeric, "0123456789", "A =-"),
            (Class::Alphabetic, "AZaz", "09 -"),
            (Class::Alphanumeric, "AZaz09", " -"),
            (Class::AlphanumericPad, "AZaz09 ", "-/"),
            (Class::Text, " ~-/azAZ09", "\u{7f}\t\n\0"),
            (Class::Track, "0123456789:;<=>?", "DA /@"),
            (Class::Binary, "0123456789ABCDEF", "abG "),
            (Class::SignedNumeric, "C", "+-XE"),
        ];
        for (class, good, bad) in cases {
            assert!(class.allows(good.as_bytes()), "{class:?}");
            for c in bad.bytes() {
                assert!(!class.allows(&[c]) && !class.allows_at(0, c), "{class:?} {c:02x}");
            }
        }
        assert!(Class::SignedNumeric.allows(b"D0000001"));
        assert!(!Class::SignedNumeric.allows(b"DD000001"));
        assert!(!Class::SignedNumeric.allows(b""));
    }

    /// The fast checks of whole words say of every text what the table says of its characters.
    #[test]
    fn words_and_characters_agree() {
        let classes = [
            Class::Numeric,
            Class::Alphabetic,
            Class::Alphanumeric,
            Class::AlphanumericPad,
            Class::Text,
            Class::Track,
            Class::Binary,
        ];
        for class in classes {
            for length in 0..20 {
                for at in 0..length {
                    for byte in 0..=255 {
                        let mut text = vec![b'0'; length];
                        if class == Class::Alphabetic {
                            text.fill(b'A');
                        }
                        text[at] = byte;
                        assert_eq!(
                            class.allows(&text),
                            class.allows_at(at, byte),
                            "{class:?} {at} of {length}: {byte:02x}"
                        );
                    }
                }
            }
        }
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut packed = vec![0x99; length];
                    packed[at] = byte;
                    assert_eq!(all_bcd_digits(&packed), byte >> 4 < 10 && byte & 15 < 10, "{byte:02x}");
                }
            }
        }
    }
}
