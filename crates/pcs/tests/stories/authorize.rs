//! Funds are held first and moved later.

use banksim::{Fault, Scope};
use iso8583::Mti;
use payment::{CancellationReason, State, Undo};
use pcs::{CommandError, Done};
use testkit::{World, cny, eur, payment_of};
use types::Currency;

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_hold_is_captured_in_part_and_the_rest_is_released() {
    let world = World::seeded(10).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(80_00), cny(80_00)] {
        let held = world.authorize(&shop, card, amount).await;
        assert_eq!((held.state, held.authorized, held.captured), (State::Authorized, 80_00, 0));
        assert_eq!(world.owed_to(shop.id(), amount.currency()).await, 0);
        world.audit().await;

        let key = world.key();
        let captured =
            payment_of(world.pcs().capture_payment(&shop.caller, key, held.id, Some(50_00)).await.unwrap());

        assert_eq!((captured.state, captured.captured, captured.fee), (State::Captured, 50_00, 30));
        assert_eq!(world.owed_to(shop.id(), amount.currency()).await, 49_70);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_capture_of_more_than_is_held_is_refused_before_any_bank_is_asked() {
    let world = World::seeded(11).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, eur(10_00)).await;
    for (amount, code) in [(10_01, "amount_exceeds_capturable"), (0, "amount_too_small")] {
        let refused = world.pcs().capture_payment(&shop.caller, world.key(), held.id, Some(amount)).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    assert_eq!(world.bank("iso87-ascii").received().last().unwrap(), "0100 stan=000001");
    assert_eq!(world.payment(&shop, held.id).await, held);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_capture_leaves_the_hold_and_can_be_tried_again() {
    let world = World::seeded(12).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(10_00)).await;
    world.bank("cups-pos").set_fault(Fault::Decline("05".to_owned()), Scope::next());

    let refused = world.pcs().capture_payment(&shop.caller, world.key(), held.id, None).await.unwrap();
    let Done::ActionRefused(stands) = refused.done else { panic!("{refused:?}") };
    assert_eq!(stands.state, State::Authorized);
    assert_eq!(stands.decline.unwrap().code, "do_not_honor");
    world.audit().await;

    let again = world.pcs().capture_payment(&shop.caller, world.key(), held.id, None).await.unwrap();
    assert_eq!(payment_of(again).state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_capture_is_reversed_where_the_dialect_says_so_and_the_hold_stands_again() {
    let world = World::seeded(13).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(10_00)).await;
    world.bank("cups-pos").set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));

    let doubtful =
        payment_of(world.pcs().capture_payment(&shop.caller, world.key(), held.id, None).await.unwrap());
    assert_eq!(doubtful.state, State::Reversing { undo: Undo::Capture { amount: 10_00 } });
    world.settle().await;

    assert_eq!(world.payment(&shop, held.id).await.state, State::Authorized);
    assert_eq!(world.bank("cups-pos").received().last().unwrap(), "0400 stan=000002");
    world.audit().await;
    let again = world.pcs().capture_payment(&shop.caller, world.key(), held.id, None).await.unwrap();
    assert_eq!(payment_of(again).state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_capture_advice_is_repeated_as_the_same_advice_until_it_is_answered() {
    let world = World::seeded(14).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, eur(10_00)).await;
    let bank = world.bank("iso87-ascii");
    bank.set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_ADVICE));
    bank.set_fault(Fault::NotReceived, Scope::next().of(Mti::FINANCIAL_ADVICE.repeat()));

    let doubtful =
        payment_of(world.pcs().capture_payment(&shop.caller, world.key(), held.id, None).await.unwrap());
    assert_eq!(doubtful.state, State::Capturing { amount: 10_00, in_doubt: true });
    world.settle().await;

    assert_eq!(world.payment(&shop, held.id).await.state, State::Captured);
    let advices: Vec<_> = bank.received().into_iter().filter(|line| line.starts_with("022")).collect();
    assert_eq!(advices, ["0220 stan=000002", "0221 stan=000002", "0221 stan=000002"]);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_decision_does_not_settle_a_capture_in_doubt() {
    let world = World::seeded(15).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, eur(10_00)).await;
    let bank = world.bank("iso87-ascii");
    bank.set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_ADVICE));
    // The bank has the first copy already; "later" is no word on it.
    bank.set_fault(Fault::Decline("90".to_owned()), Scope::next().of(Mti::FINANCIAL_ADVICE.repeat()));

    world.pcs().capture_payment(&shop.caller, world.key(), held.id, None).await.unwrap();
    world.settle().await;

    assert_eq!(world.payment(&shop, held.id).await.state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_nobody_captures_is_given_back_at_its_end() {
    let world = World::seeded(16).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let (euros, yuan) =
        (world.authorize(&shop, card, eur(10_00)).await, world.authorize(&shop, card, cny(10_00)).await);
    world.clock.jump_ms(7 * 86_400_000 - 60_000);
    assert_eq!(world.pcs().work_once().await.unwrap(), 0);
    world.pass_ms(60_000).await;

    assert_eq!(world.pcs().work_once().await.unwrap(), 2);

    for held in [euros, yuan] {
        let state = world.payment(&shop, held.id).await.state;
        assert_eq!(state, State::Canceled { reason: CancellationReason::Expired });
    }
    assert_eq!(world.owed_to(shop.id(), Currency::EUR).await, 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_hold_at_its_end_is_not_given_back_while_its_capture_is_under_way() {
    let world = World::seeded(17).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(10_00)).await;
    world.clock.jump_ms(7 * 86_400_000 - 1_000);
    world.bank("cups-pos").set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let pcs = world.pcs().clone();
    let (caller, key, id) = (shop.caller.clone(), world.key(), held.id);
    let capture = tokio::spawn(async move { pcs.capture_payment(&caller, key, id, None).await });
    world.pass_ms(2_000).await;

    world.pcs().work_once().await.unwrap();
    assert_eq!(
        world.payment(&shop, held.id).await.state,
        State::Capturing { amount: 10_00, in_doubt: false }
    );
    capture.await.unwrap().unwrap();
    world.settle().await;

    // The capture was reversed: the hold stands again, past its end, and is not forgotten.
    assert_eq!(world.payment(&shop, held.id).await.state, State::Authorized);
    world.pass_ms(120_000).await;
    world.pcs().work_once().await.unwrap();
    let state = world.payment(&shop, held.id).await.state;
    assert_eq!(state, State::Canceled { reason: CancellationReason::Expired });
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn at_a_bank_that_hears_no_void_the_end_of_a_hold_does_not_spin() {
    let world = World::seeded(18).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, eur(10_00)).await;
    let bank = world.bank("iso87-ascii");
    let deaf = bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::AUTHORIZATION_REQUEST));
    world.clock.jump_ms(7 * 86_400_000);
    for _ in 0..60 {
        world.pcs().work_once().await.unwrap();
        world.pass_ms(10_000).await;
    }
    let voids = bank.received().iter().filter(|line| line.starts_with("0100")).count() - 1;
    assert!(voids <= 12, "{voids} voids in about ten minutes");

    bank.clear_fault(deaf);
    world.settle().await;
    world.pass_ms(60_000).await;
    world.pcs().work_once().await.unwrap();
    let state = world.payment(&shop, held.id).await.state;
    assert_eq!(state, State::Canceled { reason: CancellationReason::Expired });
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_payment_made_without_confirm_waits_for_it() {
    let world = World::seeded(19).await;
    let shop = world.merchant("hotel").await;
    let card = world.card(&shop, GOOD).await;
    let later = pcs::NewPayment { confirm: false, payment_method: None, ..world.sale(card, eur(3_00)) };
    let waiting = payment_of(world.pcs().create_payment(&shop.caller, world.key(), later).await.unwrap());
    assert_eq!(waiting.state, State::RequiresPaymentMethod);

    let without = world.pcs().confirm_payment(&shop.caller, world.key(), waiting.id, None).await;
    assert!(matches!(without, Err(CommandError::Invalid { field: "payment_method", .. })), "{without:?}");
    let key = world.key();
    let paid = world.pcs().confirm_payment(&shop.caller, key, waiting.id, Some(card)).await.unwrap();
    assert_eq!(payment_of(paid).state, State::Captured);
    let twice = world.pcs().confirm_payment(&shop.caller, world.key(), waiting.id, Some(card)).await;
    assert_eq!(twice.unwrap_err().code(), "invalid_state");
    world.audit().await;
}
