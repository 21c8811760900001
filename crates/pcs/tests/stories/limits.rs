//! What is refused before any bank is asked.

use payment::State;
use pcs::CommandError;
use pcs::model::MerchantStatus;
use testkit::{World, eur};
use types::{Currency, Money};

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_suspended_merchant_may_refund_and_not_be_paid() {
    let world = World::seeded(80).await;
    let shop = world.merchant("casino").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(5_00)).await;
    world.pcs().set_merchant_status(shop.id(), MerchantStatus::Suspended).await.unwrap();
    assert!(matches!(world.pay(&shop, card, eur(1_00)).await, Err(CommandError::MerchantSuspended)));
    world.refund(&shop, paid.id, None).await.unwrap();
    world.pcs().set_merchant_status(shop.id(), MerchantStatus::Active).await.unwrap();
    world.paid(&shop, card, eur(1_00)).await;
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_card_is_known_without_a_bank() {
    let world = World::seeded(81).await;
    let shop = world.merchant("kiosk").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(5_00)).await;
    // The cards of the world are good until the end of 2030.
    world.clock.jump_ms(5 * 366 * 86_400_000);
    assert!(matches!(world.pay(&shop, card, eur(1_00)).await, Err(CommandError::CardExpired)));
    // What it has paid for can still be given back.
    let refund = world.refund(&shop, paid.id, None).await.unwrap();
    assert_eq!(refund.state, payment::RefundState::Succeeded);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_currency_that_no_contract_covers_and_a_card_of_somebody_else_are_refused() {
    let world = World::seeded(82).await;
    let shop = world.merchant("kiosk").await;
    let neighbour = world.merchant("neighbour").await;
    let card = world.card(&shop, GOOD).await;
    let francs = Money::new(5_00, "CHF".parse::<Currency>().unwrap()).unwrap();
    assert_eq!(world.pay(&shop, card, francs).await.unwrap_err().code(), "currency_unsupported");
    assert_eq!(world.pay(&neighbour, card, eur(1_00)).await.unwrap_err().code(), "resource_missing");
    let most = Money::new(Money::MAX_MESSAGE_MINOR, Currency::EUR).unwrap();
    world.paid(&shop, card, most).await;
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_customer_of_nobody_or_of_another_merchant_is_missing() {
    let world = World::seeded(84).await;
    let (shop, other) = (world.merchant("florist").await, world.merchant("baker").await);
    let card = world.card(&shop, GOOD).await;
    let of_the_other =
        world.pcs().create_customer(&other.caller, None, None, Default::default()).await.unwrap();
    for customer in [of_the_other.id, types::CustomerId::from_u128(7)] {
        let new = pcs::NewPayment { customer: Some(customer), ..world.sale(card, eur(1_00)) };
        let refused = world.pcs().create_payment(&shop.caller, world.key(), new).await;
        assert!(matches!(refused, Err(CommandError::Missing { kind: "customer", .. })), "{refused:?}");
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_security_code_and_a_card_number_are_nowhere_in_the_store() {
    let world = World::seeded(83).await;
    let shop = world.merchant("kiosk").await;
    let card = world.card(&shop, GOOD).await;
    let paid = world.paid(&shop, card, eur(5_00)).await;
    world.refund(&shop, paid.id, None).await.unwrap();
    assert_eq!(paid.state, State::Captured);
    for record in world.store().journal(store::Shard(0), 1, 1_000).await.unwrap() {
        let text = String::from_utf8_lossy(&record.record.event).into_owned();
        assert!(!text.contains(GOOD), "record {} holds a card number", record.seq);
        assert!(!text.contains(r#""2":"#), "record {} holds field 2", record.seq);
    }
    for table in store::Table::ALL {
        for owner in [0, shop.id().to_u128()] {
            for row in world.store().scan(store::Shard(0), table, owner, None, 1_000).await.unwrap() {
                assert!(!String::from_utf8_lossy(&row.body).contains(GOOD), "a row of {table:?}");
            }
        }
    }
}
