//! The common case, quickly: whether a value is surely made of its field's parts. Nothing is named, counted or kept, so that a
//! message costs little more than its bytes. Where this says no, the walk says what is wrong, or that nothing is.

use super::{Composite, Form, MAX_PARTS, Part, PartLength, tagged};
use crate::class::{Class, all_bcd_digits};
use crate::layout::Encoding;
use crate::path::MAX_LEVELS;
use crate::raw::{Raw, octets_of_digits};

impl Composite {
    pub(crate) fn is_surely_fine(&self, raw: Raw<'_>, length: usize) -> bool {
        let fine = match self.form {
            Form::Positional => self.positions(raw, length),
            Form::Tagged { tag_length, length_digits } => {
                self.tags(raw, length, tag_length.into(), length_digits.into())
            }
            Form::BerTlv { levels } => self.ber_tlv(raw, length / 2, levels.into()),
            Form::Bitmap { .. } => None,
        };
        fine.is_some()
    }

    fn positions(&self, raw: Raw<'_>, length: usize) -> Option<()> {
        let mut at = 0;
        for part in &self.parts {
            if at == length {
                break;
            }
            let taken = match part.length {
                PartLength::Fixed(fixed) => usize::from(fixed),
                PartLength::UpTo(max) => usize::from(max).min(length - at),
            };
            if taken > length - at || !self.holds(part, raw, at, taken) {
                return None;
            }
            at += taken;
        }
        (at == length).then_some(())
    }

    fn tags(&self, raw: Raw<'_>, length: usize, tag_length: usize, length_digits: usize) -> Option<()> {
        let text = match raw.encoding {
            Encoding::Ascii => raw.bytes.get(..length)?,
            Encoding::Ebcdic | Encoding::Bcd | Encoding::Binary | Encoding::Hex => return None,
        };
        let (mut at, mut seen) = (0, Once::default());
        while at < length {
            let mut tag = [0; 4];
            tag.iter_mut().zip(text.get(at..at + tag_length)?).for_each(|(to, from)| *to = *from);
            at += tag_length;
            let digits = text.get(at..at + length_digits)?;
            let taken = digits.iter().try_fold(0, |sum, digit| {
                digit.is_ascii_digit().then(|| sum * 10 + usize::from(digit & 15))
            })?;
            at += length_digits;
            let part = self.known(tagged::key(tag), &mut seen)?;
            if taken > length - at || !part.fits(taken) || !self.holds(part, raw, at, taken) {
                return None;
            }
            at += taken;
        }
        Some(())
    }

    fn ber_tlv(&self, raw: Raw<'_>, length: usize, levels: usize) -> Option<()> {
        match raw.encoding {
            Encoding::Binary => self.octets(raw.bytes.get(..length)?, levels),
            Encoding::Hex => {
                // All that a message can hold in one field, so that it need not go on the heap.
                let mut octets = [0; 256];
                let octets = octets.get_mut(..length)?;
                octets_of_digits(raw.bytes.get(..length * 2)?, octets);
                self.octets(octets, levels)
            }
            Encoding::Ascii | Encoding::Ebcdic | Encoding::Bcd => None,
        }
    }

    fn octets(&self, octets: &[u8], levels: usize) -> Option<()> {
        let (mut at, mut seen) = (0, Once::default());
        let (mut ends, mut level) = ([octets.len(); MAX_LEVELS], 0);
        loop {
            while at == ends[level] {
                if level == 0 {
                    return Some(());
                }
                level -= 1;
            }
            let end = ends[level];
            let first = octet(octets, &mut at, end)?;
            let mut tag = u32::from(first);
            if first & 0x1f == 0x1f {
                let second = octet(octets, &mut at, end)?;
                tag = tag << 8 | u32::from(second);
                if second & 0x80 != 0 {
                    let third = octet(octets, &mut at, end)?;
                    tag = tag << 8 | u32::from(third);
                    if third & 0x80 != 0 {
                        return None;
                    }
                }
            }
            let mut taken = usize::from(octet(octets, &mut at, end)?);
            if taken == 0x81 {
                taken = octet(octets, &mut at, end)?.into();
            } else if taken > 0x7f {
                return None;
            }
            if first == 0 || taken > end - at {
                return None;
            }
            match self.index_of(tag) {
                Some(part) => {
                    seen.note(part, self.repeats)?;
                    let part = &self.parts[part];
                    if !part.fits(taken * 2) || !holds_octets(part.class, octets.get(at..at + taken)?) {
                        return None;
                    }
                }
                // Told apart from one another only by the walk.
                None if !self.keeps_unknown || !self.repeats => return None,
                None => seen.count()?,
            }
            if first & 0x20 != 0 && level + 1 < levels {
                level += 1;
                *ends.get_mut(level)? = at + taken;
            } else {
                at += taken;
            }
        }
    }

    fn known(&self, key: u32, seen: &mut Once) -> Option<&Part> {
        let part = self.index_of(key)?;
        seen.note(part, self.repeats)?;
        self.parts.get(part)
    }

    /// Whether the characters are of the part's class. Those of the field's class have been checked.
    fn holds(&self, part: &Part, raw: Raw<'_>, at: usize, length: usize) -> bool {
        if part.class == self.class {
            return true;
        }
        match raw.encoding {
            Encoding::Binary if part.class == Class::Numeric => {
                raw.bytes.get(at / 2..(at + length) / 2).is_some_and(all_bcd_digits)
            }
            Encoding::Ascii | Encoding::Hex => {
                raw.bytes.get(at..at + length).is_some_and(|text| length == 0 || part.class.allows(text))
            }
            Encoding::Ebcdic | Encoding::Bcd | Encoding::Binary => {
                (0..length).all(|index| part.class.allows_at(index, raw.character(at + index)))
            }
        }
    }
}

/// Whether the digits of bytes, as their text form has them, are of a class.
fn holds_octets(class: Class, octets: &[u8]) -> bool {
    match class {
        Class::Binary | Class::Alphanumeric | Class::AlphanumericPad | Class::Text => true,
        Class::Numeric | Class::Track => all_bcd_digits(octets),
        // The walk looks closer.
        Class::Alphabetic | Class::SignedNumeric => octets.is_empty(),
    }
}

#[inline]
fn octet(octets: &[u8], at: &mut usize, end: usize) -> Option<u8> {
    if *at >= end {
        return None;
    }
    let octet = *octets.get(*at)?;
    *at += 1;
    Some(octet)
}

/// Which parts have been there, and how many in all. A part inside another counts as the same: where that matters, the walk
/// decides.
#[derive(Default)]
struct Once {
    parts: u64,
    count: usize,
}

impl Once {
    fn note(&mut self, part: usize, may_repeat: bool) -> Option<()> {
        let bit = 1_u64.checked_shl(part as u32)?;
        if !may_repeat && self.parts & bit != 0 {
            return None;
        }
        self.parts |= bit;
        self.count()
    }

    fn count(&mut self) -> Option<()> {
        self.count += 1;
        (self.count <= MAX_PARTS).then_some(())
    }
}
