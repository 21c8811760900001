//! The machine's own source of random bytes.

use std::cell::RefCell;

use types::Entropy;

/// A draw costs about a microsecond however few its bytes are, and a payment draws half a dozen numbers: so they are drawn in
/// packs. Only for numbers; keys are drawn one by one and never lie here.
const PACK: usize = 64;

thread_local! {
    static NUMBERS: RefCell<Vec<u128>> = const { RefCell::new(Vec::new()) };
}

/// Random bytes from aws-lc's generator, which the operating system seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// When the generator fails. Nothing secure can be done without chance, so nothing may go on as if it had worked.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the random generator of the machine failed");
    }

    fn u128(&self) -> u128 {
        NUMBERS.with_borrow_mut(|numbers| {
            numbers.pop().unwrap_or_else(|| {
                let mut pack = [[0; 16]; PACK];
                self.fill(pack.as_flattened_mut());
                let [first, rest @ ..] = pack.map(u128::from_be_bytes);
                numbers.extend(rest);
                first
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ() {
        let drawn: std::collections::HashSet<u128> = (0..3 * PACK).map(|_| SystemEntropy.u128()).collect();
        assert_eq!(drawn.len(), 3 * PACK);
    }
}
