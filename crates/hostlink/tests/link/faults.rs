//! Every fault of the bank against the link's promises: a reply only to the request whose key it carries, no request
//! without an outcome, and `MaybeSent` whenever a byte may have left.

use std::time::Duration;

use banksim::{Fault, Scope};
use hostlink::{LateReason, LinkState, MaybeSent, Outcome, SHIPPED_BANKS, Transaction};
use iso8583::Mti;

use crate::support::{Coded as _, World, reply, settle};

const SALE: Mti = Mti::FINANCIAL_REQUEST;

fn maybe(outcome: &Outcome) -> &MaybeSent {
    match outcome {
        Outcome::MaybeSent(why) => why,
        other => panic!("wanted MaybeSent, got {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_after_the_bank_took_the_money_the_caller_must_reverse() {
    for bank in SHIPPED_BANKS {
        let faults = [
            (Fault::NoAnswer, "no_reply"),
            (Fault::NotReceived, "no_reply"),
            (Fault::HeldAnswer, "no_reply"),
            (Fault::HeldRequest, "no_reply"),
            (Fault::Delay(Duration::from_secs(40)), "no_reply"),
            (Fault::WrongMac, "reply_mac_invalid"),
            (Fault::WrongTerminal, "no_reply"),
            (Fault::WrongStan, "no_reply"),
            (Fault::WrongAmount, "reply_mismatch"),
            (Fault::HalfFrame, "link_lost"),
            (Fault::Reset, "link_lost"),
        ];
        for (fault, code) in faults {
            let world = World::of(bank).await;
            world.bank.set_fault(fault.clone(), Scope::next().of(world.edition(SALE)));
            let sale = world.data(4_200, None);
            let outcome = world.send(Transaction::Consume, &sale, world.good_card()).await;
            assert_eq!(maybe(&outcome).code(), code, "{bank} {fault:?}");

            // The reversal, on whichever connection, leaves nothing behind.
            world.until(LinkState::Up).await;
            let reversal = world.reversal_of(Transaction::Consume, &sale);
            let undone = reply(world.send(Transaction::Reversal, &reversal, world.good_card()).await);
            assert!(["00", "25"].contains(&undone.code()), "{bank} {fault:?}");
            world.bank.release();
            settle().await;
            assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(0), "{bank} {fault:?}");
            // And the link still works.
            assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00", "{bank} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_told_as_late_and_a_second_one_as_a_duplicate() {
    let world = World::of("cups-pos").await;
    let mut late = world.link.late();
    world.bank.set_fault(Fault::Delay(Duration::from_secs(31)), Scope::next().of(world.edition(SALE)));
    let outcome = world.consume(100, world.good_card()).await;
    assert_eq!(*maybe(&outcome), MaybeSent::NoReply);
    let told = late.recv().await.unwrap();
    assert_eq!((told.reason, told.authentic, told.fields.get(39)), (LateReason::Late, true, Some("00")));

    world.bank.set_fault(Fault::DuplicateAnswer, Scope::next().of(world.edition(SALE)));
    assert_eq!(reply(world.consume(200, world.good_card()).await).code(), "00");
    let told = late.recv().await.unwrap();
    assert_eq!((told.reason, told.fields.get(4)), (LateReason::Duplicate, Some("000000000200")));
    let counters = world.link.counters();
    assert_eq!((counters.late, counters.duplicate, counters.unmatched), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_another_terminal_is_nobodys() {
    let world = World::of("iso87-ascii").await;
    let mut late = world.link.late();
    world.bank.set_fault(Fault::WrongTerminal, Scope::next().of(world.edition(SALE)));
    let outcome = world.consume(100, world.good_card()).await;
    assert_eq!(*maybe(&outcome), MaybeSent::NoReply);
    assert_eq!(late.recv().await.unwrap().reason, LateReason::Unmatched);
}

#[tokio::test(start_paused = true)]
async fn garbage_between_good_frames_costs_nobody_anything() {
    let world = World::of("cups-pos").await;
    world
        .bank
        .set_fault(Fault::GarbageBefore, Scope { how_many: banksim::HowMany::Next(40), ..Scope::next() });
    for _ in 0..40 {
        // More than the limit, but never in a row.
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
    }
    let counters = world.link.counters();
    assert_eq!((counters.undecodable, counters.losses, counters.matched), (40, 0, 40));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_mac_raises_the_alarm_and_new_keys_are_fetched() {
    let world = World::of("iso87-ascii").await;
    world.bank.set_fault(Fault::WrongMac, Scope::next().of(world.edition(SALE)));
    let outcome = world.consume(100, world.good_card()).await;
    assert_eq!(*maybe(&outcome), MaybeSent::BadMac);
    assert_eq!(world.link.counters().bad_mac, 1);
    tokio::time::sleep(world.link.profile().timers().sign_on_interval * 2).await;
    world.until(LinkState::Up).await;
    assert_eq!(world.link.counters().sign_ons, 2);
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn out_of_step_keys_are_answered_with_a_sign_on_and_told_to_the_caller() {
    for code in ["99", "A0", "77"] {
        let world = World::of("cups-pos").await;
        world.bank.set_fault(Fault::Decline(code.to_owned()), Scope::next().of(world.edition(SALE)));
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), code);
        tokio::time::sleep(world.link.profile().timers().sign_on_interval * 2).await;
        world.until(LinkState::Up).await;
        assert_eq!(world.link.counters().sign_ons, 2, "{code}");
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
    }
}

#[tokio::test]
async fn resets_and_half_frames_over_real_sockets_are_link_loss_and_the_link_comes_back() {
    for bank in SHIPPED_BANKS {
        let world = World::over_tcp(bank).await;
        for fault in [Fault::HalfFrame, Fault::Reset] {
            world.bank.set_fault(fault.clone(), Scope::next().of(world.edition(SALE)));
            let outcome = world.consume(100, world.good_card()).await;
            assert_eq!(*maybe(&outcome), MaybeSent::LinkLost, "{bank} {fault:?}");
            world.until(LinkState::Up).await;
            assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
        }
    }
}
