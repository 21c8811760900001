//! The dialects in `banks/` compile, and a payment goes through each of them.

mod common;

use common::{cups_pos, iso87_ascii};
use iso8583::{Fields, Mti};

#[test]
fn a_consume_travels_through_the_pos_dialect() {
    let dialect = cups_pos();
    let request = common::consume_cups();
    assert_eq!(dialect.check_fields(&request), []);

    let mut wire = Vec::new();
    dialect.encode_with_mac(&request, &mut wire, |_| Ok::<_, ()>(*b"D49610FC")).unwrap();
    let message = dialect.decode(&wire).unwrap();
    assert_eq!(dialect.check(&message), []);
    assert_eq!(dialect.message_name(&message), Some("consume"));
    assert_eq!(message.part(60, "1").unwrap().to_text().as_str(), "22");
    assert_eq!(message.mac(), Some((&wire[..wire.len() - 8], *b"D49610FC")));
}

#[test]
fn an_authorization_travels_through_the_ascii_dialect() {
    let dialect = iso87_ascii();
    let request = common::authorization_ascii();
    assert_eq!(dialect.check_fields(&request), []);
    let mut wire = Vec::new();
    dialect.encode(&request, &mut wire).unwrap();
    assert!(wire.iter().all(|c| (0x20..0x7f).contains(c)));
    let message = dialect.decode(&wire).unwrap();
    assert_eq!(message.to_fields().get(42), Some("COFFEE         "));
    assert_eq!(dialect.check(&message), []);
}

#[test]
fn an_echo_test_has_its_answer() {
    let dialect = iso87_ascii();
    let request = Fields::new(Mti::NETWORK_REQUEST)
        .with(7, "1124000000")
        .and_then(|f| f.with(11, "000007"))
        .and_then(|f| f.with(70, "301"))
        .unwrap();
    let mut answer = request.clone().with(39, "00").unwrap();
    answer.set_mti(Mti::NETWORK_RESPONSE);
    let mut wire = Vec::new();
    dialect.encode(&answer, &mut wire).unwrap();
    assert_eq!(dialect.check_response(&request, &dialect.decode(&wire).unwrap()), []);
}
