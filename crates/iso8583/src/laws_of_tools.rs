//! Laws of what people get to see and to pass on: redacted messages, differences, diagnoses.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::composite::Form;
use crate::laws::{SHIPPED, any_pan, composed, dialect_and_fields, encoded, fields_of, shipped};
use crate::{Class, Dialect, Difference, Fields, Fit, Mti, diagnose};

/// What a message would give away: its bytes as hexadecimal digits, as ASCII and as EBCDIC, and its values.
fn everything(dialect: &Dialect, wire: &[u8]) -> Vec<String> {
    let message = dialect.decode(wire).unwrap();
    let hex: String = wire.iter().map(|byte| format!("{byte:02X}")).collect();
    let ascii = wire.iter().map(|byte| char::from(*byte)).collect();
    let ebcdic = wire.iter().map(|byte| char::from(crate::ebcdic::to_ascii(*byte))).collect();
    let mut all = vec![hex, ascii, ebcdic];
    all.extend(message.iter().map(|(_, value)| value.to_text().to_string()));
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// A redacted message is one: same dialect, same fields, same lengths, and redacting it again changes nothing that is
    /// hidden. It encodes to itself.
    #[test]
    fn a_redacted_message_is_a_message_of_the_same_form((dialect, fields) in dialect_and_fields()) {
        let wire = encoded(&dialect, &fields);
        let redacted = dialect.decode(&wire).unwrap().redacted();
        prop_assert_eq!(redacted.len(), wire.len());
        let (before, after) = (dialect.decode(&wire).unwrap(), dialect.decode(&redacted).unwrap());
        prop_assert_eq!((before.mti(), before.fields()), (after.mti(), after.fields()));
        for (de, value) in before.iter() {
            let kept = after.get(de).unwrap();
            prop_assert_eq!(kept.len(), value.len());
            let hides = value.sensitivity().hides_all();
            prop_assert!(!hides || kept.characters().all(|c| !c.is_ascii_alphanumeric() || c == b'0' || c == b'X'));
        }
        prop_assert_eq!(encoded(&dialect, &after.to_fields()), redacted);
    }

    /// The same for fields with parts: each keeps its length, and what may be shown is as it was.
    #[test]
    fn redacted_parts_keep_their_form((dialect, de, parts) in composed()) {
        let given: Vec<(&str, &str)> = parts.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
        let Ok(text) = dialect.compose(de, &given) else { return Ok(()) };
        let wire = encoded(&dialect, &Fields::new(Mti::FINANCIAL_REQUEST).with(de, &text).unwrap());
        let before = dialect.decode(&wire).unwrap();
        let redacted = before.redacted();
        let after = dialect.decode(&redacted).unwrap();
        prop_assert_eq!(redacted.len(), wire.len());
        for (id, text) in &parts {
            let part = after.part(de, id).unwrap();
            prop_assert_eq!(part.len(), text.len());
            let shown = before.part(de, id).unwrap().sensitivity() == crate::Sensitivity::None;
            // Positions next to each other can look like a card number together.
            let is_positional = dialect.composite(de).is_some_and(|composite| composite.form == Form::Positional);
            prop_assert!(!shown || is_positional || part.eq_text(text), "{}.{} may be shown", de, id);
        }
        prop_assert_eq!(encoded(&dialect, &after.to_fields()), redacted);
    }

    /// No card number that stands in any field, alone or among other characters, is in what is redacted: not in a value, not in
    /// the bytes, whichever way they are read.
    #[test]
    fn no_redacted_message_holds_a_card_number(
        dialect in (0..SHIPPED.len()).prop_map(shipped),
        pan in any_pan(),
        before in "[A-Z ]{0,6}",
        after in "[A-Z ]{0,6}",
    ) {
        let mut planted = 0;
        let hex: String = pan.bytes().map(|c| format!("{c:02X}")).collect();
        let in_ebcdic: String = pan.bytes().map(|c| format!("{:02X}", c | 0xf0)).collect();
        let packed = if pan.len() % 2 == 1 { format!("{pan}F") } else { pan.clone() };
        let chip = format!("5A{:02X}{packed}57{:02X}{packed}", packed.len() / 2, packed.len() / 2);
        for de in 2..=128 {
            let tagged = format!("OR{:02}{pan}", pan.len());
            let texts = [
                pan.clone(), format!("{before}{pan}{after}"), format!("{pan}=30122010000"), tagged, chip.clone(),
                format!("9F10{:02X}{hex}", hex.len() / 2), format!("DF01{:02X}{in_ebcdic}", in_ebcdic.len() / 2), packed.clone(),
            ];
            for text in texts {
                let fields = Fields::new(Mti::FINANCIAL_REQUEST).with(de, &text).unwrap();
                let mut wire = Vec::new();
                if dialect.encode(&fields, &mut wire).is_err() {
                    continue;
                }
                planted += 1;
                let redacted = dialect.decode(&wire).unwrap().redacted();
                let all = everything(&dialect, &redacted);
                prop_assert!(!all.iter().any(|rendered| rendered.contains(&pan)), "field {}: {}", de, text);
                // In a field of text, the digits of characters in hexadecimal are no characters.
                let is_binary = dialect.layout(de).is_some_and(|layout| layout.class == Class::Binary);
                let bytes = if is_binary { &all[..] } else { &all[..1] };
                let holds = bytes.iter().any(|hexa| hexa.contains(&hex) || hexa.contains(&in_ebcdic));
                prop_assert!(!holds, "field {}: {}", de, text);
            }
        }
        prop_assert!(planted > 3);
    }

    /// What one message lacks the other has too much: a difference seen from the other side is the same difference. A message
    /// does not differ from itself, and messages that do not differ are the same.
    #[test]
    fn differences_are_symmetric(
        (dialect, first, second) in (0..SHIPPED.len()).prop_map(shipped).prop_flat_map(|dialect| {
            let (first, second) = (fields_of(&dialect), fields_of(&dialect));
            (Just(std::sync::Arc::new(dialect)), first, second)
        }),
    ) {
        let (first, second) = (encoded(&dialect, &first), encoded(&dialect, &second));
        let (a, b) = (dialect.decode(&first).unwrap(), dialect.decode(&second).unwrap());
        let forth = a.diff(&b);
        let back: Vec<Difference> = b.diff(&a).into_iter().map(Difference::reversed).collect();
        prop_assert_eq!(&forth, &back);
        prop_assert_eq!(forth.is_empty(), first == second);
        prop_assert_eq!(a.diff(&a), []);
    }

    /// Neither a difference nor a diagnosis shows a card number.
    #[test]
    fn no_difference_and_no_diagnosis_shows_a_card_number(
        dialect in (0..SHIPPED.len()).prop_map(shipped),
        pan in any_pan(),
        cut in 1_usize..40,
    ) {
        let dialects = [shipped(0), shipped(1), shipped(2)];
        for de in 2..=128 {
            for text in [pan.clone(), format!("{pan}=30122010000"), format!("OR{:02}{pan}", pan.len())] {
                let empty = encoded(&dialect, &Fields::new(Mti::FINANCIAL_REQUEST));
                let mut wire = Vec::new();
                let fields = Fields::new(Mti::FINANCIAL_REQUEST).with(de, &text).unwrap();
                if dialect.encode(&fields, &mut wire).is_err() {
                    continue;
                }
                let (a, b) = (dialect.decode(&wire).unwrap(), dialect.decode(&empty).unwrap());
                let mut shown = a.diff(&b).iter().map(|d| format!("{d} {d:?}")).collect::<String>();
                // Looking for what is wrong takes its time, so of all fields some are looked at, cut at either end.
                let cuts = [&wire[..wire.len().saturating_sub(cut)], &wire[cut.min(wire.len())..]];
                for bytes in cuts.into_iter().filter(|_| usize::from(de) % 40 == cut) {
                    shown.extend(diagnose(bytes, &dialects).iter().map(|d| format!("{d} {d:?}")));
                }
                prop_assert!(!shown.contains(&pan), "{}", shown);
            }
        }
    }

    /// Whatever the bytes: every dialect has its diagnosis, an exact one before all others, and nothing panics.
    #[test]
    fn every_dialect_has_its_diagnosis(bytes in vec(prop_oneof![any::<u8>(), select(b"0123456789`".to_vec())], 0..80)) {
        let dialects = [shipped(0), shipped(1), shipped(2)];
        let diagnoses = diagnose(&bytes, &dialects);
        prop_assert_eq!(diagnoses.len(), 3);
        let exact: Vec<bool> = diagnoses.iter().map(|d| matches!(d.fit, Fit::Exact { .. })).collect();
        prop_assert!(exact.is_sorted_by(|a, b| a >= b));
        prop_assert!(diagnoses.iter().all(|d| !matches!(d.fit, Fit::NotReproduced(_))));
    }
}
