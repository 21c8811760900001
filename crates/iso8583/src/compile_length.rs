//! A field's length, its prefix, and how an odd number is padded.

use crate::class::Class;
use crate::dialect_error::{Blame, DialectError, DialectErrorKind as Kind};
use crate::document::FieldDoc;
use crate::layout::{Counts, Encoding, Length, PrefixEncoding, Side};

/// Longest value, in units. Keeps a message of many such fields within 16-bit offsets or refused.
pub(crate) const MAX_UNITS: u16 = 9_999;

pub(crate) fn length(
    doc: &FieldDoc,
    class: Class,
    encoding: Encoding,
    at: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<Length, DialectError> {
    let conflict = |key: &str, rule: &str| blame.error(Kind::Conflict, at(key), rule);
    let range = |key: &str, rule: String| blame.error(Kind::OutOfRange, at(key), rule);
    let missing = |key: &str| blame.error(Kind::Missing, at(key), "a variable field must decide this");
    // Binary fields are given in bytes; in hexadecimal each takes two characters.
    let per_unit = if encoding == Encoding::Hex { 2 } else { 1 };
    let units = |key: &str, given: u16| {
        let in_range = (1..=MAX_UNITS / per_unit).contains(&given);
        in_range
            .then_some(given * per_unit)
            .ok_or_else(|| range(key, format!("must be 1 to {}", MAX_UNITS / per_unit)))
    };
    match (doc.fixed, doc.max) {
        (Some(_), Some(_)) => Err(conflict("fixed", "a field is either fixed or has a max")),
        (None, None) => Err(blame.error(Kind::Missing, at("fixed"), "say \"fixed\" or \"max\"")),
        (Some(fixed), None) => {
            let units = units("fixed", fixed)?;
            if class == Class::SignedNumeric && (units < 2 || encoding == Encoding::Bcd && units % 2 == 0) {
                return Err(conflict("fixed", "counts the sign; packed, the digits must be even in number"));
            }
            Ok(Length::Fixed { units })
        }
        (None, Some(max)) => {
            if class == Class::SignedNumeric {
                return Err(conflict("max", "a signed number has a fixed length"));
            }
            let max = units("max", max)?;
            let prefix = doc.prefix.ok_or_else(|| missing("prefix"))?;
            let digits = doc.prefix_digits.ok_or_else(|| missing("prefix_digits"))?;
            let (most, capacity) = match prefix {
                PrefixEncoding::Binary => (2, 256_u32.pow(digits.min(2).into()) - 1),
                PrefixEncoding::Ascii | PrefixEncoding::Ebcdic | PrefixEncoding::Bcd => {
                    (4, 10_u32.pow(digits.min(4).into()) - 1)
                }
            };
            if !(1..=most).contains(&digits) {
                return Err(range("prefix_digits", format!("must be 1 to {most} for this prefix")));
            }
            let counts = match encoding {
                Encoding::Bcd => doc.counts.ok_or_else(|| missing("counts"))?,
                Encoding::Ascii | Encoding::Ebcdic | Encoding::Hex => Counts::Bytes,
                Encoding::Binary if doc.counts == Some(Counts::Digits) => {
                    return Err(conflict("counts", "a binary field is counted in bytes"));
                }
                Encoding::Binary => Counts::Bytes,
            };
            let longest =
                if counts == Counts::Bytes && encoding == Encoding::Bcd { max.div_ceil(2) } else { max };
            if capacity < u32::from(longest) {
                return Err(range(
                    "prefix_digits",
                    format!("the prefix counts to {capacity}, the field to {longest}"),
                ));
            }
            let width = if prefix == PrefixEncoding::Bcd { digits.div_ceil(2) } else { digits };
            Ok(Length::Variable { prefix, digits, width, counts, max })
        }
    }
}

pub(crate) fn odd_and_pad(
    doc: &FieldDoc,
    class: Class,
    encoding: Encoding,
    length: Length,
    at: &dyn Fn(&str) -> String,
    blame: Blame<'_>,
) -> Result<(Side, u8), DialectError> {
    let can_be_odd = encoding == Encoding::Bcd
        && class != Class::SignedNumeric
        && !matches!(length, Length::Fixed { units } if units % 2 == 0);
    if !can_be_odd {
        return Ok((Side::Left, 0));
    }
    let missing =
        |key| blame.error(Kind::Missing, at(key), "a packed field that can be odd must decide this");
    let odd = doc.odd.ok_or_else(|| missing("odd"))?;
    let pad = match doc.pad.as_deref().ok_or_else(|| missing("pad"))?.as_bytes() {
        [digit] => char::from(*digit).to_digit(16),
        _ => None,
    };
    let pad = pad.ok_or_else(|| blame.error(Kind::OutOfRange, at("pad"), "one hexadecimal digit"))? as u8;
    let counts_bytes = matches!(length, Length::Variable { counts: Counts::Bytes, .. });
    if counts_bytes && class.allows_nibble(pad) {
        // Nothing else would tell an odd value from an even one.
        let rule = "where bytes are counted, the pad must not be a digit of the value";
        return Err(blame.error(Kind::Conflict, at("pad"), rule));
    }
    Ok((odd, pad))
}
