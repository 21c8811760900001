//! Writing the quick way.

use super::write_step::{Manner, WriteStep};
use super::{Odd, Prefix};
use crate::dialect::Dialect;
use crate::ebcdic;
use crate::encode::{push_octets, push_packed};
use crate::fields::{Fields, Place};
use crate::raw::Raw;

/// Characters that still have to be written, all in the same manner. Their classes have been compared.
struct Run {
    manner: Manner,
    start: usize,
    end: usize,
}

impl Run {
    /// Writes the characters and begins anew with others.
    #[inline]
    fn turn(&mut self, text: &[u8], manner: Manner, start: usize, out: &mut Vec<u8>) -> Option<()> {
        let run = text.get(self.start..self.end)?;
        match self.manner {
            Manner::Ascii => out.extend_from_slice(run),
            Manner::Ebcdic => out.extend(run.iter().map(|character| ebcdic::of_ascii(*character))),
            Manner::Packed => push_packed(run, out),
            Manner::Octets => push_octets(run, out),
        }
        *self = Self { manner, start, end: start };
        Some(())
    }
}

impl Dialect {
    /// Appends the fields behind a bitmap. `None` if there is a fault anywhere; `out` has then got some of them.
    pub(crate) fn write_quickly(&self, fields: &Fields, out: &mut Vec<u8>) -> Option<()> {
        let text = fields.text();
        let mut run = Run { manner: Manner::Ascii, start: 0, end: 0 };
        for place in fields.places() {
            let step = self.steps.write.get(usize::from(place.de))?;
            let range = place.range();
            if !step.takes(*place) {
                // It lacks characters, or is written in a rarer way, or has a fault.
                run.turn(text, step.manner, range.start, out)?;
                self.encode_field(place.de, text.get(range)?, out).ok()?;
                continue;
            }
            let is_odd = place.length & step.odd_bit != 0;
            if step.begins || is_odd || step.manner != run.manner || range.start != run.end {
                run.turn(text, step.manner, range.start, out)?;
                step.push_prefix(place.length as usize, out);
            }
            let written = out.len();
            run.end = range.end;
            if is_odd {
                step.push_odd(text, &mut run, out)?;
            }
            if step.has_parts {
                self.push_parts(*place, written, text, &mut run, out)?;
            }
        }
        run.turn(text, Manner::Ascii, 0, out)
    }

    /// A field with parts, which are looked at where they have been written.
    #[inline(never)]
    fn push_parts(
        &self,
        place: Place,
        start: usize,
        text: &[u8],
        run: &mut Run,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        let layout = self.layout(place.de)?;
        run.turn(text, run.manner, run.end, out)?;
        let length = place.length as usize;
        let units = if run.manner == Manner::Octets { length / 2 } else { length };
        let raw = Raw::new(layout, out.get(start..)?, units);
        self.composite(place.de)?.check(raw, length).ok()
    }
}

impl WriteStep {
    /// Whether the value is one of the field's that needs no filling.
    #[inline]
    fn takes(&self, place: Place) -> bool {
        self.least <= place.length && place.length <= self.most && self.class.meets(place.classes)
    }

    /// An odd number of packed digits, and the half byte that fills it.
    #[inline]
    fn push_odd(&self, text: &[u8], run: &mut Run, out: &mut Vec<u8>) -> Option<()> {
        match self.odd {
            // Half a byte of hexadecimal digits, that is.
            Odd::Never => return None,
            Odd::Left(pad) => {
                out.push(pad << 4 | text.get(run.start)? & 15);
                run.start += 1;
            }
            Odd::Right(pad) => {
                let end = run.end;
                run.end -= 1;
                run.turn(text, self.manner, end, out)?;
                out.push(text.get(end - 1)? << 4 | pad);
            }
        }
        Some(())
    }

    /// The prefix of a value that is not longer than the field.
    #[inline]
    fn push_prefix(&self, characters: usize, out: &mut Vec<u8>) {
        if self.prefix == Prefix::Fixed {
            return;
        }
        let units = if self.manner == Manner::Octets { characters / 2 } else { characters };
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
