//! Objects that are told within the JSON of a journal record, and where in it: their rows hold no second copy.

use std::cell::Cell;
use std::io::{self, Write};
use std::ops::Range;

use serde::{Serialize, Serializer};

use crate::CommandError;

/// Most events fit, so that writing one does not move it several times.
const USUAL_BYTES: usize = 2_048;

/// How far a text has been written.
#[derive(Default)]
pub(crate) struct Written(Cell<usize>);

/// An object that remembers where it was written.
pub(crate) struct Told<'a, T> {
    object: &'a T,
    written: &'a Written,
    place: Cell<(usize, usize)>,
}

impl<'a, T> Told<'a, T> {
    pub fn new(object: &'a T, written: &'a Written) -> Self {
        Self { object, written, place: Cell::default() }
    }

    /// Where it stands, once [`write`] has written it.
    pub fn place(&self) -> Range<usize> {
        let (from, to) = self.place.get();
        from..to
    }
}

impl<T: Serialize> Serialize for Told<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let from = self.written.0.get();
        let done = self.object.serialize(serializer)?;
        self.place.set((from, self.written.0.get()));
        Ok(done)
    }
}

struct Counted<'a> {
    bytes: Vec<u8>,
    written: &'a Written,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        self.written.0.set(self.bytes.len());
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a value as JSON. serde_json writes straight through, so that the objects within know where they are.
pub(crate) fn write<T: Serialize>(value: &T, written: &Written) -> Result<Vec<u8>, CommandError> {
    let mut counted = Counted { bytes: Vec::with_capacity(USUAL_BYTES), written };
    serde_json::to_writer(&mut counted, value).map_err(|error| CommandError::Internal(Box::new(error)))?;
    Ok(counted.bytes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn an_object_knows_where_it_was_written() {
        let written = Written::default();
        let object = BTreeMap::from([("a \"quoted\" word", [1, 2])]);
        let told = Told::new(&object, &written);
        let bytes = write(&BTreeMap::from([("before", None), ("object", Some(&told))]), &written).unwrap();
        assert_eq!(bytes, br#"{"before":null,"object":{"a \"quoted\" word":[1,2]}}"#);
        assert_eq!(&bytes[told.place()], br#"{"a \"quoted\" word":[1,2]}"#);
    }
}
