//! Writing the quick way.

use std::ops::Range;

use super::{Check, Odd, Prefix, Step};
use crate::class::Class;
use crate::dialect::Dialect;
use crate::ebcdic;
use crate::encode::{push_octets, push_packed};
use crate::fields::Fields;
use crate::raw::Raw;

/// Characters that still have to be looked at and written, all in the same way.
struct Run {
    check: Check,
    start: usize,
    end: usize,
}

impl Run {
    /// Writes the characters and begins anew with others.
    #[inline]
    fn turn(&mut self, text: &[u8], check: Check, start: usize, out: &mut Vec<u8>) -> Option<()> {
        let run = text.get(self.start..self.end)?;
        match self.check {
            Check::Ascii(class) => {
                // Fields hold nothing but printable characters.
                if class != Class::Text && !class.allows(run) {
                    return None;
                }
                out.extend_from_slice(run);
            }
            Check::Packed => {
                if !Class::Numeric.allows(run) {
                    return None;
                }
                push_packed(run, out);
            }
            Check::PackedTrack => {
                if !Class::Track.allows(run) {
                    return None;
                }
                push_packed(run, out);
            }
            Check::Ebcdic(class) => {
                if !class.allows(run) {
                    return None;
                }
                out.extend(run.iter().map(|character| ebcdic::of_ascii(*character)));
            }
            Check::Nothing => {
                if !Class::Binary.allows(run) {
                    return None;
                }
                push_octets(run, out);
            }
        }
        *self = Self { check, start, end: start };
        Some(())
    }
}

impl Dialect {
    /// Appends the fields behind a bitmap. `None` if there is a fault anywhere; `out` has then got some of them.
    pub(crate) fn write_quickly(&self, fields: &Fields, out: &mut Vec<u8>) -> Option<()> {
        let text = fields.text();
        let mut run = Run { check: Check::Nothing, start: 0, end: 0 };
        for (de, range) in fields.ranges() {
            let step = self.steps.get(usize::from(de))?;
            // Of bytes, two characters each.
            let is_bytes = step.check == Check::Nothing;
            let units = if is_bytes { range.len() / 2 } else { range.len() };
            // What lacks characters or has an odd number of digits is rarer and goes the general way.
            let is_plain = match step.prefix {
                Prefix::General => false,
                Prefix::Fixed => units == usize::from(step.units),
                _ => units <= usize::from(step.units),
            };
            let is_even = range.len().is_multiple_of(2);
            if !is_plain || !is_even && (step.is_hex || is_bytes) {
                run.turn(text, Check::Nothing, range.end, out)?;
                self.encode_field(de, text.get(range)?, out).ok()?;
                continue;
            }
            if step.prefix != Prefix::Fixed
                || step.check != run.check
                || range.start != run.end
                || step.has_parts
            {
                run.turn(text, step.check, range.start, out)?;
                step.push_prefix(units, out);
            }
            if step.has_parts {
                self.push_parts(de, text, range, &mut run, out)?;
            } else if step.is_packed && !is_even {
                step.push_odd(text, range, &mut run, out)?;
            } else {
                run.end = range.end;
            }
        }
        run.turn(text, Check::Nothing, 0, out)
    }
}

impl Dialect {
    /// A field with parts, which are looked at where they have been written.
    #[inline(never)]
    fn push_parts(
        &self,
        de: u8,
        text: &[u8],
        range: Range<usize>,
        run: &mut Run,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let (step, layout) = (self.steps.get(usize::from(de))?, self.layout(de)?);
        let start = out.len();
        if step.is_packed && range.len() % 2 == 1 {
            step.push_odd(text, range.clone(), run, out)?;
        } else {
            run.end = range.end;
        }
        run.turn(text, Check::Nothing, range.end, out)?;
        let units = if step.check == Check::Nothing { range.len() / 2 } else { range.len() };
        let raw = Raw::new(layout, out.get(start..)?, units);
        self.composite(de)?.check(raw, range.len()).ok()
    }
}

impl Step {
    /// An odd number of packed digits, and the half byte that fills it.
    #[inline(never)]
    fn push_odd(&self, text: &[u8], range: Range<usize>, run: &mut Run, out: &mut Vec<u8>) -> Option<()> {
        let class = if self.check == Check::PackedTrack { Class::Track } else { Class::Numeric };
        match (self.odd, text.get(range.clone())?) {
            (Odd::Left(pad), [first, ..]) if class.allows_at(0, *first) => {
                run.turn(text, self.check, range.start + 1, out)?;
                out.push(pad << 4 | first & 15);
                run.end = range.end;
            }
            (Odd::Right(pad), [.., last]) if class.allows_at(0, *last) => {
                run.end = range.end - 1;
                run.turn(text, self.check, range.end, out)?;
                out.push(last << 4 | pad);
            }
            _ => return None,
        }
        Some(())
    }

    /// The prefix of a value that is not longer than the field.
    #[inline]
    fn push_prefix(&self, units: usize, out: &mut Vec<u8>) {
        let [hundreds, tens, ones] = [units / 100, units / 10 % 10, units % 10].map(|digit| digit as u8);
        match self.prefix {
            Prefix::General | Prefix::Fixed => {}
            Prefix::Ascii1 => out.push(b'0' + ones),
            Prefix::Ascii2 => out.extend_from_slice(&[b'0' + tens, b'0' + ones]),
            Prefix::Ascii3 => out.extend_from_slice(&[b'0' + hundreds, b'0' + tens, b'0' + ones]),
            Prefix::Packed2 => out.push(tens << 4 | ones),
            Prefix::Packed4 => {
                let thousands = hundreds / 10;
                out.extend_from_slice(&[(thousands << 4) | (hundreds % 10), tens << 4 | ones]);
            }
        }
    }
}
