//! The same fields written in another way: what a dialect would be if one or more of its encodings were others.

use std::fmt;
use std::sync::Arc;

use crate::class::Class;
use crate::dialect::Dialect;
use crate::document::{BitmapEncoding, MtiEncoding};
use crate::layout::{Counts, Encoding, Layout, Length, PrefixEncoding, Side};
use crate::message::Message;
use crate::quick::Steps;

/// How the parts of a message are written, where it is not as the dialect says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Writing {
    /// The message type.
    pub mti: Option<Script>,
    /// The bitmaps; packed is eight bytes, the other two are hexadecimal digits.
    pub bitmap: Option<Script>,
    /// The length prefixes of all variable fields.
    pub prefixes: Option<Script>,
    /// Characters, where a byte is one.
    pub characters: Option<Script>,
    /// Bytes of class `b`, which may be hexadecimal digits in ASCII.
    pub bytes: Option<Script>,
    /// Digits: two a byte where the dialect has one, or one where it has two.
    pub digits: Option<Script>,
}

/// In what something is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Script {
    /// ASCII.
    Ascii,
    /// EBCDIC, code page 37.
    Ebcdic,
    /// Two digits a byte.
    Packed,
    /// A number in bytes.
    Binary,
}

use Script::{Ascii, Binary, Ebcdic, Packed};

impl Writing {
    /// The ways other than the dialect's in which the bytes are one of its messages; of those, the ones that change least.
    pub(super) fn all_that_fit(dialect: &Dialect, bytes: &[u8]) -> Vec<Self> {
        let mut fitting: Vec<Self> = Vec::new();
        for mti in others([Ascii, Ebcdic, Packed], mti_script(dialect.mti)) {
            for bitmap in others([Ascii, Ebcdic, Binary], bitmap_script(dialect.bitmap)) {
                let start = Self { mti, bitmap, ..Self::default() };
                if !start.begins(dialect, bytes) {
                    continue;
                }
                for prefixes in some([Ascii, Ebcdic, Packed, Binary]) {
                    for characters in some([Ascii, Ebcdic]) {
                        for digits in some([Ascii, Ebcdic, Packed]) {
                            for of_bytes in some([Ascii, Binary]) {
                                let writing = Self { prefixes, characters, digits, bytes: of_bytes, ..start };
                                // The dialect's own form has been tried.
                                if writing != Self::default() && writing.of(dialect).decode(bytes).is_ok() {
                                    fitting.push(writing);
                                }
                            }
                        }
                    }
                }
            }
        }
        let least = fitting.iter().map(Self::changes).min();
        fitting.retain(|writing| Some(writing.changes()) == least);
        fitting
    }

    /// How many things are written otherwise.
    pub(super) fn changes(&self) -> usize {
        let all = [self.mti, self.bitmap, self.prefixes, self.characters, self.digits, self.bytes];
        all.into_iter().flatten().count()
    }

    /// Whether message type and bitmap can be read so.
    fn begins(&self, dialect: &Dialect, bytes: &[u8]) -> bool {
        let none = Dialect { layouts: Box::new([None; 129]), ..self.shell(dialect) };
        let mut message = Message::unread(&none, bytes);
        // No field is defined, so that reading stops at the first: behind the bitmap.
        none.decode_into(&mut message).is_ok() || !message.fields.is_empty()
    }

    /// The dialect that writes so.
    pub(super) fn of(&self, dialect: &Dialect) -> Dialect {
        let layouts = dialect.layouts.clone();
        let mut changed =
            Dialect { layouts, composites: Arc::clone(&dialect.composites), ..self.shell(dialect) };
        for layout in changed.layouts.iter_mut().flatten() {
            self.change(layout);
        }
        changed.steps = Steps::of(&changed.layouts);
        changed
    }

    fn shell(&self, dialect: &Dialect) -> Dialect {
        let mti = match self.mti {
            None => dialect.mti,
            Some(Ascii) => MtiEncoding::Ascii,
            Some(Ebcdic) => MtiEncoding::Ebcdic,
            Some(Packed | Binary) => MtiEncoding::Bcd,
        };
        let bitmap = match self.bitmap {
            None => dialect.bitmap,
            Some(Ascii) => BitmapEncoding::Hex,
            Some(Ebcdic) => BitmapEncoding::EbcdicHex,
            Some(Packed | Binary) => BitmapEncoding::Binary,
        };
        Dialect {
            name: dialect.name.clone(),
            mti,
            bitmap,
            layouts: Box::new([None; 129]),
            steps: Steps::of(&[None; 129]),
            names: Vec::new(),
            composites: Arc::from([]),
            rules: Vec::new(),
        }
    }

    fn change(&self, layout: &mut Layout) {
        match (layout.encoding, self.characters, self.digits) {
            (Encoding::Ascii | Encoding::Ebcdic, _, Some(Packed))
                if matches!(layout.class, Class::Numeric | Class::Track) =>
            {
                layout.encoding = Encoding::Bcd;
                // Where nothing says how an odd number is filled, this is how most do.
                let is_track = layout.class == Class::Track;
                (layout.odd, layout.pad) = if is_track { (Side::Right, 15) } else { (Side::Left, 0) };
                if let Length::Variable { counts, .. } = &mut layout.length {
                    *counts = Counts::Digits;
                }
            }
            (Encoding::Ascii | Encoding::Ebcdic, Some(script), _) => {
                layout.encoding = if script == Ebcdic { Encoding::Ebcdic } else { Encoding::Ascii };
            }
            (Encoding::Bcd, _, Some(script @ (Ascii | Ebcdic))) => {
                layout.encoding = if script == Ebcdic { Encoding::Ebcdic } else { Encoding::Ascii };
            }
            _ => {}
        }
        let (encoding, of_units): (_, fn(u16) -> u16) = match (layout.encoding, self.bytes) {
            (Encoding::Hex, Some(Binary)) => (Encoding::Binary, |units| units / 2),
            (Encoding::Binary, Some(Ascii)) => (Encoding::Hex, |units| units.saturating_mul(2)),
            (encoding, _) => (encoding, |units| units),
        };
        layout.encoding = encoding;
        match &mut layout.length {
            Length::Fixed { units } => *units = of_units(*units),
            Length::Variable { max, .. } => *max = of_units(*max),
        }
        if let (Length::Variable { digits, counts, max, .. }, Some(script)) = (layout.length, self.prefixes) {
            let (prefix, width, digits) = match script {
                Ascii => (PrefixEncoding::Ascii, digits, digits),
                Ebcdic => (PrefixEncoding::Ebcdic, digits, digits),
                Packed => (PrefixEncoding::Bcd, digits.div_ceil(2), digits),
                // As many bytes as the longest value needs.
                Binary => {
                    let bytes = if max > 255 { 2 } else { 1 };
                    (PrefixEncoding::Binary, bytes, bytes)
                }
            };
            layout.length = Length::Variable { prefix, digits, width, counts, max };
        }
    }
}

/// As the dialect has it, or any of these.
fn some<const N: usize>(scripts: [Script; N]) -> impl Iterator<Item = Option<Script>> {
    std::iter::once(None).chain(scripts.map(Some))
}

/// As the dialect has it, or any of these but that.
fn others<const N: usize>(scripts: [Script; N], own: Script) -> impl Iterator<Item = Option<Script>> {
    some(scripts).filter(move |script| *script != Some(own))
}

const fn mti_script(mti: MtiEncoding) -> Script {
    match mti {
        MtiEncoding::Ascii => Ascii,
        MtiEncoding::Ebcdic => Ebcdic,
        MtiEncoding::Bcd => Packed,
    }
}

const fn bitmap_script(bitmap: BitmapEncoding) -> Script {
    match bitmap {
        BitmapEncoding::Binary => Binary,
        BitmapEncoding::Hex => Ascii,
        BitmapEncoding::EbcdicHex => Ebcdic,
    }
}

impl fmt::Display for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bitmap = self.bitmap.map(|script| match script {
            Ascii => "hexadecimal digits in ASCII",
            Ebcdic => "hexadecimal digits in EBCDIC",
            Packed | Binary => "eight bytes each",
        });
        let of_bytes = self.bytes.map(|script| match script {
            Ascii | Ebcdic | Packed => "hexadecimal digits",
            Binary => "they are",
        });
        let all = [
            ("the message type is written in ", self.mti.map(Script::words)),
            ("the bitmaps are ", bitmap),
            ("the length prefixes are written in ", self.prefixes.map(Script::words)),
            ("the text is written in ", self.characters.map(Script::words)),
            ("digits are written in ", self.digits.map(Script::words)),
            ("bytes are written as ", of_bytes),
        ];
        let said: Vec<String> =
            all.into_iter().filter_map(|(what, how)| Some(format!("{what}{}", how?))).collect();
        f.write_str(&said.join(", and "))
    }
}

impl Script {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Ascii => "ASCII",
            Ebcdic => "EBCDIC",
            Packed => "packed digits, two a byte",
            Binary => "binary",
        }
    }
}
