//! The laws, whatever happens in whatever order. `world.rs` checks them after each act: entries balance and no counter
//! goes below zero; captured is within authorized, refunds within captured; the books, the statistics and the refunds
//! say what the payment says; each commit is one version; what is over stays over; what is allowed is what is taken.

use payment::CaptureMethod;
use proptest::prelude::*;

use crate::world::{World, act};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_books_are_right_and_in_the_end_they_are_the_banks(
        amount in prop_oneof![1u64..20, 100u64..1_000_000],
        is_manual: bool,
        repeats: bool,
        acts in prop::collection::vec(act(), 1..60),
    ) {
        let method = if is_manual { CaptureMethod::Manual } else { CaptureMethod::Automatic };
        let mut world = World::new(amount, method, repeats);
        world.act(&crate::world::Act::Confirm);
        for act in &acts {
            world.act(act);
        }
        world.settle();
        world.assert_bank_agrees();
    }
}
