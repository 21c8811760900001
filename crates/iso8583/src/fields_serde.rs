//! Fields as compact JSON or any other format: `{"mti":"0200","3":"000000",…}`, values in clear.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use zeroize::Zeroizing;

use crate::fields::Fields;
use crate::mti::Mti;

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("mti", self.mti().as_str())?;
        for (de, text) in self.iter() {
            map.serialize_entry(&de.to_string(), text)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of \"mti\" and field numbers to text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        // The message type comes first, as it is written; a map that starts otherwise was not written by us.
        if map.next_key::<String>()?.as_deref() != Some("mti") {
            return Err(A::Error::custom("the first key must be \"mti\""));
        }
        let mti = Mti::parse(&map.next_value::<String>()?).map_err(A::Error::custom)?;
        let mut fields = Fields::new(mti);
        while let Some(key) = map.next_key::<String>()? {
            let number = key.parse::<u8>().ok().filter(|de| *key == de.to_string());
            // The key is not repeated in the error: it may be a value in the wrong place.
            let de = number.ok_or_else(|| A::Error::custom("a key is not a field number"))?;
            if fields.get(de).is_some() {
                return Err(A::Error::custom(format_args!("field {de} is there twice")));
            }
            let text = Zeroizing::new(map.next_value::<String>()?);
            fields.set(de, &text).map_err(A::Error::custom)?;
        }
        Ok(fields)
    }
}
