//! The written forms: one value, one text. Attack (f) of the corpus.

use proptest::prelude::*;
use types::{Currency, MerchantId, PaymentId, PaymentMethodId, Secret};

use super::world::World;
use crate::{Instruction, Instrument, NotCanonical, OrderInformation, PaymentInstruction, Salt, SealedLink};

#[test]
fn a_link_has_one_text() {
    let world = World::new();
    let sealed = world.prepare(&world.order("coffee", 12_50), world.card()).link;
    let good = std::str::from_utf8(sealed.bytes()).unwrap().to_owned();
    assert_eq!(SealedLink::from_canonical(good.as_bytes()), Ok(sealed));

    let form = [
        ("\"1250\"", "1250"),
        ("\"1250\"", "\"-1250\""),
        ("\"1250\"", "\"0\""),
        ("\"1250\"", "\"01250\""),
        ("\"1250\"", "\"12.50\""),
        ("\"1250\"", "\"1000000000000\""),
        ("\"EUR\"", "\"eur\""),
        ("\"EUR\"", "\"EUX\""),
        ("\"v\":1", "\"v\":1.0"),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1,\"v\":1"),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("\"mer_", "\"pay_"),
        ("\"v\":1}", "\"v\":1} "),
    ];
    for (from, to) in form {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{to}");
        assert!(SealedLink::from_canonical(bad.as_bytes()).is_err(), "{to}");
    }
    for (from, to) in
        [("{\"amount\"", "{ \"amount\""), ("\"EUR\"", "\"\\u0045UR\""), ("\"v\":1}", "\"v\":1}\n")]
    {
        let bad = good.replacen(from, to, 1);
        assert_eq!(SealedLink::from_canonical(bad.as_bytes()), Err(NotCanonical::Writing), "{to}");
    }
    let long = " ".repeat(2000);
    assert_eq!(SealedLink::from_canonical(long.as_bytes()), Err(NotCanonical::TooLong));
}

/// Two texts that look alike are two orders: nothing is normalised, so nothing is normalised differently.
#[test]
fn letters_that_look_alike_are_not_the_same_order() {
    let world = World::new();
    let composed = world.order("caf\u{e9}", 1);
    let decomposed = OrderInformation { reference: "order for cafe\u{301}".to_owned(), ..composed.clone() };
    assert_ne!(composed.digest(), decomposed.digest());
    assert_eq!(OrderInformation::from_canonical(&composed.to_canonical()), Ok(composed));
}

#[test]
fn an_instruction_with_a_word_too_many_is_not_read() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    for instruction in [world.pay(&order, world.card()), world.pay_as_guest(&order, world.card())] {
        let good = serde_json::to_string(&instruction).unwrap();
        assert_eq!(serde_json::from_str::<Instruction>(&good).unwrap(), instruction);
        for (from, to) in [
            ("{\"v\":1", "{\"w\":1,\"v\":1"),
            ("{\"v\":1", "{\"v\":1,\"v\":1"),
            ("{\"v\":1", "{\"v\":2"),
            ("\"evidence\":{", "\"evidence\":{\"x\":1,"),
            ("\"type\":", "\"type\":\"guest\",\"type\":"),
            ("\"mandate\":{", "\"mandate\":{\"x\":1,"),
            ("\"witness\":{", "\"witness\":{\"x\":1,"),
            ("\"link\":\"", "\"link\":\"A"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            assert!(serde_json::from_str::<Instruction>(&bad).is_err(), "{to}");
        }
    }
}

/// The hash of one kind of thing is never the hash of another, even of the same bytes.
#[test]
fn each_hash_has_its_domain() {
    let domains = [
        crate::hash::ORDER,
        crate::hash::INSTRUCTION,
        crate::hash::LINK,
        crate::hash::EVIDENCE,
        crate::hash::WITNESS,
    ];
    let hashes: std::collections::HashSet<_> =
        domains.iter().map(|domain| *crate::Digest::of(domain, b"{}").as_bytes()).collect();
    assert_eq!(hashes.len(), domains.len());
}

fn instruments() -> impl Strategy<Value = Instrument> {
    let code = proptest::option::of("[0-9]{3,4}".prop_map(Secret::from));
    let card = ("[0-9]{12,19}", "20[0-9]{2}-(0[1-9]|1[0-2])", code.clone()).prop_map(
        |(pan, expiry, security_code)| Instrument::Card {
            pan: pan.into(),
            expiry: expiry.into(),
            security_code,
        },
    );
    let stored = (any::<u128>(), code).prop_map(|(id, security_code)| Instrument::PaymentMethod {
        id: PaymentMethodId::from_u128(id),
        security_code,
    });
    prop_oneof![card, stored]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The instruction is written by hand; another hand, the canonicaliser's, writes the same.
    #[test]
    fn the_hand_written_instruction_is_canonical_and_reads_back(
        ids: (u128, u128), amount in 1..=999_999_999_999u64, instrument in instruments(), salt: [u8; 16],
    ) {
        let instruction = PaymentInstruction {
            payment: PaymentId::from_u128(ids.0),
            merchant: MerchantId::from_u128(ids.1),
            amount,
            currency: Currency::CNY,
            instrument,
            salt: Salt::from_bytes(salt),
        };
        let written = instruction.to_canonical().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&written).unwrap();
        prop_assert_eq!(&serde_json_canonicalizer::to_vec(&json).unwrap(), &*written);
        let read = PaymentInstruction::from_canonical(&written).unwrap();
        prop_assert_eq!(read.to_canonical().unwrap(), written);
        if let Instrument::Card { pan, .. } = &read.instrument {
            let shown = format!("{read:?} {:?}", read.instrument);
            prop_assert!(!shown.contains(pan.expose().as_str()));
        }
    }

    #[test]
    fn orders_read_back(reference: String, description: String, quantity: u32, amount in 1..=999_999_999_999u64) {
        let world = World::new();
        let mut order = world.order("x", amount);
        order.reference = reference;
        order.lines[0].description = description;
        order.lines[0].quantity = quantity;
        prop_assert_eq!(OrderInformation::from_canonical(&order.to_canonical()), Ok(order));
    }
}
