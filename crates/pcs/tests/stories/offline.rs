//! Sales that a chip approved at a terminal: they have happened, and the bank is told until it has acknowledged them.

use banksim::{Fault, Scope};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use card::{EncryptedPin, EntryMode, PinFormat, SecurityCode, Track2};
use iso8583::Mti;
use payment::{CaptureMethod, Evidence, Notice, OfflineTerms, Payment, State, Status};
use pcs::model::{Actor, Sum, Terminal, Verdict};
use pcs::{CommandError, Finding, MerchantUpdate, NewPayment, Resolution, TASK_EXCHANGE, TASK_PURSUIT};
use store::{Fault as StoreFault, PostgresOptions, SqliteOptions};
use testkit::{CHIP_DATA, FLOOR_LIMIT, Shop, TWIN, World, cny, eur, gbp, payment_of};
use types::{Currency, Money};

use crate::GOOD;

/// So much of a bank's currency.
type Amount = fn(u64) -> Money;

const HOUR_MS: i64 = 3_600_000;
/// Each bank with its advice, the repeat of it, and an amount in its currency.
const BANKS: [(&str, &str, &str, Amount); 3] = [
    ("cups-pos", "0220", "0220", cny),
    ("iso87-ascii", "0220", "0221", eur),
    ("iso93-bcd", "1220", "1221", gbp),
];

async fn tell(world: &World, shop: &Shop, new: NewPayment) -> Payment {
    payment_of(world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap())
}

fn of(mti: &str) -> Mti {
    Mti::parse(mti).unwrap()
}

fn said_by_chip(sale: &mut NewPayment, tags: &[&[u8]]) {
    sale.card.as_mut().unwrap().present.as_mut().unwrap().chip_data = Some(tags.concat().into());
}

fn found(finding: Finding) -> Resolution {
    let (by, reason) = ("Li Na".to_owned(), "telephone call with the bank's desk".to_owned());
    Resolution { finding, by, reason, rrn: None, authorization_code: None }
}

/// Tasks in which chip data is kept.
async fn keeping_chip_data(world: &World) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for kind in [TASK_EXCHANGE, TASK_PURSUIT] {
        let tasks = world.store().tasks(kind, None, 1_000).await.unwrap();
        bodies.extend(tasks.into_iter().map(|task| task.body).filter(|body| has(body, b"chip_data")));
    }
    bodies
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

#[tokio::test(start_paused = true)]
async fn every_bank_is_told_and_the_sale_is_paid_like_any_other() {
    let world = World::seeded(1_300).await;
    let shop = world.merchant("tea").await;
    for (bank, advice, _, money) in BANKS {
        let till = world.till(&shop, bank).await;
        world.allow_offline(&shop, money(0).currency()).await;
        let mut sale = world.offline_sale(&till, GOOD, money(42_00), HOUR_MS);
        let needed = [
            &[0x4F, 5, 0xA0, 0, 0, 3, 0x33][..],
            &[0x9F, 0x63, 2, 0, 1],
            &[0x9F, 0x53, 1, 0x52],
            &[0x9F, 0x74, 6, b'E', b'C', b'C', b'0', b'0', b'1'],
        ]
        .concat();
        said_by_chip(&mut sale, &[&CHIP_DATA, &needed]);
        let paid = tell(&world, &shop, sale).await;
        assert_eq!((paid.state, paid.captured), (State::Captured, 42_00), "{bank}");
        assert_eq!(paid.evidence, Some(Evidence::Terminal { terminal: till.id }));
        let exchange = paid.original.clone().unwrap();
        assert_eq!(exchange.authorization_code.as_deref(), Some("Y1OFFL"), "{bank}");
        assert_eq!(exchange.offline.unwrap().approved_at, world.now().plus_ms(-HOUR_MS), "{bank}");
        let history = world.pcs().history(shop.id(), paid.id).await.unwrap();
        let sent = history[0].event.sent.as_ref().unwrap();
        assert_eq!(sent.mti(), of(advice));
        assert!([2, 14, 23, 35, 52, 55].iter().all(|&de| sent.get(de).is_none()), "{bank}");
        world.audit().await;
        let totals = world.pcs().compare_totals(bank, "Li Na").await.unwrap();
        let told = totals.iter().find(|it| it.own.debits == Sum { count: 1, amount: 42_00 });
        assert_eq!(told.map(|it| it.verdict), Some(Verdict::Agreed), "{bank}: {totals:?}");

        world.refund(&shop, paid.id, Some(2_00)).await.unwrap();
        // The number and the name that another terminal has among its tags do not even reach the bank there; what it needs does.
        let mut named = world.offline_sale(&till, GOOD, money(7_00), 0);
        let number =
            [0x5A, 8, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x42, 0x5F, 0x20, 3, b'J', b'O', b'Y'];
        said_by_chip(&mut named, &[&number, &CHIP_DATA, &needed, &[0xDF, 0x31, 1, 1]]);
        let other = tell(&world, &shop, named).await;
        let received = world.bank(bank).received_with_chip_data();
        assert!(received.len() == 2 && received[0].1 == received[1].1, "{bank}: {received:?}");
        let voided = world.pcs().void_payment(&shop.caller, world.key(), other.id).await.unwrap();
        assert_eq!(payment_of(voided).state.status(), Status::Canceled, "{bank}");
        if paid.actions().contains(&"adjust") {
            let dinner = tell(&world, &shop, world.offline_sale(&till, GOOD, money(10_00), 0)).await;
            let tipped = world.pcs().adjust_payment(&shop.caller, world.key(), dinner.id, 11_00).await;
            assert_eq!(payment_of(tipped.unwrap()).captured, 11_00, "{bank}");
        }
        world.audit().await;
    }
    assert_eq!(keeping_chip_data(&world).await, Vec::<Vec<u8>>::new());
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_is_silent_for_hours_is_told_again_with_the_same_word_of_the_chip() {
    let world = World::seeded(1_301).await;
    let shop = world.merchant("tea").await;
    for (bank, advice, repeat, money) in BANKS {
        let till = world.till(&shop, bank).await;
        world.allow_offline(&shop, money(0).currency()).await;
        for mti in [advice, repeat] {
            world.bank(bank).set_fault(Fault::NotReceived, Scope::always().of(of(mti)));
        }
        let told = tell(&world, &shop, world.offline_sale(&till, GOOD, money(42_00), HOUR_MS)).await;
        assert_eq!(told.state, State::Advising { in_doubt: true }, "{bank}");
        assert_eq!((told.captured, world.owed_to(shop.id(), told.currency()).await), (0, 0));
        let end = world.now().plus_ms(3 * HOUR_MS);
        while world.now() < end {
            world.pcs().work_once().await.unwrap();
            world.pass_ms(30_000).await;
        }
        assert_eq!(world.payment(&shop, told.id).await.needs_operator, None, "{bank}: it is early");
        world.bank(bank).clear_faults();
        world.settle().await;

        let received = world.bank(bank).received_with_chip_data();
        assert!(received.len() > 20, "{bank}: {received:?}");
        assert!(
            received[0].0.starts_with(advice) && received[1].0.starts_with(repeat),
            "{bank}: {received:?}"
        );
        assert!(received.iter().all(|(_, said)| *said == received[0].1), "{bank}: the same DE 55 each time");
        assert!(!world.bank(bank).received().iter().any(|line| line[1..].starts_with("4")), "never undone");
        let paid = world.payment(&shop, told.id).await;
        assert_eq!((paid.state, paid.captured), (State::Captured, 42_00), "{bank}");
        let history = world.pcs().history(shop.id(), told.id).await.unwrap();
        let notices: Vec<Notice> =
            history.iter().flat_map(|item| item.event.notices.iter().map(|notice| notice.notice)).collect();
        let expected = [Notice::Created, Notice::InDoubt, Notice::InDoubtResolved, Notice::Succeeded];
        assert_eq!(notices, expected, "{bank}");
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_it_is_told_again_with_what_the_chip_said() {
    let mut world = World::seeded(1_302).await;
    let shop = world.merchant("tea").await;
    for (bank, _, repeat, money) in BANKS {
        let till = world.till(&shop, bank).await;
        world.allow_offline(&shop, money(0).currency()).await;
        // The bank's answer is on its way when the process dies; the next time it dies before the message has left.
        world.bank(bank).set_fault(Fault::HeldAnswer, Scope::next());
        let (pcs, caller, key) = (world.pcs().clone(), shop.caller.clone(), world.key());
        let new = world.offline_sale(&till, GOOD, money(42_00), HOUR_MS);
        let asked = {
            let (key, new) = (key.clone(), new.clone());
            tokio::spawn(async move { pcs.create_payment(&caller, key, new).await })
        };
        world.until("the answer is held", || world.bank(bank).held() == 1).await;
        world.crash().await;
        assert_eq!(world.pcs().resume().await.unwrap(), 1);
        world.bank(bank).release();
        assert!(asked.await.unwrap().is_err());
        world.settle().await;
        let again = world.pcs().create_payment(&shop.caller, key, new).await.unwrap();
        assert!(again.replayed, "{bank}");
        assert_eq!(payment_of(again).state, State::Captured, "{bank}");
        let received = world.bank(bank).received_with_chip_data();
        assert!(received.last().unwrap().0.starts_with(repeat), "{bank}: {received:?}");
        assert!(received.iter().all(|(_, said)| *said == received[0].1), "{bank}: {received:?}");
        world.audit().await;

        // The next sale fetches a block of trace numbers, so that the next commit is the payment's own.
        tell(&world, &shop, world.offline_sale(&till, GOOD, money(1_00), 0)).await;
        world.memory.order_fault(StoreFault::WrittenUnknown);
        let key = world.key();
        let lost = world.offline_sale(&till, GOOD, money(5_00), 0);
        let failed = world.pcs().create_payment(&shop.caller, key.clone(), lost.clone()).await;
        assert_eq!(failed.unwrap_err().code(), "temporarily_unavailable");
        world.crash().await;
        assert_eq!(world.pcs().resume().await.unwrap(), 1);
        world.settle().await;
        let again = world.pcs().create_payment(&shop.caller, key, lost).await.unwrap();
        assert_eq!(
            payment_of(again).state,
            State::Captured,
            "{bank}: the bank wants the chip's word each time"
        );
        world.audit().await;
    }
    assert_eq!(keeping_chip_data(&world).await, Vec::<Vec<u8>>::new());
}

#[tokio::test(start_paused = true)]
async fn what_a_bank_refuses_is_peoples_to_end_either_way_and_the_chip_data_goes_with_it() {
    let world = World::seeded(1_303).await;
    let shop = world.merchant("tea").await;
    for finding in [Finding::Undone, Finding::Stands] {
        for (bank, advice, _, money) in BANKS {
            let code = if bank == "iso93-bcd" { "181" } else { "22" };
            let till = world.till(&shop, bank).await;
            world.allow_offline(&shop, money(0).currency()).await;
            world.bank(bank).set_fault(Fault::Decline(code.to_owned()), Scope::next().of(of(advice)));
            let refused = tell(&world, &shop, world.offline_sale(&till, GOOD, money(42_00), 0)).await;
            assert_eq!(refused.state, State::Advising { in_doubt: true }, "{bank}: not silently failed");
            let why = format!("the bank has refused it with response code {code}");
            assert_eq!(refused.needs_operator.as_ref(), Some(&why), "{bank}");
            let doubt = world.pcs().doubts().await.unwrap().remove(0);
            assert_eq!((doubt.pursued_by.name(), doubt.refusals), ("offline_sale", 1));
            assert!(doubt.next_try > world.now().plus_ms(60_000), "it is tried rarely");
            assert_eq!(keeping_chip_data(&world).await.len(), 1);
            // Somebody has it told once more; the bank says the same, and nothing is lost by that.
            world.pcs().retry_now(doubt.exchange.attempt).await.unwrap();
            world.pcs().work_once().await.unwrap();
            assert_eq!(world.payment(&shop, refused.id).await.needs_operator, Some(why), "{bank}");

            let ended = world.pcs().resolve(doubt.exchange.attempt, found(finding)).await.unwrap();
            let last = world.pcs().history(shop.id(), refused.id).await.unwrap().pop().unwrap();
            assert_eq!(last.event.actor, Actor::Operator { by: "Li Na".to_owned() });
            assert_eq!((ended.needs_operator.clone(), keeping_chip_data(&world).await.len()), (None, 0));
            match finding {
                Finding::Undone => {
                    assert_eq!((ended.state, ended.captured), (State::Failed, 0), "{bank}");
                    world.audit().await;
                }
                Finding::Stands => {
                    // The bank has promised to book it by hand; the auditor would find that it has not yet.
                    assert_eq!((ended.state, ended.captured, ended.flagged), (State::Captured, 42_00, true));
                    let owed = world.owed_to(shop.id(), ended.currency()).await;
                    assert_eq!(owed, i128::from(42_00 - ended.fee), "{bank}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_is_silent_for_too_long_is_somebodys_to_look_into_and_the_chip_data_goes_with_it() {
    let world = World::seeded(1_304).await;
    let shop = world.merchant("tea").await;
    let till = world.till(&shop, "cups-pos").await;
    // It has booked the sale, and its answers are lost.
    world.bank("cups-pos").set_fault(Fault::NoAnswer, Scope::always().of(of("0220")));
    let told = tell(&world, &shop, world.offline_sale(&till, GOOD, cny(42_00), 0)).await;
    while world.payment(&shop, told.id).await.needs_operator.is_none() {
        world.pcs().work_once().await.unwrap();
        world.pass_ms(60_000).await;
    }
    let why = world.payment(&shop, told.id).await.needs_operator;
    assert_eq!(why.as_deref(), Some("the bank has not answered it for 4 hours"));
    let attempt = told.original.unwrap().attempt;
    world.bank("cups-pos").clear_faults();
    let word = world.pcs().inquire(attempt, "Li Na").await.unwrap();
    assert_eq!(word.says, "it has done what it was asked");
    let ended = world.pcs().resolve(attempt, found(Finding::Stands)).await.unwrap();
    assert_eq!((ended.state, ended.captured), (State::Captured, 42_00));
    assert_eq!(keeping_chip_data(&world).await.len(), 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_surely_never_left_is_still_to_be_told_and_no_repeat() {
    let world = World::seeded(1_308).await;
    let shop = world.merchant("tea").await;
    let till = world.till(&shop, "iso87-ascii").await;
    world.allow_offline(&shop, Currency::EUR).await;
    // A card sequence number that the bank's dialect has no room for: nothing leaves, now or later.
    let mut new = world.offline_sale(&till, GOOD, eur(42_00), 0);
    new.card.as_mut().unwrap().present.as_mut().unwrap().sequence_number = Some("1234".to_owned());
    let told = tell(&world, &shop, new).await;
    assert_eq!(told.state, State::Advising { in_doubt: true }, "the goods are gone");
    for _ in 0..3 {
        world.pass_ms(60_000).await;
        world.pcs().work_once().await.unwrap();
    }
    let doubt = world.pcs().doubts().await.unwrap().remove(0);
    assert_eq!((doubt.attempts, doubt.refusals, doubt.needs_operator.clone()), (0, 0, None));
    assert!(world.bank("iso87-ascii").received_with_chip_data().is_empty());
    while world.payment(&shop, told.id).await.needs_operator.is_none() {
        world.pass_ms(600_000).await;
        world.pcs().work_once().await.unwrap();
    }
    let why = world.payment(&shop, told.id).await.needs_operator.unwrap();
    assert!(why.contains("could not ask the bank") && why.contains("does not fit"), "{why}");
    let ended = world.pcs().resolve(doubt.exchange.attempt, found(Finding::Undone)).await.unwrap();
    assert_eq!((ended.state, keeping_chip_data(&world).await.len()), (State::Failed, 0));
    world.audit().await;
}

/// An offline sale that surely never left: its bank had as many messages as it takes, and answered none of them in time.
async fn held_back(world: &World, shop: &Shop) -> Payment {
    let (card, till) = (world.card(shop, GOOD).await, world.till(shop, "iso87-ascii").await);
    world.allow_offline(shop, Currency::EUR).await;
    let bank = world.bank("iso87-ascii");
    let silent = bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::FINANCIAL_REQUEST));
    let others = futures_util::future::join_all((0..300).map(|_| world.pay(shop, card, eur(1_00))));
    let last = tell(world, shop, world.offline_sale(&till, GOOD, eur(42_00), 0));
    let (_, told) = futures_util::future::join(others, last).await;
    bank.clear_fault(silent);
    assert!(bank.received_with_chip_data().is_empty(), "it never left");
    assert_eq!(told.state, State::Advising { in_doubt: true });
    told
}

#[tokio::test(start_paused = true)]
async fn what_never_left_is_recorded_before_it_leaves_so_that_it_leaves_as_new_only_once() {
    for crashes in [true, false] {
        let mut world = World::seeded(1_311).await;
        let shop = world.merchant("tea").await;
        let told = held_back(&world, &shop).await;
        world.bank("iso87-ascii").set_fault(Fault::HeldAnswer, Scope::next().of(of("0220")));
        let first = world.pcs().clone();
        let other = world.second_process();
        for bank in other.banks() {
            bank.settled().await;
        }
        world.pass_ms(2_000).await;
        // Two processes find it due, and one of them tells it.
        let telling = tokio::spawn(async move { first.work_once().await });
        let also = tokio::spawn(async move { other.work_once().await });
        world.until("it is at the bank", || world.bank("iso87-ascii").held() == 1).await;
        also.await.unwrap().unwrap();
        assert_eq!(world.bank("iso87-ascii").received_with_chip_data().len(), 1, "told once");
        if crashes {
            world.crash().await;
        }
        world.bank("iso87-ascii").release();
        let _ = telling.await.unwrap();
        world.pass_ms(600_000).await;
        world.settle().await;
        let paid = world.payment(&shop, told.id).await;
        assert_eq!((paid.state, paid.captured), (State::Captured, 42_00));
        let received = world.bank("iso87-ascii").received_with_chip_data();
        let mtis: Vec<&str> = received.iter().map(|(line, _)| &line[..4]).collect();
        assert_eq!(mtis, if crashes { vec!["0220", "0221"] } else { vec!["0220"] });
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_ended_while_another_process_told_it_keeps_no_chip_data() {
    for finding in [Finding::Undone, Finding::Stands] {
        // What the other process hears: nothing, a refusal, that it cannot now.
        for code in [None, Some("22"), Some("91")] {
            let world = World::seeded(1_312).await;
            let shop = world.merchant("tea").await;
            let till = world.till(&shop, "iso87-ascii").await;
            world.allow_offline(&shop, Currency::EUR).await;
            let bank = world.bank("iso87-ascii");
            bank.set_fault(Fault::NotReceived, Scope::next().of(of("0220")));
            let told = tell(&world, &shop, world.offline_sale(&till, GOOD, eur(42_00), 0)).await;
            let repeat = || Scope::next().of(of("0221"));
            bank.set_fault(Fault::HeldRequest, repeat());
            if let Some(code) = code {
                bank.set_fault(Fault::Decline(code.to_owned()), repeat());
            }
            let other = world.second_process();
            for bank in other.banks() {
                bank.settled().await;
            }
            world.pass_ms(3_000).await;
            let telling = tokio::spawn(async move { other.work_once().await });
            world.until("it is at the bank again", || bank.held() == 1).await;
            let attempt = told.original.unwrap().attempt;
            world.pcs().resolve(attempt, found(finding)).await.unwrap();
            assert_eq!(keeping_chip_data(&world).await.len(), 0);
            if code.is_some() {
                bank.release();
            }
            telling.await.unwrap().unwrap();
            assert_eq!(keeping_chip_data(&world).await.len(), 0, "{finding:?} {code:?}: it stays deleted");
            let retried = world.pcs().retry_now(attempt).await;
            assert!(matches!(retried, Err(CommandError::Missing { .. })), "{retried:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sale_of_a_batch_that_is_closed_before_the_bank_has_heard_of_it_is_peoples_at_once() {
    let world = World::seeded(1_309).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    let till = world.till(&shop, "cups-pos").await;
    let bank = world.bank("cups-pos");
    bank.set_fault(Fault::NotReceived, Scope::next().of(of("0220")));
    let told = tell(&world, &shop, world.offline_sale(&till, GOOD, cny(42_00), 0)).await;
    bank.cut_over();
    // Another payment is refused, and the sign-on after that tells the new batch.
    let _ = world.pay(&shop, card, cny(1_00)).await;
    for _ in 0..60 {
        world.pass_ms(1_000).await;
        world.pcs().work_once().await.unwrap();
    }
    let why = world.payment(&shop, told.id).await.needs_operator;
    assert!(why.as_ref().is_some_and(|why| why.starts_with("batch closed")), "{why:?}");
    let attempt = told.original.unwrap().attempt;
    assert_eq!(world.pcs().inquire(attempt, "Li Na").await.unwrap().says, "it knows of no such message");
    let ended = world.pcs().resolve(attempt, found(Finding::Undone)).await.unwrap();
    assert_eq!((ended.state, keeping_chip_data(&world).await.len()), (State::Failed, 0));
    // The merchant sends it once more, as a new payment in the batch that is open.
    let again = tell(&world, &shop, world.offline_sale(&till, GOOD, cny(42_00), HOUR_MS)).await;
    assert_eq!(again.state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_cannot_now_is_told_again_and_the_key_finds_the_payment_as_it_is() {
    let world = World::seeded(1_305).await;
    let shop = world.merchant("tea").await;
    let till = world.till(&shop, "iso87-ascii").await;
    world.allow_offline(&shop, Currency::EUR).await;
    let key = world.key();
    let new = world.offline_sale(&till, GOOD, eur(42_00), 0);
    // Its issuer cannot be reached (91): nobody is called, and it is told again.
    world.bank("iso87-ascii").set_fault(Fault::Decline("91".to_owned()), Scope::next().of(of("0220")));
    let told = payment_of(world.pcs().create_payment(&shop.caller, key.clone(), new.clone()).await.unwrap());
    assert_eq!((told.state, told.needs_operator.clone()), (State::Advising { in_doubt: true }, None));
    // The key finds the payment as it is, and makes no second one.
    let again = world.pcs().create_payment(&shop.caller, key.clone(), new.clone()).await.unwrap();
    assert!(again.replayed);
    assert_eq!(payment_of(again).id, told.id);
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    let other = NewPayment { amount: eur(43_00), ..new };
    let reused = world.pcs().create_payment(&shop.caller, world.named_key(&key.key, "another"), other).await;
    assert!(matches!(reused, Err(CommandError::KeyReused)), "{reused:?}");
}

#[tokio::test(start_paused = true)]
async fn each_rule_of_an_offline_sale_is_named_and_nothing_is_recorded() {
    let world = World::with_twin(1_306, store::Store::inline).await;
    let shop = world.merchant("tea").await;
    let till = world.till(&shop, "cups-pos").await;
    let good = || world.offline_sale(&till, GOOD, cny(42_00), HOUR_MS);
    let with_card = |change: &dyn Fn(&mut pcs::CardInput)| {
        let mut new = good();
        change(new.card.as_mut().unwrap());
        new
    };
    let chip_data = |bytes: Vec<u8>| {
        with_card(&move |card| card.present.as_mut().unwrap().chip_data = Some(bytes.clone().into()))
    };
    let asks = {
        let mut asks = CHIP_DATA.to_vec();
        asks[14] = 0x80;
        asks
    };
    // The chip approved 42.01, or EUR.
    let other = |tags: &[u8]| [&CHIP_DATA[..], tags].concat();
    let (other_amount, other_currency) =
        (other(&[0x9F, 0x02, 6, 0, 0, 0, 0, 0x42, 0x01]), other(&[0x5F, 0x2A, 2, 0x09, 0x78]));
    let at = |ago_ms: i64| world.offline_sale(&till, GOOD, cny(42_00), ago_ms);
    let pin = EncryptedPin { block: vec![0; 8].into(), format: PinFormat::Iso0, ksn: None };
    let track = Track2::parse(&format!("{GOOD}=30121010000000000")).unwrap();
    let day = 24 * HOUR_MS;
    for (new, field, rule) in [
        (
            NewPayment { amount: cny(FLOOR_LIMIT + 1), ..good() },
            "amount",
            "floor limit of 10000 minor units of CNY",
        ),
        // A limit of 100.00 CNY is none of 100.00 EUR.
        (NewPayment { amount: eur(1), ..good() }, "currency", "must be CNY beside offline"),
        (chip_data(other_amount), "payment_method_data/chip_data", "9F02 must be the amount of the sale"),
        (chip_data(other_currency), "payment_method_data/chip_data", "5F2A must be the currency of the sale"),
        (
            NewPayment { capture_method: CaptureMethod::Manual, ..good() },
            "capture_method",
            "must be automatic",
        ),
        (NewPayment { confirm: false, ..good() }, "confirm", "has happened"),
        (NewPayment { card: None, ..good() }, "payment_method_data", "is required beside offline"),
        (NewPayment { terminal: None, ..good() }, "terminal", "is required"),
        (at(-1), "offline/approved_at", "must not be in the future"),
        (at(7 * day + 1), "offline/approved_at", "more than 7 days ago"),
        (chip_data(asks), "payment_method_data/chip_data", "approved the sale offline"),
        (chip_data(vec![0x9F]), "payment_method_data/chip_data", "must be BER-TLV"),
        (
            with_card(&|card| card.present.as_mut().unwrap().chip_data = None),
            "payment_method_data/chip_data",
            "is required",
        ),
        (with_card(&|card| card.present = None), "payment_method_data/chip_data", "is required"),
        (
            with_card(&|card| card.entry = EntryMode::Manual.into()),
            "payment_method_data/entry_mode",
            "only a chip approves by itself",
        ),
        (with_card(&|card| card.pin = Some(pin.clone())), "payment_method_data/pin", "must not be sent"),
        (
            with_card(&|card| card.security_code = Some(SecurityCode::parse("123").unwrap())),
            "payment_method_data/security_code",
            "must not be sent",
        ),
        (
            with_card(&|card| card.present.as_mut().unwrap().track2 = Some(track.clone())),
            "payment_method_data/track2",
            "must not be sent",
        ),
    ] {
        let refused = world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap_err();
        let CommandError::Invalid { field: named, rule: said } = &refused else {
            panic!("{field}: {refused}")
        };
        assert!(*named == field && said.contains(rule), "{field}: {refused}");
    }
    let twin = world.till(&shop, TWIN).await;
    world.allow_offline(&shop, Currency::EUR).await;
    let refused = world.offline_sale(&twin, GOOD, eur(1_00), 0);
    let refused = world.pcs().create_payment(&shop.caller, world.key(), refused).await.unwrap_err();
    assert_eq!(refused.to_string(), "offline: the bank iso87-twin takes no offline sales");
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
    assert!(world.bank("cups-pos").received_with_chip_data().is_empty());
    world.allow_offline(&shop, Currency::CNY).await;
    // With each rule kept it is taken, seven days late too.
    assert_eq!(tell(&world, &shop, at(7 * day)).await.state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_terminal_that_sends_it_again_days_later_makes_no_second_payment() {
    let world = World::seeded(1_310).await;
    let shop = world.merchant("tea").await;
    let till = world.till(&shop, "iso87-ascii").await;
    world.allow_offline(&shop, Currency::EUR).await;
    let (key, new) = (world.key(), world.offline_sale(&till, GOOD, eur(42_00), 0));
    let first = payment_of(world.pcs().create_payment(&shop.caller, key.clone(), new.clone()).await.unwrap());
    for day in 1..=9 {
        world.pass_ms(24 * HOUR_MS as u64).await;
        // The store-and-forward of a terminal that never heard the answer.
        match world.pcs().create_payment(&shop.caller, key.clone(), new.clone()).await {
            Ok(again) => assert!(again.replayed && payment_of(again).id == first.id, "day {day}"),
            Err(refused) => {
                let told = refused.to_string();
                assert!(
                    day > payment::offline::DAYS && told.contains("more than 7 days ago"),
                    "{day}: {told}"
                );
            }
        }
    }
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    // So nobody is given more days than a key is remembered, however a merchant is set up.
    let terms = OfflineTerms { floor_limit: eur(FLOOR_LIMIT), days: payment::offline::DAYS + 1 };
    let update = MerchantUpdate { status: None, offline: Some(Some(terms)) };
    let refused = world.pcs().update_merchant(shop.id(), update).await.unwrap_err().to_string();
    assert!(refused.starts_with("offline_days: must be from 1 to 7"), "{refused}");
    let remembered = [SqliteOptions::default().retention_days, PostgresOptions::default().retention_days];
    assert!(remembered.iter().all(|&days| u32::from(days) >= payment::offline::DAYS), "{remembered:?}");
    world.audit().await;
}

/// How bytes may stand in a store: as they are, in hexadecimal digits, in base64.
fn forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let upper: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let base64 = (0..3).map(|skip| STANDARD.encode(&bytes[skip..bytes.len() - (bytes.len() - skip) % 3]));
    let mut forms: Vec<Vec<u8>> = base64.map(String::into_bytes).collect();
    forms.extend([bytes.to_vec(), upper.to_lowercase().into_bytes(), upper.into_bytes()]);
    forms.push(serde_json::to_vec(bytes).unwrap());
    forms
}

/// Everything that the store holds of a merchant.
async fn all_of_the_store(world: &World, shop: &Shop) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for record in world.store().journal(store::Shard(0), 1, 10_000).await.unwrap() {
        all.push(record.record.event);
    }
    for table in store::Table::ALL {
        for owner in [0, shop.id().to_u128()] {
            let rows = world.store().scan(store::Shard(0), table, owner, None, 1_000).await.unwrap();
            all.extend(rows.into_iter().map(|row| row.body));
        }
    }
    for kind in 0..=u8::MAX {
        let tasks = world.store().tasks(kind, None, 1_000).await.unwrap();
        all.extend(tasks.into_iter().map(|task| task.body));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn the_chip_data_is_nowhere_in_clear_and_gone_with_the_acknowledgement() {
    let world = World::seeded(1_307).await;
    let shop = world.merchant("tea").await;
    let till: Terminal = world.till(&shop, "cups-pos").await;
    world.bank("cups-pos").set_fault(Fault::NoAnswer, Scope::next().of(of("0220")));
    let told = tell(&world, &shop, world.offline_sale(&till, GOOD, cny(42_00), 0)).await;
    assert!(told.state.in_doubt());

    let cryptogram = &CHIP_DATA[3..11];
    let has_any =
        |all: &[Vec<u8>], wanted: &[Vec<u8>]| all.iter().any(|body| wanted.iter().any(|one| has(body, one)));
    let all = all_of_the_store(&world, &shop).await;
    assert!(!has_any(&all, &forms(cryptogram)), "in clear");
    assert!(!has_any(&all, &forms(GOOD.as_bytes())), "the card number, in clear");
    // The search finds what is there, and one task alone keeps it, sealed.
    assert!(has_any(&all, &forms(told.id.to_string().as_bytes())[3..4]));
    let kept = keeping_chip_data(&world).await;
    assert_eq!((kept.len(), all.iter().filter(|body| has(body, b"chip_data")).count()), (1, 1));
    let task: serde_json::Value = serde_json::from_slice(&kept[0]).unwrap();
    let sealed = task["message"]["chip_data"].as_str().expect("it is sealed").as_bytes().to_vec();
    assert!(has_any(&all, std::slice::from_ref(&sealed)));

    world.settle().await;
    assert_eq!(world.payment(&shop, told.id).await.state, State::Captured);
    let all = all_of_the_store(&world, &shop).await;
    assert!(!has_any(&all, &[sealed, b"chip_data".to_vec()]), "gone");
    world.audit().await;
}
