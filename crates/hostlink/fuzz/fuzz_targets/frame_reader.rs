//! Any bytes, cut anywhere, in any framing: frames or an error, no panic, and never more kept than one frame.
#![no_main]

#[path = "../../tests/frame_law.rs"]
mod frame_law;

libfuzzer_sys::fuzz_target!(|data: &[u8]| frame_law::holds(data));
