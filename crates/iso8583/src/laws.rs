//! The laws of the codec, tested as laws: over dialects made of random knobs, and over the shipped ones.
//!
//! R1 whatever is accepted encodes to the same bytes; R2 whatever can be encoded decodes to the same fields;
//! R3 nothing panics; R4 no proper beginning of a message is a message; R5 no rendering shows a card number.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use crate::class_set::ClassSet;
use crate::composite::{Form, Part, PartLength, ber_tlv};
use crate::layout::{Encoding, Layout, Length};
use crate::message::Message;
use crate::raw::Raw;
use crate::{Class, Dialect, EncodeErrorKind, FieldPath, Fields, Mti};

const BASE: &str = include_str!("../../../banks/base/iso8583-1987.toml");
const BASE_1993: &str = include_str!("../../../banks/base/iso8583-1993.toml");
pub(crate) const SHIPPED: [&str; 4] = [
    include_str!("../../../banks/cups-pos/dialect.toml"),
    include_str!("../../../banks/iso87-ascii/dialect.toml"),
    include_str!("../../../banks/iso93-bcd/dialect.toml"),
    include_str!("../tests/goldens/parts.toml"),
];

pub(crate) fn shipped(index: usize) -> Dialect {
    let base = |name: &str| if name == "iso8583-1993" { BASE_1993 } else { BASE };
    Dialect::from_toml(SHIPPED[index], |name| Some(base(name).to_owned())).unwrap()
}

/// A dialect of random fields with random knobs, those that contradict themselves left out.
fn any_dialect() -> impl Strategy<Value = Dialect> {
    let heads = (select(vec!["ascii", "ebcdic", "bcd"]), select(vec!["binary", "hex", "ebcdic-hex"]));
    (heads, vec(any_field(), 1..8)).prop_map(|((mti, bitmap), fields)| {
        let head = format!("name = \"random\"\nmti = \"{mti}\"\nbitmap = \"{bitmap}\"\n");
        let mut text = head;
        for (index, field) in fields.iter().enumerate() {
            // Numbers below and above 64 that the standard gives no special masking.
            let de = if index % 2 == 0 { 3 + index } else { 99 + index };
            let extended = format!("{text}[field.{de}]\n{field}");
            if Dialect::from_toml(&extended, |_| None).is_ok() {
                text = extended;
            }
        }
        Dialect::from_toml(&text, |_| None).unwrap()
    })
}

fn any_field() -> impl Strategy<Value = String> {
    let class = select(vec!["n", "a", "an", "anp", "ans", "z", "b", "x+n"]);
    let encoding = select(vec!["ascii", "ebcdic", "bcd", "binary", "hex"]);
    let length = prop_oneof![
        (1_u16..40).prop_map(|n| format!("fixed = {n}")),
        (
            1_u16..130,
            select(vec!["ascii", "ebcdic", "bcd", "binary"]),
            1_u8..4,
            select(vec!["digits", "bytes"])
        )
            .prop_map(|(max, prefix, digits, counts)| {
                format!("max = {max}\nprefix = \"{prefix}\"\nprefix_digits = {digits}\ncounts = \"{counts}\"")
            }),
    ];
    let odd = (select(vec!["left", "right"]), select(vec!["0", "f", "a"]));
    let fill = select(vec!["none", "zeros-left", "spaces-right"]);
    (class, encoding, length, odd, fill).prop_map(|(class, encoding, length, (side, pad), fill)| {
        format!(
            "name = \"field\"\nclass = \"{class}\"\nencoding = \"{encoding}\"\n{length}\nodd = \"{side}\"\n\
             pad = \"{pad}\"\nfill = \"{fill}\"\nsensitive = \"free\"\n"
        )
    })
}

/// Random fields of a dialect, each with a value that fits it. Fields with parts are in [`composed`].
pub(crate) fn fields_of(dialect: &Dialect) -> impl Strategy<Value = Fields> + use<> {
    let all: Vec<u8> = dialect.fields().iter().filter(|&de| dialect.composite(de).is_none()).collect();
    let values: Vec<_> = all.iter().map(|&de| value_of(dialect, de)).collect();
    let count = all.len();
    let mti = select(vec![Mti::FINANCIAL_REQUEST, Mti::NETWORK_RESPONSE, Mti::REVERSAL_REPEAT]);
    (mti, values, subsequence((0..count).collect::<Vec<_>>(), 0..=count)).prop_map(
        move |(mti, values, chosen)| {
            let mut fields = Fields::new(mti);
            chosen.into_iter().for_each(|at| fields.replace(all[at], values[at].as_bytes()));
            fields
        },
    )
}

fn value_of(dialect: &Dialect, de: u8) -> BoxedStrategy<String> {
    text_of(*dialect.layout(de).unwrap())
}

fn text_of(layout: Layout) -> BoxedStrategy<String> {
    let (least, most) = match layout.length {
        Length::Fixed { units } => (usize::from(units), usize::from(units)),
        Length::Variable { max, .. } => (0, usize::from(max)),
    };
    let pairs = if layout.encoding == Encoding::Binary { 2 } else { 1 };
    text(layout.class, least * pairs, most * pairs)
}

/// Parts of a field, those of its table: each with a text that fits it, some of them twice where they may.
fn any_parts(dialect: &Dialect, de: u8) -> BoxedStrategy<Vec<(String, String)>> {
    let composite = dialect.composite(de).unwrap().clone();
    let is_binary = dialect.layout(de).unwrap().class == Class::Binary;
    let part = |part: &Part| {
        let id = part.id.as_str().to_owned();
        let (least, most) = match part.length {
            PartLength::Fixed(fixed) => (fixed.into(), fixed.into()),
            PartLength::UpTo(most) => (0, usize::from(most).min(40)),
        };
        let class = if is_binary && part.class != Class::Numeric { Class::Binary } else { part.class };
        let text = match part.layout {
            Some(layout) => text_of(layout),
            // What is constructed is made of tags again, and the last position is not empty.
            None if is_binary && ber_tlv::key(&id).is_some_and(ber_tlv::is_constructed) => {
                Just(String::new()).boxed()
            }
            None if composite.form == Form::Positional => {
                text(class, if least == 0 { 2 } else { least }, most)
            }
            None => text(class, least, most),
        };
        text.prop_map(move |text| (id.clone(), text))
    };
    let parts: Vec<_> = composite.parts.iter().map(part).collect();
    let count = parts.len();
    let (repeats, in_order) = (composite.repeats, composite.form == Form::Positional);
    let chosen = subsequence((0..count).collect::<Vec<_>>(), 0..=count.min(12));
    (parts, chosen, any::<bool>())
        .prop_map(move |(parts, chosen, twice)| {
            let take = if in_order { chosen.len() } else { 0 };
            let chosen: Vec<usize> = if in_order { (0..take).collect() } else { chosen };
            let mut items: Vec<_> = chosen.into_iter().map(|at| parts[at].clone()).collect();
            if let (true, true, Some((id, text))) = (repeats, twice, items.first().cloned()) {
                items.push((format!("{id}[2]"), text));
            }
            items
        })
        .boxed()
}

/// A dialect and a field of it with parts.
pub(crate) fn composed() -> impl Strategy<Value = (Arc<Dialect>, u8, Vec<(String, String)>)> {
    (0..SHIPPED.len()).prop_map(shipped).prop_flat_map(|dialect| {
        let with_parts: Vec<u8> =
            dialect.fields().iter().filter(|&de| dialect.composite(de).is_some()).collect();
        let dialect = Arc::new(dialect);
        select(with_parts).prop_flat_map(move |de| (Just(dialect.clone()), Just(de), any_parts(&dialect, de)))
    })
}

fn text(class: Class, least: usize, most: usize) -> BoxedStrategy<String> {
    let alphabet: Vec<char> = match class {
        Class::Numeric | Class::SignedNumeric => ('0'..='9').collect(),
        Class::Alphabetic => ('A'..='Z').chain('a'..='z').collect(),
        Class::Alphanumeric => ('0'..='9').chain('A'..='Z').collect(),
        Class::AlphanumericPad => "AZ09 ".chars().collect(),
        Class::Text => (' '..='~').collect(),
        Class::Track => ('0'..='?').collect(),
        Class::Binary => "0123456789ABCDEF".chars().collect(),
    };
    let even = class == Class::Binary;
    vec(select(alphabet), least..=most)
        .prop_map(move |mut characters| {
            if even && characters.len() % 2 == 1 {
                characters.pop();
            }
            if class == Class::SignedNumeric {
                characters[0] = if characters[0] < '5' { 'C' } else { 'D' };
            }
            characters.into_iter().collect()
        })
        .boxed()
}

pub(crate) fn dialect_and_fields() -> impl Strategy<Value = (Arc<Dialect>, Fields)> {
    let dialects = prop_oneof![3 => any_dialect(), 1 => (0..SHIPPED.len()).prop_map(shipped)];
    dialects.prop_flat_map(|dialect| {
        let fields = fields_of(&dialect);
        (Just(Arc::new(dialect)), fields)
    })
}

pub(crate) fn encoded(dialect: &Dialect, fields: &Fields) -> Vec<u8> {
    let mut wire = Vec::new();
    dialect.encode(fields, &mut wire).unwrap();
    wire
}

/// A card number: 13 to 19 digits, the last of them the check digit (ISO/IEC 7812-1 Annex B).
pub(crate) fn any_pan() -> impl Strategy<Value = String> {
    (select(vec!["4", "51", "62", "34"]), vec(0_u8..10, 11..=17)).prop_map(|(issuer, account)| {
        let mut digits: Vec<u8> = issuer.bytes().map(|c| c - b'0').chain(account).collect();
        digits.truncate(18);
        let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
        let sum: u8 =
            digits.iter().rev().enumerate().map(|(at, &d)| if at % 2 == 0 { doubled(d) } else { d }).sum();
        digits.push((10 - sum % 10) % 10);
        digits.into_iter().map(|digit| char::from(b'0' + digit)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// R2, R1 and R4.
    #[test]
    fn what_is_encoded_decodes_to_the_same((dialect, fields) in dialect_and_fields(), cut in any::<Index>()) {
        let wire = encoded(&dialect, &fields);
        let message = dialect.decode(&wire).unwrap();
        let read = message.to_fields();
        prop_assert!(read == fields);
        prop_assert_eq!(encoded(&dialect, &read), wire.clone());
        // What encoding believes of a value that it does not look at is true.
        for (place, (de, text)) in read.places().iter().zip(read.iter()) {
            prop_assert!(ClassSet::of(text.as_bytes()).holds(place.classes), "field {}", de);
        }
        prop_assert!(dialect.decode(&wire[..cut.index(wire.len())]).is_err());
        let json = serde_json::to_string(&fields).unwrap();
        prop_assert!(serde_json::from_str::<Fields>(&json).unwrap() == fields);
    }

    /// R1 and R2 for parts: what is put together comes apart into the same parts, in the same bytes; and however the bytes are
    /// changed, what is still accepted is kept to the letter.
    #[test]
    fn what_is_put_together_comes_apart_again(
        (dialect, de, parts) in composed(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let given: Vec<(&str, &str)> = parts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        let text = match dialect.compose(de, &given) {
            Ok(text) => text,
            // Together they can be too long for the field, or too short for a fixed one.
            Err(error) => {
                use EncodeErrorKind::{PartLengthInvalid, TooLong, TooShort};
                prop_assert!(matches!(error.kind, TooLong | TooShort | PartLengthInvalid), "{}", error);
                return Ok(());
            }
        };
        let fields = Fields::new(Mti::FINANCIAL_REQUEST).with(de, &text).unwrap();
        let mut wire = encoded(&dialect, &fields);
        let message = dialect.decode(&wire).unwrap();
        prop_assert!(message.to_fields() == fields);
        for (id, text) in &parts {
            let value = message.part(de, id).ok_or(TestCaseError::fail(format!("{de}.{id} is not there")))?;
            prop_assert!(value.eq_text(text), "{}.{}", de, id);
            let path: FieldPath = format!("{de}.{id}").parse().unwrap();
            prop_assert!(message.at(path).is_some_and(|value| value.eq_text(text)));
        }
        for (at, byte) in changes {
            let at = at.index(wire.len());
            wire[at] = byte;
            if let Ok(message) = dialect.decode(&wire) {
                prop_assert_eq!(encoded(&dialect, &message.to_fields()), wire.clone());
                prop_assert!(message.describe().lines().count() > 2);
            }
        }
    }

    /// R1 and R3, on messages with a few bytes changed.
    #[test]
    fn what_is_accepted_encodes_to_the_same(
        (dialect, fields) in dialect_and_fields(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        let mut wire = encoded(&dialect, &fields);
        for (at, byte) in changes {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        if let Ok(message) = dialect.decode(&wire) {
            prop_assert_eq!(encoded(&dialect, &message.to_fields()), wire.clone());
            prop_assert!(message.describe().lines().count() > 2);
        }
    }

    /// The quick way says nothing that the general way does not say: of any bytes the same values, or none; and where it says no,
    /// there is a fault, or a field that goes the general way.
    #[test]
    fn the_quick_way_and_the_general_way_agree(
        (dialect, fields) in dialect_and_fields(),
        changes in vec((any::<Index>(), any::<u8>()), 0..3),
        cut in 0_usize..3,
    ) {
        let mut wire = encoded(&dialect, &fields);
        for (at, byte) in changes {
            let at = at.index(wire.len());
            wire[at] = byte;
        }
        wire.truncate(wire.len() - cut);
        let mut quick = Message::unread(&dialect, &wire);
        let mut general = Message::unread(&dialect, &wire);
        let (Ok(at), Ok(_)) = (dialect.read_head(&mut quick), dialect.read_head(&mut general)) else { return Ok(()) };
        let is_quick = dialect.read_quickly(&mut quick, at).is_some();
        prop_assert_eq!(is_quick, dialect.read_carefully(&mut general, at).is_ok());
        if is_quick {
            prop_assert_eq!((quick.mti, quick.fields), (general.mti, general.fields));
            let slots = |message: &Message<'_>| message.slots.map(|slot| (slot.range(), slot.is_odd()));
            prop_assert_eq!(slots(&quick), slots(&general));
        }
    }

    /// So does writing: the same bytes, or none.
    #[test]
    fn writing_quickly_and_carefully_agree(
        (dialect, fields) in dialect_and_fields(),
        others in vec((2_u8..=128, "[0-9A-F ]{0,20}"), 0..3),
    ) {
        let mut fields = fields;
        for (de, text) in others {
            fields.set(de, &text).unwrap();
        }
        let (mut quick, mut careful) = (Vec::new(), Vec::new());
        let is_quick = dialect.write_quickly(&fields, &mut quick).is_some();
        let is_careful = fields.iter().all(|(de, text)| dialect.encode_field(de, text.as_bytes(), &mut careful).is_ok());
        prop_assert_eq!(is_quick, is_careful);
        prop_assert!(!is_quick || quick == careful);
    }

    /// The short way of judging parts never calls fine what the walk refuses.
    #[test]
    fn what_is_surely_fine_is_fine(
        (dialect, de, parts) in composed(),
        changes in vec((any::<Index>(), select(('0'..='9').chain('A'..='F').collect::<Vec<_>>())), 0..3),
    ) {
        let given: Vec<(&str, &str)> = parts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        let Ok(text) = dialect.compose(de, &given) else { return Ok(()) };
        let mut changed: Vec<char> = text.chars().collect();
        if !changed.is_empty() {
            changes.iter().for_each(|(at, c)| { let at = at.index(changed.len()); changed[at] = *c; });
        }
        let mut content = Vec::new();
        let changed: String = changed.into_iter().collect();
        let Some(value) = dialect.value_of(de, &changed, &mut content) else { return Ok(()) };
        let composite = dialect.composite(de).unwrap();
        let (layout, bytes) = (dialect.layout(de).unwrap(), value.as_bytes());
        let raw = Raw::new(layout, bytes, changed.len());
        let fine = composite.is_surely_fine(raw, changed.len());
        prop_assert!(!fine || composite.check_by_walk(raw, changed.len()).is_ok(), "{}: {}", de, changed);
        // And it is of use: unless tags repeat or nobody knows them, what was put together takes the short way.
        let is_plain = parts.iter().all(|(id, _)| !id.contains('['));
        prop_assert!(fine || !changes.is_empty() || !is_plain || !matches!(composite.form, Form::Positional), "{}", de);
    }

    /// R1 and R3, on anything.
    #[test]
    fn no_bytes_make_the_decoder_panic(dialect in any_dialect(), bytes in vec(any::<u8>(), 0..200)) {
        if let Ok(message) = dialect.decode(&bytes) {
            prop_assert_eq!(encoded(&dialect, &message.to_fields()), bytes.clone());
        }
    }

    /// R5: a card number planted in any field, alone or among other characters, is nowhere in what is rendered.
    #[test]
    fn no_rendering_shows_a_card_number(
        dialect in (0..SHIPPED.len()).prop_map(shipped),
        pan in any_pan(),
        before in "[0-9A-Z ]{0,6}",
        after in "[0-9A-Z ]{0,6}",
        gap in select(vec!["", " ", "-"]),
    ) {
        let spaced: Vec<&str> = pan.as_bytes().chunks(4).map(|c| std::str::from_utf8(c).unwrap()).collect();
        let planted = format!("{before}{}{after}", spaced.join(gap));
        for de in 2..=128 {
            for text in [pan.clone(), planted.clone(), format!("{pan}=30122010000"), format!("OR{:02}{planted}", planted.len())] {
                let fields = Fields::new(Mti::FINANCIAL_REQUEST).with(de, &text).unwrap();
                let mut shown = format!("{fields} {fields:?} {}", dialect.describe_fields(&fields));
                let mut wire = Vec::new();
                match dialect.encode(&fields, &mut wire) {
                    Err(error) => shown += &format!("{error} {error:?}"),
                    Ok(()) => {
                        let message = dialect.decode(&wire).unwrap();
                        let value = message.get(de).unwrap();
                        shown += &format!("{} {message:?} {value:?} {:?}", message.describe(), value.to_text());
                        let error = dialect.decode(&wire[..wire.len() - 1]).unwrap_err();
                        shown += &format!("{error} {error:?}");
                    }
                }
                let joined = shown.replace([' ', '-'], "");
                prop_assert!(!shown.contains(&pan) && !joined.contains(&pan), "field {}: {}", de, shown);
                let storable = format!("{:?}", serde_json::to_string(&dialect.storable(&fields)).unwrap());
                prop_assert!(!matches!(de, 35 | 36 | 45 | 52 | 55) || !storable.contains(&pan));
            }
        }
    }

    /// R3 for documents.
    #[test]
    fn no_document_makes_the_compiler_panic(field in any_field(), key in "[0-9a-z.]{1,4}", line in "[a-z_]{1,10} = [0-9]{1,5}") {
        let head = "name = \"random\"\nmti = \"bcd\"\nbitmap = \"hex\"\n";
        let text = format!("{head}[field.{key}]\n{field}{line}\n");
        let _ = Dialect::from_toml(&text, |_| Some(text.clone())).map_err(|error| error.to_string());
    }
}
