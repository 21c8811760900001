//! A payment's flow is one future, and moved whole while it is put together: a sixth of a payment's time was that once.

use crate::Pcs;

/// Bytes of the future of an `async fn` that takes three arguments beside `self`.
fn of<A, B, C, D, F>(_: impl Fn(A, B, C, D) -> F) -> usize {
    size_of::<F>()
}

#[test]
fn the_flow_of_a_payment_stays_small() {
    let bytes = of(Pcs::submit);
    assert!(
        bytes <= 16 << 10,
        "{bytes} bytes: see what is kept over an await, and box what is large or rare"
    );
}
