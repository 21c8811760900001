//! The machine's own source of random bytes.

use types::Entropy;

/// Random bytes from aws-lc's generator, which the operating system seeds.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// # Panics
    /// When the generator fails. Nothing secure can be done without chance, so nothing may go on as if it had worked.
    fn fill(&self, bytes: &mut [u8]) {
        assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the random generator of the machine failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_draws_differ() {
        assert_ne!(SystemEntropy.u128(), SystemEntropy.u128());
    }
}
