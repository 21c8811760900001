//! Hexadecimal of secrets: what is decoded is wiped when dropped.

use zeroize::Zeroizing;

/// The bytes that an even count of hexadecimal digits spells; `None` for anything else.
pub fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let letters = text.as_bytes();
    if !letters.len().is_multiple_of(2) {
        return None;
    }
    // Exact capacity: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(letters.len() / 2));
    for pair in letters.chunks_exact(2) {
        bytes.push(nibble(pair[0])? << 4 | nibble(pair[1])?);
    }
    Some(bytes)
}

/// Two lower-case digits for each byte.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for value in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(value)]));
        }
    }
    text
}

fn nibble(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
