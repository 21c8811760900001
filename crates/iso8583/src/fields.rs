//! The owned form of a message: what the gateway builds, stores and sends.

use std::fmt;
use std::ops::Range;

use zeroize::{Zeroize as _, Zeroizing};

use crate::bitmap::FieldSet;
use crate::class::Class;
use crate::class_set::ClassSet;
use crate::encode::push_hex;
use crate::mask::Sensitivity;
use crate::mti::Mti;

/// A message type and its fields as text, independent of any dialect: digits and characters as they are, bytes as
/// upper-case hexadecimal. Values are wiped from memory when they are dropped.
///
/// `Debug` and `Display` mask by the standard's field numbers and hide private fields whole. Serialising is a
/// decision of its own and writes values in clear: seal the result, and take the fields from
/// [`Dialect::storable`](crate::Dialect::storable) first.
#[derive(Clone)]
pub struct Fields {
    mti: Mti,
    /// The characters of all values, one behind another: one allocation, and one to wipe. All are ASCII.
    text: Zeroizing<Vec<u8>>,
    /// In ascending order of the field number; a message has few enough for a sorted vector.
    places: Vec<Place>,
    /// Their numbers.
    numbers: FieldSet,
}

/// Where the value of a field is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub de: u8,
    /// Classes that are known to allow the value, so that encoding does not look at its characters again.
    pub classes: ClassSet,
    pub start: u32,
    pub length: u32,
}

impl Place {
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.start as usize + self.length as usize
    }
}

/// Why a value cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldsError {
    /// Field numbers are 2 to 128.
    NumberInvalid(u8),
    /// The value is not printable ASCII. Bytes are set with [`Fields::set_bytes`].
    NotText(u8),
}

impl Fields {
    /// A message of this type, without fields.
    #[must_use]
    pub fn new(mti: Mti) -> Self {
        Self { mti, text: Zeroizing::new(Vec::new()), places: Vec::new(), numbers: FieldSet::EMPTY }
    }

    /// Room for so many fields of so many characters in all.
    pub(crate) fn with_capacity(mti: Mti, fields: usize, characters: usize) -> Self {
        let text = Zeroizing::new(Vec::with_capacity(characters));
        Self { mti, text, places: Vec::with_capacity(fields), numbers: FieldSet::EMPTY }
    }

    /// The message type identifier.
    #[must_use]
    pub const fn mti(&self) -> Mti {
        self.mti
    }

    /// Changes the message type and keeps the fields: a repeat (0401) of what was sent as 0400.
    pub const fn set_mti(&mut self, mti: Mti) {
        self.mti = mti;
    }

    /// Sets field `de` to a text. Whether it fits the field is the dialect's to say, when it encodes.
    ///
    /// # Errors
    /// [`FieldsError`] if there is no such field number or the value is not printable ASCII.
    pub fn set(&mut self, de: u8, text: &str) -> Result<&mut Self, FieldsError> {
        if !(2..=128).contains(&de) {
            return Err(FieldsError::NumberInvalid(de));
        }
        let classes = ClassSet::of(text.as_bytes());
        if !classes.meets(ClassSet::only(Class::Text)) {
            return Err(FieldsError::NotText(de));
        }
        self.append(de, text.len(), classes, |value| value.extend_from_slice(text.as_bytes()));
        Ok(self)
    }

    /// Sets field `de` to bytes, for fields of class `b`.
    ///
    /// # Errors
    /// [`FieldsError::NumberInvalid`] if there is no such field number.
    pub fn set_bytes(&mut self, de: u8, bytes: &[u8]) -> Result<&mut Self, FieldsError> {
        let mut digits = Zeroizing::new(Vec::with_capacity(bytes.len() * 2));
        bytes.iter().for_each(|&byte| push_hex(byte, &mut digits));
        // Hexadecimal digits are ASCII, so the empty text is never set.
        self.set(de, std::str::from_utf8(&digits).unwrap_or_default())
    }

    /// [`Fields::set`] in a chain.
    ///
    /// # Errors
    /// Those of [`Fields::set`].
    pub fn with(mut self, de: u8, text: &str) -> Result<Self, FieldsError> {
        self.set(de, text)?;
        Ok(self)
    }

    /// [`Fields::set_bytes`] in a chain.
    ///
    /// # Errors
    /// Those of [`Fields::set_bytes`].
    pub fn with_bytes(mut self, de: u8, bytes: &[u8]) -> Result<Self, FieldsError> {
        self.set_bytes(de, bytes)?;
        Ok(self)
    }

    /// The text of field `de`, in clear.
    #[must_use]
    pub fn get(&self, de: u8) -> Option<&str> {
        let at = self.position(de).ok()?;
        self.places.get(at).map(|place| self.text_at(*place))
    }

    /// The bytes of field `de`; `None` also if its text is not hexadecimal.
    #[must_use]
    pub fn get_bytes(&self, de: u8) -> Option<Zeroizing<Vec<u8>>> {
        let text = self.get(de)?.as_bytes();
        if !text.len().is_multiple_of(2) {
            return None;
        }
        let digit = |c: u8| char::from(c).to_digit(16).map(|digit| digit as u8);
        let bytes: Option<Vec<u8>> =
            text.chunks_exact(2).map(|p| Some(digit(p[0])? << 4 | digit(p[1])?)).collect();
        bytes.map(Zeroizing::new)
    }

    /// Takes field `de` away.
    pub fn remove(&mut self, de: u8) {
        if let Ok(at) = self.position(de) {
            let place = self.places.remove(at);
            self.numbers.remove(de);
            self.wipe(place);
        }
    }

    /// Which fields are set.
    #[must_use]
    pub const fn numbers(&self) -> FieldSet {
        self.numbers
    }

    /// All fields in ascending order, in clear.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &str)> {
        self.places.iter().map(|place| (place.de, self.text_at(*place)))
    }

    /// The characters of all values, in which [`Fields::places`] are.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the value of each field is, in ascending order of the fields.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Sets a value that is known to be one: all of it ASCII.
    pub(crate) fn replace(&mut self, de: u8, text: &[u8]) {
        self.append(de, text.len(), ClassSet::of(text), |value| value.extend_from_slice(text));
    }

    /// Sets a value of `length` characters, which `write` appends and `classes` allow.
    #[inline]
    pub(crate) fn append(
        &mut self,
        de: u8,
        length: usize,
        classes: ClassSet,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        self.make_room(length);
        let start = self.text.len();
        write(&mut self.text);
        let place = Place { de, classes, start: start as u32, length: (self.text.len() - start) as u32 };
        self.numbers.insert(de);
        match self.position(de) {
            Ok(at) => {
                let former = std::mem::replace(&mut self.places[at], place);
                self.wipe(former);
            }
            Err(at) => self.places.insert(at, place),
        }
    }

    /// A vector that grows leaves its old characters behind, and they would not be wiped.
    fn make_room(&mut self, length: usize) {
        let needed = self.text.len() + length;
        if needed > self.text.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * self.text.capacity()).max(64)));
            larger.extend_from_slice(&self.text);
            self.text = larger;
        }
    }

    fn wipe(&mut self, place: Place) {
        if let Some(value) = self.text.get_mut(place.range()) {
            value.zeroize();
        }
    }

    fn text_at(&self, place: Place) -> &str {
        // ASCII alone is let in, so the empty text is never seen.
        self.text.get(place.range()).and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default()
    }

    /// Where field `de` is, or where it would be.
    fn position(&self, de: u8) -> Result<usize, usize> {
        match self.places.last() {
            // Fields mostly come in order.
            Some(last) if last.de < de => Err(self.places.len()),
            _ => self.places.binary_search_by_key(&de, |place| place.de),
        }
    }
}

/// The same message type and the same values, in whichever order they were set.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.mti == other.mti && self.iter().eq(other.iter())
    }
}

impl Eq for Fields {}

/// What may be shown of a field when no dialect says it: less than most dialects would show.
const fn cautious(de: u8) -> Sensitivity {
    match de {
        // Amounts, dates, codes and identifiers that the standard defines, all too short for a card number.
        3..=19 | 22..=33 | 37..=42 | 49..=51 | 66..=85 | 91..=94 => Sensitivity::Free,
        64 | 128 => Sensitivity::Mac,
        2 => Sensitivity::Pan,
        35 | 36 | 45 => Sensitivity::Track,
        52 => Sensitivity::Pin,
        55 => Sensitivity::Chip,
        // Private and rare fields can carry anything: a security code, a key, an account.
        _ => Sensitivity::Key,
    }
}

impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.mti)?;
        for (de, text) in self.iter() {
            match cautious(de) {
                Sensitivity::Key => write!(f, " {de}=[{} hidden]", text.len())?,
                sensitivity => write!(f, " {de}={}", sensitivity.mask(text.as_bytes()))?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({self})")
    }
}

impl FieldsError {
    /// The stable name of this error.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NumberInvalid(_) => "field_number_invalid",
            Self::NotText(_) => "field_not_text",
        }
    }
}

impl fmt::Display for FieldsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NumberInvalid(de) => write!(f, "field {de}: a field number is 2 to 128"),
            Self::NotText(de) => write!(f, "field {de}: the value is not printable ASCII"),
        }
    }
}

impl std::error::Error for FieldsError {}
