//! No bytes make the decoder panic, and what it accepts has one form only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use store::StoredRecord;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = StoredRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
});
