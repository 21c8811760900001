//! What writing the quick way needs to know of a field.

use super::{Odd, Prefix};
use crate::class_set::ClassSet;
use crate::layout::{Encoding, Layout};

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct WriteStep {
    pub manner: Manner,
    pub prefix: Prefix,
    /// The class that has to allow the value.
    pub class: ClassSet,
    /// Whether the value begins a run: behind a prefix, or as it has parts.
    pub begins: bool,
    pub has_parts: bool,
    /// 1 if an odd number of characters is not whole bytes.
    pub odd_bit: u32,
    /// How many characters the value has that needs no filling.
    pub least: u32,
    pub most: u32,
    pub odd: Odd,
}

/// How characters become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// As they are.
    Ascii,
    Ebcdic,
    /// Two a byte: digits, or those of a track.
    Packed,
    /// Two hexadecimal digits a byte.
    Octets,
}

impl WriteStep {
    /// Of a field that the dialect does not have, or that is written in a rarer way: no class allows it.
    pub const GENERAL: Self = Self {
        manner: Manner::Ascii,
        prefix: Prefix::General,
        class: ClassSet::NONE,
        begins: true,
        has_parts: false,
        odd_bit: 0,
        least: 0,
        most: 0,
        odd: Odd::Never,
    };

    /// `None` if the field is written in a rarer way.
    pub fn of(layout: &Layout) -> Option<Self> {
        let (prefix, units) = Prefix::of(layout)?;
        let manner = match layout.encoding {
            Encoding::Ascii | Encoding::Hex => Manner::Ascii,
            Encoding::Ebcdic => Manner::Ebcdic,
            Encoding::Bcd => Manner::Packed,
            Encoding::Binary => Manner::Octets,
        };
        let pairs = matches!(layout.encoding, Encoding::Bcd | Encoding::Binary | Encoding::Hex);
        let most = layout.characters_of(units.into()) as u32;
        let has_parts = layout.composite.is_some();
        Some(Self {
            manner,
            prefix,
            class: ClassSet::only(layout.class),
            begins: prefix != Prefix::Fixed || has_parts,
            has_parts,
            odd_bit: u32::from(pairs),
            least: if prefix == Prefix::Fixed { most } else { 0 },
            most,
            odd: Odd::of(layout),
        })
    }
}
