//! Which answer belongs to whom.

use banksim::{Fault, Scope};
use hostlink::{
    LateReason, NotSent, Outcome, SHIPPED_BANKS, Transaction, TransactionData, TransactionRequest,
};
use iso8583::Mti;
use tokio::time::Instant;

use crate::support::{Coded as _, World, card, reply, settle};

#[tokio::test(start_paused = true)]
async fn two_terminals_with_the_same_trace_number_each_get_their_own_answer() {
    for bank in SHIPPED_BANKS {
        for round in 0..32u64 {
            let world = World::of(bank).await;
            let at = |terminal: &str, minor| TransactionData {
                stan: 7,
                terminal: terminal.to_owned(),
                ..world.data(minor, None)
            };
            let (one, two) = (at("TERM0001", 100 + round), at("TERM0002", 900 + round));
            let (first, second) = tokio::join!(
                world.send(Transaction::Consume, &one, world.good_card()),
                world.send(Transaction::Consume, &two, world.good_card()),
            );
            for (answer, data) in [(reply(first), &one), (reply(second), &two)] {
                assert_eq!(answer.fields.get(41), Some(data.terminal.as_str()));
                assert_eq!(answer.fields.get(4), Some(format!("{:012}", data.amount.minor()).as_str()));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_key_twice_in_flight_is_refused_and_the_first_keeps_its_answer() {
    let world = World::of("iso87-ascii").await;
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let data = world.data(100, None);
    let other = TransactionData { amount: world.money(999), ..data.clone() };
    let (first, second) = tokio::join!(world.send(Transaction::Consume, &data, world.good_card()), async {
        settle().await;
        let second = world.send(Transaction::Consume, &other, world.good_card()).await;
        assert_eq!(world.bank.release(), 1);
        second
    });
    assert!(matches!(second, Outcome::NotSent(NotSent::DuplicateInFlight)), "{second:?}");
    assert_eq!(reply(first).fields.get(4), Some("000000000100"));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_not_given_to_another_request_while_a_late_answer_could_come() {
    let world = World::of("cups-pos").await;
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let data = world.data(100, None);
    let outcome = world.send(Transaction::Consume, &data, world.good_card()).await;
    assert!(matches!(outcome, Outcome::MaybeSent(_)), "{outcome:?}");

    let another = TransactionData { amount: world.money(55_500), ..data.clone() };
    let outcome = world.send(Transaction::Consume, &another, world.good_card()).await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::KeyNotFree)), "{outcome:?}");

    // The reversal has its class to itself, though its trace number is the original's.
    let reversal = world.reversal_of(Transaction::Consume, &data);
    assert_eq!(reply(world.send(Transaction::Reversal, &reversal, world.good_card()).await).code(), "00");

    // After the late window the key is free again.
    tokio::time::sleep(world.link.profile().timers().late_window).await;
    let outcome = world.send(Transaction::Consume, &another, world.good_card()).await;
    // The bank remembers longer than the link and says so.
    assert_eq!(reply(outcome).code(), "94");
}

#[tokio::test(start_paused = true)]
async fn a_repeat_may_use_its_own_key_and_takes_the_answer_to_either_copy() {
    let world = World::of("iso87-ascii").await;
    let sale = world.data(100, None);
    reply(world.send(Transaction::Consume, &sale, world.good_card()).await);
    let reversal = world.reversal_of(Transaction::Consume, &sale);
    let sent = world.message(Transaction::Reversal, &reversal);
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::REVERSAL_REQUEST));
    let silent = world.send_fields(Transaction::Reversal, sent.clone(), world.good_card()).await;
    assert!(matches!(silent, Outcome::MaybeSent(_)));

    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::REVERSAL_REPEAT));
    let mut late = world.link.late();
    let repeat = world.link.profile().repeat(Transaction::Reversal, &sent);
    let (answered, released) =
        tokio::join!(world.send_fields(Transaction::Reversal, repeat, world.good_card()), async {
            settle().await;
            world.bank.release()
        });
    assert_eq!((reply(answered).code(), released), ("00", 2));
    assert_eq!(late.recv().await.unwrap().reason, LateReason::Duplicate);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_cancels_nothing() {
    let world = World::of("cups-pos").await;
    let mut late = world.link.late();
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let data = world.data(100, None);
    let request = TransactionRequest {
        transaction: Transaction::Consume,
        fields: world.message(Transaction::Consume, &data),
        card: Some(card(world.good_card())),
    };
    let gone = tokio::time::timeout(
        std::time::Duration::from_millis(5),
        world.link.request(request, world.deadline()),
    );
    assert!(gone.await.is_err());
    // Its key is still taken, and its answer is told to whoever listens.
    let again = world.send(Transaction::Consume, &data, world.good_card()).await;
    assert!(matches!(again, Outcome::NotSent(NotSent::DuplicateInFlight)), "{again:?}");
    world.bank.release();
    assert_eq!(late.recv().await.unwrap().reason, LateReason::Unclaimed);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_has_passed_sends_nothing() {
    let world = World::of("cups-pos").await;
    let fields = world.message(Transaction::Consume, &world.data(100, None));
    let request =
        TransactionRequest { transaction: Transaction::Consume, fields, card: Some(card(world.good_card())) };
    let outcome = world.link.request(request, Instant::now()).await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::Expired)), "{outcome:?}");
    assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(0));
}
