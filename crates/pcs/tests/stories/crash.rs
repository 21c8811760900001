//! The gateway's process ends in the worst moment, or its store fails it. Nothing is forgotten and nothing is sent twice.

use banksim::{Fault, Scope};
use payment::{CancellationReason, RefundState, State};
use pcs::{CommandError, Completed};
use store::Fault as StoreFault;
use testkit::{REPLY_TIMEOUT, World, cny, eur, payment_of};
use tokio::task::JoinHandle;

use crate::GOOD;

const REVERSED: State = State::Canceled { reason: CancellationReason::TimeoutReversed };

type Asked = JoinHandle<Result<Completed, CommandError>>;

#[tokio::test(start_paused = true)]
async fn after_a_crash_with_the_answer_on_its_way_the_sale_is_reversed_and_never_sent_again() {
    let mut world = World::seeded(70).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    for (name, amount) in [("iso87-ascii", eur(8_00)), ("cups-pos", cny(8_00))] {
        world.bank(name).set_fault(Fault::HeldAnswer, Scope::next());
        let (pcs, caller, key) = (world.pcs().clone(), shop.caller.clone(), world.key());
        let sale = world.sale(card, amount);
        let asked: Asked = {
            let (caller, key, sale) = (caller.clone(), key.clone(), sale.clone());
            tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
        };
        world.until("the answer is held", || world.bank(name).held() == 1).await;

        world.crash().await;
        assert_eq!(world.pcs().resume().await.unwrap(), 1);
        // The old process hears the bank's yes, and can record it no more.
        world.bank(name).release();
        let lost = asked.await.unwrap();
        assert!(matches!(lost, Err(CommandError::Unavailable(_))), "{lost:?}");
        world.settle().await;

        let again = world.pcs().create_payment(&caller, key, sale).await.unwrap();
        assert!(again.replayed);
        assert_eq!(payment_of(again).state, REVERSED);
        let sales = world.bank(name).received().iter().filter(|line| line.starts_with("0200")).count();
        assert_eq!(sales, 1);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_between_commit_and_wire_there_is_nothing_to_reverse_and_it_is_reversed_all_the_same() {
    let mut world = World::seeded(71).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    // The first payment fetches a block of trace numbers, so that the next commit is the payment's own.
    world.paid(&shop, card, eur(1_00)).await;
    world.memory.order_fault(StoreFault::WrittenUnknown);
    let key = world.key();
    let failed = world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(8_00))).await;
    assert_eq!(failed.unwrap_err().code(), "temporarily_unavailable");

    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 1);
    world.settle().await;

    let again = world.pcs().create_payment(&shop.caller, key, world.sale(card, eur(8_00))).await.unwrap();
    assert_eq!(payment_of(again).state, REVERSED);
    let received = world.bank("iso87-ascii").received();
    assert!(!received.contains(&"0200 stan=000002".to_owned()), "{received:?}");
    assert!(received.contains(&"0400 stan=000002".to_owned()), "{received:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_the_first_commit_has_never_happened() {
    let mut world = World::seeded(72).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    world.paid(&shop, card, eur(1_00)).await;
    world.memory.order_fault(StoreFault::LostUnknown);
    let key = world.key();
    let ask = |world: &World| {
        let (pcs, caller, key, sale) =
            (world.pcs().clone(), shop.caller.clone(), key.clone(), world.sale(card, eur(8_00)));
        async move { pcs.create_payment(&caller, key, sale).await }
    };
    assert_eq!(ask(&world).await.unwrap_err().code(), "temporarily_unavailable");
    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 0);
    let retried = ask(&world).await.unwrap();
    assert!(!retried.replayed);
    assert_eq!(payment_of(retried).state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_behind_the_second_commit_the_key_has_its_answer() {
    let mut world = World::seeded(73).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    let key = world.key();
    let paid =
        world.pcs().create_payment(&shop.caller, key.clone(), world.sale(card, eur(8_00))).await.unwrap();
    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 0);
    let again = world.pcs().create_payment(&shop.caller, key, world.sale(card, eur(8_00))).await.unwrap();
    assert_eq!((again.done, again.replayed), (paid.done, true));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_a_refund_and_a_capture_advice_are_repeated_not_reversed() {
    let mut world = World::seeded(74).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(8_00)).await;
    let held = world.authorize(&shop, card, eur(9_00)).await;
    let bank = "iso87-ascii";
    for _ in 0..2 {
        world.bank(bank).set_fault(Fault::HeldAnswer, Scope::next());
    }
    let (pcs, caller) = (world.pcs().clone(), shop.caller.clone());
    let (refund_key, capture_key) = (world.key(), world.key());
    let request = world.refund_request(paid.id, Some(3_00));
    let asked: (Asked, Asked) = {
        let (other, by) = (pcs.clone(), caller.clone());
        (
            tokio::spawn(async move { pcs.create_refund(&caller, refund_key, request).await }),
            tokio::spawn(async move { other.capture_payment(&by, capture_key, held.id, None).await }),
        )
    };
    world.until("both answers are held", || world.bank(bank).held() == 2).await;

    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 2);
    world.bank(bank).release();
    assert!(asked.0.await.unwrap().is_err() && asked.1.await.unwrap().is_err());
    world.settle().await;

    assert_eq!(world.payment(&shop, paid.id).await.refunded, 3_00);
    assert_eq!(world.payment(&shop, held.id).await.state, State::Captured);
    assert!(!world.bank(bank).received().iter().any(|line| line.starts_with("04")));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_the_store_did_not_take_is_taken_up_by_the_living_process() {
    let world = World::seeded(75).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(8_00)).await;
    let bank = world.bank("iso87-ascii");

    // A sale, and then a refund, whose second commit fails.
    let mut asked: Vec<Asked> = Vec::new();
    for step in 0..2 {
        bank.set_fault(Fault::HeldAnswer, Scope::next());
        let (pcs, caller, key) = (world.pcs().clone(), shop.caller.clone(), world.key());
        let (sale, refund) = (world.sale(card, eur(9_00)), world.refund_request(paid.id, Some(3_00)));
        asked.push(tokio::spawn(async move {
            if step == 0 {
                pcs.create_payment(&caller, key, sale).await
            } else {
                pcs.create_refund(&caller, key, refund).await
            }
        }));
        world.until("the answer is held", || bank.held() == 1).await;
        world.memory.order_fault(StoreFault::NotWritten);
        bank.release();
        let lost = asked.pop().unwrap().await.unwrap();
        assert_eq!(lost.unwrap_err().code(), "temporarily_unavailable");
    }
    // Somebody could still be waiting for the bank: it is not touched before its time.
    assert_eq!(world.pcs().work_once().await.unwrap(), 0);
    world.pass_ms(91_000).await;
    world.pcs().work_once().await.unwrap();
    world.settle().await;

    let payments =
        world.pcs().payments(shop.id(), pcs::Page { limit: 10, after: None, before: None }).await.unwrap();
    assert_eq!(payments.data[0].state, REVERSED);
    assert_eq!(world.payment(&shop, paid.id).await.refunded, 3_00);
    let refunds =
        world.pcs().refunds(shop.id(), pcs::Page { limit: 10, after: None, before: None }).await.unwrap();
    assert_eq!(refunds.data[0].state, RefundState::Succeeded);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_write_records_nothing_and_asks_no_bank() {
    let world = World::seeded(76).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(8_00)).await;
    let before = world.bank("iso87-ascii").received();
    world.memory.order_fault(StoreFault::NotWritten);
    assert_eq!(world.pay(&shop, card, eur(1_00)).await.unwrap_err().code(), "temporarily_unavailable");
    world.memory.order_fault(StoreFault::NotWritten);
    assert_eq!(world.refund(&shop, paid.id, None).await.unwrap_err().code(), "temporarily_unavailable");
    assert_eq!(world.bank("iso87-ascii").received(), before);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    world.audit().await;
    world.paid(&shop, card, eur(1_00)).await;
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn while_the_store_takes_no_commits_no_bank_is_asked_about_a_doubt() {
    let mut world = World::seeded(77).await;
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next());
    let doubtful = payment_of(world.pay(&shop, card, eur(8_00)).await.unwrap());
    world.memory.order_fault(StoreFault::LostUnknown);
    world.pay(&shop, card, eur(1_00)).await.unwrap_err();
    let before = world.bank("iso87-ascii").received();
    for _ in 0..10 {
        assert!(world.pcs().work_once().await.is_err());
        world.pass_ms(1_000).await;
    }
    assert_eq!(world.bank("iso87-ascii").received(), before);

    world.crash().await;
    world.settle().await;
    assert_eq!(world.payment(&shop, doubtful.id).await.state, REVERSED);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_living_process_keeps_its_exchange_and_a_dead_one_loses_it_to_another() {
    const TAKE_OVER_MS: i64 = 15_000;
    let mut world = World::seeded(79).await;
    world.take_over_ms = Some(TAKE_OVER_MS);
    let other = world.second_process();
    for bank in other.banks() {
        bank.settled().await;
    }
    let shop = world.merchant("flowers").await;
    let card = world.card(&shop, GOOD).await;
    let ask = |world: &World, key| -> Asked {
        let (pcs, caller, sale) = (world.pcs().clone(), shop.caller.clone(), world.sale(card, eur(8_00)));
        world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::next());
        tokio::spawn(async move { pcs.create_payment(&caller, key, sale).await })
    };
    let held = async |world: &World| {
        world.until("the answer is held", || world.bank("iso87-ascii").held() == 1).await;
    };

    // Another process starts, and works, while the first waits for its bank: not its business.
    let asked = ask(&world, world.key());
    held(&world).await;
    assert_eq!(other.resume().await.unwrap(), 0);
    assert_eq!(other.work_once().await.unwrap(), 0);
    world.bank("iso87-ascii").release();
    assert_eq!(payment_of(asked.await.unwrap().unwrap()).state, State::Captured);

    // Now the first dies while it waits. Its exchange is taken over once its time is up, and not before.
    let key = world.key();
    let asked = ask(&world, key.clone());
    held(&world).await;
    world.crash().await;
    assert_eq!(world.pcs().resume().await.unwrap(), 0);
    world.pass_ms(REPLY_TIMEOUT.as_millis() as u64 + TAKE_OVER_MS as u64 - 1_000).await;
    assert_eq!(world.pcs().work_once().await.unwrap(), 0, "too early");
    world.pass_ms(2_000).await;
    assert_eq!(world.pcs().work_once().await.unwrap(), 1, "taken over");
    assert!(matches!(asked.await.unwrap(), Err(CommandError::Unavailable(_))));
    world.settle().await;
    let again = world.pcs().create_payment(&shop.caller, key, world.sale(card, eur(8_00))).await.unwrap();
    assert!(again.replayed);
    assert_eq!(payment_of(again).state, REVERSED);
    world.audit().await;
}
