//! The fuzzers' corpus, replayed by a plain test. A crash that a fuzzer finds becomes a file in `fuzz/corpus`.

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let data = std::fs::read(entry.unwrap().path()).unwrap();
        run(&data);
        // Cheap neighbours of every seed: cut, and with each byte disturbed.
        for at in 0..data.len().min(400) {
            run(&data[..at]);
            let mut disturbed = data.clone();
            disturbed[at] ^= 0x11;
            run(&disturbed);
        }
        count += 1;
    }
    assert!(count >= 2, "{target} has {count} seeds");
}

#[test]
fn certificate_holds_on_its_corpus() {
    replay("certificate", targets::certificate);
}

#[test]
fn csr_holds_on_its_corpus() {
    replay("csr", targets::csr);
}

#[test]
fn client_data_holds_on_its_corpus() {
    replay("client_data", targets::client_data);
}

#[test]
fn attestation_holds_on_its_corpus() {
    replay("attestation", targets::attestation);
}

#[test]
fn authenticator_data_holds_on_its_corpus() {
    replay("authenticator_data", targets::authenticator_data);
}

#[test]
fn signature_headers_holds_on_its_corpus() {
    replay("signature_headers", targets::signature_headers);
}
