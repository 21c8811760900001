//! What the fuzzer feeds, and what must hold. The crate's own tests run the corpus through the same functions.
//!
//! ```text
//! cd crates/iso8583 && cargo +nightly fuzz run decode
//! ```

use std::sync::OnceLock;

use iso8583::{Dialect, Fields, Sensitivity};

const BASE: &str = include_str!("../../../../banks/base/iso8583-1987.toml");
const BASE_1993: &str = include_str!("../../../../banks/base/iso8583-1993.toml");
const DOCUMENTS: [&str; 6] = [
    include_str!("../../../../banks/cups-pos/dialect.toml"),
    include_str!("../../../../banks/iso87-ascii/dialect.toml"),
    include_str!("../../tests/goldens/knobs.toml"),
    include_str!("../../tests/goldens/parts.toml"),
    include_str!("../../tests/goldens/ebcdic.toml"),
    include_str!("../../../../banks/iso93-bcd/dialect.toml"),
];

fn parent(name: &str) -> Option<String> {
    match name {
        "iso8583-1987" => Some(BASE.to_owned()),
        "iso8583-1993" => Some(BASE_1993.to_owned()),
        _ => None,
    }
}

/// The first byte chooses the dialect, the rest is the message.
fn dialect_and_message(data: &[u8]) -> Option<(&'static Dialect, &[u8])> {
    static DIALECTS: OnceLock<Vec<Dialect>> = OnceLock::new();
    let compile = || DOCUMENTS.iter().filter_map(|text| Dialect::from_toml(text, parent).ok()).collect();
    let dialects = DIALECTS.get_or_init(compile);
    assert_eq!(dialects.len(), DOCUMENTS.len(), "a shipped dialect does not compile");
    let (choice, message) = data.split_first()?;
    Some((dialects.get(usize::from(*choice))?, message))
}

/// What is accepted encodes to the same bytes, also by way of its stored form; nothing panics.
pub fn decode(data: &[u8]) {
    let Some((dialect, wire)) = dialect_and_message(data) else { return };
    match dialect.decode(wire) {
        Ok(message) => {
            let fields = message.to_fields();
            let mut again = Vec::new();
            assert_eq!(dialect.encode(&fields, &mut again), Ok(()));
            assert!(again == wire, "accepted, and encoded differently");
            let _ = (
                dialect.check(&message),
                dialect.check_fields(&fields),
                dialect.check_response(&fields, &message),
            );
            let _ = (message.mac(), dialect.storable(&fields));
        }
        Err(error) => assert!(error.offset as usize <= wire.len()),
    }
}

/// No document makes the compiler panic, and no dialect it compiles makes the codec panic.
pub fn dialect_document(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Dialect::from_toml(text, parent) {
        Ok(dialect) => {
            for document in [data, b"0200\xff", &[0; 64], &[0x30; 200]] {
                if let Ok(message) = dialect.decode(document) {
                    let mut again = Vec::new();
                    assert_eq!(dialect.encode(&message.to_fields(), &mut again), Ok(()));
                    assert!(again == document, "accepted, and encoded differently");
                }
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// No rendering of a message contains the value of a field that its dialect masks or hides.
pub fn describe(data: &[u8]) {
    let Some((dialect, wire)) = dialect_and_message(data) else { return };
    let Ok(message) = dialect.decode(wire) else { return };
    let fields: Fields = message.to_fields();
    let shown = [message.describe(), dialect.describe_fields(&fields), format!("{fields:?} {message:?}")];
    for (de, value) in message.iter() {
        let is_shown =
            matches!(value.sensitivity(), Sensitivity::None | Sensitivity::Free | Sensitivity::Mac);
        // Short values may be in a table by chance, in an offset or another field.
        if is_shown || value.len() < 12 {
            continue;
        }
        let secret = value.to_text();
        let is_elsewhere = fields.iter().any(|(other, text)| other != de && text.contains(secret.as_str()));
        // A bitmap is hexadecimal and can look like a card number of few digits and many zeros.
        let mut lines =
            shown.iter().flat_map(|text| text.lines()).filter(|line| !line.contains("  bitmap  "));
        assert!(is_elsewhere || !lines.any(|line| line.contains(secret.as_str())), "field {de} is shown");
    }
}
