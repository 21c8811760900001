//! Cards that are there: at a terminal of the merchant, or on the telephone.

use card::{EntryMode, Expiry, Pan, Track2};
use payment::{CaptureMethod, Evidence, State, Status};
use pcs::model::{Terminal, TerminalStatus};
use pcs::{CardInput, CardPresent, CommandError, NewPayment, NewTerminal};
use testkit::{Shop, World, cny, eur, payment_of};
use types::Money;

use crate::{GOOD, SILENT};

async fn terminal(world: &World, shop: &Shop) -> Terminal {
    let new = NewTerminal {
        merchant: shop.id(),
        label: "Till 2".to_owned(),
        bank: "iso87-ascii".to_owned(),
        number: "20009001".to_owned(),
        acceptor: "EU0000000000001".to_owned(),
    };
    world.pcs().create_terminal(new).await.unwrap()
}

fn card(pan: &str, mode: EntryMode) -> CardInput {
    let track = Track2::parse(&format!("{pan}=30121010000000000")).unwrap();
    let chip = matches!(mode, EntryMode::Chip | EntryMode::Contactless);
    let present = CardPresent {
        track2: Some(track),
        sequence_number: chip.then(|| "001".to_owned()),
        chip_data: chip.then(|| vec![0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x9F, 0x36, 2, 0, 1].into()),
        pin: None,
    };
    CardInput {
        entry: mode.into(),
        pan: Pan::parse(pan).unwrap(),
        expiry: Expiry::from_yymm("3012").unwrap(),
        security_code: None,
        present: mode.is_card_present().then_some(present),
        pin: None,
    }
}

/// What a till asks for.
fn at(terminal: &Terminal, card: CardInput, amount: Money) -> NewPayment {
    NewPayment {
        amount,
        capture_method: CaptureMethod::Automatic,
        confirm: true,
        payment_method: None,
        card: Some(card),
        terminal: Some(terminal.id),
        offline: None,
        customer: None,
        merchant_reference: None,
        description: None,
        metadata: Default::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_chip_pays_at_a_till_and_hears_what_its_issuer_says() {
    let world = World::seeded(600).await;
    let shop = world.merchant("tea").await;
    let till = terminal(&world, &shop).await;
    let new = at(&till, card(GOOD, EntryMode::Chip), eur(12_50));
    let paid = payment_of(world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap());

    assert_eq!(paid.state, State::Captured);
    assert_eq!(paid.evidence, Some(Evidence::Terminal { terminal: till.id }));
    let exchange = paid.original.clone().unwrap();
    assert_eq!((exchange.terminal.as_str(), exchange.stan), ("20009001", 1), "its own numbers");
    assert_eq!(exchange.issuer_data.as_deref(), Some("910a010203040506070830308a023030"));
    world.refund(&shop, paid.id, Some(2_50)).await.unwrap();

    // The journal knows the message, and nothing that was read from the card.
    let history = world.pcs().history(shop.id(), paid.id).await.unwrap();
    let sent = history[0].event.sent.clone().unwrap();
    assert_eq!((sent.get(22), sent.get(25)), (Some("052"), Some("00")));
    assert!([2, 14, 23, 35, 52, 55].iter().all(|&de| sent.get(de).is_none()));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn silence_at_a_till_is_undone_without_what_was_read() {
    let world = World::seeded(601).await;
    let shop = world.merchant("tea").await;
    let till = terminal(&world, &shop).await;
    let new = at(&till, card(SILENT, EntryMode::MagneticStripe), eur(12_50));
    let doubt = payment_of(world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap());
    assert!(doubt.state.in_doubt());
    world.settle().await;
    let undone = world.payment(&shop, doubt.id).await;
    assert_eq!(undone.state.status(), Status::Canceled);
    let history = world.pcs().history(shop.id(), doubt.id).await.unwrap();
    let reversal = history.iter().rev().find_map(|item| item.event.sent.as_ref()).unwrap();
    assert_eq!((reversal.mti().as_str(), reversal.get(22)), ("0400", Some("022")));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_order_by_telephone_needs_no_till_and_can_be_voided() {
    let world = World::seeded(602).await;
    let shop = world.merchant("tea").await;
    let till = terminal(&world, &shop).await;
    let called = card("6222021234567894", EntryMode::Moto);
    let new = NewPayment { terminal: None, ..at(&till, called, cny(88_00)) };
    let paid = payment_of(world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap());
    assert_eq!(paid.evidence, Some(Evidence::MailOrTelephone));
    let history = world.pcs().history(shop.id(), paid.id).await.unwrap();
    assert_eq!(history[0].event.sent.as_ref().unwrap().get(25), Some("08"));
    let voided = world.pcs().void_payment(&shop.caller, world.key(), paid.id).await.unwrap();
    assert_eq!(payment_of(voided).state.status(), Status::Canceled);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_till_that_is_suspended_or_missing_or_not_needed_is_named() {
    let world = World::seeded(603).await;
    let shop = world.merchant("tea").await;
    let till = terminal(&world, &shop).await;
    let refusal = async |new: NewPayment| {
        world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap_err().to_string()
    };
    let chip = || at(&till, card(GOOD, EntryMode::Chip), eur(1_00));
    let said = refusal(NewPayment { terminal: None, ..chip() }).await;
    assert_eq!(said, "terminal: is required for a card that was entered by chip");
    let said = refusal(at(&till, card(GOOD, EntryMode::Moto), eur(1_00))).await;
    assert_eq!(said, "terminal: has nothing to do with a card that was entered by moto");
    let said = refusal(NewPayment { amount: cny(1_00), ..chip() }).await;
    assert!(said.contains("CNY"), "{said}");
    let status = Some(TerminalStatus::Suspended);
    world.pcs().update_terminal(&shop.caller, till.id, None, status).await.unwrap();
    assert_eq!(refusal(chip()).await, "terminal: is suspended and takes no payments");

    let stranger = world.merchant("coffee").await;
    let theirs = world.pcs().create_payment(&stranger.caller, world.key(), chip()).await.unwrap_err();
    assert!(matches!(theirs, CommandError::Missing { kind: "terminal", .. }), "{theirs}");
    let again = world.pcs().create_terminal(NewTerminal {
        merchant: shop.id(),
        label: "Till 3".to_owned(),
        bank: "iso87-ascii".to_owned(),
        number: till.number.clone(),
        acceptor: till.acceptor.clone(),
    });
    assert!(again.await.unwrap_err().to_string().contains(&till.id.to_string()));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn one_key_with_two_cards_is_two_requests() {
    let world = World::seeded(604).await;
    let shop = world.merchant("tea").await;
    let till = terminal(&world, &shop).await;
    let pay = async |pan| {
        let new = at(&till, card(pan, EntryMode::Chip), eur(3_00));
        world.pcs().create_payment(&shop.caller, world.named_key("one", "the same body"), new).await
    };
    let first = pay(GOOD).await.unwrap();
    let again = pay(GOOD).await.unwrap();
    assert!(again.replayed && first.done == again.done);
    assert!(matches!(pay("5555555555554444").await, Err(CommandError::KeyReused)));
    world.audit().await;
}
