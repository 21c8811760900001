//! Each attack is carried out by a party that holds everything it honestly could, and is named by the check that finds it.

use std::cell::RefCell;
use std::collections::HashSet;

use pki::webauthn::authenticator::SoftwareAuthenticator;
use pki::{AgreementKey, Curve, KeyPair, Profile, Signer};

use super::world::{NOW, RP, World};
use crate::{
    Digest, Evidence, Instruction, Mandate, OrderInformation, PaymentInstruction, Recipient, SealedLink,
    Witness, envelope, verify_as_merchant, verify_instruction,
};

/// (a) Without its salt the hash of an instruction could be searched: here are all the secrets but the salt, and the hash
/// still tells nothing, for it differs each time.
#[test]
fn the_same_card_never_hashes_to_the_same_value() {
    let world = World::new();
    let order = world.order("coffee", 12_50);
    let hashes: HashSet<_> =
        (0..8).map(|_| *world.prepare(&order, world.card()).link.link().h_pi.as_bytes()).collect();
    assert_eq!(hashes.len(), 8);
}

/// (b) The envelope of one payment put beside the consent to another.
#[test]
fn an_envelope_cannot_be_put_beside_another_link() {
    let mut world = World::new();
    let (cheap, dear) = (world.order("coffee", 1), world.order("watch", 999_99));
    let (paid_cheap, paid_dear) = (world.pay(&cheap, world.card()), world.pay(&dear, world.card()));
    let mixed = Instruction { envelope: paid_dear.envelope.clone(), ..paid_cheap.clone() };
    assert_eq!(world.refusal(&mixed, &cheap), "payment_mismatch");

    // The same payment, consented to twice with two cards: the payment agrees, the instruction does not.
    let first = world.prepare(&cheap, world.card());
    let evidence = world.consent(&first);
    let mixed = Instruction { envelope: paid_cheap.envelope, ..world.witness(first, evidence) };
    assert_eq!(world.refusal(&mixed, &cheap), "instruction_digest_mismatch");
}

/// (b) again, by whoever can seal: the header claims the hash that LINK names, the content is another instruction.
#[test]
fn the_header_of_an_envelope_does_not_vouch_for_its_content() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay(&order, world.card());
    let other = envelope::open(&world.prepare(&order, world.stored_card()).envelope, &world.pcs).unwrap();
    let h_pi = instruction.mandate.link.link().h_pi;
    let sealed =
        envelope::seal(&other.plain, &world.recipient, &order.payment, &h_pi, &world.entropy).unwrap();
    let mixed = Instruction { envelope: sealed, ..instruction };
    assert_eq!(world.refusal(&mixed, &order), "instruction_digest_mismatch");
}

/// LINK of one order with PI of another, by a wallet server that signs whatever it is given: the customer's consent is to
/// the hash of the one instruction, and no other opens under it.
#[test]
fn even_the_wallet_cannot_change_the_card_or_amount_after_consent() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let prepared = world.prepare(&order, world.card());
    let evidence = world.consent(&prepared);

    // A new LINK for the stored card, with the old consent.
    let other = world.prepare(&order, world.stored_card());
    let forged = world.witness(other, evidence.clone());
    assert_eq!(world.refusal(&forged, &order), "assertion_invalid_challenge");

    // A LINK with a higher amount, with the old consent.
    let mut link = prepared.link.link().clone();
    link.amount = 100;
    let witnessed = crate::Prepared { link: SealedLink::new(link), envelope: prepared.envelope };
    let forged = world.witness(witnessed, evidence);
    let dear = OrderInformation { amount: 100, ..order };
    assert_eq!(world.refusal(&forged, &dear), "assertion_invalid_challenge");
}

/// (c) PI sealed to an attacker's key. The wallet takes keys from certificates of the node CA alone.
#[test]
fn the_wallet_seals_only_to_a_certified_key_of_the_pcs() {
    let world = World::new();
    let attacker = AgreementKey::generate(&world.entropy).unwrap();
    // A certificate of the wrong CA, or of the right one for another use, does not make a recipient.
    let tls_key = KeyPair::generate(Curve::P256, &world.entropy).unwrap();
    let tls = world.node_ca.issue(&world.entropy, Profile::NodeTls, "node", tls_key.public_key());
    let recipient = |certificate| Recipient::new(certificate, &world.node_ca.anchor, NOW, &world.refused);
    assert_eq!(recipient(&tls).unwrap_err().code(), "certificate_wrong_purpose");
    assert_eq!(recipient(&world.wallet.0).unwrap_err().code(), "certificate_wrong_purpose");

    // And an envelope to a key that is not the PCS's is refused by the PCS before anything is opened.
    let order = world.order("coffee", 1);
    let recipient = Recipient::unchecked(attacker.public_key().clone());
    let prepared = crate::prepare(&order, world.card(), &recipient, NOW, &world.entropy).unwrap();
    let instruction = world.witness(prepared, Evidence::Guest {});
    assert_eq!(world.refusal(&instruction, &order), "wrong_recipient");
}

/// (d) Amount, currency, merchant or payment differ between LINK and PI although the hash agrees: a wallet's mistake.
#[test]
fn an_instruction_that_contradicts_its_link_is_refused() {
    let world = World::new();
    let order = world.order("coffee", 12_50);
    for (dear, what) in [
        (OrderInformation { amount: 12_51, ..order.clone() }, "amount"),
        (OrderInformation { currency: types::Currency::USD, ..order.clone() }, "currency"),
        (OrderInformation { merchant: types::MerchantId::from_u128(6), ..order.clone() }, "merchant"),
    ] {
        // PI says one thing; LINK, made for its very hash, another.
        let prepared = world.prepare(&dear, world.card());
        let mut link = prepared.link.link().clone();
        (link.amount, link.currency, link.merchant) = (order.amount, order.currency, order.merchant);
        link.h_oi = order.digest();
        let forged = crate::Prepared { link: SealedLink::new(link), envelope: prepared.envelope };
        let error =
            world.verify(&world.witness(forged, Evidence::Guest {}), &world.expected(&order)).unwrap_err();
        assert_eq!(error, crate::InstructionError::InstructionContradictsLink(what));
    }
}

/// (e) The same instruction twice.
#[test]
fn a_link_happens_once() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay(&order, world.card());
    let seen = RefCell::new(HashSet::new());
    let attempt = || {
        let first_use = |nonce: &crate::Salt| seen.borrow_mut().insert(*nonce.as_bytes());
        let expected = world.expected(&order);
        verify_instruction(&instruction, &expected, &world.trust(), &world.pcs, first_use).map(|_| ())
    };
    assert_eq!(attempt(), Ok(()));
    assert_eq!(attempt().unwrap_err().code(), "link_replayed");
}

/// (g) The algorithm is not the message's to choose; the envelope's own tests show the headers. Here: signatures in the
/// other form, of another curve's length, and all zero.
#[test]
fn a_witness_signature_has_one_form() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let mut instruction = world.pay(&order, world.card());
    instruction.mandate.witness.signature = [0; 64];
    assert_eq!(world.refusal(&instruction, &order), "witness_invalid");
    let json = serde_json::to_string(&instruction).unwrap();
    let zeros = pki::b64::encode(&[0; 64]);
    let longer = json.replace(&zeros, &pki::b64::encode(&[0; 65]));
    assert_ne!(json, longer);
    assert!(serde_json::from_str::<Instruction>(&longer).is_err());
}

/// (h) Merchant A presents the mandate that a customer gave merchant B.
#[test]
fn a_mandate_is_of_use_to_its_merchant_only() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let Instruction { mandate, .. } = world.pay(&order, world.card());
    assert!(verify_as_merchant(&mandate, &order, &world.trust()).is_ok());
    let elsewhere = OrderInformation { merchant: types::MerchantId::from_u128(6), ..order.clone() };
    assert_eq!(
        verify_as_merchant(&mandate, &elsewhere, &world.trust()).unwrap_err().code(),
        "merchant_mismatch"
    );
    let altered = OrderInformation { reference: "another".to_owned(), ..order };
    assert_eq!(
        verify_as_merchant(&mandate, &altered, &world.trust()).unwrap_err().code(),
        "order_digest_mismatch"
    );
}

/// (i) A key of the PCS that was rotated out.
#[test]
fn an_envelope_to_a_retired_key_is_refused_and_to_an_older_one_is_not() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay(&order, world.card());
    world.pcs.insert(0, AgreementKey::generate(&world.entropy).unwrap());
    assert!(world.verify(&instruction, &world.expected(&order)).is_ok());
    world.pcs.truncate(1);
    assert_eq!(world.refusal(&instruction, &order), "wrong_recipient");
}

/// LINK names one of the PCS's keys, the envelope another: each alone would do.
#[test]
fn link_and_envelope_name_the_same_key() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let second = AgreementKey::generate(&world.entropy).unwrap();
    let prepared = world.prepare(&order, world.card());
    let mut link = prepared.link.link().clone();
    link.pcs = second.id();
    world.pcs.push(second);
    let forged = crate::Prepared { link: SealedLink::new(link), envelope: prepared.envelope };
    assert_eq!(world.refusal(&world.witness(forged, Evidence::Guest {}), &order), "wrong_recipient");
}

#[test]
fn a_revoked_or_foreign_wallet_is_no_witness() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay(&order, world.card());
    // A customer's own certificate cannot witness.
    let mandate = Mandate {
        witness: Witness {
            certificate: world.customer_certificate.der().to_vec(),
            ..instruction.mandate.witness.clone()
        },
        ..instruction.mandate.clone()
    };
    assert_eq!(
        world.refusal(&Instruction { mandate, ..instruction.clone() }, &order),
        "certificate_wrong_purpose"
    );
    // A node's certificate is of another CA.
    let key = KeyPair::generate(Curve::P256, &world.entropy).unwrap();
    let node = world.node_ca.issue(&world.entropy, Profile::NodeTls, "node", key.public_key());
    let witness =
        Witness::sign(&instruction.mandate.link, &instruction.mandate.evidence, &node, &key).unwrap();
    let mandate = Mandate { witness, ..instruction.mandate.clone() };
    assert_eq!(
        world.refusal(&Instruction { mandate, ..instruction.clone() }, &order),
        "certificate_wrong_purpose"
    );
    // Revoked.
    world.refused.refuse(world.wallet.0.serial());
    assert_eq!(world.refusal(&instruction, &order), "certificate_revoked");
}

#[test]
fn a_customer_who_lost_the_phone_is_protected_by_revocation() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay(&order, world.card());
    world.refused.refuse(world.customer_certificate.serial());
    let error = world.verify(&instruction, &world.expected(&order)).unwrap_err();
    assert!(matches!(error, crate::InstructionError::CustomerCertificate(pki::ChainError::Revoked)));
}

#[test]
fn one_customer_cannot_consent_for_another() {
    let mut world = World::new();
    let order = world.order("coffee", 1);
    let prepared = world.prepare(&order, world.stored_card());
    // Mallory's phone, Alice's certificate.
    let mut mallory = SoftwareAuthenticator::new(RP.id, RP.origins[0], &world.entropy).unwrap();
    let assertion = mallory.assert(&prepared.challenge()).unwrap();
    let certificate = world.customer_certificate.der().to_vec();
    let forged = Evidence::Passkey { assertion: assertion.clone(), certificate };
    assert_eq!(
        world.refusal(&world.witness(prepared.clone(), forged), &order),
        "assertion_invalid_signature"
    );

    // Alice's credential id beside Mallory's rightly certified consent: revoking Alice's would not stop it.
    let own = world.wallet_ca.certify(&world.entropy, &mallory, types::CustomerId::from_u128(66));
    let mut posing = assertion;
    posing.credential_id = world.phone.credential_id().to_vec();
    let forged = Evidence::Passkey { assertion: posing, certificate: own.der().to_vec() };
    assert_eq!(
        world.refusal(&world.witness(prepared.clone(), forged), &order),
        "certificate_identity_mismatch"
    );

    // Consent torn off: the evidence is part of what the witness signed.
    let evidence = world.consent(&prepared);
    let mut torn = world.witness(prepared, evidence);
    torn.mandate.evidence = Evidence::Guest {};
    assert_eq!(world.refusal(&torn, &order), "witness_invalid");
}

#[test]
fn a_guest_cannot_use_a_stored_card() {
    let world = World::new();
    let order = world.order("coffee", 1);
    let instruction = world.pay_as_guest(&order, world.stored_card());
    assert_eq!(world.refusal(&instruction, &order), "guest_instrument_not_allowed");
}

/// What is sealed may be rubbish under a right hash.
#[test]
fn an_instruction_that_is_not_canonical_is_refused_although_its_hash_agrees() {
    let world = World::new();
    let order = world.order("coffee", 12_50);
    let prepared = world.prepare(&order, world.card());
    let good = envelope::open(&prepared.envelope, &world.pcs).unwrap();
    let good = std::str::from_utf8(&good.plain).unwrap();
    for (from, to) in [
        ("{\"amount\"", "{ \"amount\""),
        ("\"1250\"", "1250"),
        ("\"1250\"", "\"01250\""),
        ("\"1250\"", "\"1250\",\"amount\":\"1\""),
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1.0"),
        ("\"v\":1", "\"v\":1,\"x\":1"),
        ("\"card\"", "\"cash\""),
        ("\"card\"", "\"c\\u0061rd\""),
        ("2031-12", "2031-13"),
        ("4242424242424242", "4242 4242 4242 4242"),
        ("\"123\"", "\"12\""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        let h_pi: Digest = PaymentInstruction::digest_of(bad.as_bytes());
        let mut link = prepared.link.link().clone();
        link.h_pi = h_pi;
        let sealed =
            envelope::seal(bad.as_bytes(), &world.recipient, &order.payment, &h_pi, &world.entropy).unwrap();
        let forged = crate::Prepared { link: SealedLink::new(link), envelope: sealed };
        assert_eq!(
            world.refusal(&world.witness(forged, Evidence::Guest {}), &order),
            "instruction_malformed",
            "{to}"
        );
    }
}
