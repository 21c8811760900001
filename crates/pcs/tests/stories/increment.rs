//! More is held, on top of what is held.

use banksim::{Fault, Scope};
use payment::{Notice, State, Status, Undo};
use testkit::{World, cny, eur, payment_of};

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_hotel_has_more_held_and_takes_it_all_at_the_end() {
    let world = World::seeded(820).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(100_00), cny(100_00)] {
        let held = world.authorize(&shop, card, amount).await;
        let raised = world.pcs().increment_payment(&shop.caller, world.key(), held.id, 50_00).await.unwrap();
        let raised = payment_of(raised);
        assert_eq!(
            (raised.state, raised.authorized, raised.capturable()),
            (State::Authorized, 150_00, 150_00)
        );
        world.audit().await;
        let last = world.pcs().history(shop.id(), held.id).await.unwrap().pop().unwrap();
        assert_eq!(last.event.notices[0].notice, Notice::Incremented);
        let taken =
            world.pcs().capture_payment(&shop.caller, world.key(), held.id, Some(140_00)).await.unwrap();
        assert_eq!(payment_of(taken).captured, 140_00);
        world.audit().await;
        let voided = world.pcs().void_payment(&shop.caller, world.key(), held.id).await.unwrap();
        assert_eq!(payment_of(voided).state.status(), Status::Canceled);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_increment_that_is_refused_or_met_by_silence_leaves_the_hold_as_it_was() {
    let world = World::seeded(821).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    for (bank, amount) in [("iso87-ascii", eur(100_00)), ("cups-pos", cny(100_00))] {
        let held = world.authorize(&shop, card, amount).await;
        let more = async || {
            payment_of(
                world.pcs().increment_payment(&shop.caller, world.key(), held.id, 50_00).await.unwrap(),
            )
        };
        world.bank(bank).set_fault(Fault::Decline("51".to_owned()), Scope::next());
        let refused = more().await;
        assert_eq!((refused.state, refused.authorized), (State::Authorized, 100_00));
        assert_eq!(refused.decline.unwrap().code, "insufficient_funds");

        world.bank(bank).set_fault(Fault::NoAnswer, Scope::next());
        let doubt = more().await;
        assert_eq!(doubt.state, State::Reversing { undo: Undo::Increment { amount: 50_00 } });
        world.settle().await;
        let stands = world.payment(&shop, held.id).await;
        assert_eq!((stands.state, stands.authorized), (State::Authorized, 100_00), "{bank}");
        world.audit().await;

        assert_eq!(more().await.authorized, 150_00);
        let voided = world.pcs().void_payment(&shop.caller, world.key(), held.id).await.unwrap();
        assert_eq!(payment_of(voided).state.status(), Status::Canceled);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_increment_beyond_the_merchants_bound_or_of_a_sale_asks_no_bank() {
    let world = World::seeded(822).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(5_00)).await;
    let before = world.bank("iso87-ascii").received().len();
    let refusal = async |id, amount| {
        world.pcs().increment_payment(&shop.caller, world.key(), id, amount).await.unwrap_err().to_string()
    };
    assert!(refusal(paid.id, 1).await.contains("cannot increment"));
    assert_eq!(world.bank("iso87-ascii").received().len(), before);
    let held = world.authorize(&shop, card, eur(5_00)).await;
    assert!(refusal(held.id, 0).await.contains("at least one minor unit"));
    let said = refusal(held.id, u64::MAX).await;
    assert!(said.contains("999999999999"), "{said}");
    world.audit().await;
}
