//! The short way for what most fields are: text whose bytes are its characters, behind a prefix of digits or of fixed length.
//! Where it says no, the general way says what is wrong, or that nothing is.

use crate::class::Class;
use crate::layout::{Encoding, Layout, Length, PrefixEncoding};
use crate::message::Slot;

/// What the short way needs to know of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Simple {
    class: Class,
    /// How many digits the prefix has; none before a fixed field.
    prefix_digits: u8,
    /// 1 where bytes are written as two digits each, so that the number of digits is even; else 0.
    odd_bits: u16,
    /// The length of a fixed field, or the most of a variable one.
    most: u16,
}

impl Simple {
    /// `None` where a field is not that simple.
    pub const fn of(layout: &Layout) -> Option<Self> {
        let odd_bits = match (layout.encoding, layout.class) {
            (_, Class::SignedNumeric) => return None,
            (Encoding::Ascii, _) => 0,
            (Encoding::Hex, _) => 1,
            (Encoding::Ebcdic | Encoding::Bcd | Encoding::Binary, _) => return None,
        };
        let class = layout.class;
        match layout.length {
            Length::Fixed { units } => Some(Self { class, prefix_digits: 0, odd_bits, most: units }),
            Length::Variable {
                prefix: PrefixEncoding::Ascii,
                digits: prefix_digits @ 1..=3,
                max: most,
                ..
            } => Some(Self { class, prefix_digits, odd_bits, most }),
            Length::Variable { .. } => None,
        }
    }

    /// The field's value at `at`, if there is one without fault.
    #[inline]
    pub fn read(self, bytes: &[u8], at: usize) -> Option<Slot> {
        let rest = bytes.get(at..)?;
        let (length, rest) = match (self.prefix_digits, rest) {
            (0, rest) => (usize::from(self.most), rest),
            (1, [a, rest @ ..]) => (digit(*a)?, rest),
            (2, [a, b, rest @ ..]) => (digit(*a)? * 10 + digit(*b)?, rest),
            (3, [a, b, c, rest @ ..]) => (digit(*a)? * 100 + digit(*b)? * 10 + digit(*c)?, rest),
            _ => return None,
        };
        if length > usize::from(self.most) || length & usize::from(self.odd_bits) != 0 {
            return None;
        }
        let fits = self.class.allows(rest.get(..length)?);
        fits.then(|| Slot::new(at + usize::from(self.prefix_digits), length, false))
    }

    /// Appends prefix and value, if the value has no fault and needs no filling. Tells where the value starts.
    #[inline]
    pub fn push(self, text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let length = text.len();
        let is_fixed = self.prefix_digits == 0;
        let most = usize::from(self.most);
        if length > most || is_fixed && length != most || length & usize::from(self.odd_bits) != 0 {
            return None;
        }
        if !self.class.allows(text) {
            return None;
        }
        // Not above 999: the compiler has made sure that the prefix can count to the maximum.
        let (hundreds, tens, ones) = (length / 100, length / 10 % 10, length % 10);
        let digits = [hundreds, tens, ones].map(|digit| b'0' + digit as u8);
        match self.prefix_digits {
            0 => {}
            1 => out.extend_from_slice(&digits[2..]),
            2 => out.extend_from_slice(&digits[1..]),
            _ => out.extend_from_slice(&digits),
        }
        let start = out.len();
        out.extend_from_slice(text);
        Some(start)
    }
}

#[inline]
fn digit(byte: u8) -> Option<usize> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(usize::from(digit))
}
