//! EBCDIC, as hosts of that family write printable characters: IBM code page 37 (CCSID 37). Letters, digits, space and the
//! punctuation of messages stand at the same bytes in code pages 37, 500 and 1047.

/// The byte of each character from 0x20 on; 0 for 0x7f, which is not printable.
const OF_PRINTABLE: [u8; 96] = [
    0x40, 0x5a, 0x7f, 0x7b, 0x5b, 0x6c, 0x50, 0x7d, 0x4d, 0x5d, 0x5c, 0x4e, 0x6b, 0x60, 0x4b, 0x61, 0xf0,
    0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0x7a, 0x5e, 0x4c, 0x7e, 0x6e, 0x6f, 0x7c, 0xc1,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xba, 0xe0, 0xbb, 0xb0, 0x6d, 0x79, 0x81, 0x82, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0xa2, 0xa3,
    0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xc0, 0x4f, 0xd0, 0xa1, 0x00,
];

/// The character of each byte; 0 where it is no printable one.
const TO_ASCII: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < OF_PRINTABLE.len() - 1 {
        table[OF_PRINTABLE[index] as usize] = index as u8 + 0x20;
        index += 1;
    }
    table
};

/// The character of a byte; 0, which no class allows, for one that is not printable.
#[inline]
pub(crate) const fn to_ascii(byte: u8) -> u8 {
    TO_ASCII[byte as usize]
}

/// The byte of a printable character; 0 for another.
#[inline]
pub(crate) const fn of_ascii(character: u8) -> u8 {
    match character {
        0x20..=0x7f => OF_PRINTABLE[character as usize - 0x20],
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_characters_and_their_bytes_belong_to_each_other() {
        for character in 0x20..0x7f {
            assert_eq!(to_ascii(of_ascii(character)), character);
        }
        assert_eq!((0..=255).filter(|byte| to_ascii(*byte) != 0).count(), 95);
        assert_eq!((of_ascii(0x7f), of_ascii(0), of_ascii(200)), (0, 0, 0));
    }

    /// From IBM's table of code page 37.
    #[test]
    fn letters_digits_and_some_punctuation_are_where_the_code_page_has_them() {
        let known = [
            (b' ', 0x40),
            (b'.', 0x4b),
            (b'/', 0x61),
            (b'0', 0xf0),
            (b'9', 0xf9),
            (b'=', 0x7e),
            (b'*', 0x5c),
        ];
        let letters = [
            (b'A', 0xc1),
            (b'J', 0xd1),
            (b'S', 0xe2),
            (b'Z', 0xe9),
            (b'a', 0x81),
            (b'j', 0x91),
            (b's', 0xa2),
        ];
        for (character, byte) in known.into_iter().chain(letters) {
            assert_eq!(of_ascii(character), byte, "{}", char::from(character));
        }
    }
}
