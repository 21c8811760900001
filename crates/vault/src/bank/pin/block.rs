//! The clear layout of PIN blocks. Nothing of this leaves the crate. Source: ISO 9564-1:2017.

use types::Entropy;
use zeroize::Zeroizing;

use super::PinBlockFormat;
use crate::bank::cipher::xor;

/// A PIN of 4 to 12 digits; no `Debug`, wiped when dropped.
pub struct Pin {
    digits: Zeroizing<[u8; 12]>,
    count: usize,
}

impl Pin {
    /// A PIN from digits, each 0 to 9.
    pub fn new(given: &[u8]) -> Option<Self> {
        if !(4..=12).contains(&given.len()) || given.iter().any(|digit| *digit > 9) {
            return None;
        }
        let mut digits = Zeroizing::new([0; 12]);
        digits[..given.len()].copy_from_slice(given);
        Some(Self { digits, count: given.len() })
    }

    /// Its digits.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..self.count]
    }
}

/// Reads a clear block: 8 bytes, or the 16 of format 4's PIN field. `pan` is in ASCII digits with its check digit.
pub fn parse(format: PinBlockFormat, block: &[u8], pan: &[u8]) -> Option<Pin> {
    let mut plain = Zeroizing::new(block.to_vec());
    let wanted = match format {
        PinBlockFormat::Format0 | PinBlockFormat::Format3 => {
            xor(&mut plain, &*pan_field(pan));
            8
        }
        PinBlockFormat::Format1 => 8,
        PinBlockFormat::Format4 => 16,
    };
    if plain.len() != wanted {
        return None;
    }
    let nibbles: Zeroizing<Vec<u8>> =
        Zeroizing::new(plain.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect());
    if nibbles[0] != control(format) {
        return None;
    }
    let count = usize::from(nibbles[1]);
    let pin = Pin::new(nibbles.get(2..2 + count)?)?;
    let fill = &nibbles[2 + count..16];
    let fits = match format {
        PinBlockFormat::Format0 => fill.iter().all(|nibble| *nibble == 0xf),
        PinBlockFormat::Format1 => true,
        PinBlockFormat::Format3 | PinBlockFormat::Format4 if fill.is_empty() => true,
        PinBlockFormat::Format3 => fill.iter().all(|nibble| *nibble >= 0xa),
        PinBlockFormat::Format4 => fill.iter().all(|nibble| *nibble == 0xa),
    };
    fits.then_some(pin)
}

/// Makes a clear block: 8 bytes, or the 16 of format 4's PIN field.
pub fn build(format: PinBlockFormat, pin: &Pin, pan: &[u8], entropy: &dyn Entropy) -> Zeroizing<Vec<u8>> {
    let mut random = Zeroizing::new([0; 16]);
    entropy.fill(&mut *random);
    let mut nibbles = Zeroizing::new([0; 32]);
    nibbles[0] = control(format);
    nibbles[1] = pin.count as u8;
    nibbles[2..2 + pin.count].copy_from_slice(pin.digits());
    for place in 2 + pin.count..16 {
        nibbles[place] = match format {
            PinBlockFormat::Format0 => 0xf,
            PinBlockFormat::Format1 => random[place] & 15,
            PinBlockFormat::Format3 => letter(&mut random[place], entropy),
            PinBlockFormat::Format4 => 0xa,
        };
    }
    let bytes = format.family().block_bytes();
    let mut block = Zeroizing::new(vec![0; bytes]);
    for (place, byte) in block.iter_mut().enumerate() {
        // Behind the sixteen nibbles, which only format 4 has, everything is random.
        *byte = if place < 8 { nibbles[2 * place] << 4 | nibbles[2 * place + 1] } else { random[place - 8] };
    }
    if matches!(format, PinBlockFormat::Format0 | PinBlockFormat::Format3) {
        xor(&mut block, &*pan_field(pan));
    }
    block
}

/// A to F, each as likely: a byte that would favour some is drawn again.
fn letter(drawn: &mut u8, entropy: &dyn Entropy) -> u8 {
    // A source that never gives another byte (a test's own) must not hang this.
    for _ in 0..64 {
        if *drawn < 252 {
            break;
        }
        entropy.fill(std::slice::from_mut(drawn));
    }
    0xa + *drawn % 6
}

const fn control(format: PinBlockFormat) -> u8 {
    match format {
        PinBlockFormat::Format0 => 0,
        PinBlockFormat::Format1 => 1,
        PinBlockFormat::Format3 => 3,
        PinBlockFormat::Format4 => 4,
    }
}

/// Four zeros and the twelve rightmost digits of the card number without its check digit.
fn pan_field(pan: &[u8]) -> Zeroizing<[u8; 8]> {
    let without_check = pan.split_last().map_or(pan, |(_, digits)| digits);
    let mut field = Zeroizing::new([0; 8]);
    for (from_right, digit) in without_check.iter().rev().take(12).enumerate() {
        let value = digit & 15;
        field[7 - from_right / 2] |= if from_right % 2 == 0 { value } else { value << 4 };
    }
    field
}

/// How many digits there are above twelve, the whole card number from the left, and zeros. A card number of less than
/// twelve digits has zeros before it.
pub fn long_pan_field(pan: &[u8]) -> Zeroizing<[u8; 16]> {
    let mut nibbles = Zeroizing::new([0; 32]);
    let before = 12_usize.saturating_sub(pan.len());
    nibbles[0] = pan.len().saturating_sub(12) as u8;
    for (place, digit) in pan.iter().take(19).enumerate() {
        nibbles[1 + before + place] = digit & 15;
    }
    let mut field = Zeroizing::new([0; 16]);
    for (place, byte) in field.iter_mut().enumerate() {
        *byte = nibbles[2 * place] << 4 | nibbles[2 * place + 1];
    }
    field
}
