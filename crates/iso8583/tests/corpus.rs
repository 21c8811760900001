//! The fuzzers' corpus, replayed by a plain test. A crash that a fuzzer finds becomes a file in `fuzz/corpus`.

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    replay_every(1, target, run);
}

/// Every seed, and of its neighbours every so many.
fn replay_every(step: usize, target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        run(&data);
        // Cheap neighbours of every seed: cut, and with each byte disturbed.
        for at in (0..data.len().min(400)).step_by(step) {
            run(&data[..at]);
            let mut disturbed = data.clone();
            disturbed[at] ^= 0x11;
            run(&disturbed);
        }
        count += 1;
    }
    assert!(count >= 3, "{target} has {count} seeds");
}

#[test]
fn decode_holds_on_its_corpus() {
    replay("decode", targets::decode);
}

#[test]
fn dialect_document_holds_on_its_corpus() {
    replay("dialect_document", targets::dialect_document);
}

#[test]
fn describe_holds_on_its_corpus() {
    replay("describe", targets::describe);
}

#[test]
fn field_holds_on_its_corpus() {
    replay("field", targets::field);
}

#[test]
fn compose_holds_on_its_corpus() {
    replay("compose", targets::compose);
}

#[test]
fn redact_holds_on_its_corpus() {
    replay("redact", targets::redact);
}

/// It tries many things for every message that is none.
#[test]
fn doctor_holds_on_its_corpus() {
    replay_every(29, "doctor", targets::doctor);
}
