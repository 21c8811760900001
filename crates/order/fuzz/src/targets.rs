//! What the fuzzer feeds, and what must hold. The crate's own tests run the corpus through the same functions.
//!
//! ```text
//! cd crates/order && cargo +nightly fuzz run link
//! ```

use order::{Instruction, PaymentInstruction, SealedLink, envelope};
use pki::AgreementKey;

/// What is accepted is the one text of its value.
pub fn link(data: &[u8]) {
    let Ok(read) = SealedLink::from_canonical(data) else { return };
    assert_eq!(read.bytes(), data);
    assert_eq!(SealedLink::new(read.link().clone()), read);
}

/// What is accepted is the one text of its value.
pub fn payment_instruction(data: &[u8]) {
    let Ok(read) = PaymentInstruction::from_canonical(data) else { return };
    assert!(read.to_canonical().is_ok_and(|text| *text == data));
}

/// Nothing panics, and what opens is not longer than what was sealed. The key is Bob's in RFC 7518 appendix C.
pub fn envelope(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let scalar = pki::b64::decode_array("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
    let keys: Vec<_> = scalar.iter().filter_map(|scalar| AgreementKey::from_scalar(scalar).ok()).collect();
    assert_eq!(keys.len(), 1);
    let Ok(opened) = envelope::open(text, &keys) else { return };
    assert!(opened.plain.len() < data.len());
}

/// What is accepted writes back to something that reads back to the same.
pub fn instruction(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<Instruction>(data) else { return };
    let Ok(text) = serde_json::to_vec(&read) else { panic!("an instruction that cannot be written") };
    assert!(serde_json::from_slice::<Instruction>(&text).is_ok_and(|again| again == read));
}
