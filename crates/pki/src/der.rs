//! The little DER that is written and read by hand: signatures, and the outer shell of a certificate.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Tag, length, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 6);
    out.push(tag);
    match value.len() {
        short @ 0..=0x7f => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let digits = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            out.push(0x80 | digits.len() as u8);
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(value);
    out
}

/// An `INTEGER` with the value of these big-endian digits.
pub(crate) fn unsigned_integer(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count().min(digits.len().saturating_sub(1));
    let digits = &digits[zeros..];
    // A set top bit would read as negative.
    let mut value = Vec::with_capacity(digits.len() + 1);
    if digits.first().is_some_and(|digit| *digit >= 0x80) {
        value.push(0);
    }
    value.extend_from_slice(digits);
    tlv(INTEGER, &value)
}

/// A `BIT STRING` of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(bytes.len() + 1);
    value.push(0);
    value.extend_from_slice(bytes);
    tlv(BIT_STRING, &value)
}

/// Reads one element with `tag`, and returns its value and what follows. Only minimal lengths below 64 KiB are read.
pub(crate) fn read(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81 => {
            let (&len, rest) = rest.split_first()?;
            (usize::from(len), (len >= 0x80).then_some(rest)?)
        }
        0x82 => {
            let (len, rest) = rest.split_at_checked(2)?;
            let len = usize::from(u16::from_be_bytes([len[0], len[1]]));
            (len, (len >= 0x100).then_some(rest)?)
        }
        _ => return None,
    };
    if found != tag { None } else { rest.split_at_checked(len) }
}

/// Reads one element with `tag` that fills the whole input.
pub(crate) fn read_exactly(tag: u8, input: &[u8]) -> Option<&[u8]> {
    read(tag, input).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_and_read_in_their_shortest_form() {
        for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            let value = vec![7; len];
            let written = tlv(OCTET_STRING, &value);
            assert_eq!(read_exactly(OCTET_STRING, &written), Some(&value[..]), "{len}");
        }
        assert_eq!(read(OCTET_STRING, &[4, 0x81, 1, 7]), None);
        assert_eq!(read(OCTET_STRING, &[4, 0x82, 0, 1, 7]), None);
        assert_eq!(read(OCTET_STRING, &[4, 0x80, 7, 0, 0]), None);
        assert_eq!(read(OCTET_STRING, &[4, 2, 7]), None);
    }
}
