//! A strictness that serde does not have by itself: no object may name one key twice.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Checks that `text` is one JSON value in which no object, at any depth, names a key twice. Two readers may take
/// different values from a duplicate, and what one of them verified the other would act upon.
///
/// # Errors
/// `serde_json`'s error, with line and column.
pub fn refuse_duplicate_keys(text: &[u8]) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    Unique.deserialize(&mut deserializer)?;
    deserializer.end()
}

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without duplicate keys")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Unique)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key) {
                // The key is not repeated in the error: it is somebody else's text.
                map.next_value::<IgnoredAny>()?;
                return Err(A::Error::custom("an object names one key twice"));
            }
            map.next_value_seed(Unique)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_found_at_any_depth_and_behind_escapes() {
        assert!(refuse_duplicate_keys(br#"{"a":1,"b":[{"a":null},{"a":1.5}],"c":"x"}"#).is_ok());
        for twice in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"b":[{"a":1,"a":2}]}"#,
            br#"{"a":1,"\u0061":2}"#,
            br#"{"a":1} {"b":1}"#,
            br#"{"a":1"#,
        ] {
            assert!(refuse_duplicate_keys(twice).is_err());
        }
    }
}
