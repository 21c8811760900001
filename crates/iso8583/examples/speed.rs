//! How long the codec takes for a consume of 21 fields, next to copying its bytes.
//!
//! ```text
//! cargo run --release -p iso8583 --example speed
//! ```
//!
//! `decode` makes the borrowed message, and `decode, own` the `Fields` that the gateway keeps; `encode` starts from `Fields`. A word
//! behind `--` measures only that, and a second one only in that dialect. Of many short rounds the best and the middle one are told, as a busy machine only ever adds time:
//! compare the ratios, not the figures of two machines. Beside them, how often the heap was asked.

use std::hint::black_box;
use std::time::Instant;

use iso8583::{Dialect, Fields, parse_hex};

const BASE: &str = include_str!("../../../banks/base/iso8583-1987.toml");
const CUPS_POS: &str = include_str!("../../../banks/cups-pos/dialect.toml");
const ISO87_ASCII: &str = include_str!("../../../banks/iso87-ascii/dialect.toml");
const GOLDENS: &str = include_str!("../tests/goldens/pyiso8583.jsonl");

#[derive(serde::Deserialize)]
struct Golden {
    name: String,
    dialect: String,
    fields: Fields,
    wire: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in GOLDENS.lines() {
        let golden: Golden = serde_json::from_str(line)?;
        let text = match (golden.dialect.as_str(), golden.name.as_str()) {
            ("iso87-ascii", "consume of 21 fields") => ISO87_ASCII,
            ("cups-pos", "consume by chip, odd card number") => CUPS_POS,
            _ => continue,
        };
        measure(&golden, &Dialect::from_toml(text, |_| Some(BASE.to_owned()))?)?;
    }
    Ok(())
}

fn measure(golden: &Golden, dialect: &Dialect) -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(2).is_some_and(|only| only != golden.dialect) {
        return Ok(());
    }
    let wire = parse_hex(&golden.wire)?;
    dialect.decode(&wire)?;
    println!(
        "{}, {}: {} fields, {} bytes",
        golden.dialect,
        golden.name,
        golden.fields.numbers().len(),
        wire.len()
    );
    let mut copy = Vec::with_capacity(wire.len());
    report("copy", || {
        copy.clear();
        copy.extend_from_slice(black_box(&wire));
    });
    report("decode", || {
        black_box(dialect.decode(black_box(&wire)).is_ok());
    });
    report("decode, read 4 fields", || {
        let message = dialect.decode(black_box(&wire)).ok();
        let read = |de| message.as_ref().and_then(|m| m.get(de)).map(|value| value.to_text());
        black_box((read(4), read(11), read(41), read(49)));
    });
    let mut out = Vec::with_capacity(1024);
    report("encode", || {
        out.clear();
        black_box(dialect.encode(black_box(&golden.fields), &mut out).is_ok());
    });
    report("decode, own", || {
        black_box(dialect.decode(black_box(&wire)).map(|message| message.to_fields()).is_ok());
    });
    Ok(())
}

/// The best and the middle one of many short rounds: a round is over before the machine has turned to another program.
fn report(what: &str, mut work: impl FnMut()) {
    const TIMES: u32 = 500;
    if std::env::args().nth(1).is_some_and(|only| only != what) {
        return;
    }
    let mut round = || {
        let start = Instant::now();
        (0..TIMES).for_each(|_| work());
        start.elapsed().as_nanos() as f64 / f64::from(TIMES)
    };
    let mut rounds: Vec<f64> = (0..4_000).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    let (best, middle) = (rounds[0], rounds[rounds.len() / 2]);
    let allocations = allocation_counter::measure(&mut work).count_total;
    println!("  {what:22} {best:7.0} ns best {middle:7.0} ns middle {allocations:4} allocations");
}
