//! The third outcome: nobody knows. It is driven to certainty, and the shopper never pays twice.

use banksim::{Fault, Scope};
use iso8583::Mti;
use payment::{CancellationReason, Notice, Payment, State, Undo};
use testkit::{Shop, World, cny, eur, payment_of};
use types::{Money, PaymentMethodId};

use crate::{GOOD, SILENT};

const REVERSED: State = State::Canceled { reason: CancellationReason::TimeoutReversed };

/// Pays, expects doubt, settles it, and audits.
async fn doubtful(world: &World, shop: &Shop, card: PaymentMethodId, amount: Money) -> Payment {
    let payment = payment_of(world.pay(shop, card, amount).await.unwrap());
    assert_eq!(payment.state, State::Reversing { undo: Undo::Original });
    assert!(payment.state.in_doubt());
    world.settle().await;
    world.audit().await;
    world.payment(shop, payment.id).await
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_never_answers_is_reversed_and_nothing_is_owed() {
    let world = World::seeded(30).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, SILENT).await;
    for (bank, amount) in [("iso87-ascii", eur(12_50)), ("cups-pos", cny(12_50))] {
        let payment = doubtful(&world, &shop, card, amount).await;
        assert_eq!(payment.state, REVERSED);
        assert_eq!(world.owed_to(shop.id(), amount.currency()).await, 0);
        let received = world.bank(bank).received().into_iter().filter(|line| !line.starts_with("08"));
        assert_eq!(received.collect::<Vec<_>>(), ["0200 stan=000001", "0400 stan=000001"]);
        let notices: Vec<_> = world
            .pcs()
            .history(shop.id(), payment.id)
            .await
            .unwrap()
            .iter()
            .flat_map(|item| item.event.notices.iter().map(|notice| notice.notice).collect::<Vec<_>>())
            .collect();
        assert_eq!(notices, [Notice::Created, Notice::InDoubt, Notice::InDoubtResolved, Notice::Canceled]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_authorization_is_reversed_too() {
    let world = World::seeded(31).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, SILENT).await;
    for amount in [eur(12_50), cny(12_50)] {
        let payment = world.authorize(&shop, card, amount).await;
        assert_eq!(payment.state, State::Reversing { undo: Undo::Original });
        world.settle().await;
        assert_eq!(world.payment(&shop, payment.id).await.state, REVERSED);
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_lost_is_reversed_although_there_is_nothing_to_reverse() {
    let world = World::seeded(32).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("cups-pos").set_fault(Fault::NotReceived, Scope::next());
    assert_eq!(doubtful(&world, &shop, card, cny(1_00)).await.state, REVERSED);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_its_own_reversal_overtakes_takes_no_effect_when_it_arrives() {
    let world = World::seeded(33).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, GOOD).await;
    let bank = world.bank("cups-pos");
    bank.set_fault(Fault::HeldRequest, Scope::next());
    assert_eq!(doubtful(&world, &shop, card, cny(1_00)).await.state, REVERSED);
    assert_eq!(bank.release(), 1);
    world.pass_ms(1_000).await;
    assert_eq!(bank.totals().get(&types::Currency::CNY), None, "the bank has done nothing");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_approval_revives_nothing() {
    let world = World::seeded(34).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, GOOD).await;
    let bank = world.bank("iso87-ascii");
    bank.set_fault(Fault::HeldAnswer, Scope::next());
    let payment = payment_of(world.pay(&shop, card, eur(9_00)).await.unwrap());
    assert_eq!(payment.state, State::Reversing { undo: Undo::Original });
    assert_eq!(bank.release(), 1);
    world.pass_ms(1_000).await;
    assert!(world.payment(&shop, payment.id).await.state.in_doubt());
    world.settle().await;
    assert_eq!(world.payment(&shop, payment.id).await.state, REVERSED);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_believed_is_no_answer() {
    let world = World::seeded(35).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, GOOD).await;
    for fault in [
        Fault::WrongMac,
        Fault::WrongTerminal,
        Fault::WrongStan,
        Fault::WrongAmount,
        Fault::Reset,
        Fault::HalfFrame,
        Fault::Delay(std::time::Duration::from_secs(31)),
        Fault::Decline("96".to_owned()),
    ] {
        for (bank, amount) in [("iso87-ascii", eur(7_00)), ("cups-pos", cny(7_00))] {
            world.bank(bank).set_fault(fault.clone(), Scope::next().of(Mti::FINANCIAL_REQUEST));
            assert_eq!(doubtful(&world, &shop, card, amount).await.state, REVERSED, "{fault:?} at {bank}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_twice_or_behind_garbage_counts_once() {
    let world = World::seeded(36).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, GOOD).await;
    for (bank, amount) in [("iso87-ascii", eur(7_00)), ("cups-pos", cny(7_00))] {
        world.bank(bank).set_fault(Fault::DuplicateAnswer, Scope::next());
        world.paid(&shop, card, amount).await;
        world.bank(bank).set_fault(Fault::GarbageBefore, Scope::next());
        world.paid(&shop, card, amount).await;
        assert_eq!(world.owed_to(shop.id(), amount.currency()).await, 13_92);
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_reversal_is_repeated_until_it_is_acknowledged_with_longer_and_longer_pauses() {
    let world = World::seeded(37).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, SILENT).await;
    let bank = world.bank("cups-pos");
    bank.set_fault(Fault::NotReceived, Scope::next().of(Mti::REVERSAL_REQUEST));
    for fault in [Fault::WrongMac, Fault::Decline("96".to_owned()), Fault::Decline("05".to_owned())] {
        bank.set_fault(fault, Scope::next().of(Mti::REVERSAL_REQUEST.repeat()));
    }
    assert_eq!(doubtful(&world, &shop, card, cny(5_00)).await.state, REVERSED);
    let reversals = bank.received().iter().filter(|line| line.starts_with("04")).count();
    assert_eq!(reversals, 5);
}

#[tokio::test(start_paused = true)]
async fn a_reversal_waits_for_a_bank_that_is_away() {
    let world = World::seeded(38).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, SILENT).await;
    let payment = payment_of(world.pay(&shop, card, cny(5_00)).await.unwrap());
    // No sign-on, no link: every connection ends at once.
    let away = world.bank("cups-pos").set_fault(Fault::Reset, Scope::always());
    world.bank("cups-pos").disconnect();
    for _ in 0..120 {
        world.pass_ms(1_000).await;
        world.pcs().work_once().await.unwrap();
    }
    assert!(world.payment(&shop, payment.id).await.state.in_doubt());

    // Meanwhile nothing else is sent there, and the shopper is told at once.
    let refused = world.pay(&shop, card, cny(1_00)).await;
    assert_eq!(refused.unwrap_err().code(), "host_unavailable");

    world.bank("cups-pos").clear_fault(away);
    world.settle().await;
    assert_eq!(world.payment(&shop, payment.id).await.state, REVERSED);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_surely_never_left_fails_without_a_reversal() {
    let world = World::seeded(39).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, GOOD).await;
    for bank in world.pcs().banks() {
        bank.drain().await;
    }
    let refused = world.pay(&shop, card, cny(1_00)).await;
    assert_eq!(refused.unwrap_err().code(), "host_unavailable");
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_defective_success_is_paid_and_flagged() {
    let world = World::seeded(40).await;
    let shop = world.merchant("coffee").await;
    let card = world.card(&shop, "4000000000070807").await;
    let payment = world.paid(&shop, card, eur(5_00)).await;
    assert!(payment.flagged);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_waited_too_long_to_be_written_fails_and_what_was_written_is_reversed() {
    let world = World::seeded(41).await;
    let shop = world.merchant("stadium").await;
    let card = world.card(&shop, GOOD).await;
    let bank = world.bank("iso87-ascii");
    let silent = bank.set_fault(Fault::NoAnswer, Scope::always().of(Mti::FINANCIAL_REQUEST));
    // The bank takes 256 messages at a time; the others wait in the link until their time is up.
    let asked = futures_util::future::join_all((0..300).map(|_| world.pay(&shop, card, eur(1_00)))).await;
    let (mut failed, mut doubtful) = (0, 0);
    for outcome in asked {
        let payment = payment_of(outcome.unwrap());
        match payment.state {
            State::Failed => {
                assert_eq!(payment.decline.unwrap().code, "host_unavailable");
                failed += 1;
            }
            State::Reversing { undo: Undo::Original } => doubtful += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((failed, doubtful), (44, 256));
    bank.clear_fault(silent);
    world.settle().await;
    let reversals = bank.received().iter().filter(|line| line.starts_with("04")).count();
    assert_eq!(reversals, 256);
    world.audit().await;
}
