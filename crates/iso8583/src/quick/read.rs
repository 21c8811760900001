//! Reading the quick way.

use super::read_step::{Check, ReadStep};
use super::{Odd, Prefix};
use crate::dialect::Dialect;
use crate::message::{Message, Slot};
use crate::read_field::{Reader, read_field};

/// Bytes that still have to be looked at, all in the same way.
struct Run {
    check: Check,
    start: usize,
}

impl Run {
    /// Ends before `end`; what follows is looked at in another way, from `start` on.
    #[inline(never)]
    fn turn(&mut self, bytes: &[u8], end: usize, check: Check, start: usize) -> Option<()> {
        let holds = self.check.holds(bytes.get(self.start..end)?);
        (self.check, self.start) = (check, start);
        holds.then_some(())
    }
}

impl Dialect {
    /// Reads the fields of a message whose bitmap ends at `at`. `None` if there is a fault anywhere.
    #[inline]
    pub(crate) fn read_quickly(&self, message: &mut Message<'_>, at: usize) -> Option<()> {
        let bytes = message.bytes;
        let mut at = at;
        let mut run = Run { check: Check::Nothing, start: at };
        // Word by word, so that what is left of a word can stay in a register.
        // The first field is the lowest bit here: to take that away does not wait for finding it.
        for (word, first) in message.fields.words() {
            let mut word = word.reverse_bits();
            while word != 0 {
                let de = first + word.trailing_zeros() as u8;
                word &= word - 1;
                let slot = self.read_step(de, bytes, &mut at, &mut run)?;
                *message.slots.get_mut(usize::from(de))? = slot;
            }
        }
        run.turn(bytes, at, Check::Nothing, at)?;
        (at == bytes.len()).then_some(())
    }
}

impl Dialect {
    /// Reads one field at `at`, and moves on.
    #[inline]
    fn read_step(&self, de: u8, bytes: &[u8], at: &mut usize, run: &mut Run) -> Option<Slot> {
        let step = self.steps.read.get(usize::from(de))?;
        if step.prefix == Prefix::General {
            return self.read_general(de, bytes, at, run);
        }
        let (units, start) = step.units(bytes, *at)?;
        if step.check != run.check || !step.joins {
            run.turn(bytes, *at, step.check, start)?;
        }
        let is_odd = step.is_packed && units % 2 == 1;
        let length = if step.is_packed { units.div_ceil(2) } else { units };
        let end = start + length;
        if is_odd {
            step.filling(bytes, start, end, run)?;
        }
        let slot = Slot::new(start, length, is_odd);
        *at = end;
        if step.has_parts {
            self.read_parts(de, bytes, slot, run)?;
        }
        Some(slot)
    }

    /// Looks at the parts of a field. That its characters are right comes first.
    #[inline(never)]
    fn read_parts(&self, de: u8, bytes: &[u8], slot: Slot, run: &mut Run) -> Option<()> {
        let end = slot.range().end;
        run.turn(bytes, end, Check::Nothing, end)?;
        self.check_parts(self.layout(de)?, de, bytes, slot).ok()
    }

    /// Reads one field the general way.
    #[inline(never)]
    fn read_general(&self, de: u8, bytes: &[u8], at: &mut usize, run: &mut Run) -> Option<Slot> {
        run.turn(bytes, *at, Check::Nothing, *at)?;
        let mut reader = Reader { bytes, at: *at };
        let layout = self.layout(de)?;
        let slot = read_field(layout, &mut reader).ok()?;
        (*at, run.start) = (reader.at, reader.at);
        if layout.composite.is_some() {
            self.check_parts(layout, de, bytes, slot).ok()?;
        }
        Some(slot)
    }
}

impl ReadStep {
    /// How many units the value has, and where it starts.
    #[inline]
    fn units(&self, bytes: &[u8], at: usize) -> Option<(usize, usize)> {
        if self.prefix == Prefix::Fixed {
            return Some((usize::from(self.units), at));
        }
        let rest = bytes.get(at..)?;
        let (units, width) = match (self.prefix, rest) {
            (Prefix::Ascii1, [a, ..]) => (ascii(*a)?, 1),
            (Prefix::Ascii2, [a, b, ..]) => (ascii(*a)? * 10 + ascii(*b)?, 2),
            (Prefix::Ascii3, [a, b, c, ..]) => (ascii(*a)? * 100 + ascii(*b)? * 10 + ascii(*c)?, 3),
            (Prefix::Packed2, [a, ..]) => (packed(*a)?, 1),
            (Prefix::Packed4, [a, b, ..]) => (packed(*a)? * 100 + packed(*b)?, 2),
            _ => return None,
        };
        let is_fine = units <= usize::from(self.units) && (units % 2 == 0 || !self.is_hex);
        is_fine.then_some((units, at + width))
    }

    /// Looks at the nibble that fills an odd number, and leaves a run that does not stumble over it.
    #[inline(never)]
    fn filling(&self, bytes: &[u8], start: usize, end: usize, run: &mut Run) -> Option<()> {
        match self.odd {
            Odd::Never => None,
            Odd::Left(pad) => {
                let is_pad = bytes.get(start)? >> 4 == pad;
                if pad > 9 && self.check == Check::Packed {
                    // What is before the byte, and the digit in it; the rest goes on.
                    run.turn(bytes, start, self.check, start + 1)?;
                    return (is_pad && bytes.get(start)? & 15 < 10).then_some(());
                }
                is_pad.then_some(())
            }
            Odd::Right(pad) => {
                let last = *bytes.get(end - 1)?;
                if pad > 9 && self.check == Check::Packed {
                    run.turn(bytes, end - 1, self.check, end)?;
                    return (last & 15 == pad && last >> 4 < 10).then_some(());
                }
                (last & 15 == pad).then_some(())
            }
        }
    }
}

#[inline]
fn ascii(byte: u8) -> Option<usize> {
    let digit = byte.wrapping_sub(b'0');
    (digit < 10).then_some(usize::from(digit))
}

#[inline]
fn packed(byte: u8) -> Option<usize> {
    let (tens, ones) = (byte >> 4, byte & 15);
    (tens < 10 && ones < 10).then_some(usize::from(tens) * 10 + usize::from(ones))
}
