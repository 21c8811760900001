//! Many at once.

use std::sync::Arc;

use banksim::{Fault, Scope};
use futures_util::future::join_all;
use iso8583::Mti;
use payment::{RefundState, State, Undo};
use pcs::CommandError;
use testkit::{World, cny, eur, payment_of, refund_of};
use types::Currency;

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_thousand_refunds_of_one_cent_race_for_a_hundred_and_exactly_a_hundred_win() {
    let world = World::seeded(90).await;
    let shop = world.merchant("market").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(1_00)).await;
    let (mut won, mut refused) = (0, 0);
    for outcome in join_all((0..1_000).map(|_| world.refund(&shop, paid.id, Some(1)))).await {
        match outcome {
            Ok(refund) if refund.state == RefundState::Succeeded => won += 1,
            Err(error) if error.code() == "amount_exceeds_refundable" => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((won, refused), (100, 900));
    assert_eq!(world.payment(&shop, paid.id).await.refunded, 1_00);
    assert_eq!(world.owed_to(shop.id(), Currency::EUR).await, -1);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn two_processes_that_refund_the_same_payment_never_give_back_too_much() {
    let world = World::seeded(91).await;
    let other = world.second_process();
    for bank in other.banks() {
        bank.settled().await;
    }
    let shop = world.merchant("market").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(10)).await;
    let asked = (0..40).map(|number| {
        let pcs = if number % 2 == 0 { world.pcs() } else { &other };
        pcs.create_refund(&shop.caller, world.key(), world.refund_request(paid.id, Some(1)))
    });
    let mut won = 0;
    for outcome in join_all(asked).await {
        match outcome {
            Ok(done) => {
                assert_eq!(refund_of(done).state, RefundState::Succeeded);
                won += 1;
            }
            // A lost race between processes is told as such: nothing was done.
            Err(CommandError::Busy) => {}
            Err(error) => assert_eq!(error.code(), "amount_exceeds_refundable"),
        }
    }
    assert_eq!(world.payment(&shop, paid.id).await.refunded, won);
    assert!((1..=10).contains(&won), "{won}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn two_hundred_payments_at_once_at_two_banks() {
    let world = World::seeded(92).await;
    let shop = world.merchant("market").await;
    let card = world.card(&shop, GOOD).await;
    let amounts =
        (0..200).map(|number| if number % 2 == 0 { eur(1_00 + number) } else { cny(1_00 + number) });
    let paid = join_all(amounts.map(|amount| world.pay(&shop, card, amount))).await;
    assert!(paid.into_iter().all(|outcome| payment_of(outcome.unwrap()).state == State::Captured));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn of_a_capture_and_a_void_at_the_same_time_one_happens() {
    let world = World::seeded(93).await;
    let shop = world.merchant("market").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(5_00)).await;
    let (captured, voided) = tokio::join!(
        world.pcs().capture_payment(&shop.caller, world.key(), held.id, None),
        world.pcs().void_payment(&shop.caller, world.key(), held.id),
    );
    assert_ne!(captured.is_ok(), voided.is_ok());
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_comes_late_to_another_process_ends_no_later_doubt() {
    let world = World::seeded(94).await;
    let other = world.second_process();
    for bank in other.banks() {
        bank.settled().await;
    }
    let shop = world.merchant("market").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(5_00)).await;
    let bank = world.bank("cups-pos");
    let capture = || world.pcs().capture_payment(&shop.caller, world.key(), held.id, None);
    let doubt = State::Reversing { undo: Undo::Capture { amount: 5_00 } };
    bank.set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    assert_eq!(payment_of(capture().await.unwrap()).state, doubt);

    // The other process sends the reversal, and its acknowledgement takes its time.
    bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::REVERSAL_REQUEST));
    let slow = tokio::spawn({
        let other = Arc::clone(&other);
        async move { other.work_once().await }
    });
    world.until("the acknowledgement is held", || bank.held() == 1).await;
    // This one is faster; the merchant captures again, and that is silent, too.
    world.pcs().work_once().await.unwrap();
    assert_eq!(world.payment(&shop, held.id).await.state, State::Authorized);
    bank.set_fault(Fault::Reset, Scope::next().of(Mti::FINANCIAL_REQUEST));
    assert_eq!(payment_of(capture().await.unwrap()).state, doubt);

    bank.release();
    assert_eq!(slow.await.unwrap().unwrap(), 1);
    assert_eq!(world.payment(&shop, held.id).await.state, doubt);
    assert_eq!(world.unsettled().await, 1);

    world.settle().await;
    assert_eq!(world.payment(&shop, held.id).await.state, State::Authorized);
    world.audit().await;
}
