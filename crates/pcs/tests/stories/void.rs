//! Take back what was held, or sold today.

use banksim::{Fault, Scope};
use payment::{CancellationReason, State, Undo, VoidReason};
use pcs::Done;
use testkit::{World, cny, eur, payment_of};

use crate::GOOD;

const VOIDED: State = State::Canceled { reason: CancellationReason::Voided };

#[tokio::test(start_paused = true)]
async fn holds_sales_and_completions_are_voided_and_nothing_is_owed() {
    let world = World::seeded(20).await;
    let shop = world.merchant("books").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(40_00), cny(40_00)] {
        let hold = world.authorize(&shop, card, amount).await;
        let sale = world.paid(&shop, card, amount).await;
        let completed = world.authorize(&shop, card, amount).await;
        let key = world.key();
        world.pcs().capture_payment(&shop.caller, key, completed.id, Some(15_00)).await.unwrap();
        for id in [hold.id, sale.id, completed.id] {
            let voided = world.pcs().void_payment(&shop.caller, world.key(), id).await.unwrap();
            assert_eq!(payment_of(voided).state, VOIDED);
        }
        assert_eq!(world.owed_to(shop.id(), amount.currency()).await, 0);
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_sale_is_voided_on_its_day_only() {
    let world = World::seeded(21).await;
    let shop = world.merchant("books").await;
    let card = world.card(&shop, GOOD).await;
    let sale = world.paid(&shop, card, eur(40_00)).await;
    world.clock.jump_ms(86_400_000);
    let late = world.pcs().void_payment(&shop.caller, world.key(), sale.id).await;
    assert_eq!(late.unwrap_err().code(), "invalid_state");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_void_leaves_everything_as_it_was() {
    let world = World::seeded(22).await;
    let shop = world.merchant("books").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(40_00), cny(40_00)] {
        let sale = world.paid(&shop, card, amount).await;
        let name = sale.original.as_ref().unwrap().bank.clone();
        world.bank(&name).set_fault(Fault::Decline("05".to_owned()), Scope::next());
        let refused = world.pcs().void_payment(&shop.caller, world.key(), sale.id).await.unwrap();
        let Done::ActionRefused(stands) = refused.done else { panic!("{refused:?}") };
        assert_eq!(stands.state, State::Captured);
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_void_is_reversed_and_can_be_asked_for_again() {
    let world = World::seeded(23).await;
    let shop = world.merchant("books").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(40_00), cny(40_00)] {
        let (hold, sale) =
            (world.authorize(&shop, card, amount).await, world.paid(&shop, card, amount).await);
        for (payment, stands) in [(hold, State::Authorized), (sale, State::Captured)] {
            let name = payment.original.as_ref().unwrap().bank.clone();
            world.bank(&name).set_fault(Fault::NoAnswer, Scope::next());
            let silent = world.pcs().void_payment(&shop.caller, world.key(), payment.id).await.unwrap();
            let state = payment_of(silent).state;
            assert!(
                matches!(state, State::Reversing { undo: Undo::Void { why: VoidReason::Requested, .. } }),
                "{state:?}"
            );
            world.settle().await;
            assert_eq!(world.payment(&shop, payment.id).await.state, stands);
            world.audit().await;
            let again = world.pcs().void_payment(&shop.caller, world.key(), payment.id).await.unwrap();
            assert_eq!(payment_of(again).state, VOIDED);
        }
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_no_bank_has_seen_is_abandoned_without_one() {
    let world = World::seeded(24).await;
    let shop = world.merchant("books").await;
    let card = world.card(&shop, GOOD).await;
    let later = pcs::NewPayment { confirm: false, ..world.sale(card, eur(3_00)) };
    let waiting = payment_of(world.pcs().create_payment(&shop.caller, world.key(), later).await.unwrap());
    let gone = world.pcs().void_payment(&shop.caller, world.key(), waiting.id).await.unwrap();
    assert_eq!(payment_of(gone).state, State::Canceled { reason: CancellationReason::Abandoned });
    assert!(!world.bank("iso87-ascii").received().iter().any(|line| line.starts_with("02")));
    world.audit().await;
}
