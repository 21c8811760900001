//! Short keys for look-ups: the first sixteen bytes of a SHA-256 over parts that cannot run into each other.

use aws_lc_rs::digest::{Context, SHA256};

/// SHA-256 over the parts, each preceded by its length, cut to sixteen bytes.
pub(crate) fn short_hash(parts: &[&str]) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut short = [0; 16];
    short.copy_from_slice(&context.finish().as_ref()[..16]);
    short
}

/// The number under which a bank's own things lie in the store.
pub(crate) fn bank_number(name: &str) -> u128 {
    u128::from_be_bytes(short_hash(&["bank", name]))
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
