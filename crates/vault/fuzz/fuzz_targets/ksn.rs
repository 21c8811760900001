#![no_main]

#[path = "../src/targets.rs"]
#[allow(dead_code)] // Each program runs one of the targets.
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::ksn(data));
