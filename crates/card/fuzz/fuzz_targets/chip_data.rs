//! What a chip says of an offline sale, as a terminal sends it.
#![no_main]

#[path = "../../tests/chip_data_law.rs"]
mod chip_data_law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| chip_data_law::holds(data));
