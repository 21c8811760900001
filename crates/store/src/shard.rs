//! Shards: every key starts with one, and no payment ever crosses two.

use aws_lc_rs::digest::{SHA256, digest};
use types::MerchantId;

/// A part of the store with a journal, a chain and a head of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard(pub u16);

/// The shard that keeps a merchant: the first eight bytes of SHA-256 over its number, modulo the number of shards. The
/// number of shards is chosen when the store is made and never changes with the program's version, and neither does this.
pub fn shard_of(merchant: MerchantId, shards: u16) -> Shard {
    if shards <= 1 {
        return Shard(0);
    }
    let hash = digest(&SHA256, &merchant.to_u128().to_be_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_ref()[..8]);
    // The remainder is below `shards`, so it fits.
    Shard((u64::from_be_bytes(first) % u64::from(shards)) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_never_moves() {
        let places: Vec<u16> = (0..8).map(|n| shard_of(MerchantId::from_u128(n), 16).0).collect();
        // Computed with another program (Python's hashlib).
        assert_eq!(places, [5, 11, 8, 6, 8, 10, 12, 10]);
        assert_eq!(shard_of(MerchantId::from_u128(7), 1), Shard(0));
    }
}
