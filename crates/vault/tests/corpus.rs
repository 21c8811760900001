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
        for at in 0..data.len().min(200) {
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
fn key_block_holds_on_its_corpus() {
    replay("key_block", targets::key_block);
}

#[test]
fn pin_block_holds_on_its_corpus() {
    replay("pin_block", targets::pin_block);
}

#[test]
fn ksn_holds_on_its_corpus() {
    replay("ksn", targets::ksn);
}
