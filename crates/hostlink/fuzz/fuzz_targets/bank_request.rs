//! Any message of a bank's own, in any shipped dialect: understood and answered in order, or not at all; never a panic.
#![no_main]

#[path = "../../tests/bank_request_law.rs"]
mod bank_request_law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bank_request_law::holds(data));
