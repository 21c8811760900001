//! A decoded message: the received bytes, and where each field is in them.

use std::fmt;

use crate::bitmap::FieldSet;
use crate::class_set::ClassSet;
use crate::dialect::Dialect;
use crate::fields::Fields;
use crate::layout::Encoding;
use crate::mti::Mti;
use crate::path::FieldPath;
use crate::value::Value;

/// A message that obeys its dialect, borrowed from the bytes it was decoded from. Half a kilobyte on the stack,
/// nothing on the heap. `Debug` shows which fields are there and none of their values.
#[derive(Clone)]
pub struct Message<'a> {
    pub(crate) dialect: &'a Dialect,
    pub(crate) bytes: &'a [u8],
    pub(crate) mti: Mti,
    pub(crate) fields: FieldSet,
    pub(crate) slots: [Slot; 129],
}

/// Where a value is: without its length prefix, in bytes from the start of the message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Slot {
    pub start: u16,
    /// Length in bytes; the highest bit says that a packed value is odd.
    packed: u16,
}

impl Slot {
    const ODD: u16 = 1 << 15;

    /// `start` and `length` lie within a message of at most 65,535 bytes, `length` within a field of 9,999.
    pub fn new(start: usize, length: usize, is_odd: bool) -> Self {
        Self { start: start as u16, packed: length as u16 | if is_odd { Self::ODD } else { 0 } }
    }

    pub const fn length(self) -> usize {
        (self.packed & !Self::ODD) as usize
    }

    pub const fn is_odd(self) -> bool {
        self.packed & Self::ODD != 0
    }

    pub const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.start as usize + self.length()
    }
}

impl<'a> Message<'a> {
    /// A message of which nothing has been read.
    #[inline]
    pub(crate) const fn unread(dialect: &'a Dialect, bytes: &'a [u8]) -> Self {
        let slots = [Slot { start: 0, packed: 0 }; 129];
        Self { dialect, bytes, mti: Mti::NETWORK_REQUEST, fields: FieldSet::EMPTY, slots }
    }

    /// The message type identifier.
    #[must_use]
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// The dialect it was decoded with.
    #[must_use]
    pub const fn dialect(&self) -> &'a Dialect {
        self.dialect
    }

    /// The bytes as received.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Which fields are there, 2 to 128.
    #[must_use]
    pub const fn fields(&self) -> FieldSet {
        self.fields
    }

    /// The value of field `de`, if it is there.
    #[must_use]
    pub fn get(&self, de: u8) -> Option<Value<'a>> {
        if !self.fields.contains(de) {
            return None;
        }
        let dialect = self.dialect;
        let layout = dialect.layout(de)?;
        let slot = *self.slots.get(usize::from(de))?;
        Value::in_slot(layout, self.bytes, slot, dialect.composite(de))
    }

    /// The value at a path, if it is there: of field 4, or of part 55.9F02.
    #[must_use]
    pub fn at(&self, path: FieldPath) -> Option<Value<'a>> {
        let field = self.get(path.number())?;
        if path.place().level() == 0 { Some(field) } else { field.part_at(path.place()) }
    }

    /// The part `id` of field `de`, if both are there: `part(60, "1")`, `part(48, "CV")`, `part(55, "9F02")`.
    #[must_use]
    pub fn part(&self, de: u8, id: &str) -> Option<Value<'a>> {
        self.get(de)?.part(id)
    }

    /// All fields that are there, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Value<'a>)> + '_ {
        self.fields.iter().filter_map(|de| Some((de, self.get(de)?)))
    }

    /// The owned form of the message. Encoding it in the same dialect gives the same bytes.
    #[must_use]
    pub fn to_fields(&self) -> Fields {
        let characters = self.iter().map(|(_, value)| value.len()).sum();
        let mut fields = Fields::with_capacity(self.mti, self.fields.len() as usize, characters);
        for (de, value) in self.iter() {
            // What was decoded is of its field's class.
            let classes =
                self.dialect.layout(de).map_or(ClassSet::NONE, |layout| ClassSet::implied_by(layout.class));
            fields.append(de, value.len(), classes, |text| value.push_text(text));
        }
        fields
    }

    /// The message authentication code and the bytes it covers, as received: from the message type identifier
    /// to the last byte before the MAC's field. The MAC is the message's last field, 64 or 128.
    ///
    /// `None` if the message carries none, also if a field 64 is followed by others, which it would not cover.
    #[must_use]
    pub fn mac(&self) -> Option<(&'a [u8], [u8; 8])> {
        let de = self.fields.last().filter(|de| matches!(de, 64 | 128))?;
        let value = self.get(de)?;
        let covered = self.bytes.get(..usize::from(self.slots.get(usize::from(de))?.start))?;
        let mac = match self.dialect.layout(de)?.encoding {
            Encoding::Hex => from_hex(value.as_bytes())?,
            Encoding::Ascii | Encoding::Ebcdic | Encoding::Bcd | Encoding::Binary => {
                value.as_bytes().try_into().ok()?
            }
        };
        Some((covered, mac))
    }
}

fn from_hex(digits: &[u8]) -> Option<[u8; 8]> {
    let digits: &[u8; 16] = digits.try_into().ok()?;
    let mut bytes = [0; 8];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)? as u8;
        let low = char::from(pair[1]).to_digit(16)? as u8;
        *byte = high << 4 | low;
    }
    Some(bytes)
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("dialect", &self.dialect.name)
            .field("mti", &self.mti)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
