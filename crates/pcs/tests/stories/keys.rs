//! One idempotency key, one effect.

use banksim::{Fault, Scope};
use payment::{CancellationReason, State};
use pcs::{CommandError, Done, NewPayment};
use testkit::{World, eur, payment_of, refund_of};

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_replay_returns_the_stored_answer_and_asks_no_bank() {
    let world = World::seeded(60).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let key = world.named_key("order 1", "sale of 5 euros");
    let first =
        world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00))).await.unwrap();
    assert!(!first.replayed);
    // What happens to the payment afterwards does not change the answer.
    let paid = payment_of(first.clone());
    world.refund(&shop, paid.id, Some(1_00)).await.unwrap();

    let again = world.pcs().create_payment(&shop.caller, key, world.sale(card, eur(5_00))).await.unwrap();

    assert!(again.replayed);
    assert_eq!(again.done, first.done);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_decline_is_an_answer_too() {
    let world = World::seeded(61).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, "4000000000009995").await;
    let key = world.key();
    let first =
        world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00))).await.unwrap();
    let again = world.pcs().create_payment(&shop.caller, key, world.sale(card, eur(5_00))).await.unwrap();
    assert_eq!((again.done, again.replayed), (first.done, true));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_with_another_request_is_refused() {
    let world = World::seeded(62).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.pcs().create_payment(
        &shop.caller,
        world.named_key("k", "5 euros"),
        world.sale(card, eur(5_00)),
    );
    paid.await.unwrap();
    let other = world.pcs().create_payment(
        &shop.caller,
        world.named_key("k", "6 euros"),
        world.sale(card, eur(6_00)),
    );
    assert!(matches!(other.await, Err(CommandError::KeyReused)));
    // Another merchant's key of the same name is another key.
    let neighbour = world.merchant("neighbour").await;
    let card = world.card(&neighbour, GOOD).await;
    let own = world.pcs().create_payment(
        &neighbour.caller,
        world.named_key("k", "7 euros"),
        world.sale(card, eur(7_00)),
    );
    assert!(!own.await.unwrap().replayed);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_key_at_the_same_time_runs_once() {
    let world = World::seeded(63).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let key = world.key();
    let both = tokio::join!(
        world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00))),
        world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00))),
    );
    let (Ok(paid), Err(CommandError::InProgress)) = both else { panic!("{both:?}") };
    assert_eq!(payment_of(paid).state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn the_same_key_at_two_processes_takes_one_effect_and_both_see_it() {
    let world = World::seeded(64).await;
    let other = world.second_process();
    for bank in other.banks() {
        bank.settled().await;
    }
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let key = world.named_key("k", "5 euros");
    let both = tokio::join!(
        world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00))),
        other.create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00))),
    );
    let (one, two) = (both.0.unwrap(), both.1.unwrap());
    assert_ne!(one.replayed, two.replayed);
    assert_eq!(payment_of(one).id, payment_of(two).id);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    let reused =
        other.create_payment(&shop.caller, world.named_key("k", "6 euros"), world.sale(card, eur(6_00)));
    assert!(matches!(reused.await, Err(CommandError::KeyReused)));
    world.audit().await;

    // The loser of a capture that was asked twice gets the capture, not "cannot capture".
    let held = world.authorize(&shop, card, eur(9_00)).await;
    let key = world.key();
    let both = tokio::join!(
        world.pcs().capture_payment(&shop.caller, key.clone(), held.id, None),
        other.capture_payment(&shop.caller, key, held.id, None),
    );
    assert_ne!(both.0.unwrap().replayed, both.1.unwrap().replayed);
    assert_eq!(world.payment(&shop, held.id).await.captured, 9_00);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_payment_is_in_doubt_finds_the_payment_as_it_is_by_then() {
    let world = World::seeded(65).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next());
    let key = world.key();
    let ask = || world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(5_00)));
    assert!(payment_of(ask().await.unwrap()).state.in_doubt());
    let again = ask().await.unwrap();
    assert!(again.replayed && payment_of(again).state.in_doubt());
    world.settle().await;
    let reversed = State::Canceled { reason: CancellationReason::TimeoutReversed };
    assert_eq!(payment_of(ask().await.unwrap()).state, reversed);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_refund_is_in_doubt_finds_the_refund() {
    let world = World::seeded(66).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(5_00)).await;
    world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next());
    let key = world.key();
    let ask =
        || world.pcs().create_refund(&shop.caller, key.clone(), world.refund_request(paid.id, Some(2_00)));
    let first = refund_of(ask().await.unwrap());
    world.settle().await;
    let again = ask().await.unwrap();
    let Done::Refund(refund) = &again.done else { panic!("{again:?}") };
    assert!(again.replayed);
    assert_eq!((refund.id, refund.state), (first.id, payment::RefundState::Succeeded));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_leaves_its_key_free() {
    let world = World::seeded(67).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let key = world.key();
    let nothing = NewPayment { amount: eur(0), ..world.sale(card, eur(1)) };
    let refused = world.pcs().create_payment(&shop.caller, key.clone(), nothing).await;
    assert_eq!(refused.unwrap_err().code(), "amount_too_small");
    world.pcs().create_payment(&shop.caller, key, world.sale(card, eur(5_00))).await.unwrap();
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_merchants_own_number_is_used_once() {
    let world = World::seeded(68).await;
    let shop = world.merchant("toys").await;
    let card = world.card(&shop, GOOD).await;
    let order =
        || NewPayment { merchant_reference: Some("order 7".to_owned()), ..world.sale(card, eur(5_00)) };
    let paid = payment_of(world.pcs().create_payment(&shop.caller, world.key(), order()).await.unwrap());
    let twice = world.pcs().create_payment(&shop.caller, world.key(), order()).await;
    let Err(CommandError::DuplicateReference { existing }) = twice else { panic!("{twice:?}") };
    assert_eq!(existing, paid.id.to_string());
    let found = world.pcs().payment_by_reference(shop.id(), "order 7").await.unwrap();
    assert_eq!(found.unwrap().id, paid.id);
    // Another merchant's order 7 is another order.
    let neighbour = world.merchant("neighbour").await;
    let card = world.card(&neighbour, GOOD).await;
    let order = NewPayment { merchant_reference: Some("order 7".to_owned()), ..world.sale(card, eur(5_00)) };
    world.pcs().create_payment(&neighbour.caller, world.key(), order).await.unwrap();
    world.audit().await;
}
