//! The `lian` executable.
fn main() {}
