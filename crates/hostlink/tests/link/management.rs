//! Network management while payments are under way: new keys, cut-over, batch totals, and what the bank asks of us.

use std::sync::Arc;
use std::time::Duration;

use banksim::{Fault, Notice, Scope};
use hostlink::{
    BankProfile, BatchTotals, Count, KeyUsage, LinkEvent, LinkState, MaybeSent, NotSent, Outcome,
    ParameterAnswer, ParameterStep, ReconciliationData, SHIPPED_BANKS, SecurityError, Transaction,
    UploadAnswer, UploadData, UploadItem, shipped_bank, shipped_file,
};
use iso8583::Mti;
use tokio::sync::broadcast::Receiver;
use types::Clock;

use crate::support::{ACCEPTOR, Coded as _, Noon, World, original, reply, settle};

const SALE: Mti = Mti::FINANCIAL_REQUEST;

/// The events so far.
fn told(events: &mut Receiver<LinkEvent>) -> Vec<LinkEvent> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

async fn exchange_keys(world: &World) {
    let before = world.link.counters().key_exchanges;
    world.link.exchange_keys().await;
    tokio::time::sleep(world.link.profile().timers().sign_on_interval * 2).await;
    assert_eq!(world.link.counters().key_exchanges, before + 1);
    world.until(LinkState::Up).await;
}

#[tokio::test(start_paused = true)]
async fn new_keys_are_fetched_on_a_living_link_and_used_from_then_on() {
    for name in SHIPPED_BANKS {
        let world = World::of(name).await;
        let mut events = world.host.events();
        exchange_keys(&world).await;
        assert!(told(&mut events).contains(&LinkEvent::KeysExchanged { link: 0 }), "{name}");
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00", "{name}");
        // Over the same connection.
        assert_eq!((world.link.counters().connects, world.link.counters().bad_mac), (1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_under_the_old_key_counts_for_the_grace_time_and_not_after() {
    for name in SHIPPED_BANKS {
        for too_late in [false, true] {
            let world = World::of(name).await;
            world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(world.edition(SALE)));
            let mut late = world.host.late();
            let (outcome, ()) = tokio::join!(world.consume(100, world.good_card()), async {
                settle().await;
                // The answer is made, under the old key, and then the keys change.
                exchange_keys(&world).await;
                assert!(world.keys.keeps_previous());
                if too_late {
                    tokio::time::sleep(world.link.profile().timers().key_grace).await;
                    assert!(!world.keys.keeps_previous(), "the old key is forgotten");
                }
                world.bank.release();
            });
            if too_late {
                assert!(matches!(outcome, Outcome::MaybeSent(MaybeSent::NoReply)), "{name}: {outcome:?}");
                assert!(!late.recv().await.unwrap().authentic);
            } else {
                assert_eq!(reply(outcome).code(), "00", "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_wait_while_keys_are_fetched_and_none_leaves_under_an_unproved_key() {
    let world = World::of("iso87-ascii").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::NETWORK_REQUEST));
    world.link.exchange_keys().await;
    settle().await;
    let before = world.bank.received().len();
    let (outcome, ()) = tokio::join!(world.consume(100, world.good_card()), async {
        settle().await;
        assert_eq!(world.bank.received().len(), before, "nothing leaves");
        world.bank.release();
    });
    assert_eq!(reply(outcome).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_proved_stops_the_link_and_says_which() {
    let wrong = SecurityError::CheckValueMismatch(KeyUsage::Mac);
    for name in SHIPPED_BANKS {
        let world = World::of(name).await;
        let mut events = world.host.events();
        tokio::time::sleep(Duration::from_secs(10)).await;
        world.bank.set_fault(Fault::WrongCheckValue, Scope::next());
        world.link.exchange_keys().await;
        world.until(LinkState::Refused(wrong)).await;
        assert_eq!(told(&mut events).last(), Some(&LinkEvent::KeysRefused { link: 0, why: wrong }), "{name}");
        let sent = world.bank.received().len();
        let outcome = world.consume_unsigned().await;
        assert!(matches!(outcome, Outcome::NotSent(NotSent::LinkRefused)), "{name}: {outcome:?}");
        assert_eq!(world.bank.received().len(), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_changed_when_they_are_old() {
    for name in SHIPPED_BANKS {
        let text = shipped_file(&format!("{name}/bank.toml")).unwrap();
        let text = text.replace("[limits]", "key_lifetime_ms = 3600000\n\n[limits]");
        let profile = BankProfile::from_toml(&text, |path| shipped_file(path).map(str::to_owned)).unwrap();
        let world = World::with(Arc::new(profile), false).await;
        tokio::time::sleep(Duration::from_secs(3 * 3600 + 60)).await;
        let counters = world.link.counters();
        assert_eq!((counters.key_exchanges, counters.connects), (4, 1), "{name}");
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_sends_new_keys_is_answered_and_its_keys_are_used() {
    let world = World::of("iso87-ascii").await;
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(world.edition(SALE)));
    let (under_way, ()) = tokio::join!(world.consume(100, world.good_card()), async {
        settle().await;
        world.bank.announce(Notice::NewKeys);
        settle().await;
        // The answer to what was sent before has a MAC by the old key.
        world.bank.release();
    });
    assert_eq!(reply(under_way).code(), "00");
    assert!(world.bank.received().last().unwrap().starts_with("0810"), "{:?}", world.bank.received());
    let counters = world.link.counters();
    assert_eq!((counters.key_exchanges, counters.bank_requests, counters.bad_mac), (2, 1, 0));
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_sends_a_key_with_a_wrong_check_value_is_told_so_and_gets_nothing_more() {
    let world = World::of("iso87-ascii").await;
    world.bank.announce(Notice::WrongKeys);
    world.until(LinkState::Refused(SecurityError::CheckValueMismatch(KeyUsage::Mac))).await;
    settle().await;
    let answer = world.bank.transcript().into_iter().rev().find(|line| line.text.contains("0810"));
    let answer = answer.expect("the bank was answered").text;
    assert!(answer.contains("39=96"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn what_the_bank_asks_is_answered_once_and_done() {
    let world = World::of("iso87-ascii").await;
    let mut events = world.host.events();
    let answers = |bank: &banksim::Bank| {
        bank.received().iter().filter(|line| line.starts_with("0810") || line.starts_with("0830")).count()
    };
    world.bank.announce(Notice::Echo);
    settle().await;
    assert_eq!((answers(&world.bank), told(&mut events)), (1, vec![]));

    world.bank.announce(Notice::Parameters);
    settle().await;
    assert_eq!(told(&mut events), [LinkEvent::ParametersWanted { link: 0 }]);

    // It may ask for a key exchange or a sign-on; neither is begun more often than the profile allows.
    for notice in [Notice::KeyExchange, Notice::SignOn, Notice::SignOff] {
        let before = world.link.counters().sign_ons;
        world.bank.announce(notice);
        world.bank.announce(notice);
        tokio::time::sleep(world.link.profile().timers().sign_on_interval).await;
        world.until(LinkState::Up).await;
        assert_eq!(world.link.counters().sign_ons, before + 1, "{notice:?}");
        tokio::time::sleep(world.link.profile().timers().sign_on_interval * 2).await;
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
    }
    assert!(told(&mut events).contains(&LinkEvent::BankSignedOff { link: 0 }));
    assert_eq!(answers(&world.bank), 8);
    assert_eq!((world.link.counters().bank_requests, world.link.counters().unsolicited), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_the_banks_own_requests_is_answered_one_for_one_and_wakes_nobody_for_ever() {
    let world = World::of("iso87-ascii").await;
    for _ in 0..200 {
        world.bank.announce(Notice::Echo);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.link.counters().bank_requests, 200);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(world.link.counters().bank_requests, 200);
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn the_header_of_an_answer_can_order_a_sign_on_or_a_download() {
    let world = World::of("cups-pos").await;
    let mut events = world.host.events();
    world.bank.announce(Notice::Parameters);
    reply(world.consume(100, world.good_card()).await);
    assert_eq!(told(&mut events), [LinkEvent::ParametersWanted { link: 0 }]);
    world.bank.announce(Notice::SignOn);
    reply(world.consume(100, world.good_card()).await);
    tokio::time::sleep(world.link.profile().timers().sign_on_interval * 2).await;
    assert_eq!(world.link.counters().sign_ons, 2);
}

#[tokio::test(start_paused = true)]
async fn a_cut_over_is_told_once_with_the_new_date_however_many_links_hear_of_it() {
    let profile = Arc::new(shipped_bank("iso87-ascii").unwrap());
    let world = World::of_links(&profile, 3).await;
    let mut events = world.host.events();
    assert_eq!(world.host.facts().settlement_date.as_deref(), Some("1201"));
    world.bank.cut_over();
    settle().await;
    for minor in 1..=6 {
        reply(world.consume(minor, world.good_card()).await);
    }
    assert_eq!(told(&mut events), [LinkEvent::CutOver { settlement_date: Some("1202".to_owned()) }]);
    assert_eq!(world.host.facts().settlement_date.as_deref(), Some("1202"));
    let answered = world.bank.received().iter().filter(|line| line.starts_with("0830")).count();
    assert_eq!(answered, 3, "each notice is answered");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_announces_it_an_answer_shows_the_new_date_and_an_old_one_does_not_go_back() {
    let world = World::of("iso87-ascii").await;
    let mut events = world.host.events();
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(world.edition(SALE)));
    let (of_the_old_day, ()) = tokio::join!(world.consume(100, world.good_card()), async {
        settle().await;
        world.bank.cut_over();
        reply(world.consume(200, world.good_card()).await);
        world.bank.release();
    });
    assert_eq!(reply(of_the_old_day).fields.get(15), Some("1201"));
    assert_eq!(told(&mut events).len(), 1);
    assert_eq!(world.host.facts().settlement_date.as_deref(), Some("1202"));
}

#[tokio::test(start_paused = true)]
async fn a_closed_batch_is_left_by_signing_on_again() {
    let world = World::of("cups-pos").await;
    let sale = world.data(100, None);
    reply(world.send(Transaction::Consume, &sale, world.good_card()).await);
    world.bank.cut_over();
    // The host knows no more of the new batch than the link does until it is told.
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "77");
    tokio::time::sleep(world.link.profile().timers().sign_on_interval * 2).await;
    world.until(LinkState::Up).await;
    assert_eq!(world.host.facts().batch.as_deref(), Some("000002"));
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
    // What belongs to the old batch can still be undone.
    let undone = world.reversal_of(Transaction::Consume, &sale);
    assert_eq!(reply(world.send(Transaction::Reversal, &undone, world.good_card()).await).code(), "00");
}

/// Totals of this world's merchant, sent to the bank: does it agree?
async fn reconcile(world: &World, totals: BatchTotals) -> Option<bool> {
    reconcile_of(world, totals, world.host.facts().batch).await
}

async fn reconcile_of(world: &World, totals: BatchTotals, batch: Option<String>) -> Option<bool> {
    let data = ReconciliationData {
        totals,
        currency: world.currency(),
        stan: world.next_stan(),
        at: Noon.now(),
        terminal: world.terminal.clone(),
        acceptor: ACCEPTOR.to_owned(),
        batch,
        settlement_date: None,
    };
    let message = world.host.profile().totals_message(&data).unwrap().expect("both banks take totals");
    let answer = reply(world.host.ask(message, world.deadline()).await);
    world.host.profile().in_balance(&answer)
}

#[tokio::test(start_paused = true)]
async fn batch_totals_are_in_balance_with_the_bank_until_one_of_the_two_misses_a_sale() {
    for name in SHIPPED_BANKS {
        let world = World::of(name).await;
        assert_eq!(reconcile(&world, BatchTotals::default()).await, Some(true), "{name}: an empty batch");

        let sale = world.data(1_250, None);
        let sold = reply(world.send(Transaction::Consume, &sale, world.good_card()).await);
        reply(world.consume(800, world.good_card()).await);
        let undone = world.data(300, None);
        reply(world.send(Transaction::Consume, &undone, world.good_card()).await);
        let reversal = world.reversal_of(Transaction::Consume, &undone);
        reply(world.send(Transaction::Reversal, &reversal, world.good_card()).await);
        let refund = world.data(250, Some(original(Transaction::Consume, &sale, Some(&sold))));
        assert_eq!(reply(world.send(Transaction::Refund, &refund, world.good_card()).await).code(), "00");

        let totals = BatchTotals {
            debits: Count { number: 3, amount: 2_350 },
            debit_reversals: Count { number: 1, amount: 300 },
            credits: Count { number: 1, amount: 250 },
            credit_reversals: Count::default(),
        };
        assert_eq!(reconcile(&world, totals).await, Some(true), "{name}");
        let missed = BatchTotals { debits: Count { number: 2, amount: 1_550 }, ..totals };
        assert_eq!(reconcile(&world, missed).await, Some(false), "{name}");
        // After the cut-over the totals start again. A batch that has a number can still be asked for.
        world.bank.cut_over();
        settle().await;
        let next = world.host.facts().batch.map(|_| "000002".to_owned());
        assert_eq!(reconcile_of(&world, BatchTotals::default(), next.clone()).await, Some(true), "{name}");
        if next.is_some() {
            assert_eq!(reconcile(&world, totals).await, Some(true), "{name}: the batch before");
        }
        assert_eq!(world.link.counters().mismatch, 0);
    }
}

/// What the bank says to some items, or to their end where there are none.
async fn upload(world: &World, items: &[UploadItem<'_>], of: usize) -> (UploadAnswer, String) {
    let data = UploadData {
        stan: world.next_stan(),
        at: Noon.now(),
        terminal: world.terminal.clone(),
        acceptor: ACCEPTOR.to_owned(),
        batch: world.host.facts().batch,
    };
    let profile = world.host.profile();
    let message = match items {
        [] => profile.upload_end_message(&data, of),
        some => profile.upload_message(&data, some),
    };
    let answer = reply(world.host.ask(message.unwrap().unwrap(), world.deadline()).await);
    assert_eq!(answer.fields.get(48), None, "no item comes back to the gateway");
    (profile.upload_answer(&answer, items.is_empty()), answer.code().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_has_lost_a_sale_adds_it_when_it_is_told_the_batch() {
    let world = World::of("cups-pos").await;
    let (kept, lost) = (world.data(1_250, None), world.data(800, None));
    assert_eq!(reply(world.send(Transaction::Consume, &kept, world.good_card()).await).code(), "00");
    world.bank.set_fault(Fault::NotBooked, Scope::next());
    assert_eq!(reply(world.send(Transaction::Consume, &lost, world.good_card()).await).code(), "00");
    let totals = BatchTotals { debits: Count { number: 2, amount: 2_050 }, ..BatchTotals::default() };
    assert_eq!(reconcile(&world, totals).await, Some(false));

    let pan = card::Pan::parse(world.good_card()).unwrap();
    let item = |stan, amount| UploadItem { stan, amount, is_credit: false, pan: &pan };
    let items = [item(kept.stan, 1_250), item(lost.stan, 800)];
    assert_eq!(upload(&world, &[], 0).await, (UploadAnswer::Taken, "95".to_owned()), "it still differs");
    // The same item twice is one item.
    for some in [&items[..], &items[1..]] {
        assert_eq!(upload(&world, some, 0).await, (UploadAnswer::Taken, "00".to_owned()));
    }
    assert_eq!(upload(&world, &[], 3).await.1, "95", "it has been told of two");
    assert_eq!(upload(&world, &[], 2).await, (UploadAnswer::Taken, "00".to_owned()));
    assert_eq!(reconcile(&world, totals).await, Some(true));
    // What the bank has added can be taken back like any other.
    let reversal = world.reversal_of(Transaction::Consume, &lost);
    assert_eq!(reply(world.send(Transaction::Reversal, &reversal, world.good_card()).await).code(), "00");

    let stranger = card::Pan::parse("4111111111111111").unwrap();
    let unknown = UploadItem { pan: &stranger, ..items[0] };
    let unknown = UploadItem { stan: 777, ..unknown };
    assert_eq!(upload(&world, &[unknown], 0).await.0, UploadAnswer::Refused, "no card of this bank");
    world.bank.set_fault(Fault::Decline("90".to_owned()), Scope::next());
    assert_eq!(upload(&world, &items, 0).await.0, UploadAnswer::NotNow);
    world.bank.set_fault(Fault::Decline("77".to_owned()), Scope::next());
    assert_eq!(upload(&world, &items, 0).await.0, UploadAnswer::WantsSignOn);
    assert_eq!(world.link.counters().mismatch, 0);
}

/// What the bank says to a step of fetching its first parameters.
async fn parameters(world: &World, step: ParameterStep) -> ParameterAnswer {
    let profile = world.host.profile();
    let set = &profile.parameters()[0];
    let data = UploadData {
        stan: world.next_stan(),
        at: Noon.now(),
        terminal: world.terminal.clone(),
        acceptor: ACCEPTOR.to_owned(),
        batch: world.host.facts().batch,
    };
    let message = profile.parameter_message(set, step, &data).unwrap().unwrap();
    let answer = reply(world.host.ask(message, world.deadline()).await);
    assert_eq!(answer.fields.get(62), None, "what it brings is apart, and shows nothing of itself");
    assert!(!format!("{answer:?}").contains("DF01"));
    profile.parameter_answer(set, step, &answer)
}

#[tokio::test(start_paused = true)]
async fn parameters_are_fetched_piece_by_piece_while_the_link_signs_on_and_sends_echoes() {
    let world = World::of("cups-pos").await;
    let first = parameters(&world, ParameterStep::Piece(1)).await;
    assert_eq!(first, ParameterAnswer::Piece { bytes: b"\xDF\x01\x0230".to_vec(), is_last: false });
    // Echo tests carry no trace number, and a key exchange is an 0800, too: each gets its own answer.
    tokio::time::sleep(world.link.profile().timers().echo_idle * 2).await;
    exchange_keys(&world).await;
    let last = parameters(&world, ParameterStep::Piece(2)).await;
    assert_eq!(last, ParameterAnswer::Piece { bytes: b"\xDF\x02\x0299".to_vec(), is_last: true });
    assert_eq!(parameters(&world, ParameterStep::End).await, ParameterAnswer::Taken);
    assert_eq!(
        parameters(&world, ParameterStep::Piece(3)).await,
        ParameterAnswer::Refused,
        "there is no third"
    );
    world.bank.set_fault(Fault::Decline("90".to_owned()), Scope::next());
    assert_eq!(parameters(&world, ParameterStep::Piece(1)).await, ParameterAnswer::NotNow);
    assert_eq!((world.link.counters().mismatch, world.link.counters().connects), (0, 1));
    assert_eq!(*world.link.state().borrow(), LinkState::Up);
}
