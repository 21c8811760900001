//! The set of fields a message carries, and its form on the wire.

use std::fmt;

/// A set of field numbers from 1 to 128, laid out as ISO 8583 lays out its bitmaps: field 1 is the highest bit.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct FieldSet(u128);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);

    pub(crate) const fn from_words(primary: u64, secondary: u64) -> Self {
        Self((primary as u128) << 64 | secondary as u128)
    }

    const fn bit(de: u8) -> u128 {
        if de >= 1 && de <= 128 { 1 << (128 - de as u32) } else { 0 }
    }

    /// Whether field `de` is in the set.
    #[must_use]
    pub const fn contains(self, de: u8) -> bool {
        self.0 & Self::bit(de) != 0
    }

    /// Adds field `de`; numbers outside 1 to 128 are not added.
    pub const fn insert(&mut self, de: u8) {
        self.0 |= Self::bit(de);
    }

    /// Takes field `de` away.
    pub const fn remove(&mut self, de: u8) {
        self.0 &= !Self::bit(de);
    }

    /// Whether there is no field in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many fields are in the set.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// The fields that are in `self` and not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The fields that are in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The fields that are in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The highest field number in the set.
    #[must_use]
    pub const fn last(self) -> Option<u8> {
        if self.0 == 0 { None } else { Some(128 - self.0.trailing_zeros() as u8) }
    }

    /// The field numbers in ascending order.
    #[must_use]
    pub const fn iter(self) -> FieldSetIter {
        FieldSetIter { primary: (self.0 >> 64) as u64, secondary: self.0 as u64 }
    }

    /// Both words, and the field that the first bit of each stands for.
    #[inline]
    pub(crate) const fn words(self) -> [(u64, u8); 2] {
        [((self.0 >> 64) as u64, 1), (self.0 as u64, 65)]
    }

    /// The one or two 64-bit bitmaps of a message with these fields. Bit 1 says that the second follows.
    pub(crate) const fn to_words(self) -> (u64, Option<u64>) {
        let (primary, secondary) = ((self.0 >> 64) as u64, self.0 as u64);
        if secondary == 0 { (primary & !(1 << 63), None) } else { (primary | 1 << 63, Some(secondary)) }
    }
}

impl FromIterator<u8> for FieldSet {
    fn from_iter<I: IntoIterator<Item = u8>>(numbers: I) -> Self {
        let mut set = Self::EMPTY;
        numbers.into_iter().for_each(|de| set.insert(de));
        set
    }
}

impl IntoIterator for FieldSet {
    type Item = u8;
    type IntoIter = FieldSetIter;

    fn into_iter(self) -> FieldSetIter {
        self.iter()
    }
}

impl fmt::Debug for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Iterates over a [`FieldSet`] in ascending order.
#[derive(Debug, Clone)]
pub struct FieldSetIter {
    primary: u64,
    secondary: u64,
}

impl Iterator for FieldSetIter {
    type Item = u8;

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let (word, first) =
            if self.primary != 0 { (&mut self.primary, 1) } else { (&mut self.secondary, 65) };
        if *word == 0 {
            return None;
        }
        let zeros = word.leading_zeros();
        *word &= !(1 << (63 - zeros));
        Some(zeros as u8 + first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_out_in_order_and_the_second_bitmap_announces_itself() {
        let set: FieldSet = [128, 2, 64, 65, 0, 129].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [2, 64, 65, 128]);
        assert_eq!(set.last(), Some(128));
        assert_eq!(set.to_words(), (0xC000_0000_0000_0001, Some(0x8000_0000_0000_0001)));
        assert_eq!(FieldSet::EMPTY.last(), None);
        let first: FieldSet = [2, 64].into_iter().collect();
        assert_eq!(first.to_words(), (0x4000_0000_0000_0001, None));
    }
}
