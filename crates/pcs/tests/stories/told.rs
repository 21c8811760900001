//! What merchants are told, in order and once.

use payment::Notice;
use pcs::Page;
use testkit::{World, eur};

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_merchants_events_are_its_own_newest_first_and_in_the_journals_order() {
    let world = World::seeded(130).await;
    let shop = world.merchant("radio").await;
    let neighbour = world.merchant("neighbour").await;
    let card = world.card(&shop, GOOD).await;
    let own = world.card(&neighbour, GOOD).await;
    let paid = world.paid(&shop, card, eur(5_00)).await;
    world.paid(&neighbour, own, eur(5_00)).await;
    world.refund(&shop, paid.id, None).await.unwrap();

    let page = Page { limit: 3, after: None, before: None };
    let newest = world.pcs().events(shop.id(), page).await.unwrap();
    let notices: Vec<_> = newest.data.iter().map(|event| event.notice).collect();
    assert_eq!(notices, [Notice::RefundSucceeded, Notice::RefundCreated, Notice::Succeeded]);
    assert!(newest.has_more);
    assert!(newest.data.is_sorted_by(|newer, older| newer.sequence > older.sequence));
    let page = Page { after: newest.data.last().map(|event| event.id.to_u128()), ..page };
    let rest = world.pcs().events(shop.id(), page).await.unwrap();
    assert_eq!(rest.data.iter().map(|event| event.notice).collect::<Vec<_>>(), [Notice::Created]);
    assert!(!rest.has_more);
    let event = &rest.data[0];
    // Back towards the newer ones: the nearest first to be shown, still newest first.
    let page = Page { limit: 2, after: None, before: Some(event.id.to_u128()) };
    let newer = world.pcs().events(shop.id(), page).await.unwrap();
    assert_eq!(newer.data, newest.data[1..]);
    assert!(newer.has_more);
    assert_eq!(world.pcs().event(shop.id(), event.id).await.unwrap().as_ref(), Some(event));
    assert_eq!(world.pcs().event(neighbour.id(), event.id).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn growth_of_the_journal_between_two_waits_is_not_missed() {
    let world = World::seeded(131).await;
    let shop = world.merchant("radio").await;
    let card = world.card(&shop, GOOD).await;
    world.pcs().journal_growth().await;
    world.paid(&shop, card, eur(5_00)).await;
    tokio::time::timeout(std::time::Duration::from_secs(1), world.pcs().journal_growth()).await.unwrap();
}
