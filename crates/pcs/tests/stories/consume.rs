//! One message moves the money.

use payment::{State, Status};
use testkit::{World, cny, eur, payment_of};
use types::Currency;

use crate::GOOD;

#[tokio::test(start_paused = true)]
async fn a_sale_is_paid_at_either_bank_and_the_fee_is_ours() {
    let world = World::seeded(1).await;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;

    let euros = world.paid(&shop, card, eur(12_50)).await;
    let yuan = world.paid(&shop, card, cny(100_00)).await;

    assert_eq!((euros.captured, euros.fee, euros.state.status()), (12_50, 8, Status::Succeeded));
    assert_eq!((yuan.captured, yuan.fee), (100_00, 60));
    assert_eq!(world.owed_to(shop.id(), Currency::EUR).await, 12_42);
    assert_eq!(world.owed_to(shop.id(), Currency::CNY).await, 99_40);
    assert_eq!(world.bank("iso87-ascii").received().last().unwrap(), "0200 stan=000001");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_declined_sale_fails_with_the_banks_reason_and_nothing_is_owed() {
    let world = World::seeded(2).await;
    let shop = world.merchant("tea").await;
    for (pan, code, network_code) in [
        ("4000000000009995", "insufficient_funds", "51"),
        ("4000000000000002", "do_not_honor", "05"),
        ("4000000000000069", "expired_card", "54"),
        ("4000000000009987", "lost_card", "41"),
    ] {
        let card = world.card(&shop, pan).await;
        let payment = payment_of(world.pay(&shop, card, eur(5_00)).await.unwrap());
        let decline = payment.decline.expect("a reason");
        assert_eq!(payment.state, State::Failed);
        assert_eq!((decline.code.as_str(), decline.network_code.as_deref()), (code, Some(network_code)));
    }
    assert_eq!(world.owed_to(shop.id(), Currency::EUR).await, 0);
    world.audit().await;
}
