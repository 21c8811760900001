//! One payment told whole, then every attack on it.

mod attacks;
mod forms;
mod world;

use types::{Currency, Money};

use self::world::World;
use crate::{Consent, Instrument};

#[test]
fn a_customer_pays_with_a_passkey_and_nobody_sees_too_much() {
    let mut world = World::new();
    let order = world.order("coffee", 12_50);

    let instruction = world.pay(&order, world.card());
    let travelling = serde_json::to_string(&instruction).unwrap();
    let received = serde_json::from_str(&travelling).unwrap();
    let verified = world.verify(&received, &world.expected(&order)).unwrap();

    let Consent::Passkey { customer, .. } = &verified.mandate.consent else { panic!("a passkey consented") };
    assert_eq!(*customer, world.customer);
    assert_eq!(verified.mandate.link.amount, 12_50);
    let Instrument::Card { pan, security_code, .. } = &verified.instruction.instrument else {
        panic!("a card")
    };
    assert_eq!(pan.expose(), "4242424242424242");
    assert_eq!(security_code.as_ref().unwrap().expose(), "123");

    // The merchant sees the mandate and its own order; the PCS never sees the order, the merchant never the card.
    crate::verify_as_merchant(&received.mandate, &order, &world.trust()).unwrap();
    for hidden in ["4242", "coffee", "2031-12"] {
        assert!(!travelling.contains(hidden), "{hidden}");
    }
    assert!(!format!("{verified:?} {instruction:?}").contains("4242424242424242"));
}

#[test]
fn a_guest_pays_with_a_card_and_the_evidence_says_so() {
    let world = World::new();
    let order = world.order("tea", 3_00);
    let instruction = world.pay_as_guest(&order, world.card());
    let verified = world.verify(&instruction, &world.expected(&order)).unwrap();
    assert_eq!(verified.mandate.consent, Consent::Guest);
}

#[test]
fn a_link_is_good_for_five_minutes() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay(&order, world.card());
    let expected = world.expected(&order);
    for (later_ms, good) in [(-60_000, true), (-61_000, false), (299_000, true), (300_000, false)] {
        let verdict = world.verify_at(&instruction, &expected, later_ms);
        let code = verdict.err().map(|error| error.code());
        assert_eq!(code, if good { None } else { Some("link_expired") }, "{later_ms} ms later");
    }
}

#[test]
fn what_the_merchant_asks_must_be_what_the_customer_consented_to() {
    let mut world = World::new();
    let order = world.order("coffee", 12_50);
    let other = world.order("watch", 12_50);
    let instruction = world.pay(&order, world.card());
    let right = world.expected(&order);
    let euros = |minor| Money::new(minor, Currency::EUR).unwrap();
    for (expected, code) in [
        (crate::Expected { amount: euros(12_51), ..right }, "amount_mismatch"),
        (crate::Expected { amount: Money::new(12_50, Currency::USD).unwrap(), ..right }, "currency_mismatch"),
        (crate::Expected { merchant: types::MerchantId::from_u128(9), ..right }, "merchant_mismatch"),
        (crate::Expected { payment: types::PaymentId::from_u128(9), ..right }, "payment_mismatch"),
        (crate::Expected { h_oi: other.digest(), ..right }, "order_digest_mismatch"),
        (crate::Expected { sender: Some(world.stranger()), ..right }, "witness_not_sender"),
    ] {
        assert_eq!(world.verify(&instruction, &expected).unwrap_err().code(), code);
    }
}
