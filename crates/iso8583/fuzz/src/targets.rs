//! What the fuzzer feeds, and what must hold. The crate's own tests run the corpus through the same functions.
//!
//! ```text
//! cd crates/iso8583 && cargo +nightly fuzz run decode
//! ```

use std::sync::OnceLock;

use iso8583::{Dialect, Fields, Sensitivity};

const BASE: &str = include_str!("../../../../banks/base/iso8583-1987.toml");
const BASE_1993: &str = include_str!("../../../../banks/base/iso8583-1993.toml");
const DOCUMENTS: [&str; 8] = [
    include_str!("../../../../banks/cups-pos/dialect.toml"),
    include_str!("../../../../banks/iso87-ascii/dialect.toml"),
    include_str!("../../tests/goldens/knobs.toml"),
    include_str!("../../tests/goldens/parts.toml"),
    include_str!("../../tests/goldens/ebcdic.toml"),
    include_str!("../../../../banks/iso93-bcd/dialect.toml"),
    include_str!("../../../../banks/cups-pos/totals.toml"),
    include_str!("../../../../banks/cups-pos/upload.toml"),
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

/// A redacted message is one of the same form, differs from its original where something was hidden and nowhere else, and what it
/// hides is not in it.
pub fn redact(data: &[u8]) {
    let Some((dialect, wire)) = dialect_and_message(data) else { return };
    let Ok(message) = dialect.decode(wire) else { return };
    let redacted = message.redacted();
    assert_eq!(redacted.len(), wire.len());
    let Ok(after) = dialect.decode(&redacted) else { panic!("a redacted message is refused") };
    assert_eq!((message.mti(), message.fields()), (after.mti(), after.fields()));
    for (de, value) in message.iter() {
        let kept = after.get(de).map(|value| value.to_text());
        let is_hidden = value.sensitivity().hides_all() || value.sensitivity() == Sensitivity::Pan;
        // A value of nothing but separators or zeros has nothing to hide, and one with parts hides them one by one.
        let digits = value.characters().filter(|c| (b'1'..=b'9').contains(c)).count();
        let has_parts = matches!(de, 48 | 55 | 60..=63 | 126 | 127);
        if is_hidden && digits > 12 && !has_parts {
            assert!(kept.as_deref() != Some(value.to_text().as_str()), "field {de} is passed on");
        }
    }
    let forth = message.diff(&after);
    let back: Vec<_> = after.diff(&message).into_iter().map(iso8583::Difference::reversed).collect();
    assert_eq!(forth, back);
    assert_eq!(forth.is_empty(), redacted == wire);
}

/// Whatever the bytes, the doctor has a word for them, and finds a mistake only in what is no message.
pub fn doctor(data: &[u8]) {
    let Some((dialect, wire)) = dialect_and_message(data) else { return };
    let diagnoses = iso8583::diagnose(wire, [dialect]);
    assert_eq!(diagnoses.len(), 1);
    for diagnosis in diagnoses {
        let is_message = match diagnosis.fit {
            iso8583::Fit::Exact { .. } => true,
            iso8583::Fit::Refused { .. } => false,
            _ => panic!("accepted, and encoded differently"),
        };
        let said: String = diagnosis.causes.iter().map(ToString::to_string).collect();
        assert!(!diagnosis.to_string().is_empty() && said.is_empty() == diagnosis.causes.is_empty());
        assert!(!is_message || diagnosis.causes.is_empty() && diagnosis.usual_causes().is_none());
        assert!(is_message || diagnosis.causes.is_empty() == diagnosis.usual_causes().is_some());
    }
}

/// The value of one field, length prefix included, behind a head that announces it alone: so that the fuzzer finds its way into
/// the parts of a field, which it rarely does from the front of a message. The first byte chooses the dialect, the second the
/// field.
pub fn field(data: &[u8]) {
    let Some((dialect, data)) = dialect_and_message(data) else { return };
    let Some((choice, value)) = data.split_first() else { return };
    let fields: Vec<u8> = dialect.fields().iter().collect();
    let Some(&de) = fields.get(usize::from(*choice) % fields.len().max(1)) else { return };
    let mut wire = Vec::new();
    // A message of no field has the dialect's own head; the bit of the field goes into its bitmap.
    let empty = Fields::new(iso8583::Mti::FINANCIAL_REQUEST);
    if dialect.encode(&empty, &mut wire).is_err() || !announce(&mut wire, de) {
        return;
    }
    wire.extend_from_slice(value);
    let Ok(message) = dialect.decode(&wire) else { return };
    let fields = message.to_fields();
    let mut again = Vec::new();
    assert_eq!(dialect.encode(&fields, &mut again), Ok(()));
    assert!(again == wire, "accepted, and encoded differently");
    let shown = message.describe();
    // Every path that the table shows leads to its part.
    for path in shown.split_whitespace().filter_map(|word| word.parse::<iso8583::FieldPath>().ok()) {
        let _ = (message.at(path), dialect.field_name(path));
    }
    let _ = (dialect.describe_fields(&fields), dialect.check(&message), dialect.storable(&fields));
}

/// Sets the bit of a field in the bitmap of a message that has none, and adds the second bitmap where it needs one.
fn announce(wire: &mut Vec<u8>, de: u8) -> bool {
    let is_binary = wire.len() - 8 <= 4;
    let (start, zero) = if is_binary { (wire.len() - 8, 0) } else { (wire.len() - 16, wire[wire.len() - 1]) };
    let per_byte = if is_binary { 8 } else { 4 };
    let mut set = |bit: u8| {
        let at = start + usize::from((bit - 1) / per_byte);
        let value = 1 << (per_byte - 1 - (bit - 1) % per_byte);
        // Of a digit, only 1, 2, 4 and 8 are needed, which stand together in ASCII and in EBCDIC.
        wire[at] |= value;
    };
    set(if de > 64 { 1 } else { de });
    if de > 64 {
        let width = if is_binary { 8 } else { 16 };
        let second = wire.len();
        wire.resize(second + width, zero);
        let at = second + usize::from((de - 65) / per_byte);
        wire[at] |= 1 << (per_byte - 1 - (de - 65) % per_byte);
    }
    true
}

/// Whatever parts a field is put together from: none of them is lost, moved or changed, and none makes the encoder panic. Each
/// line is a path, a space and a text; the first byte chooses the dialect, the second the field.
pub fn compose(data: &[u8]) {
    let Some((dialect, data)) = dialect_and_message(data) else { return };
    let Some((choice, lines)) = data.split_first() else { return };
    let fields: Vec<u8> = dialect.fields().iter().collect();
    let Some(&de) = fields.get(usize::from(*choice) % fields.len().max(1)) else { return };
    let Ok(lines) = std::str::from_utf8(lines) else { return };
    let parts: Vec<(&str, &str)> = lines.lines().filter_map(|line| line.split_once(' ')).collect();
    let Ok(text) = dialect.compose(de, &parts) else { return };
    let fields = Fields::new(iso8583::Mti::FINANCIAL_REQUEST).with(de, &text);
    let mut wire = Vec::new();
    assert_eq!(fields.map(|fields| dialect.encode(&fields, &mut wire)), Ok(Ok(())));
    let message = dialect.decode(&wire);
    assert!(message.is_ok_and(|message| message.get(de).is_some()), "put together, and refused");
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
