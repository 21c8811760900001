//! Advices that a batch is closed over: what the bank has had, it answers; what it refuses for ever, people get to see at once.

use banksim::{Fault, Scope};
use iso8583::Mti;
use payment::{Payment, RefundState, State};
use pcs::{Doubt, Finding, Resolution};
use testkit::{Shop, World, cny};
use types::{PaymentMethodId, RefundId};

use crate::GOOD;
use crate::bank_day::a_minute;

const BANK: &str = "cups-pos";

/// A payment with a refund and another with a tip, neither of which the bank has answered when its batch is closed.
struct Evening {
    world: World,
    shop: Shop,
    card: PaymentMethodId,
    refunded: Payment,
    refund: RefundId,
    tipped: Payment,
}

impl Evening {
    async fn with(fault: Fault, seed: u64) -> Self {
        let world = World::seeded(seed).await;
        let shop = world.merchant("restaurant").await;
        let card = world.card(&shop, GOOD).await;
        let refunded = world.paid(&shop, card, cny(30_00)).await;
        let tipped = world.paid(&shop, card, cny(100_00)).await;
        let bank = world.bank(BANK);
        bank.set_fault(fault, Scope::always().of(Mti::parse("0220").unwrap()));
        let refund = world.refund(&shop, refunded.id, Some(10_00)).await.unwrap();
        world.pcs().adjust_payment(&shop.caller, world.key(), tipped.id, 110_00).await.unwrap();
        bank.clear_faults();
        bank.cut_over();
        // Another payment is refused, and the sign-on after that tells the new batch.
        let _ = world.pay(&shop, card, cny(1_00)).await;
        a_minute(&world).await;
        Self { refund: refund.id, world, shop, card, refunded, tipped }
    }

    async fn doubts(&self) -> Vec<Doubt> {
        self.world.pcs().doubts().await.unwrap()
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_bank_had_before_its_batch_was_closed_it_answers_afterwards() {
    let evening = Evening::with(Fault::NoAnswer, 1_200).await;
    assert!(evening.doubts().await.is_empty());
    let refund = evening.world.refund_now(&evening.shop, evening.refund).await;
    assert_eq!((refund.state, refund.needs_operator), (RefundState::Succeeded, None));
    assert_eq!(evening.world.payment(&evening.shop, evening.tipped.id).await.captured, 110_00);
    evening.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_closed_batch_refuses_for_ever_calls_for_people_at_once() {
    let evening = Evening::with(Fault::NotReceived, 1_201).await;
    let (world, shop) = (&evening.world, &evening.shop);
    let doubts = evening.doubts().await;
    assert_eq!(doubts.len(), 2);
    for doubt in &doubts {
        let why = doubt.needs_operator.as_deref().expect("within a minute");
        assert_eq!(why, "batch closed: the bank takes nothing of its batch 000001 any more");
    }
    let payment = world.payment(shop, evening.tipped.id).await;
    assert!(payment.state.in_doubt() && payment.needs_operator.is_some(), "{payment:?}");

    // The bank can be asked, and has done nothing: so it is undone, and done anew in the batch that is open.
    for doubt in doubts {
        let word = world.pcs().inquire(doubt.exchange.attempt, "Li Na").await.unwrap();
        assert_eq!(word.says, "it knows of no such message");
        let undone = Resolution {
            finding: Finding::Undone,
            by: "Li Na".to_owned(),
            reason: "its batch is closed and the bank knows of nothing".to_owned(),
            rrn: None,
            authorization_code: None,
        };
        world.pcs().resolve(doubt.exchange.attempt, undone).await.unwrap();
    }
    assert_eq!(world.refund_now(shop, evening.refund).await.state, RefundState::Failed);
    let again = world.refund(shop, evening.refunded.id, Some(10_00)).await.unwrap();
    assert_eq!((again.state, again.exchange.batch.as_deref()), (RefundState::Succeeded, Some("000002")));
    world.pcs().adjust_payment(&shop.caller, world.key(), evening.tipped.id, 110_00).await.unwrap();
    let tipped = world.payment(shop, evening.tipped.id).await;
    assert_eq!((tipped.state, tipped.captured), (State::Captured, 110_00));
    world.paid(shop, evening.card, cny(2_00)).await;
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_a_sign_on_may_mend_calls_for_nobody() {
    let world = World::seeded(1_202).await;
    let shop = world.merchant("restaurant").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, cny(30_00)).await;
    let advice = || Scope::next().of(Mti::parse("0220").unwrap());
    world.bank(BANK).set_fault(Fault::NotReceived, advice());
    // 77 to what names the batch that is open: the bank wants a sign-on.
    world.bank(BANK).set_fault(Fault::Decline("77".to_owned()), advice());
    let refund = world.refund(&shop, paid.id, Some(10_00)).await.unwrap();
    assert_eq!(refund.state, RefundState::InDoubt);
    a_minute(&world).await;
    assert!(world.bank(BANK).received().iter().filter(|line| line.starts_with("0800")).count() > 1);
    let refund = world.refund_now(&shop, refund.id).await;
    assert_eq!(refund.needs_operator, None, "{refund:?}");
}
