//! Money goes back: never more than came, never twice.

use banksim::{Fault, Scope};
use iso8583::Mti;
use payment::RefundState;
use testkit::{World, cny, eur};
use types::Currency;

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_sale_is_refunded_in_parts_and_never_beyond_what_was_captured() {
    let world = World::seeded(50).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(100_00), cny(100_00)] {
        let paid = world.paid(&shop, card, amount).await;
        for part in [30_00, 30_00] {
            let refund = world.refund(&shop, paid.id, Some(part)).await.unwrap();
            assert_eq!((refund.state, refund.amount), (RefundState::Succeeded, part));
        }
        let over = world.refund(&shop, paid.id, Some(40_01)).await.unwrap_err();
        assert_eq!(over.code(), "amount_exceeds_refundable");
        assert_eq!(world.refund(&shop, paid.id, Some(0)).await.unwrap_err().code(), "amount_too_small");
        let rest = world.refund(&shop, paid.id, None).await.unwrap();
        assert_eq!(rest.amount, 40_00);
        assert_eq!(world.refund(&shop, paid.id, None).await.unwrap_err().code(), "amount_exceeds_refundable");
        // The fee of a refunded sale is kept.
        assert_eq!(world.owed_to(shop.id(), amount.currency()).await, -60);
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_refunded_like_a_sale() {
    let world = World::seeded(51).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    for amount in [eur(100_00), cny(100_00)] {
        let held = world.authorize(&shop, card, amount).await;
        let key = world.key();
        world.pcs().capture_payment(&shop.caller, key, held.id, Some(60_00)).await.unwrap();
        let refund = world.refund(&shop, held.id, Some(25_00)).await.unwrap();
        assert_eq!(refund.state, RefundState::Succeeded, "{refund:?}");
        assert_eq!(
            world.refund(&shop, held.id, Some(35_01)).await.unwrap_err().code(),
            "amount_exceeds_refundable"
        );
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_refund_gives_its_amount_free_again() {
    let world = World::seeded(52).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(10_00)).await;
    world.bank("iso87-ascii").set_fault(Fault::Decline("05".to_owned()), Scope::next());
    let refused = world.refund(&shop, paid.id, None).await.unwrap();
    assert_eq!(
        (refused.state, refused.decline.unwrap().code.as_str()),
        (RefundState::Failed, "do_not_honor")
    );
    assert_eq!(world.payment(&shop, paid.id).await.refundable(), 10_00);
    world.audit().await;
    assert_eq!(world.refund(&shop, paid.id, None).await.unwrap().state, RefundState::Succeeded);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_in_silence_is_repeated_as_the_same_advice_and_never_reversed() {
    let world = World::seeded(53).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    for (name, amount, again) in [("iso87-ascii", eur(10_00), "0221"), ("cups-pos", cny(10_00), "0220")] {
        let paid = world.paid(&shop, card, amount).await;
        let bank = world.bank(name);
        bank.set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_ADVICE));
        let repeated = if again == "0221" { Mti::FINANCIAL_ADVICE.repeat() } else { Mti::FINANCIAL_ADVICE };
        for fault in [Fault::NotReceived, Fault::WrongMac, Fault::Reset] {
            bank.set_fault(fault, Scope::next().of(repeated));
        }
        let doubtful = world.refund(&shop, paid.id, Some(4_00)).await.unwrap();
        assert_eq!(doubtful.state, RefundState::InDoubt);
        // What is promised cannot be promised twice.
        assert_eq!(world.payment(&shop, paid.id).await.refundable(), 6_00);
        world.settle().await;

        assert_eq!(world.refund_now(&shop, doubtful.id).await.state, RefundState::Succeeded);
        let received = bank.received();
        assert!(!received.iter().any(|line| line.starts_with("04")), "{received:?}");
        let advices: Vec<_> = received.iter().filter(|line| line.starts_with("022")).collect();
        let repeat = format!("{again} stan=000002");
        assert_eq!(advices, ["0220 stan=000002", &repeat, &repeat, &repeat, &repeat]);
        // The journal says that it was sent, that it was in doubt, and how it ended, not each try.
        let history = world.pcs().history(shop.id(), paid.id).await.unwrap();
        assert_eq!(history.iter().filter(|item| item.event.refund.is_some()).count(), 3);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_decision_does_not_settle_a_refund_in_doubt() {
    let world = World::seeded(54).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(10_00)).await;
    let bank = world.bank("iso87-ascii");
    bank.set_fault(Fault::NoAnswer, Scope::next());
    for code in ["90", "96", "A0"] {
        bank.set_fault(Fault::Decline(code.to_owned()), Scope::next().of(Mti::FINANCIAL_ADVICE.repeat()));
    }
    let doubtful = world.refund(&shop, paid.id, None).await.unwrap();
    assert_eq!(doubtful.state, RefundState::InDoubt);
    world.settle().await;
    assert_eq!(world.refund_now(&shop, doubtful.id).await.state, RefundState::Succeeded);
    assert_eq!(world.owed_to(shop.id(), Currency::EUR).await, -6);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_payment_that_is_not_captured_has_nothing_to_refund() {
    let world = World::seeded(55).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    let held = world.authorize(&shop, card, eur(10_00)).await;
    assert_eq!(world.refund(&shop, held.id, None).await.unwrap_err().code(), "invalid_state");
    let other = world.merchant("thief").await;
    assert_eq!(world.refund(&other, held.id, None).await.unwrap_err().code(), "resource_missing");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_card_that_was_detached_can_still_be_paid_back() {
    let world = World::seeded(56).await;
    let shop = world.merchant("shoes").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(10_00)).await;
    world.pcs().detach_payment_method(&shop.caller, card).await.unwrap();
    assert_eq!(world.pay(&shop, card, eur(1_00)).await.unwrap_err().code(), "resource_missing");
    assert_eq!(world.refund(&shop, paid.id, None).await.unwrap().state, RefundState::Succeeded);
    world.audit().await;
}
