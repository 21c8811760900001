//! Finding a likely cause: undo one thing after another, and see whether the bytes are then a message.

use super::cause::Cause;
use super::head::Head;
use super::writing::{Script, Writing};
use crate::bitmap::FieldSet;
use crate::decode_error::{DecodeError, DecodeErrorKind as Kind};
use crate::dialect::Dialect;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::ebcdic;
use crate::encode::{push_bitmap_word, push_prefix};
use crate::hex::parse_hex;
use crate::layout::{Layout, Length};
use crate::message::Message;

/// The most bytes that a header which nobody knows may have.
const MOST_BEFORE: usize = 48;

/// More than that is no help.
const MOST_CAUSES: usize = 3;

/// What may be wrong with bytes that are no message of the dialect: only what, undone, makes one of them. The likeliest first.
/// `bytes` have lost a head of `head` bytes, and places are counted with it.
pub(super) fn causes(dialect: &Dialect, bytes: &[u8], head: usize) -> Vec<Cause> {
    let mut read = Message::unread(dialect, bytes);
    let Err(error) = dialect.decode_into(&mut read) else { return Vec::new() };
    let patient = Patient { dialect, bytes, head, read, error };
    let mut found = patient.whole();
    if found.is_empty() {
        found.extend(patient.bits());
        found.extend(patient.lengths());
        found.extend(patient.byte());
        found.extend(patient.end());
    }
    // Of accidents, those that leave the fewest rules broken. What is cut off cannot be held against a message.
    let is_cut = |cause: &Cause| matches!(cause, Cause::CutOff { .. });
    let least = found.iter().filter(|(cause, _)| !is_cut(cause)).map(|(_, violations)| *violations).min();
    found.retain(|(cause, violations)| is_cut(cause) || Some(*violations) == least);
    found.sort_by_key(|(cause, _)| cause.weight());
    found.into_iter().map(|(cause, _)| cause).take(MOST_CAUSES).collect()
}

/// A cause, and how many rules the message breaks that has been made whole.
type Found = (Cause, usize);

struct Patient<'a> {
    dialect: &'a Dialect,
    bytes: &'a [u8],
    head: usize,
    /// The fields before the error.
    read: Message<'a>,
    error: DecodeError,
}

impl Patient<'_> {
    /// How many rules bytes break; `None` if they are no message.
    fn violations(&self, bytes: &[u8]) -> Option<usize> {
        let message = self.dialect.decode(bytes).ok()?;
        Some(self.dialect.check(&message).len())
    }

    /// What is the matter with all of it.
    fn whole(&self) -> Vec<Found> {
        let text = std::str::from_utf8(self.bytes).ok().and_then(|text| parse_hex(text).ok());
        if let Some(violations) = text.and_then(|bytes| self.violations(&bytes)) {
            return vec![(Cause::HexTwice, violations)];
        }
        if let Some(found) = self.in_other_characters() {
            return vec![found];
        }
        let written = Writing::all_that_fit(self.dialect, self.bytes);
        if !written.is_empty() {
            return written.into_iter().map(|writing| (Cause::Written(writing), writing.changes())).collect();
        }
        let is_message = |bytes: &[u8]| is_message(self.dialect, bytes);
        let before =
            (1..=MOST_BEFORE.min(self.bytes.len())).find(|skipped| is_message(&self.bytes[*skipped..]));
        let cause = before.map(|skipped| match self.bytes {
            [a, b, rest @ ..] if skipped == 2 && self.head == 0 => {
                Cause::LengthWrong { says: u16::from_be_bytes([*a, *b]), there: rest.len() }
            }
            _ => Cause::Before { bytes: self.head + skipped },
        });
        cause.map(|cause| (cause, 0)).into_iter().collect()
    }

    /// All of it in the other set of characters.
    fn in_other_characters(&self) -> Option<Found> {
        let translated = |character: fn(u8) -> u8| {
            let bytes: Vec<u8> = self.bytes.iter().map(|byte| character(*byte)).collect();
            self.violations(&bytes)
        };
        let found = match self.dialect.mti {
            MtiEncoding::Ascii => (Script::Ebcdic, translated(ebcdic::to_ascii)?),
            MtiEncoding::Ebcdic => (Script::Ascii, translated(ebcdic::of_ascii)?),
            MtiEncoding::Bcd => return None,
        };
        Some((Cause::OtherCharacters(found.0), found.1))
    }

    /// One bit of the bitmap. The one that announces a second bitmap is another matter.
    fn bits(&self) -> Vec<Found> {
        let fields = self.read.fields;
        let (primary, secondary) = fields.to_words();
        let (at, width) = self.bitmap();
        if fields.is_empty() {
            return Vec::new();
        }
        let last = if secondary.is_some() { 128 } else { 64 };
        let flipped = |de: u8| {
            let (mut primary, mut secondary) = (primary, secondary);
            match (de, &mut secondary) {
                (65.., Some(word)) => *word ^= 1 << (128 - de),
                _ => primary ^= 1 << (64 - de),
            }
            let mut bytes = self.bytes.get(..at)?.to_vec();
            let words = std::iter::once(primary).chain(secondary);
            words.for_each(|word| push_bitmap_word(self.dialect.bitmap, word, &mut bytes));
            bytes.extend_from_slice(self.bytes.get(at + width..)?);
            let violations = self.violations(&bytes)?;
            Some((Cause::BitmapBit { de, is_announced: fields.contains(de) }, violations))
        };
        (2..=last).filter(|de| *de != 65).filter_map(flipped).collect()
    }

    /// Where the bitmaps begin, and how many bytes they take.
    fn bitmap(&self) -> (usize, usize) {
        let at = match self.dialect.mti {
            MtiEncoding::Ascii | MtiEncoding::Ebcdic => 4,
            MtiEncoding::Bcd => 2,
        };
        let word = match self.dialect.bitmap {
            BitmapEncoding::Binary => 8,
            BitmapEncoding::Hex | BitmapEncoding::EbcdicHex => 16,
        };
        let words = if self.read.fields.to_words().1.is_some() { 2 } else { 1 };
        (at, word * words)
    }

    /// The length prefix of one of the fields up to that with the error.
    fn lengths(&self) -> Vec<Found> {
        let (bitmap, width) = self.bitmap();
        let mut at = bitmap + width;
        let mut found = Vec::new();
        for de in up_to(self.read.fields, self.error.path.number()) {
            let Some(layout) = self.dialect.layout(de) else { break };
            if let Length::Variable { prefix, digits, width, max, .. } = layout.length {
                let behind = at + usize::from(width);
                let most = usize::from(max).min(2 * self.bytes.len().saturating_sub(behind));
                let with = |length: usize| {
                    let mut bytes = self.bytes.get(..at)?.to_vec();
                    push_prefix(prefix, digits, length, &mut bytes);
                    bytes.extend_from_slice(self.bytes.get(behind..)?);
                    let violations = self.violations(&bytes)?;
                    Some((Cause::Length { de, at: self.head + at, fits: length }, violations))
                };
                found.extend((0..=most).filter_map(with));
            }
            match self.read.slots.get(usize::from(de)) {
                Some(slot) if !slot.range().is_empty() || slot.start > 0 => at = slot.range().end,
                _ => break,
            }
        }
        found
    }

    /// The byte at which reading stopped.
    fn byte(&self) -> Option<Found> {
        let at = self.error.offset as usize;
        let with = |byte: u8| {
            let mut bytes = self.bytes.to_vec();
            *bytes.get_mut(at)? = byte;
            self.violations(&bytes)
        };
        let violations = (0..=255).filter_map(with).min()?;
        Some((Cause::Byte { at: self.head + at }, violations))
    }

    /// Too little or too much at the end.
    fn end(&self) -> Option<Found> {
        let at = self.error.offset as usize;
        match self.error.kind {
            Kind::Truncated => Some((Cause::CutOff { missing: self.missing() }, 0)),
            Kind::TrailingBytes => {
                let (message, rest) = self.bytes.split_at_checked(at)?;
                let violations = self.violations(message)?;
                let is_second = Head::all_of(rest).into_iter().chain([Head::Length]).any(|head| {
                    let rest = rest.get(head.bytes()..).unwrap_or_default();
                    is_message(self.dialect, rest)
                });
                let is_line_end = rest.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0x03));
                let after = Cause::After { at: self.head + at, bytes: rest.len(), is_line_end };
                // What is there before the line end has been read and understood: no rule can tell more.
                let cause = if is_second { Cause::SecondMessage { at: self.head + at } } else { after };
                Some((cause, if is_second || is_line_end { 0 } else { violations }))
            }
            _ => None,
        }
    }

    /// How many bytes are missing at the least: of the field that is cut, and of those behind it.
    fn missing(&self) -> usize {
        let behind = self.read.fields.iter().filter(|de| *de > self.error.path.number());
        let least = behind.filter_map(|de| self.dialect.layout(de)).map(Layout::least_bytes).sum::<usize>();
        self.error.needed.saturating_sub(self.error.have) as usize + least
    }
}

/// Whether bytes are a message, and not by chance: one without fields, or of a type that nobody exchanges, may be.
fn is_message(dialect: &Dialect, bytes: &[u8]) -> bool {
    let known = |message: &Message<'_>| dialect.knows(message.mti()) && !message.fields().is_empty();
    dialect.decode(bytes).is_ok_and(|message| known(&message))
}

/// The fields of a set up to one; all of it where reading came to the end.
fn up_to(fields: FieldSet, last: u8) -> impl Iterator<Item = u8> {
    fields.iter().filter(move |de| *de <= last)
}
