//! Doubts that the gateway alone cannot end, and the people who end them.

use banksim::{Fault, Scope};
use iso8583::Mti;
use payment::{RefundState, State, Status};
use pcs::model::Actor;
use pcs::{CommandError, Finding, Resolution};
use testkit::{Shop, World, cny, eur, payment_of};
use types::PaymentId;

use crate::{GOOD, SILENT};

fn found(finding: Finding) -> Resolution {
    Resolution {
        finding,
        by: "Li Na".to_owned(),
        reason: "telephone call with the bank's desk".to_owned(),
        rrn: Some("000000000001".to_owned()),
        authorization_code: Some("000001".to_owned()),
    }
}

/// Has the gateway work until its doubt needs people; returns why.
async fn until_stuck(world: &World) -> String {
    for _ in 0..6 * 3_600 {
        world.pcs().work_once().await.unwrap();
        if let Some(why) = world.pcs().doubts().await.unwrap().into_iter().find_map(|it| it.needs_operator) {
            return why;
        }
        world.pass_ms(1_000).await;
    }
    panic!("nobody was called");
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_refuses_a_reversal_is_talked_to_by_people_and_what_stands_is_booked() {
    let world = World::seeded(800).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, SILENT).await;
    let bank = world.bank("cups-pos");
    for mti in ["0400", "0401"] {
        bank.set_fault(Fault::Decline("22".to_owned()), Scope::always().of(Mti::parse(mti).unwrap()));
    }
    let doubt = payment_of(world.pay(&shop, card, cny(80_00)).await.unwrap());
    let why = until_stuck(&world).await;
    assert_eq!(why, "the bank has refused it 3 times, last with response code 22");
    assert_eq!(world.payment(&shop, doubt.id).await.needs_operator, Some(why));

    let attempt = world.pcs().doubts().await.unwrap()[0].exchange.attempt;
    let word = world.pcs().inquire(attempt, "Li Na").await.unwrap();
    assert_eq!(
        (word.says.as_str(), word.response_code.as_deref()),
        ("it has done what it was asked", Some("00"))
    );
    assert!(world.payment(&shop, doubt.id).await.state.in_doubt(), "a question ends nothing");

    let settled = world.pcs().resolve(attempt, found(Finding::Stands)).await.unwrap();
    assert_eq!((settled.state, settled.needs_operator.clone()), (State::Captured, None));
    assert!(settled.flagged, "it is reconciled first");
    let last = world.pcs().history(shop.id(), doubt.id).await.unwrap().pop().unwrap();
    assert_eq!(last.event.actor, Actor::Operator { by: "Li Na".to_owned() });
    assert_eq!(last.event.note.as_deref(), Some("telephone call with the bank's desk"));
    assert!(matches!(
        world.pcs().resolve(attempt, found(Finding::Undone)).await,
        Err(CommandError::Missing { .. })
    ));
    world.audit().await;

    // It is a payment like any other now.
    bank.clear_faults();
    world.refund(&shop, doubt.id, None).await.unwrap();
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn one_stubborn_reversal_holds_nobody_up_and_ends_when_people_say_that_it_is_undone() {
    let world = World::seeded(801).await;
    let shop = world.merchant("tea").await;
    let (stubborn, good) = (world.card(&shop, "5555555555554444").await, world.card(&shop, GOOD).await);
    let bank = world.bank("iso87-ascii");
    for mti in ["0400", "0401"] {
        let refused = Scope::always().of(Mti::parse(mti).unwrap()).card("4444");
        bank.set_fault(Fault::Decline("12".to_owned()), refused);
    }
    bank.set_fault(Fault::NotReceived, Scope::next());
    let lost = payment_of(world.pay(&shop, stubborn, eur(5_00)).await.unwrap());
    until_stuck(&world).await;

    bank.set_fault(Fault::NoAnswer, Scope::next());
    let other = payment_of(world.pay(&shop, good, eur(6_00)).await.unwrap());
    assert!(other.state.in_doubt());
    world.pcs().work_once().await.unwrap();
    let status = world.payment(&shop, other.id).await.state.status();
    assert_eq!(status, Status::Canceled, "the other is undone at once");

    let attempt = world.pcs().doubts().await.unwrap()[0].exchange.attempt;
    let said = world.pcs().inquire(attempt, "Li Na").await.unwrap_err().to_string();
    assert!(said.contains("cannot be asked"), "{said}");
    let undone = world.pcs().resolve(attempt, found(Finding::Undone)).await.unwrap();
    assert_eq!((undone.id, undone.state.status()), (lost.id, Status::Canceled));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_is_away_for_hours_is_somebodys_to_look_into_and_still_asked() {
    let world = World::seeded(802).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(30_00)).await;
    let bank = world.bank("iso87-ascii");
    for mti in ["0220", "0221"] {
        bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::parse(mti).unwrap()));
    }
    let refund = world.refund(&shop, paid.id, Some(10_00)).await.unwrap();
    assert_eq!(refund.state, RefundState::InDoubt);
    let why = until_stuck(&world).await;
    assert_eq!(why, "the bank has not answered it for 4 hours");
    assert_eq!(world.refund_now(&shop, refund.id).await.needs_operator, Some(why));
    bank.clear_faults();
    let doubt = world.pcs().doubts().await.unwrap().remove(0);
    assert!(doubt.next_try > world.now().plus_ms(60_000), "it is tried rarely by now");
    world.pcs().retry_now(doubt.exchange.attempt).await.unwrap();
    assert_eq!(world.pcs().work_once().await.unwrap(), 1);
    let settled = world.refund_now(&shop, refund.id).await;
    assert_eq!((settled.state, settled.needs_operator), (RefundState::Succeeded, None));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn people_give_up_a_refund_that_the_bank_never_took() {
    let world = World::seeded(803).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(30_00)).await;
    world.bank("iso87-ascii").set_fault(Fault::NotReceived, Scope::next());
    let refund = world.refund(&shop, paid.id, Some(10_00)).await.unwrap();
    let attempt = world.pcs().doubts().await.unwrap()[0].exchange.attempt;
    world.pcs().resolve(attempt, found(Finding::Undone)).await.unwrap();
    let given_up = world.refund_now(&shop, refund.id).await;
    assert_eq!(given_up.state, RefundState::Failed);
    assert_eq!(given_up.decline.unwrap().code, "not_done_by_bank");
    assert_eq!(world.payment(&shop, paid.id).await.refund_pending, 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_decides_while_the_bank_is_being_asked() {
    let world = World::seeded(804).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, SILENT).await;
    let bank = world.bank("iso87-ascii");
    payment_of(world.pay(&shop, card, eur(5_00)).await.unwrap());
    bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::parse("0400").unwrap()));
    let attempt = world.pcs().doubts().await.unwrap()[0].exchange.attempt;
    let pcs = std::sync::Arc::clone(world.pcs());
    let asking = tokio::spawn(async move { pcs.work_once().await });
    world.until("the reversal is at the bank", || bank.held() == 1).await;
    let said = world.pcs().resolve(attempt, found(Finding::Stands)).await;
    assert!(matches!(said, Err(CommandError::Busy)), "its reversal is on its way: {said:?}");
    bank.release();
    asking.await.unwrap().unwrap();
    let said = world.pcs().resolve(attempt, found(Finding::Stands)).await;
    assert!(matches!(said, Err(CommandError::Missing { .. })), "{said:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_reversal_that_another_process_had_on_its_way_is_told_when_people_were_faster() {
    let world = World::seeded(805).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, SILENT).await;
    let bank = world.bank("iso87-ascii");
    let doubt = payment_of(world.pay(&shop, card, eur(5_00)).await.unwrap());
    bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::parse("0400").unwrap()));
    let attempt = world.pcs().doubts().await.unwrap()[0].exchange.attempt;
    let other = world.second_process();
    for bank in other.banks() {
        bank.settled().await;
    }
    let asking = tokio::spawn(async move { other.work_once().await });
    world.until("the reversal is at the bank", || bank.held() == 1).await;
    world.pcs().resolve(attempt, found(Finding::Stands)).await.unwrap();
    bank.release();
    asking.await.unwrap().unwrap();
    let last = world.pcs().history(shop.id(), doubt.id).await.unwrap().pop().unwrap();
    assert!(last.event.note.unwrap().contains("no longer wanted"));
    assert_eq!(world.payment(&shop, doubt.id).await.state, State::Captured, "nothing is decided by it");
}

/// What each bank is told until it has answered, in doubt after a silence: an offline sale, a capture, a tip, a refund.
async fn told_and_not_answered(world: &World, shop: &Shop, what: &str) -> PaymentId {
    let card = world.card(shop, GOOD).await;
    let silent = Scope::next().of(Mti::parse("0220").unwrap());
    let (pcs, caller) = (world.pcs(), &shop.caller);
    let (bank, payment) = match what {
        "offline_sale" => {
            world.bank("cups-pos").set_fault(Fault::NotReceived, silent);
            let till = world.till(shop, "cups-pos").await;
            let new = world.offline_sale(&till, GOOD, cny(42_00), 0);
            ("cups-pos", payment_of(pcs.create_payment(caller, world.key(), new).await.unwrap()).id)
        }
        "capture" => {
            let held = world.authorize(shop, card, eur(30_00)).await;
            world.bank("iso87-ascii").set_fault(Fault::NotReceived, silent);
            pcs.capture_payment(caller, world.key(), held.id, Some(20_00)).await.unwrap();
            ("iso87-ascii", held.id)
        }
        "adjust" => {
            let paid = world.paid(shop, card, cny(100_00)).await;
            world.bank("cups-pos").set_fault(Fault::NotReceived, silent);
            pcs.adjust_payment(caller, world.key(), paid.id, 110_00).await.unwrap();
            ("cups-pos", paid.id)
        }
        _ => {
            let paid = world.paid(shop, card, eur(30_00)).await;
            world.bank("iso87-ascii").set_fault(Fault::NotReceived, silent);
            world.refund(shop, paid.id, Some(10_00)).await.unwrap();
            ("iso87-ascii", paid.id)
        }
    };
    let repeat = if bank == "cups-pos" { "0220" } else { "0221" };
    world.bank(bank).set_fault(Fault::HeldAnswer, Scope::next().of(Mti::parse(repeat).unwrap()));
    payment
}

#[tokio::test(start_paused = true)]
async fn what_a_bank_has_done_after_people_gave_it_up_is_told() {
    for what in ["offline_sale", "capture", "adjust", "refund"] {
        for finding in [Finding::Undone, Finding::Stands] {
            let world = World::seeded(806).await;
            let shop = world.merchant("tea").await;
            let payment = told_and_not_answered(&world, &shop, what).await;
            let doubt = world.pcs().doubts().await.unwrap().remove(0);
            let other = world.second_process();
            for bank in other.banks() {
                bank.settled().await;
            }
            world.pass_ms(5_000).await;
            let bank = world.bank(&doubt.exchange.bank);
            let telling = tokio::spawn(async move { other.work_once().await });
            world.until("it is at the bank again", || bank.held() == 1).await;
            world.pcs().resolve(doubt.exchange.attempt, found(finding)).await.unwrap();
            let before = world.payment(&shop, payment).await;
            bank.release();
            telling.await.unwrap().unwrap();

            assert_eq!(world.payment(&shop, payment).await, before, "{what}: nothing is decided by it");
            let last = world.pcs().history(shop.id(), payment).await.unwrap().pop().unwrap();
            let note = last.event.note.unwrap_or_default();
            let wanted = format!("the bank has done what was given up ({what}): compare its books");
            assert_eq!(note == wanted, finding == Finding::Undone, "{what}: {note}");
            assert!(world.pcs().doubts().await.unwrap().is_empty(), "{what}");
        }
    }
}
