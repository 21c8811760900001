//! The life of a link: sign-on, echo, loss, refusal, drain.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use banksim::{Fault, HowMany, Scope};
use hostlink::{
    BankProfile, Connect, Connecting, HostLink, KeyUsage, LinkState, MaybeSent, NotSent, Outcome,
    SHIPPED_BANKS, SecurityError, Stream, shipped_bank, shipped_file,
};
use iso8583::Mti;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::support::{Coded as _, World, bank, parts, reply, settle};

/// The state in which a link stops for good.
const WRONG_KEY: LinkState = LinkState::Refused(SecurityError::CheckValueMismatch(KeyUsage::Mac));

fn echo_mti(bank: &str) -> Mti {
    match bank {
        "cups-pos" => Mti::NETWORK_ADVICE,
        "iso93-bcd" => Mti::parse("1804").unwrap(),
        _ => Mti::NETWORK_REQUEST,
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_on_brings_keys_and_what_the_bank_says_of_batch_and_date() {
    let cups = World::of("cups-pos").await;
    assert_eq!(cups.link.facts().batch.as_deref(), Some("000001"));
    let iso87 = World::of("iso87-ascii").await;
    assert_eq!(iso87.link.facts().settlement_date.as_deref(), Some("1201"));
    for world in [cups, iso87] {
        assert_eq!(world.keys.installed.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_check_value_stops_the_link_until_a_person_resumes_it() {
    for name in SHIPPED_BANKS {
        let profile = Arc::new(shipped_bank(name).unwrap());
        let bank = bank(&profile, false).await;
        // Where a sign-on takes two messages, the keys come with the second.
        let scope = Scope { how_many: HowMany::Next(profile.sign_on().len() as u32), ..Scope::next() };
        bank.set_fault(Fault::WrongCheckValue, scope);
        let world = World::not_yet_up(&profile, bank);
        world.until(WRONG_KEY).await;
        let outcome = world.consume_unsigned().await;
        assert!(matches!(outcome, Outcome::NotSent(NotSent::LinkRefused)), "{name} {outcome:?}");
        // It does not try again by itself, however long it waits.
        tokio::time::sleep(Duration::from_secs(3600)).await;
        assert_eq!(*world.link.state().borrow(), WRONG_KEY);
        world.link.resume().await;
        world.until(LinkState::Up).await;
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00", "{name}");
    }
}

/// Whether the dialect demands the keys or only the exchange does.
#[tokio::test(start_paused = true)]
async fn an_answer_without_the_keys_that_were_asked_for_stops_the_link() {
    let (profile, malformed) =
        (Arc::new(shipped_bank("iso93-bcd").unwrap()), LinkState::Refused(SecurityError::KeysMalformed));
    let bank = bank(&profile, false).await;
    bank.set_fault(Fault::NoKeys, Scope { how_many: HowMany::Next(2), ..Scope::next() });
    let world = World::not_yet_up(&profile, bank);
    world.until(malformed).await;
    let outcome = world.consume_unsigned().await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::LinkRefused)), "{outcome:?}");
    world.link.resume().await;
    world.until(LinkState::Up).await;
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_on_is_tried_again() {
    for name in SHIPPED_BANKS {
        let profile = Arc::new(shipped_bank(name).unwrap());
        let bank = bank(&profile, false).await;
        bank.set_fault(
            Fault::Decline("97".to_owned()),
            Scope { how_many: HowMany::Next(3), ..Scope::next() },
        );
        let world = World::not_yet_up(&profile, bank);
        world.until(LinkState::Up).await;
        assert_eq!((world.link.counters().connects, world.link.counters().sign_ons), (4, 1), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_link_is_kept_alive_by_echo_tests() {
    for name in SHIPPED_BANKS {
        let world = World::of(name).await;
        tokio::time::sleep(world.link.profile().timers().echo_idle * 5 + Duration::from_secs(1)).await;
        let counters = world.link.counters();
        assert_eq!((counters.echoes, counters.losses), (5, 0), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_echo_is_dead_and_the_link_comes_back() {
    for name in SHIPPED_BANKS {
        let world = World::of(name).await;
        world.bank.set_fault(Fault::NotReceived, Scope::next().of(echo_mti(name)));
        let mut state = world.link.state();
        state.wait_for(|now| *now == LinkState::Down).await.unwrap();
        world.until(LinkState::Up).await;
        assert_eq!(world.link.counters().losses, 1, "{name}");
        assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_opened_again_and_nothing_is_sent_meanwhile() {
    let world = World::of("cups-pos").await;
    world.bank.disconnect();
    let mut state = world.link.state();
    state.wait_for(|now| *now == LinkState::Down).await.unwrap();
    let outcome = world.consume(100, world.good_card()).await;
    assert!(matches!(outcome, Outcome::NotSent(NotSent::LinkDown)), "{outcome:?}");
    world.until(LinkState::Up).await;
    assert_eq!(reply(world.consume(100, world.good_card()).await).code(), "00");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_is_in_flight_and_takes_nothing_new() {
    let world = World::of("iso87-ascii").await;
    world.bank.set_fault(Fault::HeldAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let deadline = world.deadline();
    let (answered, drained, ()) = tokio::join!(
        world.consume(100, world.good_card()),
        async {
            settle().await;
            world.link.drain(deadline).await
        },
        async {
            world.until(LinkState::Draining).await;
            let refused = world.consume(100, world.good_card()).await;
            assert!(matches!(refused, Outcome::NotSent(NotSent::Draining)), "{refused:?}");
            world.bank.release();
        }
    );
    assert_eq!((reply(answered).code(), drained.unanswered), ("00", 0));
    world.until(LinkState::Closed).await;
    assert!(world.bank.received().last().unwrap().starts_with("0800"), "it signs off");
}

#[tokio::test(start_paused = true)]
async fn a_drain_gives_up_at_its_deadline_and_says_how_many_were_left() {
    let world = World::of("cups-pos").await;
    world.bank.set_fault(Fault::NoAnswer, Scope::always().of(Mti::FINANCIAL_REQUEST));
    let (one, two, drained) =
        tokio::join!(world.consume(100, world.good_card()), world.consume(200, world.good_card()), async {
            settle().await;
            world.link.drain(Instant::now() + Duration::from_secs(3)).await
        });
    for outcome in [one, two] {
        assert!(matches!(outcome, Outcome::MaybeSent(MaybeSent::LinkClosed)), "{outcome:?}");
    }
    assert_eq!(drained.unanswered, 2);
}

#[tokio::test(start_paused = true)]
async fn a_drained_link_stays_closed_even_if_the_bank_hangs_up_or_ignores_the_sign_off() {
    for fault in [Fault::NotReceived, Fault::Reset, Fault::HalfFrame] {
        let world = World::of("cups-pos").await;
        world.bank.set_fault(fault.clone(), Scope::next().of(Mti::NETWORK_ADVICE));
        world.link.drain(world.deadline()).await;
        world.until(LinkState::Closed).await;
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(
            (*world.link.state().borrow(), world.link.counters().connects),
            (LinkState::Closed, 1),
            "{fault:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_during_a_drain_tells_each_request_and_does_not_come_back() {
    let world = World::of("cups-pos").await;
    world.bank.set_fault(Fault::NoAnswer, Scope::next().of(Mti::FINANCIAL_REQUEST));
    let (outcome, drained, ()) = tokio::join!(
        world.consume(100, world.good_card()),
        async {
            settle().await;
            world.link.drain(world.deadline()).await
        },
        async {
            world.until(LinkState::Draining).await;
            world.bank.disconnect();
        }
    );
    assert!(matches!(outcome, Outcome::MaybeSent(MaybeSent::LinkLost)), "{outcome:?}");
    assert_eq!(drained.unanswered, 1);
    world.until(LinkState::Closed).await;
    assert_eq!(world.link.counters().connects, 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_lets_answers_come_and_signs_off() {
    let World { bank, link, host, .. } = World::of("cups-pos").await;
    let mut state = link.state();
    drop((link, host));
    state.wait_for(|now| *now == LinkState::Closed).await.unwrap();
    assert!(bank.received().last().unwrap().starts_with("0820"), "{:?}", bank.received());
}

fn narrow_profile() -> Arc<BankProfile> {
    let text = shipped_file("cups-pos/bank.toml").unwrap();
    let text = text.replace("max_in_flight = 256", "max_in_flight = 1").replace("queue = 1024", "queue = 2");
    Arc::new(BankProfile::from_toml(&text, |path| shipped_file(path).map(str::to_owned)).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_who_waits_too_long_was_never_sent() {
    let world = World::with(narrow_profile(), false).await;
    world.bank.set_fault(Fault::NoAnswer, Scope::always().of(Mti::FINANCIAL_REQUEST));
    let card = world.good_card();
    let all = async |delay: u64| {
        tokio::time::sleep(Duration::from_millis(delay)).await;
        world.consume(100 + delay, card).await
    };
    let (a, b, c, d) = tokio::join!(all(0), all(1), all(2), all(3));
    // One is on the wire, two wait, the fourth finds no place.
    assert!(matches!(d, Outcome::NotSent(NotSent::Busy)), "{d:?}");
    assert!(matches!(a, Outcome::MaybeSent(MaybeSent::NoReply)), "{a:?}");
    // When the first gives up its place, those behind it have a millisecond left: sent or not, each is told the truth.
    let used = world.bank.received().iter().filter(|line| line.starts_with("0200")).count();
    let maybe = [&a, &b, &c].into_iter().filter(|o| matches!(o, Outcome::MaybeSent(_))).count();
    let not = [&b, &c].into_iter().filter(|o| matches!(o, Outcome::NotSent(NotSent::Expired))).count();
    assert_eq!((maybe, maybe + not), (used, 3), "{b:?} {c:?}");
}

/// Hands out connections whose far ends the test holds.
struct ToTest {
    far_ends: mpsc::UnboundedSender<DuplexStream>,
    opened: Mutex<u32>,
}

impl Connect for ToTest {
    fn connect(&self) -> Connecting<'_> {
        let (near, far) = tokio::io::duplex(4096);
        *self.opened.lock().unwrap() += 1;
        let sent = self.far_ends.send(far);
        Box::pin(async move {
            sent.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok(Box::new(near) as Box<dyn Stream>)
        })
    }
}

fn raw_peer() -> (HostLink, mpsc::UnboundedReceiver<DuplexStream>) {
    let profile = Arc::new(shipped_bank("cups-pos").unwrap());
    let (far_ends, peers) = mpsc::unbounded_channel();
    let (parts, _) = parts(&profile, Arc::new(ToTest { far_ends, opened: Mutex::new(0) }));
    (HostLink::start(parts), peers)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_sends_nothing_but_garbage_is_given_up_after_a_row_of_it() {
    let (link, mut peers) = raw_peer();
    let mut peer = peers.recv().await.unwrap();
    let limit = link.profile().limits().max_undecodable;
    for sent in 1..=limit {
        peer.write_all(b"\x00\x10\x60\x00\x00\x00\x03\x60\x31\x00\x31\x12\x00\xff\xff\xff\xff\xff")
            .await
            .unwrap();
        settle().await;
        assert_eq!(link.counters().losses, u64::from(sent == limit), "after {sent}");
    }
    assert_eq!(link.counters().undecodable, u64::from(limit));
    assert!(peers.recv().await.is_some(), "it connects again");
}

#[tokio::test(start_paused = true)]
async fn a_length_beyond_the_maximum_ends_the_connection_before_its_bytes() {
    let (link, mut peers) = raw_peer();
    let mut peer = peers.recv().await.unwrap();
    peer.write_all(b"\xff\xff").await.unwrap();
    assert!(peers.recv().await.is_some());
    assert_eq!(link.counters().losses, 1);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_answers_the_sign_on_is_left_and_keep_alives_are_not_answered() {
    let (link, mut peers) = raw_peer();
    let mut peer = peers.recv().await.unwrap();
    let mut sign_on = vec![0; 512];
    let length = peer.read(&mut sign_on).await.unwrap();
    assert_eq!(sign_on[13..15], [0x08, 0x00], "the sign-on is the first message");
    for _ in 0..100 {
        peer.write_all(b"\x00\x00").await.unwrap();
    }
    let mut more = Vec::new();
    // The link sends nothing more until it gives the connection up.
    peer.read_to_end(&mut more).await.unwrap();
    assert!(length > 15 && more.is_empty(), "{more:?}");
    assert_eq!(link.counters().undecodable, 0);
    assert!(peers.recv().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_waits_between_connections_grow_and_are_bounded() {
    let (link, mut peers) = raw_peer();
    let cap = link.profile().timers().backoff_cap;
    let mut last = Instant::now();
    for _ in 0..20 {
        drop(peers.recv().await.unwrap());
        assert!(last.elapsed() <= cap + Duration::from_secs(1));
        last = Instant::now();
    }
}
