//! What a bank has for its terminals: fetched when it orders that, or when somebody asks; kept, and never too much of it.

use banksim::{Fault, HowMany, Notice, ParameterSet, Scope};
use iso8583::Mti;
use pcs::model::Parameters;
use pcs::{CommandError, Order, Page};
use testkit::{World, cny};

use crate::GOOD;
use crate::bank_day::a_minute;

const BANK: &str = "cups-pos";
const NEWEST: Page = Page { limit: 100, after: None, before: None };

async fn fetched(world: &World) -> Vec<Parameters> {
    let mut all = world.pcs().parameters(BANK, NEWEST).await.unwrap().data;
    all.sort_by(|one, other| (one.created, &other.set).cmp(&(other.created, &one.set)));
    all
}

fn order() -> Order {
    Order { by: "Li Na".to_owned(), reason: "the bank has told us of new limits".to_owned() }
}

fn news(world: &World, code: &str) -> Option<String> {
    let told = world.pcs().bank_status(BANK).unwrap().told;
    told.latest.iter().rfind(|word| word.code == code).map(|word| word.text.clone())
}

fn is_wanted(world: &World) -> bool {
    world.pcs().bank_status(BANK).unwrap().told.parameters_wanted_at.is_some()
}

#[tokio::test(start_paused = true)]
async fn what_the_bank_orders_to_be_fetched_is_fetched_while_payments_go_on() {
    let world = World::seeded(1_300).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    world.bank(BANK).set_parameters(ParameterSet::Terminal, vec![b"first ".to_vec(), b"and second".to_vec()]);
    world.bank(BANK).announce(Notice::Parameters);
    // The order is in the header of the next answer.
    world.paid(&shop, card, cny(1_00)).await;
    world.pass_ms(1).await;
    assert!(is_wanted(&world));
    a_minute(&world).await;
    world.paid(&shop, card, cny(1_00)).await;

    let all = fetched(&world).await;
    let sets: Vec<_> = all.iter().map(|it| (it.set.as_str(), it.pieces, it.bytes)).collect();
    assert_eq!(sets, [("terminal", 2, 16), ("chip", 2, 21)]);
    assert_eq!(all[0].content, "666972737420616e64207365636f6e64");
    assert_eq!(all[0].sha256.len(), 64);
    assert_eq!((all[0].by.as_deref(), all[0].why.as_str()), (None, "the bank has ordered it"));
    assert!(!is_wanted(&world), "nobody has to do anything");
    assert!(news(&world, "parameters_fetched").unwrap().contains("SHA-256"));
    let received = world.bank(BANK).received();
    assert_eq!(received.iter().filter(|line| line.starts_with("0800")).count(), 1 + 3 + 3, "{received:?}");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn people_have_parameters_fetched_and_every_fetching_is_kept() {
    let world = World::seeded(1_301).await;
    for terminal in [b"old".to_vec(), b"new".to_vec()] {
        world.bank(BANK).set_parameters(ParameterSet::Terminal, vec![terminal]);
        world.pcs().fetch_parameters(BANK, &order()).await.unwrap();
        a_minute(&world).await;
    }
    let all = fetched(&world).await;
    assert_eq!(all.len(), 4, "{all:?}");
    let terminal: Vec<_> =
        all.iter().filter(|it| it.set == "terminal").map(|it| it.content.as_str()).collect();
    assert_eq!(terminal, ["6f6c64", "6e6577"]);
    assert_eq!(all[0].by.as_deref(), Some("Li Na"));
    let one = world.pcs().parameters_by_id(BANK, all[3].id).await.unwrap();
    assert_eq!(one, all[3]);

    let other = world.pcs().fetch_parameters("iso87-ascii", &order()).await;
    assert!(matches!(other, Err(CommandError::Invalid { field: "bank", .. })), "it has no such messages");
    let unknown = world.pcs().fetch_parameters("south", &order()).await;
    assert!(matches!(unknown, Err(CommandError::Missing { .. })));
}

#[tokio::test(start_paused = true)]
async fn silence_and_a_crash_begin_anew_and_keep_no_half() {
    let mut world = World::seeded(1_302).await;
    let management = Mti::parse("0800").unwrap();
    // The answer to a piece cannot be matched, which is silence.
    world
        .bank(BANK)
        .set_fault(Fault::WrongStan, Scope { how_many: HowMany::Next(1), ..Scope::next() }.of(management));
    world.pcs().fetch_parameters(BANK, &order()).await.unwrap();
    for _ in 0..3 {
        a_minute(&world).await;
    }
    assert_eq!(fetched(&world).await.len(), 2, "silence has it begin again");

    world.bank(BANK).set_fault(Fault::NoAnswer, Scope::next().of(management));
    world.pcs().fetch_parameters(BANK, &order()).await.unwrap();
    let pcs = std::sync::Arc::clone(world.pcs());
    let working = tokio::spawn(async move { pcs.work_once().await });
    world.pass_ms(1_000).await;
    world.crash().await;
    working.abort();
    assert_eq!(fetched(&world).await.len(), 2);
    for _ in 0..3 {
        a_minute(&world).await;
    }
    assert_eq!(fetched(&world).await.len(), 4, "the order has outlived the process");
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_has_too_much_or_says_no_is_refused_with_a_reason_and_nothing_is_kept() {
    let too_many = vec![vec![7]; 65];
    let too_large = vec![vec![7; 500]; 66];
    for (pieces, fault, why) in [
        (too_many, None, "the terminal parameters have more than 64 pieces"),
        (too_large[..60].to_vec(), None, ""),
        (too_large, None, "more than"),
        (vec![b"x".to_vec()], Some(Fault::Decline("12".to_owned())), "response code 12"),
    ] {
        let world = World::seeded(1_303).await;
        world.bank(BANK).set_parameters(ParameterSet::Terminal, pieces);
        if let Some(fault) = fault {
            world.bank(BANK).set_fault(fault, Scope::always().of(Mti::parse("0800").unwrap()));
        }
        world.pcs().fetch_parameters(BANK, &order()).await.unwrap();
        a_minute(&world).await;
        let refused = news(&world, "parameters_not_fetched");
        assert_eq!(fetched(&world).await.is_empty(), !why.is_empty());
        assert!(refused.as_deref().unwrap_or_default().contains(why), "{refused:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bank_that_stays_silent_for_an_hour_is_left_to_people() {
    let world = World::seeded(1_304).await;
    world.bank(BANK).announce(Notice::Parameters);
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    world.paid(&shop, card, cny(1_00)).await;
    world.bank(BANK).set_fault(Fault::NoAnswer, Scope::always().of(Mti::parse("0800").unwrap()));
    for _ in 0..70 {
        a_minute(&world).await;
    }
    assert!(is_wanted(&world), "it has not been done");
    assert!(news(&world, "parameters_not_fetched").unwrap().contains("did not answer"));
}
