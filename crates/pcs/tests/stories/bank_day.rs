//! The bank's day and its links, as the people who operate the gateway see them: what the banks tell, totals that agree or
//! do not, links that are taken out and brought back.

use banksim::{Fault, Notice, Scope};
use iso8583::Mti;
use pcs::model::{Actor, Reconciliation, Sum, Verdict};
use pcs::{BankState, CommandError, Order, Page, RECORD_BANK};
use testkit::{World, cny, eur, gbp, payment_of};
use types::Money;

use crate::{GOOD, SILENT};

const NEWEST: Page = Page { limit: 100, after: None, before: None };

/// Lets a minute pass, with the gateway at its work.
pub(crate) async fn a_minute(world: &World) {
    for _ in 0..60 {
        world.pcs().work_once().await.unwrap();
        world.pass_ms(1_000).await;
    }
}

pub(crate) async fn compared(world: &World, bank: &str) -> Vec<Reconciliation> {
    world.pcs().reconciliations(bank, NEWEST).await.unwrap().data
}

fn order() -> Order {
    Order { by: "Li Na".to_owned(), reason: "the bank changes its router".to_owned() }
}

pub(crate) const fn sum(count: u64, amount: u64) -> Sum {
    Sum { count, amount }
}

#[tokio::test(start_paused = true)]
async fn when_a_banks_day_ends_its_totals_and_ours_are_compared_and_agree() {
    for (bank, money) in [("cups-pos", cny as fn(u64) -> Money), ("iso87-ascii", eur), ("iso93-bcd", gbp)] {
        let world = World::seeded(1_000).await;
        let shop = world.merchant_at("tea", &[(bank, &[money(1).currency()])]).await;
        let card = world.card(&shop, GOOD).await;
        let paid = world.paid(&shop, card, money(30_00)).await;
        world.paid(&shop, card, money(12_00)).await;
        world.refund(&shop, paid.id, Some(10_00)).await.unwrap();
        let held = world.authorize(&shop, card, money(50_00)).await;
        world.pcs().capture_payment(&shop.caller, world.key(), held.id, Some(40_00)).await.unwrap();
        // The bank has done it and is not heard: undone, and in both a total and its reversals.
        world.bank(bank).set_fault(Fault::NoAnswer, Scope::next());
        let lost = payment_of(world.pay(&shop, card, money(7_00)).await.unwrap());
        assert!(lost.state.in_doubt());
        world.settle().await;

        world.bank(bank).cut_over();
        // The next payment hears of it: by a refusal that asks for a sign-on, or by the date in its answer.
        let _ = world.pay(&shop, card, money(1_00)).await;
        a_minute(&world).await;
        world.paid(&shop, card, money(2_00)).await;
        a_minute(&world).await;

        let all = compared(&world, bank).await;
        assert_eq!(all.len(), 1, "{all:?}");
        let it = &all[0];
        assert_eq!((it.verdict, it.closed), (Verdict::Agreed, true), "{it:?}");
        assert_eq!(it.own.credits, sum(1, 10_00));
        if bank == "cups-pos" {
            assert_eq!(it.own.debits, sum(3, 82_00), "what was reversed is not among them");
            assert_eq!((it.terminal.is_some(), it.batch.as_str()), (true, "000001"));
        } else {
            assert_eq!((it.own.debits, it.own.debit_reversals), (sum(4, 89_00), sum(1, 7_00)));
            assert_eq!(it.terminal, None, "all of its day at once");
        }
        assert_eq!(it.bank_has, Some(it.own));
        let told = world.pcs().bank_status(bank).unwrap().told;
        assert!(told.cut_over_at.is_some());
        assert!(told.latest.iter().any(|word| word.code == "totals_agreed"), "{told:?}");
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn totals_that_differ_are_told_with_both_figures_and_recorded() {
    let world = World::seeded(1_001).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    world.paid(&shop, card, cny(30_00)).await;
    // The bank books a second sale that the gateway has let go.
    let silent = world.card(&shop, SILENT).await;
    let bank = world.bank("cups-pos");
    for mti in ["0400", "0401"] {
        bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::parse(mti).unwrap()));
    }
    let lost = payment_of(world.pay(&shop, silent, cny(9_00)).await.unwrap());
    assert!(lost.state.in_doubt());

    let all = world.pcs().compare_totals("cups-pos", "Li Na").await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].verdict, all[0].closed), (Verdict::Differs, false));
    assert_eq!((all[0].own.debits, all[0].bank_has.unwrap().debits), (sum(1, 30_00), sum(2, 39_00)));
    assert_eq!(all[0].by.as_deref(), Some("Li Na"));
    let records = world.store().journal(store::Shard(0), 1, 1_000).await.unwrap();
    let record = records.iter().find(|record| record.record.kind == RECORD_BANK).expect("it is recorded");
    let text = String::from_utf8_lossy(&record.record.event);
    assert!(text.contains("other totals of the batch 000001") && text.contains("Li Na"), "{text}");

    // Once the doubt is over both sides agree.
    bank.clear_faults();
    world.settle().await;
    let all = world.pcs().compare_totals("cups-pos", "Li Na").await.unwrap();
    assert_eq!(all[0].verdict, Verdict::Agreed, "{all:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_batch_in_doubt_is_compared_when_the_doubt_is_over() {
    let world = World::seeded(1_002).await;
    let shop = world.merchant("tea").await;
    let (card, silent) = (world.card(&shop, GOOD).await, world.card(&shop, SILENT).await);
    let bank = world.bank("cups-pos");
    world.paid(&shop, card, cny(30_00)).await;
    for mti in ["0400", "0401"] {
        bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::parse(mti).unwrap()));
    }
    world.pay(&shop, silent, cny(9_00)).await.unwrap();
    bank.cut_over();
    let _ = world.pay(&shop, card, cny(1_00)).await;
    for _ in 0..10 {
        a_minute(&world).await;
    }
    assert_eq!(compared(&world, "cups-pos").await, []);
    bank.clear_faults();
    world.settle().await;
    for _ in 0..3 {
        a_minute(&world).await;
    }
    let all = compared(&world, "cups-pos").await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].verdict, Verdict::Agreed);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_bank_tells_is_kept_for_those_who_look() {
    let world = World::seeded(1_003).await;
    let bank = world.bank("iso87-ascii");
    for notice in [Notice::Parameters, Notice::SignOff] {
        bank.announce(notice);
    }
    world.pass_ms(1).await;
    let status = world.pcs().bank_status("iso87-ascii").unwrap();
    assert!(status.told.parameters_wanted_at.is_some() && status.told.signed_off_at.is_some(), "{status:?}");
    world.pass_ms(30_000).await;
    let status = world.pcs().bank_status("iso87-ascii").unwrap();
    assert_eq!((status.state, status.told.signed_off_at), (BankState::Up, None), "it has come back");
    assert!(status.links[0].told.signed_on_at.is_some() && status.links[0].told.keys_at.is_some());

    bank.announce(Notice::WrongKeys);
    world.pass_ms(1_000).await;
    let status = world.pcs().bank_status("iso87-ascii").unwrap();
    assert!(matches!(status.state, BankState::Refused(_)));
    let last = status.told.latest.back().unwrap();
    assert_eq!((last.code, last.link), ("keys_refused", Some(1)));
    assert!(last.text.contains("the master keys of the two ends differ"), "{last:?}");
    // A person brings it back, and says why.
    world.pcs().resume_link("iso87-ascii", 1, &order()).await.unwrap();
    world.pass_ms(10_000).await;
    assert_eq!(world.pcs().bank_status("iso87-ascii").unwrap().state, BankState::Up);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_taken_out_drains_first_and_who_did_it_stands_in_the_journal() {
    let world = World::seeded(1_004).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    let bank = world.bank("iso87-ascii");
    bank.set_fault(Fault::Delay(std::time::Duration::from_secs(5)), Scope::next());
    let order = order();
    let (paid, taken_out) = tokio::join!(world.pay(&shop, card, eur(5_00)), async {
        world.pass_ms(1_000).await;
        world.pcs().take_link_out("iso87-ascii", 1, &order).await.unwrap()
    });
    assert_eq!(payment_of(paid.unwrap()).captured, 5_00, "what was on the wire was answered");
    assert_eq!((taken_out.0.state, taken_out.1), (BankState::OutOfService, 0));
    let refused = world.pay(&shop, card, eur(5_00)).await;
    assert!(matches!(refused, Err(CommandError::Route(_))), "{refused:?}");

    let again = world.pcs().exchange_keys("iso87-ascii", 1, &order).await.unwrap_err().to_string();
    assert_eq!(again, "link: is out_of_service: keys are exchanged over a link that is signed on");
    assert!(matches!(
        world.pcs().resume_link("iso87-ascii", 2, &order).await,
        Err(CommandError::Missing { .. })
    ));
    world.pcs().resume_link("iso87-ascii", 1, &order).await.unwrap();
    world.pass_ms(10_000).await;
    world.pcs().exchange_keys("iso87-ascii", 1, &order).await.unwrap();
    world.pass_ms(10_000).await;
    world.paid(&shop, card, eur(5_00)).await;
    assert_eq!(world.pcs().bank_status("iso87-ascii").unwrap().links[0].counters.key_exchanges, 3);

    let records = world.store().journal(store::Shard(0), 1, 1_000).await.unwrap();
    let told: Vec<pcs::model::JournalEvent> = records
        .iter()
        .filter(|record| record.record.kind == RECORD_BANK)
        .map(|record| serde_json::from_slice(&record.record.event).unwrap())
        .collect();
    assert!(told.iter().all(|event| event.actor == Actor::Operator { by: "Li Na".to_owned() }));
    let notes: Vec<_> = told.iter().filter_map(|event| event.note.as_deref()).collect();
    assert_eq!(notes[0], "take out link 1 of iso87-ascii: the bank changes its router");
    assert_eq!(notes.len(), 3, "{notes:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_that_ended_while_nobody_was_there_is_compared_afterwards() {
    let mut world = World::seeded(1_005).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    world.paid(&shop, card, cny(30_00)).await;
    world.bank("cups-pos").cut_over();
    // Another process signs on, and is told the new batch.
    world.crash().await;
    for _ in 0..2 {
        a_minute(&world).await;
    }
    let all = compared(&world, "cups-pos").await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!((all[0].verdict, all[0].closed, all[0].own.debits), (Verdict::Agreed, true, sum(1, 30_00)));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_doubt_that_outlasts_patience_makes_a_difference_and_its_end_another_comparison() {
    let world = World::seeded(1_006).await;
    let shop = world.merchant("tea").await;
    let (card, silent) = (world.card(&shop, GOOD).await, world.card(&shop, SILENT).await);
    let bank = world.bank("cups-pos");
    world.paid(&shop, card, cny(30_00)).await;
    for mti in ["0400", "0401"] {
        bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::parse(mti).unwrap()));
    }
    world.pay(&shop, silent, cny(9_00)).await.unwrap();
    bank.cut_over();
    let _ = world.pay(&shop, card, cny(1_00)).await;
    for _ in 0..65 {
        a_minute(&world).await;
    }
    let all = compared(&world, "cups-pos").await;
    assert_eq!(all.len(), 2, "{all:?}");
    for it in &all {
        assert_eq!((it.verdict, it.bank_has.unwrap().debits), (Verdict::Differs, sum(2, 39_00)));
    }
    assert!(all[0].upload.is_some(), "it has been told what the batch is made of, which does not help");

    bank.clear_faults();
    world.settle().await;
    for _ in 0..2 {
        a_minute(&world).await;
    }
    let all = compared(&world, "cups-pos").await;
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!((all[0].verdict, all[0].own.debits), (Verdict::Agreed, sum(1, 30_00)), "the latest first");
    world.audit().await;
}
