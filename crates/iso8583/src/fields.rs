//! The owned form of a message: what the gateway builds, stores and sends.

use std::fmt;

use zeroize::Zeroizing;

use crate::bitmap::FieldSet;
use crate::encode::push_hex;
use crate::mask::Sensitivity;
use crate::mti::Mti;

/// A message type and its fields as text, independent of any dialect: digits and characters as they are, bytes as
/// upper-case hexadecimal. Values are wiped from memory when they are dropped.
///
/// `Debug` and `Display` mask by the standard's field numbers and hide private fields whole. Serialising is a
/// decision of its own and writes values in clear: seal the result, and take the fields from
/// [`Dialect::storable`](crate::Dialect::storable) first.
#[derive(Clone, PartialEq, Eq)]
pub struct Fields {
    mti: Mti,
    /// In ascending order of the field number; a message has few enough for a sorted vector.
    values: Vec<(u8, Zeroizing<String>)>,
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
    pub const fn new(mti: Mti) -> Self {
        Self { mti, values: Vec::new() }
    }

    pub(crate) fn with_capacity(mti: Mti, capacity: usize) -> Self {
        Self { mti, values: Vec::with_capacity(capacity) }
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
        if !text.bytes().all(|c| (0x20..0x7f).contains(&c)) {
            return Err(FieldsError::NotText(de));
        }
        self.replace(de, text.to_owned());
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
        self.values.get(at).map(|(_, text)| text.as_str())
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
            self.values.remove(at);
        }
    }

    /// Which fields are set.
    #[must_use]
    pub fn numbers(&self) -> FieldSet {
        self.values.iter().map(|(de, _)| *de).collect()
    }

    /// All fields in ascending order, in clear.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &str)> {
        self.values.iter().map(|(de, text)| (*de, text.as_str()))
    }

    /// Sets a value that is known to be one.
    pub(crate) fn replace(&mut self, de: u8, text: String) {
        let value = (de, Zeroizing::new(text));
        match self.position(de) {
            Ok(at) => self.values[at] = value,
            Err(at) => self.values.insert(at, value),
        }
    }

    /// Where field `de` is, or where it would be.
    fn position(&self, de: u8) -> Result<usize, usize> {
        match self.values.last() {
            // Fields mostly come in order.
            Some((last, _)) if *last < de => Err(self.values.len()),
            _ => self.values.binary_search_by_key(&de, |(number, _)| *number),
        }
    }
}

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
