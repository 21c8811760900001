//! Messages that another implementation encoded: both directions, and every way of damaging them.

mod common;

use std::collections::BTreeMap;

use common::Golden;
use iso8583::{DecodeErrorKind, Dialect, parse_hex};

const SHIPPED: [&str; 3] = ["cups-pos", "iso87-ascii", "iso93-bcd"];

fn encode(dialect: &Dialect, fields: &iso8583::Fields) -> Vec<u8> {
    let mut wire = Vec::new();
    dialect.encode(fields, &mut wire).unwrap();
    wire
}

#[test]
fn what_a_peer_encoded_decodes_to_its_fields_and_encodes_to_its_bytes() {
    for golden in Golden::all() {
        let (dialect, wire) = (golden.dialect(), golden.wire());
        let message = dialect.decode(&wire).unwrap_or_else(|error| panic!("{}: {error}", golden.name));
        assert!(message.to_fields() == golden.fields, "{}: {:?}", golden.name, message.to_fields());
        assert_eq!(encode(&dialect, &golden.fields), wire, "{}", golden.name);
        for (de, text) in golden.fields.iter() {
            let value = message.get(de).unwrap();
            assert!(value.eq_text(text) && value.to_text().as_str() == text, "{} field {de}", golden.name);
        }
    }
}

#[test]
fn the_published_consume_has_the_published_bitmap() {
    let published = &Golden::all()[0];
    let wire = published.wire();
    assert_eq!(wire[..10], parse_hex("0200 302004C020C09811").unwrap());
    let dialect = common::cups_pos();
    let message = dialect.decode(&wire).unwrap();
    let fields: Vec<u8> = message.fields().iter().collect();
    assert_eq!(fields, [3, 4, 11, 22, 25, 26, 35, 41, 42, 49, 52, 53, 60, 64]);
    assert!(message.part(60, "1").unwrap().eq_text("22"));
    assert!(message.part(60, "2").unwrap().eq_text("000001"));
    assert_eq!(dialect.check(&message), []);
}

#[test]
fn a_mac_covers_what_was_received_up_to_its_own_field() {
    for golden in Golden::all() {
        let (dialect, wire) = (golden.dialect(), golden.wire());
        let message = dialect.decode(&wire).unwrap();
        let Some((covered, mac)) = message.mac() else {
            assert!(golden.fields.get(64).or(golden.fields.get(128)).is_none(), "{}", golden.name);
            continue;
        };
        let mut unsigned = golden.fields.clone();
        unsigned.remove(64);
        unsigned.remove(128);
        let mut sent = vec![0xEE];
        let sign = |input: &[u8]| {
            assert_eq!(input, covered, "{}", golden.name);
            Ok::<_, ()>(mac)
        };
        dialect.encode_with_mac(&unsigned, &mut sent, sign).unwrap();
        assert_eq!(sent[1..], wire, "{}", golden.name);
    }
}

#[test]
fn a_message_cut_anywhere_is_an_error_and_so_is_one_with_a_byte_more() {
    let mut tried = BTreeMap::new();
    for golden in Golden::all() {
        let (dialect, mut wire) = (golden.dialect(), golden.wire());
        for length in 0..wire.len() {
            let error = dialect.decode(&wire[..length]).unwrap_err();
            assert_eq!(error.kind, DecodeErrorKind::Truncated, "{} at {length}", golden.name);
            assert!(error.offset as usize <= length && error.have < error.needed, "{error}");
            *tried.entry(golden.dialect.clone()).or_insert(0) += 1;
        }
        wire.push(0);
        let error = dialect.decode(&wire).unwrap_err();
        assert_eq!((error.kind, error.offset as usize), (DecodeErrorKind::TrailingBytes, wire.len() - 1));
    }
    let cuts: usize = tried.values().sum();
    println!("{} goldens, {cuts} cuts tried and refused; by dialect: {tried:?}", Golden::all().len());
    assert!(cuts > 2_500 && SHIPPED.iter().all(|dialect| tried[*dialect] > 500), "{tried:?}");
}

/// A field with parts, cut at every character while its own prefix stays right: refused, or kept to the letter where a part
/// ends.
#[test]
fn a_field_with_parts_cut_anywhere_is_refused_or_ends_with_a_part() {
    let (mut refused, mut kept) = (0, 0);
    for golden in Golden::all().into_iter().filter(|golden| golden.name.starts_with("parts")) {
        let dialect = golden.dialect();
        for (de, text) in golden.fields.iter().filter(|(de, _)| *de >= 48) {
            for length in 0..text.len() {
                let cut = iso8583::Fields::new(golden.fields.mti()).with(de, &text[..length]).unwrap();
                let mut wire = Vec::new();
                match dialect.encode(&cut, &mut wire) {
                    Ok(()) => {
                        assert!(
                            dialect.decode(&wire).unwrap().to_fields() == cut,
                            "field {de} cut at {length}"
                        );
                        kept += 1;
                    }
                    Err(error) => {
                        assert!(error.path.number() == de && wire.is_empty());
                        refused += 1;
                    }
                }
            }
        }
    }
    println!("{refused} cuts refused, {kept} end with a part");
    assert!(refused > 600 && kept > 10, "{refused} refused, {kept} kept");
}

/// A flipped bit may make another valid message, but never one that encodes to other bytes than were received.
#[test]
fn a_flipped_bit_is_refused_or_kept_to_the_letter() {
    // Of each dialect: refused, and kept.
    let mut tried: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for golden in Golden::all() {
        let of_dialect = tried.entry(golden.dialect.clone()).or_default();
        let (dialect, mut wire) = (golden.dialect(), golden.wire());
        for bit in 0..wire.len() * 8 {
            wire[bit / 8] ^= 0x80 >> (bit % 8);
            match dialect.decode(&wire) {
                Ok(message) => {
                    assert_eq!(encode(&dialect, &message.to_fields()), wire, "{} bit {bit}", golden.name);
                    of_dialect[1] += 1;
                }
                Err(error) => {
                    assert!(error.offset as usize <= wire.len());
                    of_dialect[0] += 1;
                }
            }
            wire[bit / 8] ^= 0x80 >> (bit % 8);
        }
    }
    let [refused, kept] = [0, 1].map(|at| tried.values().map(|counts| counts[at]).sum::<usize>());
    println!(
        "{} bits flipped: {refused} refused, {kept} make another message, of the same bytes again; by dialect: {tried:?}",
        refused + kept
    );
    let both_happen = |dialect: &&str| tried[*dialect].iter().all(|count| *count > 500);
    assert!(SHIPPED.iter().all(both_happen), "{tried:?}");
}

#[test]
fn fields_survive_json_and_json_refuses_what_is_not_a_message() {
    for golden in Golden::all() {
        let json = serde_json::to_string(&golden.fields).unwrap();
        assert!(json.starts_with(&format!("{{\"mti\":\"{}\"", golden.fields.mti())));
        assert!(serde_json::from_str::<iso8583::Fields>(&json).unwrap() == golden.fields);
    }
    for bad in [
        r#"{}"#,
        r#"{"3":"000000"}"#,
        r#"{"mti":"02x0"}"#,
        r#"{"mti":"0200","1":"00"}"#,
        r#"{"mti":"0200","03":"000000"}"#,
        r#"{"mti":"0200","129":"0"}"#,
        r#"{"mti":"0200","4111111111111111":"0"}"#,
        r#"{"mti":"0200","3":"000000","3":"000000"}"#,
        r#"{"mti":"0200","3":"a\u0000"}"#,
        r#"{"mti":"0200","2":4111111111111111}"#,
    ] {
        let error = serde_json::from_str::<iso8583::Fields>(bad).err().map(|error| error.to_string());
        let error = error.unwrap_or_else(|| panic!("accepted: {bad}"));
        assert!(bad.contains("\"2\":") || !error.contains("4111111111111111"), "{error}");
    }
}
