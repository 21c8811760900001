//! Messages that decode and are still wrong: the rules of each message type.

mod common;

use common::{consume_cups, cups_pos, fields, iso87_ascii};
use iso8583::{Dialect, Fields, Mti};

fn wire(dialect: &Dialect, fields: &Fields) -> Vec<u8> {
    let mut wire = Vec::new();
    dialect.encode(fields, &mut wire).unwrap();
    wire
}

fn complaints(dialect: &Dialect, fields: &Fields) -> Vec<String> {
    let wire = wire(dialect, fields);
    let violations = dialect.check(&dialect.decode(&wire).unwrap());
    violations.iter().map(|v| format!("{} {}", v.path, v.code())).collect()
}

/// What the bank answers to [`consume_cups`].
fn approval() -> Fields {
    let values = [
        (3, "000000"),
        (4, "000000001250"),
        (11, "000042"),
        (12, "083000"),
        (13, "1124"),
        (25, "08"),
        (37, "328083000042"),
        (38, "A1B2C3"),
        (39, "00"),
        (41, "10000001"),
        (42, "104110041110001"),
        (49, "156"),
        (60, "22000001"),
        (64, "0102030405060708"),
    ];
    fields(Mti::FINANCIAL_RESPONSE, &values)
}

fn answer_complaints(request: &Fields, response: &Fields) -> Vec<String> {
    let dialect = cups_pos();
    let wire = wire(&dialect, response);
    let violations = dialect.check_response(request, &dialect.decode(&wire).unwrap());
    violations.iter().map(|v| format!("{} {}", v.path, v.code())).collect()
}

#[test]
fn every_missing_and_every_superfluous_field_is_named_at_once() {
    let dialect = cups_pos();
    let mut request = consume_cups();
    assert_eq!(complaints(&dialect, &request), ["64 field_missing"]);
    request.remove(4);
    request.remove(41);
    request.set(15, "1124").unwrap();
    assert_eq!(
        complaints(&dialect, &request),
        ["4 field_missing", "41 field_missing", "64 field_missing", "15 field_forbidden"]
    );
    // Before it is sent, a message has no MAC yet, and that is in order.
    let before: Vec<_> = dialect.check_fields(&request).iter().map(|v| v.path.number()).collect();
    assert_eq!(before, [4, 41, 15]);
}

#[test]
fn a_void_needs_its_original_and_a_reversal_carries_no_secret() {
    let dialect = cups_pos();
    let mut void = consume_cups();
    void.set(60, "23000001").unwrap();
    assert_eq!(dialect.check_fields(&void).len(), 2);
    void.set(37, "328083000042").and_then(|f| f.set(61, "0000010000421124")).unwrap();
    assert_eq!(dialect.check_fields(&void), []);

    let mut reversal = consume_cups();
    reversal.set_mti(Mti::REVERSAL_REQUEST);
    reversal.set(39, "98").unwrap();
    let violations: Vec<_> = dialect.check_fields(&reversal).iter().map(ToString::to_string).collect();
    assert_eq!(violations, ["field 48: is not carried by this message"]);
    assert_eq!(dialect.check_fields(&dialect.storable(&reversal)).len(), 0);
}

#[test]
fn an_unknown_message_type_is_a_violation() {
    let dialect = cups_pos();
    let mut administrative = consume_cups();
    administrative.set_mti(Mti::parse("0620").unwrap());
    assert_eq!(complaints(&dialect, &administrative), ["mti message_type_unknown"]);
}

#[test]
fn an_answer_must_be_the_answer_to_this_request() {
    let request = consume_cups();
    assert_eq!(answer_complaints(&request, &approval()), [""; 0]);

    let other_terminal = approval().with(41, "10000002").unwrap();
    assert_eq!(answer_complaints(&request, &other_terminal), ["41 field_echo_differs"]);
    let other_amount = approval().with(4, "000000001251").unwrap();
    assert_eq!(answer_complaints(&request, &other_amount), ["4 field_echo_differs"]);
    let other_card = approval().with(2, "4111111111111111").unwrap();
    assert_eq!(answer_complaints(&request, &other_card), ["2 field_echo_differs"]);
    let mut to_a_reversal = approval();
    to_a_reversal.set_mti(Mti::REVERSAL_RESPONSE);
    assert_eq!(answer_complaints(&request, &to_a_reversal), ["mti message_type_not_the_response"]);
}

#[test]
fn a_partial_approval_names_another_amount() {
    let partial = approval().with(39, "10").and_then(|f| f.with(4, "000000001000")).unwrap();
    assert_eq!(answer_complaints(&consume_cups(), &partial), [""; 0]);
    // An approval in full has no right to.
    let short = approval().with(4, "000000001000").unwrap();
    assert_eq!(answer_complaints(&consume_cups(), &short), ["4 field_echo_differs"]);
}

#[test]
fn an_approval_without_reference_or_mac_is_incomplete_and_a_decline_is_not() {
    let mut bare = approval();
    bare.remove(37);
    bare.remove(64);
    assert_eq!(answer_complaints(&consume_cups(), &bare), ["37 field_missing", "64 field_missing"]);
    bare.set(39, "51").unwrap();
    assert_eq!(answer_complaints(&consume_cups(), &bare), [""; 0]);
}

#[test]
fn a_filled_field_is_echoed_as_it_was_filled() {
    let dialect = iso87_ascii();
    let request = common::authorization_ascii();
    let mut response = request.clone();
    response.set_mti(Mti::AUTHORIZATION_RESPONSE);
    response.remove(14);
    response.remove(18);
    response.set(39, "05").unwrap();
    let wire = wire(&dialect, &response);
    let message = dialect.decode(&wire).unwrap();
    assert!(message.get(42).unwrap().eq_text("COFFEE         "));
    assert_eq!(dialect.check_response(&request, &message), []);
}

/// A dialect with every sort of rule.
fn ruled() -> Dialect {
    let text = r#"
        name = "ruled"
        extends = "cups-pos"
        [message.0200]
        mandatory = [3, 11, 22, "60.1"]
        optional = [2, 14, 35, 52, 55, 60, 62, 64]
        forbidden = [48, "60.2"]
        variant = []
        [[message.0200.conditional]]
        when = { "22" = { starts = "05" } }
        mandatory = [55, "55.9F26", "55.9F36"]
        [[message.0200.conditional]]
        when = { "22" = ["021", "901"] }
        mandatory = [35]
        forbidden = [2, 55]
        [[message.0200.conditional]]
        when = { "35" = { present = false }, "55" = { present = false } }
        mandatory = [2, 14]
        [[message.0200.conditional]]
        when = { "52" = { present = true } }
        mandatory = [62]
        [message.0210]
        mandatory = [3, 11, 39]
        optional = [55, 60]
        echo = [3, 11, "60.1"]
        echo_if_present = ["55.9F36"]
        variant = []
    "#;
    Dialect::from_toml(text, common::parent).unwrap()
}

#[test]
fn a_condition_demands_and_forbids_more() {
    let dialect = ruled();
    let complaints = |values: &[(u8, &str)]| {
        let mut all = vec![(3, "000000"), (11, "000042"), (60, "22")];
        all.extend(values);
        let request = fields(Mti::FINANCIAL_REQUEST, &all);
        let before: Vec<String> =
            dialect.check_fields(&request).iter().map(|v| format!("{} {}", v.path, v.code())).collect();
        assert_eq!(before, self::complaints(&dialect, &request), "sent and received are judged alike");
        before
    };
    assert_eq!(complaints(&[(22, "012"), (2, "6222021234567894"), (14, "3012")]), [""; 0]);
    assert_eq!(complaints(&[(22, "012")]), ["2 field_missing", "14 field_missing"]);
    // The chip was read: its data must be there, with cryptogram and counter.
    assert_eq!(
        complaints(&[(22, "051")]),
        [
            "2 field_missing",
            "14 field_missing",
            "55 field_missing",
            "55.9F26 field_missing",
            "55.9F36 field_missing"
        ]
    );
    assert_eq!(complaints(&[(22, "051"), (55, "9F26081122334455667788")]), ["55.9F36 field_missing"]);
    assert_eq!(complaints(&[(22, "051"), (55, "9F260811223344556677889F36020001")]), [""; 0]);
    // The stripe was read: its track and nothing else, and a PIN needs more.
    let track = (35, "6222021234567894=3012");
    assert_eq!(complaints(&[(22, "901"), track, (2, "6222021234567894")]), ["2 field_forbidden"]);
    assert_eq!(complaints(&[(22, "021"), track, (52, "0011223344556677")]), ["62 field_missing"]);
    // Parts of their own: a transaction type, and never a batch.
    assert_eq!(complaints(&[(22, "021"), track, (60, "22000001")]), ["60.2 field_forbidden"]);
    assert_eq!(complaints(&[(22, "021"), track, (60, "")]), ["60.1 field_missing"]);
}

#[test]
fn a_part_must_be_echoed_too() {
    let dialect = ruled();
    let request =
        fields(Mti::FINANCIAL_REQUEST, &[(3, "000000"), (11, "000042"), (60, "22"), (55, "9F36020001")]);
    let complaints = |values: &[(u8, &str)]| {
        let mut all = vec![(3, "000000"), (11, "000042"), (39, "00")];
        all.extend(values);
        let wire = wire(&dialect, &fields(Mti::FINANCIAL_RESPONSE, &all));
        let violations = dialect.check_response(&request, &dialect.decode(&wire).unwrap());
        violations.iter().map(|v| format!("{} {}", v.path, v.code())).collect::<Vec<_>>()
    };
    assert_eq!(complaints(&[(60, "22")]), [""; 0]);
    assert_eq!(complaints(&[]), ["60.1 field_not_echoed"]);
    assert_eq!(complaints(&[(60, "23")]), ["60.1 field_echo_differs"]);
    assert_eq!(complaints(&[(60, "22"), (55, "9F36020002")]), ["55.9F36 field_echo_differs"]);
    assert_eq!(complaints(&[(60, "22"), (55, "9F2701809F36020001")]), [""; 0]);
}
