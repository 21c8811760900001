//! Several links to one bank: who takes a request, who stands in, and whose answer it is.

use std::sync::Arc;
use std::time::Duration;

use banksim::{Fault, Scope};
use hostlink::{
    BankProfile, LinkState, MaybeSent, NotSent, Outcome, SHIPPED_BANKS, Transaction, TransactionData,
    shipped_bank, shipped_file,
};
use iso8583::Mti;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::support::{Coded as _, World, bank, reply, settle};

const SALE: Mti = Mti::FINANCIAL_REQUEST;

fn profile(name: &str, changes: &[(&str, &str)]) -> Arc<BankProfile> {
    let mut text = shipped_file(&format!("{name}/bank.toml")).unwrap().to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} has no {from:?}");
        text = text.replace(from, to);
    }
    Arc::new(BankProfile::from_toml(&text, |path| shipped_file(path).map(str::to_owned)).unwrap())
}

fn shipped(name: &str) -> Arc<BankProfile> {
    Arc::new(shipped_bank(name).unwrap())
}

/// How many requests each link has sent.
fn sent(world: &World) -> Vec<u64> {
    world.host.links().iter().map(|link| link.counters().sent).collect()
}

#[tokio::test(start_paused = true)]
async fn requests_are_shared_between_the_links_that_are_up() {
    let world = Arc::new(World::of_links(&shipped("iso87-ascii"), 3).await);
    let mut sales = JoinSet::new();
    for minor in 1..=30 {
        let world = Arc::clone(&world);
        sales.spawn(async move { world.consume(minor, world.good_card()).await });
    }
    while let Some(outcome) = sales.join_next().await {
        assert_eq!(reply(outcome.unwrap()).code(), "00");
    }
    assert_eq!(sent(&world), [10, 10, 10]);
    // One after the other they go round, too.
    for minor in 1..=9 {
        reply(world.consume(minor, world.good_card()).await);
    }
    assert_eq!(sent(&world), [13, 13, 13]);
}

#[tokio::test(start_paused = true)]
async fn two_requests_with_the_same_stan_in_flight_never_cross_answers() {
    for (name, links) in [("iso87-ascii", 3), ("cups-pos", 1), ("cups-pos", 4)] {
        let world = World::of_links(&shipped(name), links).await;
        for round in 0..400u32 {
            let stan = round + 1;
            let at = |terminal: &str, minor| TransactionData {
                stan,
                terminal: terminal.to_owned(),
                ..world.data(minor, None)
            };
            let (one, two) = (at("TERM0001", u64::from(stan)), at("TERM0002", 1_000_000 + u64::from(stan)));
            // Now the answers come over the other's link, now the first is overtaken, now both.
            if round % 2 == 0 {
                world.bank.set_fault(Fault::OtherLink, Scope::next().of(world.edition(SALE)));
            }
            if round % 3 == 0 {
                world
                    .bank
                    .set_fault(Fault::Delay(Duration::from_millis(5)), Scope::next().of(world.edition(SALE)));
            }
            let same_key = TransactionData { amount: world.money(77), ..one.clone() };
            let (first, second, third) = tokio::join!(
                world.send(Transaction::Consume, &one, world.good_card()),
                world.send(Transaction::Consume, &two, world.good_card()),
                world.send(Transaction::Consume, &same_key, world.good_card()),
            );
            for (answer, data) in [(reply(first), &one), (reply(second), &two)] {
                assert_eq!(answer.fields.get(41), Some(data.terminal.as_str()), "{name} round {round}");
                assert_eq!(answer.fields.get(4), Some(format!("{:012}", data.amount.minor()).as_str()));
            }
            // The same key a second time never leaves, over whichever link.
            assert!(
                matches!(third, Outcome::NotSent(NotSent::DuplicateInFlight | NotSent::KeyNotFree)),
                "{third:?}"
            );
        }
        let counters = world.host.counters();
        assert_eq!((counters.sent, counters.matched, counters.unmatched), (800, 800, 0), "{name}");
        assert_eq!(counters.crossed, if links > 1 { 200 } else { 0 }, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_over_another_link_finds_its_request() {
    for name in SHIPPED_BANKS {
        let world = World::of_links(&shipped(name), 2).await;
        let mut late = world.host.late();
        world.bank.set_fault(Fault::OtherLink, Scope::next().of(world.edition(SALE)));
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00", "{name}");
        assert_eq!((world.host.counters().crossed, world.host.counters().matched), (1, 1));
        assert!(late.try_recv().is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_link_is_lost_is_answered_over_another_where_the_bank_does_so() {
    let any_link =
        profile("iso87-ascii", &[("rrn = \"gateway\"", "rrn = \"gateway\"\nanswers = \"any_link\"")]);
    let world = World::of_links(&any_link, 2).await;
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(world.edition(SALE)));
    let (outcome, ()) = tokio::join!(world.consume(100, world.good_card()), async {
        settle().await;
        let carrier = usize::from(world.host.links()[1].load() == 1);
        world.bank.disconnect_one(carrier);
        settle().await;
        // Its own connection is gone, so the answer goes over the one that is left.
        assert_eq!(world.bank.release(), 1);
    });
    assert_eq!(reply(outcome).code(), "00");
    assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(100));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_link_is_lost_is_in_doubt_at_once_where_the_bank_answers_on_the_same_link() {
    let world = World::of_links(&shipped("iso87-ascii"), 2).await;
    world.bank.set_fault(Fault::Reset, Scope::next().of(world.edition(SALE)));
    let started = Instant::now();
    let outcome = world.consume(100, world.good_card()).await;
    // Not sent a second time over the other link: the first may have arrived.
    assert!(matches!(outcome, Outcome::MaybeSent(MaybeSent::LinkLost)), "{outcome:?}");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(world.host.counters().sent, 1);
    // The next one goes over the link that is left.
    assert_eq!(reply(world.consume(200, world.good_card()).await).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn a_link_without_a_place_hands_on_and_a_full_host_refuses_at_once() {
    let narrow =
        profile("cups-pos", &[("max_in_flight = 256", "max_in_flight = 1"), ("queue = 1024", "queue = 1")]);
    let world = Arc::new(World::of_links(&narrow, 2).await);
    world.bank.set_fault(Fault::HeldAnswer, Scope::always().of(world.edition(SALE)));
    let mut waiting = JoinSet::new();
    for minor in 1..=4 {
        // Each settles before the next comes: one on the wire and one in the queue of each link.
        let sale = Arc::clone(&world);
        waiting.spawn(async move { sale.consume(minor, sale.good_card()).await });
        settle().await;
    }
    let loads: Vec<_> = world.host.links().iter().map(hostlink::HostLink::load).collect();
    assert_eq!(loads, [2, 2]);
    let started = Instant::now();
    let refused = world.consume(5, world.good_card()).await;
    assert!(matches!(refused, Outcome::NotSent(NotSent::Busy)), "{refused:?}");
    assert_eq!(started.elapsed(), Duration::ZERO);
    world.bank.clear_faults();
    while world.bank.release() > 0 {
        settle().await;
    }
    while let Some(outcome) = waiting.join_next().await {
        assert_eq!(reply(outcome.unwrap()).code(), "00");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_taken_out_finishes_what_it_has_and_the_others_take_what_is_new() {
    for name in SHIPPED_BANKS {
        let world = World::of_links(&shipped(name), 2).await;
        let [one, two] = world.host.links() else { panic!("two links") };
        world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(world.edition(SALE)));
        let deadline = world.deadline();
        let (held, drained, ()) = tokio::join!(
            world.consume(100, world.good_card()),
            async {
                settle().await;
                let carrier = if one.load() == 1 { one } else { two };
                carrier.take_out(deadline).await
            },
            async {
                settle().await;
                settle().await;
                for minor in 1..=5 {
                    assert_eq!(reply(world.consume(minor, world.good_card()).await).code(), "00");
                }
                world.bank.release();
            }
        );
        assert_eq!((reply(held).code(), drained.unanswered), ("00", 0), "{name}");
        settle().await;
        let out =
            world.host.links().iter().position(|link| *link.state().borrow() == LinkState::OutOfService);
        let out = &world.host.links()[out.expect("one is out")];
        assert!(world.bank.received().last().unwrap().get(1..2) == Some("8"), "it signed off");

        // It stays out, however long it takes, and comes back when it is told to.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!((*out.state().borrow(), out.counters().connects), (LinkState::OutOfService, 1));
        assert_eq!(world.host.state(), LinkState::Up);
        out.resume().await;
        out.state().wait_for(|state| *state == LinkState::Up).await.unwrap();
        assert_eq!(out.counters().connects, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn with_all_links_out_nothing_is_sent_and_the_host_says_why() {
    let world = World::of_links(&shipped("cups-pos"), 2).await;
    for link in world.host.links() {
        link.take_out(world.deadline()).await;
    }
    world.host.until(|state| state == LinkState::OutOfService).await;
    let outcome = world.consume_unsigned().await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::OutOfService)), "{outcome:?}");
    assert_eq!(world.host.counters().sent, 0);
    // Even a link that is out can be closed for good.
    world.host.drain(world.deadline()).await;
    world.host.until(|state| state == LinkState::Closed).await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_loses_its_requests_gets_no_more_while_there_is_a_better_one() {
    let world = World::of_links(&shipped("iso87-ascii"), 2).await;
    // Everything over the bank's first connection is lost; echoes come through.
    let id = world.bank.set_fault(Fault::NotReceived, Scope::always().of(world.edition(SALE)).over(0));
    let mut silent = 0;
    for minor in 1..=60 {
        match world.consume(minor, world.good_card()).await {
            Outcome::Reply(_) => {}
            Outcome::MaybeSent(MaybeSent::NoReply) => silent += 1,
            other => panic!("{other:?}"),
        }
    }
    // Four to find out, then one after each rest of ten seconds; the replies that were waited for take their time.
    assert!((4..=8).contains(&silent), "{silent} were lost");
    let suspects = world.host.links().iter().filter(|link| link.is_suspect()).count();
    assert_eq!(suspects, 1);
    // Mended, it is used again.
    world.bank.clear_fault(id);
    tokio::time::sleep(Duration::from_secs(11)).await;
    let before = sent(&world);
    for minor in 1..=10 {
        assert_eq!(reply(world.consume(minor, world.good_card()).await).code(), "00");
    }
    let after = sent(&world);
    assert_eq!([after[0] - before[0], after[1] - before[1]], [5, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_host_is_up_as_soon_as_one_of_its_links_is() {
    let profile = shipped("cups-pos");
    let bank = bank(&profile, false).await;
    bank.set_fault(Fault::WrongCheckValue, Scope::next());
    let world = World::over_links(&profile, bank, 2);
    assert_eq!(world.host.until(LinkState::is_settled).await, LinkState::Up);
    settle().await;
    let refused =
        world.host.links().iter().filter(|link| matches!(*link.state().borrow(), LinkState::Refused(_)));
    assert_eq!(refused.count(), 1);
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}
