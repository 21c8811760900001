//! What a chip says of a sale that it approved offline: the one piece of chip data that outlives its first message.

use types::Money;
use zeroize::Zeroizing;

use crate::Pan;

/// The most that DE 55 holds.
const MOST_BYTES: usize = 255;

/// Application cryptogram and its information data: the proof, and what it proves.
const CRYPTOGRAM: u32 = 0x9F26;
const INFORMATION: u32 = 0x9F27;
const COUNTER: u32 = 0x9F36;
/// What the cryptogram was computed over: twelve digits in minor units, and ISO 4217's three digits behind a zero.
const AMOUNT: u32 = 0x9F02;
const CURRENCY: u32 = 0x5F2A;

/// Of the cryptogram information data: what kind of cryptogram it is, and that it is a transaction certificate.
const KIND: u8 = 0xC0;
const CERTIFICATE: u8 = 0x40;

/// What a bank and a card's issuer need of an offline sale: the cryptogram, everything that it was computed over, and what they
/// judge it by. Nothing else is kept: no account data, nothing of the holder, and nothing of somebody's own, which could be either.
#[rustfmt::skip]
const KEPT: [u32; 28] = [
    // The cryptogram, its information data, the issuer's own data, the unpredictable number, the counter.
    CRYPTOGRAM, INFORMATION, 0x9F10, 0x9F37, COUNTER,
    // The sale: results of its verification, date, type, amounts, currency, the terminal's country, category.
    0x95, 0x9B, 0x9A, 0x9C, AMOUNT, 0x9F03, CURRENCY, 0x9F1A, 0x9F53,
    // The card's application: its profile, name (as the chip, the directory and the terminal say it), version, number among those
    // of one account, product.
    0x82, 0x84, 0x4F, 0x9F06, 0x9F09, 0x5F34, 0x9F63,
    // The terminal: what it can do, how it checked the holder, its type, serial number, count of sales.
    0x9F33, 0x9F34, 0x9F35, 0x9F1E, 0x9F41,
    // How it was approved: the terminal's response code, and the issuer's code for electronic cash.
    0x8A, 0x9F74,
];

/// Why bytes are not the chip's word on an offline sale. Never repeats a byte of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChipDataError {
    /// Not a row of tags, lengths and values.
    #[error(
        "chip data must be BER-TLV of 255 bytes at most: each tag once, with its length and value, none within another"
    )]
    Form,
    /// The cryptogram or what belongs to it is not there.
    #[error("chip data of an offline sale must have the tags 9F26 (8 bytes), 9F27 (1) and 9F36 (2)")]
    Missing,
    /// The chip did not approve it itself.
    #[error(
        "tag 9F27 must say that the chip approved the sale offline (a transaction certificate, 40); what the chip wants its \
         bank to decide, or has declined, is no offline sale"
    )]
    NotApproved,
    /// The chip approved another amount.
    #[error("tag 9F02 must be the amount of the sale, in minor units of its currency (12 digits)")]
    OtherAmount,
    /// The chip approved another currency.
    #[error("tag 5F2A must be the currency of the sale (its numeric code, as 0156)")]
    OtherCurrency,
    /// A card number where none is expected.
    #[error("chip data must not hold the card number in the value of another tag")]
    CardNumber,
}

/// What of a chip's data goes to the bank with an offline sale, and is kept until the bank has acknowledged it: what the bank needs
/// of it, in the order it came.
///
/// # Errors
/// [`ChipDataError`].
pub fn of_offline_sale(data: &[u8], pan: &Pan, amount: Money) -> Result<Zeroizing<Vec<u8>>, ChipDataError> {
    if data.is_empty() || data.len() > MOST_BYTES {
        return Err(ChipDataError::Form);
    }
    let mut kept = Zeroizing::new(Vec::with_capacity(data.len()));
    let mut seen = Vec::new();
    let (mut cryptogram, mut information, mut counter) = (None, None, None);
    let mut rest = data;
    while !rest.is_empty() {
        let element = Element::read(rest).ok_or(ChipDataError::Form)?;
        if seen.contains(&element.tag) {
            return Err(ChipDataError::Form);
        }
        seen.push(element.tag);
        match element.tag {
            CRYPTOGRAM => cryptogram = Some(element.value.len()),
            INFORMATION => information = Some(element.value),
            COUNTER => counter = Some(element.value.len()),
            AMOUNT if digits(element.value, 6) != Some(amount.minor()) => {
                return Err(ChipDataError::OtherAmount);
            }
            CURRENCY if digits(element.value, 2) != Some(amount.currency().numeric().into()) => {
                return Err(ChipDataError::OtherCurrency);
            }
            _ => {}
        }
        if KEPT.contains(&element.tag) {
            kept.extend_from_slice(element.whole);
        }
        rest = &rest[element.whole.len()..];
    }
    let (Some(8), Some(&[information]), Some(2)) = (cryptogram, information, counter) else {
        return Err(ChipDataError::Missing);
    };
    if information & KIND != CERTIFICATE {
        return Err(ChipDataError::NotApproved);
    }
    if holds(&kept, pan.expose()) { Err(ChipDataError::CardNumber) } else { Ok(kept) }
}

/// A number of two digits a byte, of so many bytes.
fn digits(value: &[u8], bytes: usize) -> Option<u64> {
    if value.len() != bytes {
        return None;
    }
    let mut halves = value.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    halves.try_fold(0, |number, digit| (digit < 10).then(|| number * 10 + u64::from(digit)))
}

/// Whether digits stand in bytes, packed (from either half of a byte on) or as text.
fn holds(bytes: &[u8], digits: &str) -> bool {
    let halves = || bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let wanted: Zeroizing<Vec<u8>> = Zeroizing::new(digits.bytes().map(|digit| digit - b'0').collect());
    let packed: Zeroizing<Vec<u8>> = Zeroizing::new(halves().collect());
    let as_text = bytes.windows(digits.len()).any(|part| part == digits.as_bytes());
    as_text || packed.windows(wanted.len()).any(|part| part == wanted.as_slice())
}

struct Element<'a> {
    tag: u32,
    value: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Element<'a> {
    /// The first element. Tags have one or two bytes here, as all of EMV's, and values no structure of their own: within one
    /// could be what must not be kept.
    fn read(data: &'a [u8]) -> Option<Self> {
        let (&first, behind) = data.split_first()?;
        let is_constructed = first & 0x20 != 0;
        if is_constructed || first == 0 {
            return None;
        }
        let (tag, tag_bytes) = if first & 0x1F == 0x1F {
            let &second = behind.first().filter(|second| **second & 0x80 == 0)?;
            (u32::from(first) << 8 | u32::from(second), 2)
        } else {
            (u32::from(first), 1)
        };
        let (length, length_bytes) = match *data.get(tag_bytes)? {
            short @ 0..=0x7F => (short, 1),
            0x81 => (*data.get(tag_bytes + 1)?, 2),
            _ => return None,
        };
        let value_at = tag_bytes + length_bytes;
        let whole = data.get(..value_at + usize::from(length))?;
        Some(Self { tag, value: &whole[value_at..], whole })
    }
}

#[cfg(test)]
#[path = "chip_data_tests.rs"]
mod tests;
