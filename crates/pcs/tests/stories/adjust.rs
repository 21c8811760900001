//! Tips, and captures that the bank is told of and not asked for.

use banksim::{Fault, Scope};
use iso8583::Mti;
use payment::{CancellationReason, Notice, State, Status};
use pcs::CommandError;
use pcs::model::{Sum, Verdict};
use testkit::{World, cny, eur, gbp, payment_of};

use crate::GOOD;

const ADVICE: &str = "0220";

#[tokio::test(start_paused = true)]
async fn a_restaurant_has_the_tip_added_and_both_sides_books_agree() {
    let world = World::seeded(1_100).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, cny(100_00)).await;
    assert_eq!(paid.actions(), ["adjust", "refund", "void"]);
    let adjust = |amount| world.pcs().adjust_payment(&shop.caller, world.key(), paid.id, amount);

    let tipped = payment_of(adjust(115_00).await.unwrap());
    assert_eq!((tipped.state, tipped.captured), (State::Captured, 115_00));
    let last = world.pcs().history(shop.id(), paid.id).await.unwrap().pop().unwrap();
    assert_eq!(last.event.notices[0].notice, Notice::Adjusted);
    world.audit().await;
    let totals = world.pcs().compare_totals("cups-pos", "Li Na").await.unwrap();
    assert_eq!(totals[0].verdict, Verdict::Agreed, "{totals:?}");
    assert_eq!(totals[0].own.debits, Sum { count: 1, amount: 115_00 });

    // The bank has its own bound, and a refusal leaves the sale as it stands.
    let refused = payment_of(adjust(140_00).await.unwrap());
    assert_eq!((refused.state, refused.captured), (State::Captured, 115_00));
    assert!(refused.decline.is_some());
    world.audit().await;

    // What was tipped is voided, or given back, as a whole.
    let voided = world.pcs().void_payment(&shop.caller, world.key(), paid.id).await.unwrap();
    assert_eq!(payment_of(voided).state.status(), Status::Canceled);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_tip_that_the_bank_does_not_answer_is_sent_again_until_it_does() {
    let world = World::seeded(1_101).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, cny(100_00)).await;
    for fault in [Fault::NoAnswer, Fault::NotReceived] {
        let to = if fault == Fault::NoAnswer { 110_00 } else { 112_00 };
        world.bank("cups-pos").set_fault(fault, Scope::next().of(Mti::parse(ADVICE).unwrap()));
        let doubt = world.pcs().adjust_payment(&shop.caller, world.key(), paid.id, to).await.unwrap();
        assert_eq!(payment_of(doubt).state, State::Adjusting { to, in_doubt: true });
        let doubts = world.pcs().doubts().await.unwrap();
        assert_eq!(doubts[0].pursued_by.name(), "adjust");
        world.settle().await;
        assert_eq!(world.payment(&shop, paid.id).await.captured, to);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tip_is_taken_up_after_a_crash() {
    let mut world = World::seeded(1_102).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, cny(100_00)).await;
    world.bank("cups-pos").set_fault(Fault::NoAnswer, Scope::next());
    let (pcs, caller, key) = (std::sync::Arc::clone(world.pcs()), shop.caller.clone(), world.key());
    let asked = tokio::spawn(async move { pcs.adjust_payment(&caller, key, paid.id, 110_00).await });
    world.pass_ms(1_000).await;
    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 1);
    world.settle().await;
    assert_eq!(world.payment(&shop, paid.id).await.captured, 110_00);
    // The first process never told anybody otherwise.
    assert!(asked.await.unwrap().is_err());
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_bank_adjusts_nothing_it_is_not_asked_and_it_is_not_said_to_be_allowed() {
    let world = World::seeded(1_103).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(100_00)).await;
    assert_eq!(paid.actions(), ["refund", "void"]);
    let before = world.bank("iso87-ascii").received().len();
    let refused = world.pcs().adjust_payment(&shop.caller, world.key(), paid.id, 110_00).await;
    assert!(matches!(refused, Err(CommandError::Invalid { field: "amount", .. })), "{refused:?}");
    let held = world.authorize(&shop, card, eur(10_00)).await;
    let refused = world.pcs().advise_capture(&shop.caller, world.key(), held.id, None).await;
    assert!(matches!(refused, Err(CommandError::Invalid { field: "advice", .. })), "{refused:?}");
    assert_eq!(world.bank("iso87-ascii").received().len(), before + 1);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_capture_that_is_told_and_not_asked_is_never_undone() {
    let world = World::seeded(1_104).await;
    let shop = world.merchant("taxi").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(100_00)).await;
    world.bank("cups-pos").set_fault(Fault::NoAnswer, Scope::next());
    let doubt = world.pcs().advise_capture(&shop.caller, world.key(), held.id, Some(80_00)).await.unwrap();
    assert_eq!(payment_of(doubt).state, State::Capturing { amount: 80_00, in_doubt: true });
    world.settle().await;
    let taken = world.payment(&shop, held.id).await;
    assert_eq!((taken.state, taken.captured), (State::Captured, 80_00));
    assert!(!world.bank("cups-pos").received().iter().any(|line| line.starts_with("0400")));
    world.audit().await;
    world.refund(&shop, held.id, Some(10_00)).await.unwrap();
    let totals = world.pcs().compare_totals("cups-pos", "Li Na").await.unwrap();
    assert_eq!(totals[0].verdict, Verdict::Agreed, "{totals:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_captured_by_an_advice_is_voided_like_any_capture() {
    let world = World::seeded(1_105).await;
    let shop = world.merchant("taxi").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, cny(100_00)).await;
    world.pcs().advise_capture(&shop.caller, world.key(), held.id, Some(80_00)).await.unwrap();
    world.pcs().void_payment(&shop.caller, world.key(), held.id).await.unwrap();
    let voided = world.payment(&shop, held.id).await;
    assert_eq!(voided.state, State::Canceled { reason: CancellationReason::Voided });
    let totals = world.pcs().compare_totals("cups-pos", "Li Na").await.unwrap();
    assert_eq!(totals[0].verdict, Verdict::Agreed, "{totals:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_bank_of_1993_is_told_of_a_tip_and_of_a_capture_until_it_has_heard() {
    let world = World::seeded(1_106).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    let bank = world.bank("iso93-bcd");
    let advice = Scope::next().of(Mti::parse("1220").unwrap());
    let paid = world.paid(&shop, card, gbp(100_00)).await;
    bank.set_fault(Fault::NoAnswer, advice.clone());
    let doubt = world.pcs().adjust_payment(&shop.caller, world.key(), paid.id, 115_00).await.unwrap();
    assert_eq!(payment_of(doubt).state, State::Adjusting { to: 115_00, in_doubt: true });
    let held = world.authorize(&shop, card, gbp(50_00)).await;
    bank.set_fault(Fault::NoAnswer, advice);
    let doubt = world.pcs().advise_capture(&shop.caller, world.key(), held.id, Some(40_00)).await.unwrap();
    assert_eq!(payment_of(doubt).state, State::Capturing { amount: 40_00, in_doubt: true });
    world.settle().await;
    assert_eq!(world.payment(&shop, paid.id).await.captured, 115_00);
    assert_eq!(world.payment(&shop, held.id).await.captured, 40_00);
    let received = bank.received();
    assert!(!received.iter().any(|line| line.starts_with("14")), "advices are not undone: {received:?}");
    world.audit().await;
    world.pcs().void_payment(&shop.caller, world.key(), held.id).await.unwrap();
    world.refund(&shop, paid.id, Some(15_00)).await.unwrap();
    world.audit().await;
    let totals = world.pcs().compare_totals("iso93-bcd", "Li Na").await.unwrap();
    assert!(!totals.is_empty() && totals.iter().all(|it| it.verdict == Verdict::Agreed), "{totals:?}");
}

#[tokio::test(start_paused = true)]
async fn a_bank_of_1993_is_asked_what_became_of_a_sale_it_has_not_answered() {
    let world = World::seeded(1_107).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("iso93-bcd").set_fault(Fault::NoAnswer, Scope::next());
    payment_of(world.pay(&shop, card, gbp(10_00)).await.unwrap());
    let attempt = world.pcs().doubts().await.unwrap()[0].exchange.attempt;
    let word = world.pcs().inquire(attempt, "Li Na").await.unwrap();
    assert_eq!(word.response_code.as_deref(), Some("000"), "{word:?}");
    world.settle().await;
    world.audit().await;
}
