//! Decoding and reading values leaves the heap alone.

mod common;

use std::hint::black_box;

use common::Golden;

#[test]
fn decoding_and_reading_a_message_allocates_nothing() {
    for golden in Golden::all() {
        let (dialect, wire) = (golden.dialect(), golden.wire());
        let measured = allocation_counter::measure(|| {
            let message = black_box(&dialect).decode(black_box(&wire)).unwrap();
            for (de, value) in message.iter() {
                black_box((de, value.as_u64(), value.as_bytes(), value.eq_text("00")));
                if value.len() <= 64 {
                    black_box(value.to_text());
                }
            }
            black_box((message.part(60, "1"), message.part(48, "CV"), message.mac()));
        });
        assert_eq!(measured.count_total, 0, "{}", golden.name);
    }
}

#[test]
fn refusing_a_message_allocates_nothing_either() {
    for golden in Golden::all() {
        let (dialect, mut wire) = (golden.dialect(), golden.wire());
        wire.push(0);
        let measured = allocation_counter::measure(|| {
            for length in 0..wire.len() {
                black_box(dialect.decode(&wire[..length]).is_ok());
            }
            black_box(dialect.decode(&wire).is_err());
        });
        assert_eq!(measured.count_total, 0, "{}", golden.name);
    }
}
