//! JSON as a request may bring it: one value, no key twice, not too deep (RFC 8259; RFC 8785 for the canonical form).

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroize as _;

use crate::problem::{Code, Problem};

/// No body of this API nests deeper than this.
const MAX_DEPTH: usize = 16;

/// A JSON value. Keys keep their order; [`Json::canonical`] sorts them.
#[derive(Clone, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number, also when it was written as `100.0` or `1e2`: JSON does not tell them apart.
    Whole(i128),
    /// A number with a fraction, or beyond what can be told exactly.
    Fraction(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Wipes every text in it.
    pub fn wipe(&mut self) {
        match self {
            Self::Text(text) => text.zeroize(),
            Self::List(items) => items.iter_mut().for_each(Self::wipe),
            Self::Object(members) => members.iter_mut().for_each(|(_, value)| value.wipe()),
            Self::Null | Self::Bool(_) | Self::Whole(_) | Self::Fraction(_) => {}
        }
    }

    /// Reads a request's body.
    ///
    /// # Errors
    /// A problem `body_invalid` that names the place, never the text.
    pub fn parse(bytes: &[u8]) -> Result<Json, Problem> {
        let mut flaw = None;
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let seed = Value { depth: 0, place: &Place::Root, flaw: &mut flaw };
        let read = seed.deserialize(&mut deserializer).and_then(|json| deserializer.end().map(|()| json));
        read.map_err(|error| match flaw {
            Some((pointer, rule)) => Problem::with_param(Code::BodyInvalid, pointer, rule),
            // serde_json's own words may repeat the text, so only the place is told.
            None => Problem::new(
                Code::BodyInvalid,
                format!("the body is not valid JSON at line {}, column {}", error.line(), error.column()),
            ),
        })
    }

    /// The same text for the same value: sorted keys, no spaces, whole numbers without a point.
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Whole(value) => drop(write!(out, "{value}")),
            Json::Fraction(value) => drop(write!(out, "{value:e}")),
            Json::Text(text) => write_text(text, out),
            Json::List(items) => {
                out.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                let mut sorted: Vec<_> = members.iter().collect();
                sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
                out.push('{');
                for (place, (key, value)) in sorted.into_iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// What kind of value it is, for a problem's detail.
    pub const fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Whole(_) | Json::Fraction(_) => "a number",
            Json::Text(_) => "a string",
            Json::List(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => drop(write!(out, "\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

/// One step of a JSON pointer (RFC 6901 section 3).
pub(crate) fn push_pointer(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

/// Where a value stands. It becomes a pointer only when something is wrong there.
enum Place<'p> {
    Root,
    Item(&'p Place<'p>, usize),
    Member(&'p Place<'p>, &'p str),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Item(list, number) => format!("{}/{number}", list.pointer()),
            Place::Member(object, key) => {
                let mut pointer = object.pointer();
                push_pointer(&mut pointer, &card::mask_pans(key));
                pointer
            }
        }
    }
}

struct Value<'f> {
    depth: usize,
    place: &'f Place<'f>,
    flaw: &'f mut Option<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Value<'_> {
    fn refuse<T, E: serde::de::Error>(&mut self, rule: String) -> Result<T, E> {
        *self.flaw = Some((self.place.pointer(), rule));
        Err(E::custom("refused"))
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Whole(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Whole(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        /// Above 2^53 a double no longer tells one whole number from the next.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        Ok(if value.fract() == 0.0 && value.abs() <= EXACT {
            Json::Whole(value as i128)
        } else {
            Json::Fraction(value)
        })
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Json, A::Error> {
        if self.depth == MAX_DEPTH {
            return self.refuse(format!("the body nests deeper than {MAX_DEPTH} levels"));
        }
        let mut list = Vec::new();
        loop {
            let place = Place::Item(self.place, list.len());
            let seed = Value { depth: self.depth + 1, place: &place, flaw: &mut *self.flaw };
            match items.next_element_seed(seed)? {
                Some(item) => list.push(item),
                None => return Ok(Json::List(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        if self.depth == MAX_DEPTH {
            return self.refuse(format!("the body nests deeper than {MAX_DEPTH} levels"));
        }
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let place = Place::Member(self.place, &key);
            if !seen.insert(key.clone()) {
                // Two readers may each take another of the two: RFC 8259 section 4.
                *self.flaw = Some((place.pointer(), "the key stands twice in the same object".to_owned()));
                return Err(A::Error::custom("refused"));
            }
            let seed = Value { depth: self.depth + 1, place: &place, flaw: &mut *self.flaw };
            let value = map.next_value_seed(seed)?;
            members.push((key, value));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> String {
        Json::parse(text.as_bytes()).unwrap().canonical()
    }

    #[test]
    fn what_is_wiped_keeps_its_form_and_none_of_its_texts() {
        let mut card =
            Json::parse(br#"{"number": "4242", "pin": {"block": "46"}, "list": ["a", 1]}"#).unwrap();
        card.wipe();
        assert_eq!(card.canonical(), r#"{"list":["",1],"number":"","pin":{"block":""}}"#);
    }

    #[test]
    fn whole_numbers_are_whole_however_they_are_written() {
        for text in ["100", "100.0", "1e2", "1.0E+2", "10000e-2"] {
            assert_eq!(canonical(text), "100", "{text}");
        }
        assert_eq!(canonical("-0.0"), "0");
        assert!(matches!(Json::parse(b"100.5"), Ok(Json::Fraction(_))));
        assert!(matches!(Json::parse(b"1e300"), Ok(Json::Fraction(_))));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_by_its_pointer() {
        let problem = Json::parse(br#"{"a/b": [{"x": 1, "x": 2}]}"#).err().unwrap();
        assert_eq!(problem.code(), Code::BodyInvalid);
        assert!(format!("{problem:?}").contains("/a~1b/0/x"), "{problem:?}");
    }

    #[test]
    fn deep_nesting_and_trailing_text_are_refused() {
        assert!(Json::parse(&b"[".repeat(60_000)).is_err());
        assert!(Json::parse(format!("{}{}", "[".repeat(17), "]".repeat(17)).as_bytes()).is_err());
        assert!(Json::parse(format!("{}{}", "[".repeat(16), "]".repeat(16)).as_bytes()).is_ok());
        assert!(Json::parse(b"{} {}").is_err());
        assert!(Json::parse(b"").is_err());
        assert!(Json::parse(b"{\"a\": \xff}").is_err());
    }

    #[test]
    fn order_and_spaces_do_not_make_another_request() {
        assert_eq!(canonical(r#"{ "b": 1.0, "a": [true, null] }"#), canonical(r#"{"a":[true,null],"b":1}"#));
        assert_ne!(canonical(r#"{"a":"1"}"#), canonical(r#"{"a":1}"#));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Json::parse(&bytes);
        }

        /// The canonical form is JSON of the same value.
        #[test]
        fn the_canonical_form_reads_back(text in ".*", number: i64, flag: bool) {
            let json = Json::Object(vec![
                (text.clone(), Json::Text(text)),
                ("~number".to_owned(), Json::List(vec![Json::Whole(number.into()), Json::Bool(flag), Json::Null])),
            ]);
            let read = Json::parse(json.canonical().as_bytes()).unwrap();
            prop_assert_eq!(read.canonical(), json.canonical());
        }
    }
}
