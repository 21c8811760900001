//! A draw that comes out the same each time: which part of the traffic a payment belongs to.

use types::PaymentId;

/// Indices of `weights` in the order in which a payment draws them, without putting back. Each bank comes first for its
/// share of all payments, and when one is taken out its payments alone move: the others keep their order.
pub(super) fn draw(payment: PaymentId, weights: &[u32]) -> Vec<usize> {
    let mut left: Vec<usize> = (0..weights.len()).filter(|&index| weights[index] > 0).collect();
    let mut drawn = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let total: u64 = left.iter().map(|&index| u64::from(weights[index])).sum();
        let hash = hash(payment, drawn.len() as u64);
        // The upper half of the product lies below the total.
        let mut point = ((u128::from(hash) * u128::from(total)) >> 64) as u64;
        let place = left.iter().position(|&index| {
            let weight = u64::from(weights[index]);
            let is_it = point < weight;
            point = point.saturating_sub(weight);
            is_it
        });
        drawn.push(left.remove(place.unwrap_or(0)));
    }
    drawn
}

fn hash(payment: PaymentId, round: u64) -> u64 {
    let number = payment.to_u128();
    mix((number >> 64) as u64 ^ mix(number as u64 ^ mix(round)))
}

/// splitmix64 (Steele, Lea, Flood 2014): every bit of the number moves every bit of the result.
const fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
