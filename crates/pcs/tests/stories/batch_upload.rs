//! A batch whose totals differ is told to its bank item by item: what the bank lacks it adds, and what neither can mend people
//! get to see.

use std::sync::Arc;
use std::time::Duration;

use banksim::{Fault, HowMany, Scope};
use iso8583::Mti;
use pcs::model::{Reconciliation, Verdict};
use pcs::{Finding, Resolution};
use testkit::{Shop, World, cny, payment_of};
use types::PaymentMethodId;

use crate::bank_day::{a_minute, compared, sum};
use crate::slow_journal::Reading;
use crate::{GOOD, SILENT};

const BANK: &str = "cups-pos";

fn upload() -> Mti {
    Mti::parse("0320").unwrap()
}

/// The gateway hears that the bank's day is over, and a few minutes pass.
async fn end_day(world: &World, shop: &Shop, card: PaymentMethodId) {
    world.bank(BANK).cut_over();
    let _ = world.pay(shop, card, cny(1_00)).await;
    minutes(world, 3).await;
}

async fn minutes(world: &World, many: u32) {
    for _ in 0..many {
        a_minute(world).await;
    }
}

/// So many sales, of which the bank loses the second.
async fn sales(world: &World, shop: &Shop, card: PaymentMethodId, many: u64) {
    for number in 1..=many {
        if number == 2 {
            world.bank(BANK).set_fault(Fault::NotBooked, Scope::next());
        }
        world.paid(shop, card, cny(10_00 + number)).await;
    }
}

fn uploads(world: &World) -> Vec<String> {
    world.bank(BANK).received().into_iter().filter(|line| line.starts_with("0320")).collect()
}

/// Both comparisons: the one that differed, and the one that follows the upload.
fn first_and_last(all: &[Reconciliation]) -> (&Reconciliation, &Reconciliation) {
    let [last, first] = all else { panic!("{all:?}") };
    let upload = last.upload.as_ref().expect("an upload");
    assert_eq!((upload.follows, first.upload.is_none()), (first.id, true));
    assert_eq!(first.verdict, Verdict::Differs);
    (first, last)
}

#[tokio::test(start_paused = true)]
async fn what_the_bank_has_lost_it_gets_to_know_and_both_agree() {
    let world = World::seeded(1_100).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 17).await;
    // All that a batch can have: a tip, a completion, a refund, a void, and something that was undone.
    let tipped = world.paid(&shop, card, cny(20_00)).await;
    world.pcs().adjust_payment(&shop.caller, world.key(), tipped.id, 22_00).await.unwrap();
    let held = world.authorize(&shop, card, cny(50_00)).await;
    world.pcs().capture_payment(&shop.caller, world.key(), held.id, Some(40_00)).await.unwrap();
    world.refund(&shop, tipped.id, Some(5_00)).await.unwrap();
    let voided = world.paid(&shop, card, cny(9_00)).await;
    world.pcs().void_payment(&shop.caller, world.key(), voided.id).await.unwrap();
    world.bank(BANK).set_fault(Fault::NoAnswer, Scope::next());
    assert!(payment_of(world.pay(&shop, card, cny(7_00)).await.unwrap()).state.in_doubt());
    world.settle().await;

    end_day(&world, &shop, card).await;
    let all = compared(&world, BANK).await;
    let (first, last) = first_and_last(&all);
    assert_eq!(first.own.debits.count, first.bank_has.unwrap().debits.count + 1);
    assert_eq!((last.verdict, last.bank_has), (Verdict::Agreed, Some(last.own)));
    assert_eq!((last.own.debits.count, last.own.credits), (20, sum(2, 14_00)));
    let upload = last.upload.as_ref().unwrap();
    assert_eq!((upload.items, upload.messages, upload.left_out), (20, 3, 2), "no void and no refund");
    assert_eq!(upload.response_code.as_deref(), Some("00"));
    assert_eq!(uploads(&world).len(), 4, "three times at most eight, and the end");
    world.audit().await;

    // Card numbers have been on the line and nowhere else.
    assert_eq!(in_journal(&world, GOOD).await, 0);
}

/// How many records say this.
async fn in_journal(world: &World, text: &str) -> usize {
    let all = world.store().journal(store::Shard(0), 1, 10_000).await.unwrap();
    all.iter().filter(|record| String::from_utf8_lossy(&record.record.event).contains(text)).count()
}

#[tokio::test(start_paused = true)]
async fn what_was_told_and_answered_is_in_the_journal_without_a_card_number() {
    let world = World::seeded(1_110).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 3).await;
    end_day(&world, &shop, card).await;
    minutes(&world, 2).await;
    let stans = uploads(&world);
    let [items, end] = &stans[..] else { panic!("{stans:?}") };

    let mut sent = Vec::new();
    let mut received = Vec::new();
    for record in world.store().journal(store::Shard(0), 1, 10_000).await.unwrap() {
        let event: pcs::model::JournalEvent = serde_json::from_slice(&record.record.event).unwrap();
        let of = |mti: &str, fields: &iso8583::Fields| fields.mti() == Mti::parse(mti).unwrap();
        let note = event.note.unwrap_or_default();
        sent.extend(event.sent.filter(|it| of("0320", it)).map(|it| (it, note.clone())));
        received.extend(event.received.filter(|it| of("0330", it)).map(|it| (it, note)));
    }
    let [(told, words), (ended, _)] = &sent[..] else { panic!("{sent:?}") };
    for (fields, line) in [(told, items), (ended, end)] {
        assert!(line.ends_with(&format!("stan={}", fields.get(11).unwrap())), "{line}");
    }
    assert_eq!((told.get(60), told.get(48)), (Some("00000001201"), None), "the items are not in it");
    assert_eq!((ended.get(60), ended.get(48)), (Some("00000001207"), Some("0003")));
    assert!(
        words.ends_with("items 1 to 3, by trace number and amount: 000001 1001, 000002 1002, 000003 1003")
    );
    for (answer, words) in &received {
        assert_eq!(answer.get(39), Some("00"));
        assert!(words.contains(answer.get(37).unwrap()), "the bank's reference: {words}");
    }
    assert_eq!(received.len(), 2);

    assert_eq!(in_journal(&world, GOOD).await, 0);
    // Whoever writes one into a reason gets it into the journal: it would be found.
    let order = pcs::Order { by: "Li Na".to_owned(), reason: GOOD.to_owned() };
    world.pcs().fetch_parameters(BANK, &order).await.unwrap();
    assert_eq!(in_journal(&world, GOOD).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_is_silent_in_the_middle_is_told_the_same_again() {
    let world = World::seeded(1_101).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 10).await;
    let next = |many| Scope { how_many: HowMany::Next(many), ..Scope::next() }.of(upload());
    world.bank(BANK).set_fault(Fault::NoAnswer, next(2));
    world.bank(BANK).set_fault(Fault::NotReceived, next(1));
    end_day(&world, &shop, card).await;
    minutes(&world, 5).await;

    let all = compared(&world, BANK).await;
    let (_, last) = first_and_last(&all);
    assert_eq!(last.verdict, Verdict::Agreed, "{last:?}");
    assert_eq!(last.upload.as_ref().unwrap().items, 10, "told four times, and counted once");
    let sent = uploads(&world);
    assert_eq!(sent[0], sent[1], "the same message, by its trace number: {sent:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_goes_on_after_a_crash_where_it_was() {
    let mut world = World::seeded(1_102).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 20).await;
    // The bank has the first message, and what it says to it and to its repeats is never heard.
    world.bank(BANK).set_fault(Fault::NoAnswer, Scope::always().of(upload()));
    end_day(&world, &shop, card).await;
    let before = uploads(&world);
    assert!(!before.is_empty() && before.iter().all(|sent| *sent == before[0]), "{before:?}");

    world.crash().await;
    world.bank(BANK).clear_faults();
    minutes(&world, 5).await;
    let all = compared(&world, BANK).await;
    let (_, last) = first_and_last(&all);
    let upload = last.upload.as_ref().unwrap();
    assert_eq!((last.verdict, upload.items, upload.messages), (Verdict::Agreed, 20, 3), "{last:?}");
    let after = uploads(&world);
    assert_eq!(after[before.len()], before[0], "the message of before, not a new one");
    assert_eq!(after.len(), before.len() + 4);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_still_differs_afterwards_is_left_to_people_with_both_figures() {
    let world = World::seeded(1_103).await;
    let shop = world.merchant("tea").await;
    let (card, silent) = (world.card(&shop, GOOD).await, world.card(&shop, SILENT).await);
    world.paid(&shop, card, cny(30_00)).await;
    // The bank has a sale of which people say that it has not.
    for mti in ["0400", "0401"] {
        world.bank(BANK).set_fault(Fault::NotReceived, Scope::always().of(Mti::parse(mti).unwrap()));
    }
    let lost = payment_of(world.pay(&shop, silent, cny(9_00)).await.unwrap());
    world.pass_ms(60_000).await;
    let undone = Resolution {
        finding: Finding::Undone,
        by: "Li Na".to_owned(),
        reason: "the bank's line said so".to_owned(),
        rrn: None,
        authorization_code: None,
    };
    world.pcs().resolve(lost.original.unwrap().attempt, undone).await.unwrap();
    end_day(&world, &shop, card).await;

    let all = compared(&world, BANK).await;
    let (first, last) = first_and_last(&all);
    for it in [first, last] {
        assert_eq!(it.verdict, Verdict::Differs);
        assert_eq!((it.own.debits, it.bank_has.unwrap().debits), (sum(1, 30_00), sum(2, 39_00)));
    }
    assert_eq!(last.upload.as_ref().unwrap().response_code.as_deref(), Some("95"), "the bank says it, too");
    let told = world.pcs().bank_status(BANK).unwrap().told;
    let word = told.latest.iter().rfind(|word| word.code == "totals_differ").unwrap();
    assert!(word.text.contains("item by item"), "{word:?}");
    minutes(&world, 10).await;
    assert_eq!(compared(&world, BANK).await.len(), 2, "nothing is told for ever");
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_takes_no_items_leaves_the_difference_as_it_was() {
    for (fault, minutes_later, why) in [
        (Fault::Decline("12".to_owned()), 2, "refused it (response code 12)"),
        (Fault::NotReceived, 70, "did not answer for an hour"),
        (Fault::Decline("90".to_owned()), 70, "did not answer for an hour"),
        // What wants a sign-on is had another try after one.
        (Fault::Decline("77".to_owned()), 2, "still does after one (response code 77)"),
        (Fault::Decline("99".to_owned()), 2, "still does after one (response code 99)"),
        (Fault::Decline("A0".to_owned()), 2, "still does after one (response code A0)"),
    ] {
        let world = World::seeded(1_104).await;
        let shop = world.merchant("tea").await;
        let card = world.card(&shop, GOOD).await;
        sales(&world, &shop, card, 3).await;
        world.bank(BANK).set_fault(fault, Scope::always().of(upload()));
        end_day(&world, &shop, card).await;
        minutes(&world, minutes_later).await;

        let all = compared(&world, BANK).await;
        let (first, last) = first_and_last(&all);
        assert_eq!((last.verdict, last.own, last.bank_has), (Verdict::Differs, first.own, first.bank_has));
        assert!(last.note.as_ref().unwrap().contains(why), "{last:?}");
        assert_eq!(last.upload.as_ref().unwrap().items, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_wants_a_sign_on_first_gets_one_and_the_items_after_it() {
    let world = World::seeded(1_109).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 3).await;
    world.bank(BANK).cut_over();
    let _ = world.pay(&shop, card, cny(1_00)).await;
    work_until_uploads(&world, 1).await;
    let sign_ons = || world.bank(BANK).received().iter().filter(|line| line.starts_with("0800")).count();
    let before = sign_ons();
    world.bank(BANK).set_fault(Fault::Decline("77".to_owned()), Scope::next().of(upload()));
    minutes(&world, 2).await;
    assert_eq!(sign_ons(), before + 1);
    let all = compared(&world, BANK).await;
    let (_, last) = first_and_last(&all);
    assert_eq!(last.verdict, Verdict::Agreed, "{last:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_that_the_bank_has_lost_is_left_out_and_people_get_to_see_it() {
    let world = World::seeded(1_111).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, cny(30_00)).await;
    world.bank(BANK).set_fault(Fault::NotBooked, Scope::next());
    world.refund(&shop, paid.id, Some(10_00)).await.unwrap();
    end_day(&world, &shop, card).await;

    let all = compared(&world, BANK).await;
    let (_, last) = first_and_last(&all);
    let has = last.bank_has.unwrap();
    assert_eq!((last.verdict, last.own.credits, has.credits), (Verdict::Differs, sum(1, 10_00), sum(0, 0)));
    assert_eq!(
        (last.own.debits, has.debits),
        (sum(1, 30_00), sum(1, 30_00)),
        "and it is booked as no charge"
    );
    let upload = last.upload.as_ref().unwrap();
    assert_eq!((upload.items, upload.left_out), (1, 1));
    let told = world.pcs().bank_status(BANK).unwrap().told;
    let word = told.latest.iter().rfind(|word| word.code == "totals_differ").unwrap();
    assert!(word.text.contains("1 are left out"), "{word:?}");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_open_is_compared_and_not_uploaded() {
    let world = World::seeded(1_105).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 3).await;
    let all = world.pcs().compare_totals(BANK, "Li Na").await.unwrap();
    assert_eq!((all[0].verdict, all[0].closed), (Verdict::Differs, false));
    minutes(&world, 3).await;
    assert_eq!(uploads(&world), [] as [String; 0]);

    end_day(&world, &shop, card).await;
    let all = compared(&world, BANK).await;
    assert_eq!((all.len(), all[0].verdict), (3, Verdict::Agreed), "{all:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_told_while_another_kept_the_bank_busy_is_not_told_again() {
    let world = World::seeded(1_106).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    // Two batches are over before the gateway looks at either.
    for _ in 0..2 {
        sales(&world, &shop, card, 3).await;
        world.bank(BANK).cut_over();
        let _ = world.pay(&shop, card, cny(1_00)).await;
        world.pass_ms(10_000).await;
    }
    work_until_uploads(&world, 2).await;

    // One run has both on its list and waits for the bank's word on the first. Another tells the second meanwhile.
    world.bank(BANK).set_fault(Fault::HeldAnswer, Scope::next().of(upload()));
    let slow = tokio::spawn({
        let pcs = Arc::clone(world.pcs());
        async move { pcs.work_once().await }
    });
    world.until("the answer is held", || world.bank(BANK).held() == 1).await;
    world.pcs().work_once().await.unwrap();
    assert_eq!((open_uploads(&world).await, uploads(&world).len()), (1, 3));
    world.bank(BANK).release();
    slow.await.unwrap().unwrap();
    assert_eq!(uploads(&world).len(), 4, "of each batch its items and their end: {:?}", uploads(&world));
    let after: Vec<_> = compared(&world, BANK).await.into_iter().filter(|it| it.upload.is_some()).collect();
    assert_eq!(after.len(), 2, "{after:?}");
    assert!(after.iter().all(|it| it.verdict == Verdict::Agreed), "{after:?}");
    world.audit().await;
}

/// Compares until so many batches are to be uploaded, and none is yet.
async fn work_until_uploads(world: &World, many: usize) {
    for _ in 0..300 {
        if open_uploads(world).await == many {
            return world.pass_ms(2_000).await;
        }
        world.pcs().work_once().await.unwrap();
        world.pass_ms(500).await;
    }
    panic!("{} uploads are begun", open_uploads(world).await);
}

async fn open_uploads(world: &World) -> usize {
    world.store().tasks(pcs::TASK_UPLOAD, None, 100).await.unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn of_two_processes_one_uploads_a_batch_however_long_its_journal_is() {
    let reading = Reading::default();
    let world = reading.world(1_107).await;
    let other = world.second_process();
    for bank in other.banks() {
        bank.settled().await;
    }
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 3).await;
    world.bank(BANK).cut_over();
    let _ = world.pay(&shop, card, cny(1_00)).await;
    work_until_uploads(&world, 1).await;

    // One process reads the journal. The other leaves the batch alone for a while, and then takes it for dead.
    reading.stop_next();
    let slow = tokio::spawn({
        let pcs = Arc::clone(world.pcs());
        async move { pcs.work_once().await }
    });
    while !reading.is_stopped() {
        tokio::task::yield_now().await;
    }
    other.work_once().await.unwrap();
    assert_eq!(uploads(&world), [] as [String; 0], "it is in somebody's hand");
    for _ in 0..70 {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    other.work_once().await.unwrap();
    let sent = uploads(&world);
    assert_eq!((sent.len(), open_uploads(&world).await), (2, 0), "its items and their end: {sent:?}");

    reading.go_on();
    slow.await.unwrap().unwrap();
    minutes(&world, 3).await;
    assert_eq!(uploads(&world), sent, "whoever was overtaken tells the bank nothing");
    let all = compared(&world, BANK).await;
    let (_, last) = first_and_last(&all);
    assert_eq!(last.verdict, Verdict::Agreed, "{last:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn the_journal_is_read_once_for_a_batch_and_not_while_its_bank_is_away() {
    let reading = Reading::default();
    let world = reading.world(1_108).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    sales(&world, &shop, card, 3).await;
    world.bank(BANK).cut_over();
    let _ = world.pay(&shop, card, cny(1_00)).await;
    work_until_uploads(&world, 1).await;
    let before = reading.many();
    world.bank(BANK).set_fault(Fault::NotReceived, Scope::always().of(Mti::parse("0800").unwrap()));
    world.bank(BANK).disconnect();
    world.pass_ms(1_000).await;
    minutes(&world, 3).await;
    assert_eq!((reading.many(), uploads(&world).len()), (before, 0));

    world.bank(BANK).clear_faults();
    world.bank(BANK).set_fault(Fault::NotReceived, Scope::always().of(upload()));
    minutes(&world, 3).await;
    let (once, tries) = (reading.many(), uploads(&world).len());
    assert!(once > before && tries > 0, "{before}, {once}, {tries}");
    minutes(&world, 10).await;
    assert!(uploads(&world).len() > tries);
    assert_eq!(reading.many(), once, "for the first try, and for no other");

    world.bank(BANK).clear_faults();
    minutes(&world, 5).await;
    let all = compared(&world, BANK).await;
    let (_, last) = first_and_last(&all);
    assert_eq!(last.verdict, Verdict::Agreed, "{last:?}");
}
