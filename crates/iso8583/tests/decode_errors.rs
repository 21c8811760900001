//! Each way in which bytes can be wrong, with the field, the byte and the code that the error names.

mod common;

use common::{cups_pos, iso87_ascii, knobs};
use iso8583::{Dialect, parse_hex};

fn refusal(dialect: &Dialect, wire: &[u8]) -> String {
    let error = dialect.decode(wire).unwrap_err();
    format!("{} {} {}", error.path, error.offset, error.code())
}

fn hex(dialect: &Dialect, text: &str) -> String {
    refusal(dialect, &parse_hex(text).unwrap())
}

#[test]
fn the_head_of_a_message_is_read_strictly() {
    let (cups, ascii) = (cups_pos(), iso87_ascii());
    assert_eq!(hex(&cups, "02A0 0000000000000000"), "mti 0 mti_invalid");
    assert_eq!(hex(&cups, "0200 8000000000000000 0000000000000000"), "bitmap 2 bitmap_secondary_empty");
    assert_eq!(hex(&cups, "0200 0100000000000000"), "8 10 field_undefined");
    assert_eq!(hex(&cups, "0200 8000000000000000 8000000000000000"), "65 18 field_undefined");
    assert_eq!(refusal(&ascii, b"02 0000000000000000000"), "mti 0 mti_invalid");
    assert_eq!(refusal(&ascii, b"0200000000000000000g"), "bitmap 19 bitmap_invalid");
    // The same bitmap in lower case would be a second form of the same message.
    assert_eq!(refusal(&ascii, b"0200a000000000000000"), "bitmap 4 bitmap_invalid");
    let long = vec![b'0'; 65_536];
    assert_eq!(refusal(&ascii, &long), "mti 65535 message_too_long");
}

#[test]
fn lengths_and_characters_are_read_strictly() {
    let (cups, ascii) = (cups_pos(), iso87_ascii());
    // Field 2: prefix, maximum, digits, pad on the right.
    assert_eq!(hex(&cups, "0200 4000000000000000 1A"), "2 10 length_invalid");
    assert_eq!(hex(&cups, "0200 4000000000000000 20 62220212345678901234"), "2 10 length_over_maximum");
    assert_eq!(hex(&cups, "0200 4000000000000000 04 62A2"), "2 12 character_invalid");
    assert_eq!(hex(&cups, "0200 4000000000000000 03 6225"), "2 12 pad_invalid");
    assert_eq!(hex(&cups, "0200 4000000000000000 03 62A0"), "2 12 character_invalid");
    // Field 23 is padded on the left.
    assert_eq!(hex(&cups, "0200 0000020000000000 1001"), "23 10 pad_invalid");
    assert_eq!(hex(&cups, "0200 0000020000000000 000F"), "23 11 character_invalid");
    // Field 39, and field 44 of three letters, the second of them a control character.
    assert_eq!(hex(&cups, "0200 0000000002000000 302D"), "39 11 character_invalid");
    assert_eq!(hex(&cups, "0200 0000000000100000 03 410742"), "44 12 character_invalid");
    assert_eq!(refusal(&ascii, b"02004000000000000000x3411"), "2 20 length_invalid");
    // Field 52 in lower case.
    assert_eq!(refusal(&ascii, b"02000000000000001000ffeeddccbbaa9988"), "52 20 character_invalid");
}

#[test]
fn parts_are_read_strictly() {
    let cups = cups_pos();
    // Field 60 of ten digits ends inside its third part.
    assert_eq!(hex(&cups, "0200 0000000000000010 0010 2200000100"), "60.3 16 part_length_invalid");
    let with_48 = |text: &str| {
        let mut wire = parse_hex("0200 0000000000010000 00").unwrap();
        wire.push((text.len() / 10 * 16 + text.len() % 10) as u8);
        wire.extend_from_slice(text.as_bytes());
        refusal(&cups, &wire)
    };
    assert_eq!(with_48("XX03123"), "48 12 part_undefined");
    assert_eq!(with_48("CV05123"), "48.CV 14 part_length_invalid");
    assert_eq!(with_48("CV0x123"), "48.CV 15 character_invalid");
    assert_eq!(with_48("CV0312A"), "48.CV 18 character_invalid");
    assert_eq!(with_48("EC0312A"), "48.EC 14 part_length_invalid");
    assert_eq!(with_48("CV03123EC"), "48 19 part_length_invalid");
    assert_eq!(with_48("CV03123CV03124"), "48.CV 19 part_repeated");
}

#[test]
fn knobs_of_other_dialects_are_read_strictly_too() {
    let knobs = knobs();
    // Field 3 counts bytes: with the pad F it is eleven digits at most, without it twelve are too many.
    assert_eq!(hex(&knobs, "0200 2000000000000000 06 123456789012"), "3 11 length_over_maximum");
    assert_eq!(hex(&knobs, "0200 2000000000000000 07"), "3 10 length_over_maximum");
    assert_eq!(hex(&knobs, "0200 2000000000000000 02 1F34"), "3 11 character_invalid");
    // Field 28: a sign that is none, and a digit that is none.
    assert_eq!(hex(&knobs, "0200 0000001000000000 4500000025"), "28 10 character_invalid");
    assert_eq!(hex(&knobs, "0200 0000001000000000 430000002A"), "28 14 character_invalid");
    // Field 55: three hexadecimal digits are no bytes.
    assert_eq!(hex(&knobs, "0200 0000000000000200 3033 413142"), "55 10 length_invalid");
}

#[test]
fn an_error_reads_well_and_names_no_value() {
    let error = iso87_ascii().decode(b"02004000000000000000164111").unwrap_err();
    assert_eq!(
        error.to_string(),
        "field 2 at byte 22: the message ends too early (16 bytes needed, 4 there)"
    );
    assert!(!format!("{error:?}").contains("4111"));
}
