//! Shoppers pay with a wallet: a gesture on a passkey, or as guests. What does not hold is refused, by its own code.

use card::{Expiry, Pan};
use order::{Instruction, Instrument, OrderInformation};
use payment::{CaptureMethod, Evidence, State};
use pcs::model::{CheckoutSession, SessionStatus};
use pcs::{CommandError, Completed, NewCheckoutSession, WalletIdentity};
use testkit::{Phone, Shop, World, cny, eur, payment_of};
use types::{CustomerId, Money, PaymentMethodId};

use crate::GOOD;

pub async fn checkout(world: &World, shop: &Shop, amount: Money) -> CheckoutSession {
    let new = NewCheckoutSession {
        amount,
        capture_method: CaptureMethod::Automatic,
        merchant_reference: None,
        lines: Vec::new(),
        customer: None,
        success_url: "https://shop.example/thanks".to_owned(),
        cancel_url: "https://shop.example/cart".to_owned(),
        locale: None,
        expires_at: None,
    };
    world.pcs().create_checkout_session(&shop.caller, new).await.unwrap()
}

fn order_of(session: &CheckoutSession) -> OrderInformation {
    OrderInformation::from_canonical(session.order_information.as_bytes()).unwrap()
}

/// What a guest's wallet page makes of a checkout.
pub fn as_guest(world: &World, session: &CheckoutSession, pan: &str) -> Instruction {
    let installation = &world.installation;
    let instrument = installation.typed_card(pan);
    installation.witness(installation.prepare(&order_of(session), instrument, world.now()), None)
}

fn with_passkey(
    world: &World,
    session: &CheckoutSession,
    phone: &mut Phone,
    card: PaymentMethodId,
) -> Instruction {
    let instrument = Instrument::PaymentMethod { id: card, security_code: None };
    let prepared = world.installation.prepare(&order_of(session), instrument, world.now());
    world.installation.witness(prepared, Some(phone))
}

pub async fn instruct(
    world: &World,
    session: &CheckoutSession,
    instruction: Instruction,
) -> Result<Completed, CommandError> {
    let wallet = world.installation.wallet_identity();
    instruct_as(world, &wallet, session, instruction).await
}

async fn instruct_as(
    world: &World,
    wallet: &WalletIdentity,
    session: &CheckoutSession,
    instruction: Instruction,
) -> Result<Completed, CommandError> {
    world.pcs().instruct(wallet, world.key(), session.id, instruction).await
}

/// A shopper with a passkey and a card in the wallet.
async fn shopper(world: &World) -> (Phone, PaymentMethodId) {
    let customer = CustomerId::from_u128(77);
    let phone = world.installation.phone(customer, world.now());
    let expiry = Expiry::new(2030, 12).unwrap();
    let pan = Pan::parse(GOOD).unwrap();
    let card = world.pcs().store_card(&pan, expiry, None, Some(customer)).await.unwrap();
    (phone, card.id)
}

#[tokio::test(start_paused = true)]
async fn a_gesture_on_a_passkey_pays_with_a_card_of_the_wallet_and_the_evidence_is_kept() {
    let world = World::seeded(100).await;
    let shop = world.merchant("tickets").await;
    let (mut phone, card) = shopper(&world).await;
    for amount in [eur(12_50), cny(12_50)] {
        let session = checkout(&world, &shop, amount).await;
        let instruction = with_passkey(&world, &session, &mut phone, card);
        let paid = payment_of(instruct(&world, &session, instruction).await.unwrap());
        assert_eq!((paid.id, paid.state), (session.payment, State::Captured));
        assert!(matches!(paid.evidence, Some(Evidence::Passkey { .. })), "{:?}", paid.evidence);
        // A wallet's card is given back to like any other.
        world.refund(&shop, paid.id, Some(2_50)).await.unwrap();
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_guest_pays_with_a_card_that_is_used_once() {
    let world = World::seeded(101).await;
    let shop = world.merchant("tickets").await;
    let session = checkout(&world, &shop, eur(12_50)).await;
    let paid = payment_of(instruct(&world, &session, as_guest(&world, &session, GOOD)).await.unwrap());
    assert_eq!(paid.state, State::Captured);
    assert!(matches!(paid.evidence, Some(Evidence::Guest { .. })));
    let again = world.pay(&shop, paid.payment_method.unwrap(), eur(1_00)).await;
    assert_eq!(again.unwrap_err().code(), "resource_missing");
    world.refund(&shop, paid.id, None).await.unwrap();
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_hold_together_is_refused_and_nothing_is_recorded() {
    let world = World::seeded(102).await;
    let shop = world.merchant("tickets").await;
    let session = checkout(&world, &shop, eur(12_50)).await;
    let other = checkout(&world, &shop, eur(12_50)).await;
    let good = as_guest(&world, &session, GOOD);

    // The LINK of one order with the instruction of another.
    let mut crossed = good.clone();
    crossed.envelope = as_guest(&world, &other, GOOD).envelope;
    // An order over another amount than the merchant's.
    let mut cheap = order_of(&session);
    cheap.amount = 1;
    let installation = &world.installation;
    let cheap = installation.prepare(&cheap, installation.typed_card(GOOD), world.now());
    let cheap = installation.witness(cheap, None);
    // A guest with somebody's stored card.
    let (_, card) = shopper(&world).await;
    let stored = Instrument::PaymentMethod { id: card, security_code: None };
    let stored = installation.witness(installation.prepare(&order_of(&session), stored, world.now()), None);

    for (what, instruction, code) in [
        ("another checkout's", as_guest(&world, &other, GOOD), "payment_mismatch"),
        ("crossed", crossed, "payment_mismatch"),
        ("cheap", cheap, "amount_mismatch"),
        ("a guest with a stored card", stored, "guest_instrument_not_allowed"),
    ] {
        let refused = instruct(&world, &session, instruction).await.unwrap_err();
        assert_eq!(refused.code(), code, "{what}: {refused:?}");
    }
    let stranger = world.installation.stranger();
    let refused = instruct_as(&world, &stranger, &session, good.clone()).await.unwrap_err();
    assert_eq!(refused.code(), "witness_not_sender");

    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
    let open = world.pcs().checkout_session(shop.id(), session.id).await.unwrap().unwrap();
    assert_eq!((open.status, open.version), (SessionStatus::Open, 1));
    assert_eq!(payment_of(instruct(&world, &session, good).await.unwrap()).state, State::Captured);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn another_customers_passkey_does_not_pay_with_this_ones_card() {
    let world = World::seeded(103).await;
    let shop = world.merchant("tickets").await;
    let (_, card) = shopper(&world).await;
    let mut thief = world.installation.phone(CustomerId::from_u128(666), world.now());
    let session = checkout(&world, &shop, eur(12_50)).await;
    let instruction = with_passkey(&world, &session, &mut thief, card);
    assert_eq!(instruct(&world, &session, instruction).await.unwrap_err().code(), "resource_missing");
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn an_instruction_is_carried_out_once_and_only_while_it_is_fresh() {
    let world = World::seeded(104).await;
    let shop = world.merchant("tickets").await;
    let stale = checkout(&world, &shop, eur(1_00)).await;
    let late = as_guest(&world, &stale, GOOD);
    world.clock.jump_ms(30 * 60_000);
    assert_eq!(instruct(&world, &stale, late).await.unwrap_err().code(), "link_expired");

    let session = checkout(&world, &shop, eur(12_50)).await;
    let instruction = as_guest(&world, &session, GOOD);
    let twice = tokio::join!(
        instruct(&world, &session, instruction.clone()),
        instruct(&world, &session, instruction.clone()),
    );
    assert_ne!(twice.0.is_ok(), twice.1.is_ok(), "{twice:?}");
    let replayed = instruct(&world, &session, instruction).await.unwrap_err();
    assert!(matches!(replayed, CommandError::SessionClosed { status: "complete" }), "{replayed:?}");
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 1);
    world.audit().await;
}
