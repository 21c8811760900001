//! What people see of a message: everything but what nobody may see.

mod common;

use common::{Golden, cups_pos, knobs};
use iso8583::{Fields, Mti};

#[test]
fn a_consume_reads_as_a_table() {
    // This merchant's number has a run of digits with a valid check digit: in doubt, it is masked.
    let golden = &Golden::all()[1];
    let (dialect, wire) = (cups_pos(), golden.wire());
    let table = dialect.decode(&wire).unwrap().describe();
    let expected = "
  off   len  path     name                                       value
    0     2  mti      Message type identifier                    0200
    2     8  bitmap   Bitmap                                     7024048000C18011
   11     8  2        Primary account number                     622202******7894
   19     3  3        Processing code                            000000
   22     6  4        Amount, transaction                        000000001250
   28     3  11       Systems trace audit number                 000042
   31     2  14       Date, expiration                           3012
   33     2  22       Point of service entry mode                012
   35     1  25       Point of service condition code            08
   36     8  41       Card acceptor terminal identification      10000001
   44    15  42       Card acceptor identification code          104110*****0001
   61    13  48       Additional data, private                   [cvv]
   65     3    48.CV  Card security code                         [cvv]
   72     2    48.EC  Electronic commerce indicator              [cvv]
   74     3  49       Currency code, transaction                 156
   79     6  60       Transaction type, batch and network codes  22000001000
   79     2    60.1   Transaction type code                      22
   80     6    60.2   Batch number                               000001
   83     3    60.3   Network management code                    000
   85     8  64       Message authentication code                0102030405060708
";
    assert_eq!(table, expected[1..]);
}

#[test]
fn stored_fields_read_as_a_table_too() {
    let mut fields =
        common::fields(Mti::REVERSAL_REQUEST, &[(2, "6222021234567894"), (39, "98"), (60, "22000001")]);
    // Not a field of this dialect, and not text that 37 can hold: neither gives a card number away.
    fields.set(104, "6222021234567894").and_then(|f| f.set(37, "6222021234567894")).unwrap();
    let expected = "
 len  path    name                                       value
   4  mti     Message type identifier                    0400
  16  2       Primary account number                     622202******7894
  16  37      Retrieval reference number                 622202******7894
   2  39      Response code                              98
   8  60      Transaction type, batch and network codes  22000001
   2    60.1  Transaction type code                      22
   6    60.2  Batch number                               000001
  16  104     (not in this dialect)                      [hidden]
";
    assert_eq!(cups_pos().describe_fields(&fields), expected[1..]);
}

#[test]
fn secrets_are_not_in_any_golden_s_table() {
    for golden in Golden::all() {
        let (dialect, wire) = (golden.dialect(), golden.wire());
        let message = dialect.decode(&wire).unwrap();
        let shown =
            format!("{} {} {:?}", message.describe(), dialect.describe_fields(&golden.fields), golden.fields);
        for (de, text) in golden.fields.iter().filter(|(_, text)| !text.is_empty()) {
            let sensitivity = dialect.sensitivity(de).unwrap();
            let is_secret = sensitivity.hides_all() && de != 48 || sensitivity == iso8583::Sensitivity::Pan;
            assert!(!is_secret || !shown.contains(text), "{} field {de}", golden.name);
        }
        assert!(!shown.contains("CV03123"));
    }
}

#[test]
fn debug_and_display_of_fields_mask_without_a_dialect() {
    let fields = Golden::all()[2].fields.clone().with(48, "CV03123").unwrap();
    let shown = format!("{fields}");
    assert_eq!(format!("{fields:?}"), format!("Fields({shown})"));
    assert!(shown.starts_with("0200 2=622202*********0128 3=000000"), "{shown}");
    for hidden in ["35=[track]", "36=[track]", "48=[7 hidden]", "52=[pin]", "55=[chip]"] {
        assert!(shown.contains(hidden), "{shown}");
    }
}

#[test]
fn a_stored_message_keeps_its_references_and_loses_its_secrets() {
    let dialect = cups_pos();
    let sent = Golden::all()[2].fields.clone().with(48, "CV03123EC0205").unwrap();
    let stored = dialect.storable(&sent);
    for de in [35, 36, 52, 55] {
        assert!(stored.get(de).is_none(), "field {de}");
    }
    assert_eq!(stored.get(48), Some("EC0205"));
    assert_eq!(stored.get(11), Some("000403"));
    // Only a security code: nothing is left of the field. Something else altogether: the field goes whole.
    for text in ["CV03123", "CVV is 123"] {
        assert!(
            dialect.storable(&Fields::new(Mti::FINANCIAL_REQUEST).with(48, text).unwrap()).get(48).is_none()
        );
    }
}

#[test]
fn values_answer_as_numbers_and_bytes() {
    let golden = Golden::all().pop().unwrap();
    let (dialect, wire) = (knobs(), golden.wire());
    let message = dialect.decode(&wire).unwrap();
    assert_eq!(message.get(3).unwrap().as_u64(), Some(123_456));
    assert_eq!(message.get(3).unwrap().as_bytes(), [0x12, 0x34, 0x56]);
    assert_eq!(message.get(46).unwrap().as_u64(), None);
    assert!(message.get(4).is_none() && message.get(0).is_none() && message.get(200).is_none());
    let mut text = String::new();
    message.get(2).unwrap().write_text(&mut text).unwrap();
    assert_eq!(text, "4111111111111111");
    assert_eq!(message.get(2).unwrap().masked(), "411111******1111");
}
