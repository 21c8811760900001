//! A message as a table that people can read and that gives nothing away.

use std::fmt::Write;

use zeroize::Zeroizing;

use crate::composite::{Composite, Found};
use crate::dialect::Dialect;
use crate::fields::Fields;
use crate::message::Message;
use crate::path::FieldPath;
use crate::value::Value;

/// One line: where, how long, what, and as much of the value as may be shown.
struct Row {
    offset: Option<usize>,
    length: usize,
    path: String,
    name: String,
    value: String,
}

impl Message<'_> {
    /// The message as an aligned table: offset and length in bytes of each value (its length prefix not
    /// counted), path, name and masked value. Parts of a field are indented, their length is in characters.
    #[must_use]
    pub fn describe(&self) -> String {
        let (mti_bytes, bitmap_end) = self.head();
        let row = |path: FieldPath, offset, length, value| Row {
            offset: Some(offset),
            length,
            path: path.to_string(),
            name: self.dialect.field_name(path).unwrap_or_default().to_owned(),
            value,
        };
        let bitmap = self.fields.to_words();
        let bitmap = match bitmap {
            (primary, None) => format!("{primary:016X}"),
            (primary, Some(secondary)) => format!("{primary:016X}{secondary:016X}"),
        };
        let mut rows = vec![
            row(FieldPath::MTI, 0, mti_bytes, self.mti.to_string()),
            row(FieldPath::BITMAP, mti_bytes, bitmap_end - mti_bytes, bitmap),
        ];
        for (de, value) in self.iter() {
            let start = self.slots.get(usize::from(de)).map_or(0, |slot| usize::from(slot.start));
            rows.push(row(FieldPath::field(de), start, value.as_bytes().len(), value.masked()));
            let Some(composite) = self.dialect.composite(de) else { continue };
            for (found, part) in value.parts() {
                let at = start + value.first_byte_of(&found);
                rows.push(part_row(Some(at), de, composite, &found, &part));
            }
        }
        table(&rows)
    }

    /// How many bytes the message type takes, and where the bitmap ends.
    fn head(&self) -> (usize, usize) {
        use crate::document::{BitmapEncoding, MtiEncoding};
        let mti = match self.dialect.mti {
            MtiEncoding::Ascii | MtiEncoding::Ebcdic => 4,
            MtiEncoding::Bcd => 2,
        };
        let word = match self.dialect.bitmap {
            BitmapEncoding::Binary => 8,
            BitmapEncoding::Hex | BitmapEncoding::EbcdicHex => 16,
        };
        let words = if self.fields.last() > Some(64) { 2 } else { 1 };
        (mti, mti + word * words)
    }
}

impl Dialect {
    /// Stored fields as the same table, without offsets: length in characters, path, name and masked value. A
    /// field that this dialect does not define is hidden whole.
    #[must_use]
    pub fn describe_fields(&self, fields: &Fields) -> String {
        let row = |path: FieldPath, length, value| Row {
            offset: None,
            length,
            path: path.to_string(),
            name: self.field_name(path).unwrap_or("(not in this dialect)").to_owned(),
            value,
        };
        let mut rows = vec![row(FieldPath::MTI, 4, fields.mti().to_string())];
        for (de, text) in fields.iter() {
            let bytes = text.as_bytes();
            let shown = self.layout(de).map(|layout| layout.sensitivity.mask_of(layout.class, bytes));
            let shown = shown.unwrap_or_else(|| "[hidden]".to_owned());
            rows.push(row(FieldPath::field(de), bytes.len(), shown));
            let (mut content, composite) = (Zeroizing::new(Vec::new()), self.composite(de));
            let value = composite.and_then(|_| self.value_of(de, text, &mut content));
            let (Some(value), Some(composite)) = (value, composite) else { continue };
            rows.extend(value.parts().map(|(found, part)| part_row(None, de, composite, &found, &part)));
        }
        table(&rows)
    }
}

/// A part is indented once for each level.
fn part_row(offset: Option<usize>, de: u8, composite: &Composite, found: &Found, part: &Value<'_>) -> Row {
    let place = found.place();
    Row {
        offset,
        length: part.len(),
        path: format!("{:1$}{2}", "", 2 * place.level(), FieldPath::part(de, place)),
        name: composite.name_of(found).to_owned(),
        value: part.masked(),
    }
}

fn table(rows: &[Row]) -> String {
    let path_width = rows.iter().map(|row| row.path.len()).max().unwrap_or(0).max(4);
    let name_width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).max(4);
    let with_offset = rows.iter().any(|row| row.offset.is_some());
    let mut out = String::new();
    let mut line = |offset: Option<&str>, length: &str, path: &str, name: &str, value: &str| {
        if let Some(offset) = offset {
            let _ = write!(out, "{offset:>5}  ");
        }
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            "{}",
            format!("{length:>4}  {path:path_width$}  {name:name_width$}  {value}").trim_end()
        );
    };
    line(with_offset.then_some("off"), "len", "path", "name", "value");
    for row in rows {
        let offset = row.offset.map(|offset| offset.to_string());
        line(offset.as_deref(), &row.length.to_string(), &row.path, &row.name, &row.value);
    }
    out
}
