//! Fields made of parts: read by their paths, put together, and refused where they do not add up.

mod common;

use common::{Golden, iso87_ascii, parts};
use iso8583::{Dialect, FieldPath, Fields, Mti};

fn golden() -> (Dialect, Vec<u8>) {
    let golden = Golden::all().into_iter().find(|golden| golden.name == "parts in every form").unwrap();
    (golden.dialect(), golden.wire())
}

fn at(dialect: &Dialect, wire: &[u8], path: &str) -> Option<String> {
    let message = dialect.decode(wire).unwrap();
    message.at(path.parse::<FieldPath>().unwrap()).map(|value| value.to_text().to_string())
}

#[test]
fn every_part_is_reached_by_its_path() {
    let (dialect, wire) = golden();
    let cases = [
        ("48.01", "ONE"),
        ("48.01[2]", "TWO"),
        ("48.XX", "1"),
        ("48.CT", "42"),
        ("55.9F02", "000000001250"),
        ("55.82", "1980"),
        ("55.71.9F18", "00000001"),
        ("55.71.86[2]", "8418000008"),
        ("55.91", "112233445566778830303030"),
        ("60.1", "0102"),
        ("60.2", "001250"),
        ("60.3", "3132333435"),
        ("61.DF8116", "42"),
        ("61.E1", "9F0201000000"),
        ("62.2", "123456789012345"),
        ("62.3", "A1B2"),
        ("62.17", "Coffee & Cake"),
        ("62.33", "0A0B0C"),
        ("62.64", "12345"),
        ("127.2", "0200:000042:1124083000"),
        ("127.33", "5411"),
    ];
    for (path, text) in cases {
        assert_eq!(at(&dialect, &wire, path).as_deref(), Some(text), "{path}");
    }
    for absent in ["48.01[3]", "55.86", "55.71.86[3]", "61.E1.9F02", "62.1", "127.3", "3.1", "126.1"] {
        assert_eq!(at(&dialect, &wire, absent), None, "{absent}");
    }
}

#[test]
fn a_message_with_parts_reads_as_a_table_that_hides_what_is_hidden() {
    let (dialect, wire) = golden();
    let table = dialect.decode(&wire).unwrap().describe();
    for line in [
        "   40     3    48.01[2]       Line of an invoice",
        "   65    12    55.9F02        Amount, authorised                                               000000001250\n",
        "   75    44    55.DF8116      (not in this dialect)                                            [chip]\n",
        "  100   304    55.71          Issuer script template 1                                         [chip]\n",
        "  247    10      55.71.86[2]  Issuer script command                                            [chip]\n",
        "  321     4    62.3           Code                                                             A1B2\n",
    ] {
        assert!(table.contains(line), "{line}: {table}");
    }
}

#[test]
fn what_is_put_together_is_what_a_peer_puts_together() {
    let dialect = parts();
    let compose = |de, parts: &[(&str, &str)]| dialect.compose(de, parts).unwrap().to_string();
    let golden = Golden::all().into_iter().find(|golden| golden.name == "parts in every form").unwrap();
    let expected = |de| golden.fields.get(de).unwrap();
    let script = "8424000008".to_owned() + &"AB".repeat(130);
    assert_eq!(compose(48, &[("01", "ONE"), ("01[2]", "TWO"), ("XX", "1"), ("CT", "42")]), expected(48));
    let chip = [
        ("82", "1980"),
        ("9F02", "000000001250"),
        ("DF8116", &"00".repeat(22)),
        ("71.9F18", "00000001"),
        ("71.86", &script),
        ("71.86[2]", "8418000008"),
        ("91", "112233445566778830303030"),
    ];
    assert_eq!(compose(55, &chip), expected(55));
    assert_eq!(compose(60, &[("1", "0102"), ("2", "001250"), ("3", "3132333435")]), expected(60));
    let subfields =
        [("64", "12345"), ("33", "0A0B0C"), ("17", "Coffee & Cake"), ("3", "A1B2"), ("2", "123456789012345")];
    assert_eq!(compose(62, &subfields), expected(62));
    let text = [("2", "0200:000042:1124083000"), ("20", "20261124"), ("33", "5411")];
    assert_eq!(compose(127, &text), expected(127));
    assert_eq!(compose(126, &[("16", "HELLO"), ("1", "000042")]), "800100004205HELLO");
}

#[test]
fn what_does_not_add_up_is_not_put_together() {
    let dialect = parts();
    let refusal = |de, parts: &[(&str, &str)]| {
        let error = dialect.compose(de, parts).unwrap_err();
        format!("{} {}", error.path, error.code())
    };
    assert_eq!(refusal(3, &[("1", "0")]), "3 part_undefined");
    assert_eq!(refusal(48, &[("01", &"X".repeat(13))]), "48.01 part_length_invalid");
    assert_eq!(refusal(48, &[("01", &"X".repeat(1_000))]), "48.01 value_too_long");
    assert_eq!(refusal(48, &[("CT", "4X")]), "48.CT character_invalid");
    assert_eq!(refusal(55, &[("9F", "00")]), "55.9F part_tag_invalid");
    assert_eq!(refusal(55, &[("9F02", "0012")]), "55.9F02 part_length_invalid");
    assert_eq!(refusal(55, &[("9F02", "00000000125A")]), "55.9F02 character_invalid");
    assert_eq!(refusal(55, &[("9F37", "0")]), "55.9F37 character_invalid");
    assert_eq!(refusal(61, &[("9F37", "00000000")]), "61 part_undefined");
    assert_eq!(refusal(61, &[("DF8116", "00"), ("DF8116", "00")]), "61.DF8116 part_repeated");
    assert_eq!(refusal(62, &[("3", "A1B")]), "62.3 value_too_short");
    assert_eq!(refusal(62, &[("4", "A1B")]), "62.4 part_undefined");
    assert_eq!(refusal(62, &[("3", "A1B2"), ("3", "A1B2")]), "62.3 part_repeated");
}

/// The bytes of field 55 inside a message of the ASCII dialect, and what the decoder says of them.
fn chip_refusal(chip: &str) -> String {
    let dialect = iso87_ascii();
    let wire = format!("02000000000000000200{:03}{chip}", chip.len());
    match dialect.decode(wire.as_bytes()) {
        Ok(_) => "fine".to_owned(),
        Err(error) => format!("{} {} {}", error.path, error.offset, error.code()),
    }
}

#[test]
fn chip_data_is_read_strictly_and_keeps_its_form() {
    // Lengths of one to four bytes, also longer than they need be; empty values; tags nobody knows; none at all.
    for fine in [
        "",
        "9F260811223344556677889F3602001A",
        "9F3681020001",
        "9F368400000002001A",
        "9F3600".replace("9F36", "C1").as_str(),
        "DF811600",
        "FF810500",
        "7100",
        "71009F36020001",
    ] {
        assert_eq!(chip_refusal(fine), "fine", "{fine}");
    }
    let cases = [
        // A tag cut, a length cut, a value cut.
        ("9F", "55 23 part_length_invalid"),
        ("9F36", "55.9F36 27 part_length_invalid"),
        ("9F3682", "55.9F36 27 part_length_invalid"),
        ("9F36020", "55 20 length_invalid"),
        ("9F360200", "55.9F36 27 part_length_invalid"),
        // A length without end, and one that no machine could hold.
        ("9F3680", "55.9F36 27 part_length_invalid"),
        ("9F3684FFFFFFFF", "55.9F36 27 part_length_invalid"),
        ("9F3688FFFFFFFFFFFFFFFF", "55.9F36 27 part_length_invalid"),
        // Padding, and a tag of more than four bytes.
        ("9F3602000100", "55 33 part_tag_invalid"),
        ("FF81818101", "55 23 part_tag_invalid"),
        // Inside a template: too long for it, and an own tag of the wrong length.
        ("71049F360200", "55.71.9F36 31 part_length_invalid"),
        ("71059F3603000000", "55.71.9F36 31 part_length_invalid"),
        // The amount is digits.
        ("9F020600000000125A", "55.9F02 40 character_invalid"),
    ];
    for (chip, expected) in cases {
        assert_eq!(chip_refusal(chip), expected, "{chip}");
    }
}

#[test]
fn no_more_tags_than_a_field_may_have() {
    assert_eq!(chip_refusal(&"C100".repeat(64)), "fine");
    assert_eq!(chip_refusal(&"C100".repeat(65)), "55.C1 279 too_many_parts");
    // However deep: a path names three levels, and the dialect opens two.
    assert_eq!(chip_refusal("7106710471027100"), "fine");
}

#[test]
fn subfields_behind_a_bitmap_are_read_strictly() {
    let dialect = parts();
    let refusal = |de: u8, text: &str| {
        let fields = Fields::new(Mti::AUTHORIZATION_REQUEST).with(de, text).unwrap();
        let error = dialect.encode(&fields, &mut Vec::new()).unwrap_err();
        format!("{} {}", error.path, error.code())
    };
    assert_eq!(refusal(62, "00"), "62 part_bitmap_invalid");
    assert_eq!(refusal(62, "000000000000000000"), "62 part_undefined");
    assert_eq!(refusal(62, "0800000000000000"), "62 part_undefined");
    assert_eq!(refusal(62, "2000000000000000C1C2"), "62.3 part_length_invalid");
    assert_eq!(refusal(62, "2000000000000000C1C2C300"), "62.3 character_invalid");
    assert_eq!(refusal(62, "40000000000000001123456789012345"), "62.2 pad_invalid");
    assert_eq!(refusal(62, "00000000800000000900112233445566"), "62.33 part_length_invalid");
    assert_eq!(refusal(127, "000000000000000g"), "127 part_bitmap_invalid");
    assert_eq!(refusal(127, "400000000000000033A"), "127.2 part_length_invalid");
    assert_eq!(refusal(126, "8000A00042"), "126.1 character_invalid");
}
