//! Messages broken in one way each, and what the doctor says of them.

mod common;

use common::{Golden, cups_pos, iso87_ascii, iso93_bcd};
use iso8583::{Diagnosis, Dialect, Fit, diagnose};

fn dialects() -> [Dialect; 3] {
    [cups_pos(), iso87_ascii(), iso93_bcd()]
}

fn golden(name: &str) -> Vec<u8> {
    Golden::all().into_iter().find(|golden| golden.name == name).unwrap().wire()
}

/// Of the best dialect: its name, what stopped it, and the likely causes.
fn said(bytes: &[u8]) -> (String, String, Vec<String>) {
    let best = diagnose(bytes, &dialects()).swap_remove(0);
    let Fit::Refused { error, .. } = best.fit else { panic!("fits: {best}") };
    (best.dialect, error.to_string(), best.causes.iter().map(ToString::to_string).collect())
}

fn spliced(bytes: &[u8], at: std::ops::Range<usize>, with: &[u8]) -> Vec<u8> {
    [&bytes[..at.start], with, &bytes[at.end..]].concat()
}

#[test]
fn each_mistake_is_called_by_its_name() {
    let ascii = golden("consume of 21 fields");
    let packed = golden("consume by chip, odd card number");
    let mainframe = golden("1993, authorization by chip");
    let echo = golden("echo test");
    let in_hex =
        |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes();
    let bitmap = iso8583::parse_hex(std::str::from_utf8(&ascii[4..20]).unwrap()).unwrap();
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        (
            "bitmap in digits",
            spliced(&packed, 2..10, &in_hex(&packed[2..10])),
            "cups-pos",
            "the bitmaps are hexadecimal digits in ASCII, and not as the dialect says",
        ),
        (
            "bitmap in bytes",
            spliced(&ascii, 4..20, &bitmap),
            "iso87-ascii",
            "the bitmaps are eight bytes each, and not as the dialect says",
        ),
        (
            "type in digits",
            spliced(&mainframe, 0..2, b"1100"),
            "iso93-bcd",
            "the message type is written in ASCII, and not as the dialect says",
        ),
        (
            "hex of hex",
            in_hex(&ascii),
            "iso87-ascii",
            "the bytes are a message's hexadecimal digits: it was turned into hex twice",
        ),
        (
            "wrong length before it",
            spliced(&ascii, 0..0, &[1, 99]),
            "iso87-ascii",
            "the length before the message is wrong: it says 355, and 283 bytes follow",
        ),
        (
            "a header nobody knows",
            spliced(&mainframe, 0..0, b"HOST00001"),
            "iso93-bcd",
            "a header of 9 bytes stands before the message",
        ),
        (
            "field 2 unannounced",
            spliced(&ascii, 4..5, b"3"),
            "iso87-ascii",
            "the bitmap is wrong: field 2 is there and it does not say so",
        ),
        (
            "field 5 announced",
            spliced(&packed, 2..3, &[packed[2] | 0x08]),
            "cups-pos",
            "the bitmap is wrong: it announces field 5, which is not there",
        ),
        (
            "length of track 2",
            spliced(&ascii, 106..108, b"36"),
            "iso87-ascii",
            "the length prefix of field 35, at byte 106, is wrong: 34 would fit",
        ),
        ("a letter in the amount", spliced(&ascii, 46..47, b"X"), "iso87-ascii", "byte 46 alone is wrong"),
        ("another pad", spliced(&mainframe, 11..12, &[0xf6]), "iso93-bcd", "byte 11 alone is wrong"),
        ("cut off", packed[..100].to_vec(), "cups-pos", "the message is cut off: it lacks at least 26 bytes"),
        (
            "a line end",
            spliced(&ascii, 283..283, b"\r\n"),
            "iso87-ascii",
            "the end of a line stands behind the message, 2 bytes",
        ),
        ("two messages", [&ascii[..], &echo].concat(), "iso87-ascii", "another message begins at byte 283"),
        (
            "bytes behind",
            spliced(&packed, 153..153, &[1; 5]),
            "cups-pos",
            "the message is whole at byte 153; 5 bytes follow that its bitmap does not announce",
        ),
    ];
    for (what, bytes, dialect, cause) in cases {
        let (best, error, causes) = said(&bytes);
        assert!(
            best == dialect && causes.first().is_some_and(|first| first == cause),
            "{what}: {best}, {error}; {causes:?}"
        );
    }
}

#[test]
fn a_dialect_in_the_other_characters_is_one_mistake() {
    // All of it is digits, and those differ by their first half.
    let ebcdic: Vec<u8> = golden("echo test").iter().map(|digit| digit | 0xf0).collect();
    let (dialect, _, causes) = said(&ebcdic);
    assert_eq!(dialect, "iso87-ascii");
    assert_eq!(causes, ["all of it is written in EBCDIC, and the dialect is not"]);
}

#[test]
fn what_is_written_otherwise_is_told_in_full() {
    let best = diagnose(&golden("consume in EBCDIC"), &[iso87_ascii()]).swap_remove(0);
    assert_eq!(
        best.causes[0].to_string(),
        "the message type is written in EBCDIC, and the bitmaps are eight bytes each, and the length prefixes are written in \
         EBCDIC, and the text is written in EBCDIC, and bytes are written as they are, and not as the dialect says"
    );
}

#[test]
fn which_byte_and_which_rule_come_before_the_cause() {
    let ascii = golden("consume of 21 fields");
    let best = diagnose(&spliced(&ascii, 46..47, b"X"), &dialects()).swap_remove(0);
    assert_eq!(
        best.to_string(),
        "iso87-ascii: does not fit, read as it is: 46 of 283 bytes understood, then field 4 at byte 46: \
         a character is not of the field's class"
    );
    assert_eq!(best.form.as_deref(), Some("Amount, transaction, 12 digits in ASCII"));
    let track = iso93_bcd().form(35).unwrap();
    assert_eq!(
        track,
        "Track 2 data, at most 37 track characters packed, two a byte, an odd number with F behind it, \
         behind a length of 2 packed digits that counts digits"
    );
    assert_eq!(cups_pos().form(6), None);
}

#[test]
fn what_no_single_mistake_explains_is_told_what_is_usual() {
    let bytes: Vec<u8> = (0..90).collect();
    let diagnoses = diagnose(&bytes, &dialects());
    assert!(
        diagnoses.iter().all(|diagnosis| diagnosis.causes.is_empty() && diagnosis.usual_causes().is_some())
    );
}

#[test]
fn a_message_of_one_dialect_is_not_made_one_of_another() {
    for golden in Golden::all() {
        let diagnoses: Vec<Diagnosis> =
            diagnose(&golden.wire(), &[golden.dialect(), cups_pos(), iso93_bcd()]);
        assert!(matches!(diagnoses[0].fit, Fit::Exact { .. }), "{}", golden.name);
        assert!(diagnoses.iter().all(|diagnosis| diagnosis.causes.is_empty()), "{}", golden.name);
    }
}

/// Cut anywhere behind its bitmap, a message is known to be cut.
#[test]
fn every_cut_is_seen() {
    let mut seen = 0;
    for golden in Golden::all() {
        let (dialect, wire) = (golden.dialect(), golden.wire());
        for length in (20..wire.len()).step_by(7) {
            let diagnosis = diagnose(&wire[..length], [&dialect]).swap_remove(0);
            let is_seen = diagnosis.causes.iter().any(|cause| cause.to_string().contains("cut off"));
            assert!(is_seen, "{} at {length}: {diagnosis} {:?}", golden.name, diagnosis.causes);
            seen += 1;
        }
    }
    println!("{seen} cuts seen");
    assert!(seen > 300);
}

/// What may be passed on is as valid as what it was made from.
#[test]
fn a_redacted_message_breaks_no_other_rule() {
    for golden in Golden::all() {
        let (dialect, wire) = (golden.dialect(), golden.wire());
        let message = dialect.decode(&wire).unwrap();
        let redacted = message.redacted();
        let broken = |violations: Vec<iso8583::Violation>| {
            violations.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(
            broken(dialect.check(&message)),
            broken(dialect.check(&dialect.decode(&redacted).unwrap())),
            "{}",
            golden.name
        );
    }
}
