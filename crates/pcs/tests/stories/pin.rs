//! A PIN at a terminal: under the terminal's key to the gateway, under the link's key to the bank, and nowhere else.

use banksim::{Fault, Scope};
use card::{EncryptedPin, EntryMode, Expiry, Pan, Track2};
use payment::{CaptureMethod, Payment, State, Status};
use pcs::model::Terminal;
use pcs::{CardInput, CardPresent, NewPayment, NewPinKey, NewTerminal};
use testkit::pin_pad::{bytes, wrong_pin};
use testkit::{PinPad, Shop, World, cny, eur, gbp, payment_of};
use types::{Currency, Money};

use crate::{GOOD, SILENT};

const UNIONPAY: &str = "6222021234567894";

async fn till(world: &World, shop: &Shop, bank: &str, number: u32) -> Terminal {
    let (number, acceptor) = (format!("{number:08}"), "EU0000000000001".to_owned());
    let new = NewTerminal {
        merchant: shop.id(),
        label: "Till 2".to_owned(),
        bank: bank.to_owned(),
        number,
        acceptor,
    };
    world.pcs().create_terminal(new).await.unwrap()
}

/// A terminal of that kind, with its key.
async fn with_key(world: &World, shop: &Shop, bank: &str, pad: PinPad) -> Terminal {
    give(world, shop, &till(world, shop, bank, 20_009_001).await, pad, 0).await
}

/// Gives a terminal its key, with the key serial number that its device has come to.
async fn give(world: &World, shop: &Shop, till: &Terminal, pad: PinPad, count: u32) -> Terminal {
    let ksn = pad.ksn(count).map(|digits| bytes(&digits));
    let key = NewPinKey { merchant: shop.id(), terminal: till.id, key_block: pad.key_block(), ksn };
    world.pcs().set_pin_key(key).await.unwrap()
}

fn at(till: &Terminal, pan: &str, amount: Money, pin: Option<EncryptedPin>) -> NewPayment {
    let track = Track2::parse(&format!("{pan}=30121010000000000")).unwrap();
    let present = CardPresent {
        track2: Some(track),
        sequence_number: Some("001".to_owned()),
        chip_data: Some(
            vec![0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x9F, 0x27, 1, 0x80, 0x9F, 0x36, 2, 0, 1].into(),
        ),
        pin: None,
    };
    let card = CardInput {
        entry: EntryMode::Chip.into(),
        pan: Pan::parse(pan).unwrap(),
        expiry: Expiry::from_yymm("3012").unwrap(),
        security_code: None,
        present: Some(present),
        pin,
    };
    NewPayment {
        amount,
        capture_method: CaptureMethod::Automatic,
        confirm: true,
        payment_method: None,
        card: Some(card),
        terminal: Some(till.id),
        offline: None,
        customer: None,
        merchant_reference: None,
        description: None,
        metadata: Default::default(),
    }
}

async fn pay(world: &World, shop: &Shop, new: NewPayment) -> Payment {
    payment_of(world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap())
}

fn declined_with(payment: &Payment) -> &str {
    assert_eq!(payment.state.status(), Status::Failed);
    &payment.decline.as_ref().unwrap().code
}

#[tokio::test(start_paused = true)]
async fn every_bank_checks_the_pins_of_every_kind_of_terminal() {
    for (seed, (bank, pan, amount, entry)) in [
        ("iso87-ascii", GOOD, eur(12_50), "051"),
        ("cups-pos", UNIONPAY, cny(12_50), "051"),
        ("iso93-bcd", GOOD, gbp(12_50), "51010151300C"),
    ]
    .into_iter()
    .enumerate()
    {
        for pad in PinPad::ALL {
            let world = World::seeded(620 + seed as u64).await;
            let shop = world.merchant_at("tea", &[(bank, &[amount.currency()])]).await;
            let till = with_key(&world, &shop, bank, pad).await;
            let paid = pay(&world, &shop, at(&till, pan, amount, Some(pad.enter(pan, 1)))).await;
            let history = world.pcs().history(shop.id(), paid.id).await.unwrap();
            let notes: Vec<_> = history.iter().filter_map(|item| item.event.note.clone()).collect();
            assert_eq!(paid.state, State::Captured, "{bank} {pad:?} {notes:?}");

            // The journal knows that a PIN was entered, and no more of it.
            let sent = history[0].event.sent.clone().unwrap();
            assert_eq!(sent.get(22), Some(entry), "{bank}");
            assert!([35, 52, 53, 55].iter().all(|&de| sent.get(de).is_none()), "{bank}");
            world.audit().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_pin_is_declined_and_the_third_in_a_row_is_the_last() {
    for (seed, (bank, pan, amount)) in
        [("iso87-ascii", GOOD, eur(5_00)), ("cups-pos", UNIONPAY, cny(5_00)), ("iso93-bcd", GOOD, gbp(5_00))]
            .into_iter()
            .enumerate()
    {
        let world = World::seeded(630 + seed as u64).await;
        let shop = world.merchant_at("tea", &[(bank, &[amount.currency()])]).await;
        let till = with_key(&world, &shop, bank, PinPad::Tpk).await;
        let right = || at(&till, pan, amount, Some(PinPad::Tpk.enter(pan, 1)));
        let wrong = || at(&till, pan, amount, Some(wrong_pin(pan)));

        assert_eq!(declined_with(&pay(&world, &shop, wrong()).await), "incorrect_pin", "{bank}");
        assert_eq!(declined_with(&pay(&world, &shop, wrong()).await), "incorrect_pin", "{bank}");
        // A right one in between, and the count begins again.
        assert_eq!(pay(&world, &shop, right()).await.state, State::Captured, "{bank}");
        for _ in 0..2 {
            assert_eq!(declined_with(&pay(&world, &shop, wrong()).await), "incorrect_pin", "{bank}");
        }
        assert_eq!(declined_with(&pay(&world, &shop, wrong()).await), "pin_tries_exceeded", "{bank}");
        assert_eq!(declined_with(&pay(&world, &shop, right()).await), "pin_tries_exceeded", "{bank}");
        // Without a PIN the card still pays.
        assert_eq!(pay(&world, &shop, at(&till, pan, amount, None)).await.state, State::Captured, "{bank}");
        world.audit().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_goes_under_whatever_key_its_link_has_at_that_moment() {
    let world = World::seeded(640).await;
    let shop = world.merchant("tea").await;
    let till = with_key(&world, &shop, "iso87-ascii", PinPad::Tpk).await;
    let sale = || at(&till, GOOD, eur(5_00), Some(PinPad::Tpk.enter(GOOD, 1)));
    assert_eq!(pay(&world, &shop, sale()).await.state, State::Captured);

    // One is at the bank's door under the old keys while new ones are given out.
    let bank = world.bank("iso87-ascii");
    bank.set_fault(Fault::HeldRequest, Scope::next().of(iso8583::Mti::FINANCIAL_REQUEST));
    let link = world.pcs().banks().find(|bank| bank.name() == "iso87-ascii").unwrap();
    let (one, ()) = tokio::join!(pay(&world, &shop, sale()), async {
        world.pass_ms(1_000).await;
        let exchanged = link.host().counters().key_exchanges;
        for link in link.host().links() {
            link.exchange_keys().await;
        }
        world.until("the keys are new", || link.host().counters().key_exchanges > exchanged).await;
        bank.release();
    });
    assert_eq!(one.state, State::Captured, "under the keys before");
    assert_eq!(pay(&world, &shop, sale()).await.state, State::Captured, "under the new ones");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn silence_after_a_pin_is_undone_without_one() {
    let world = World::seeded(641).await;
    let shop = world.merchant("tea").await;
    let till = with_key(&world, &shop, "iso87-ascii", PinPad::Tpk).await;
    let doubt = pay(&world, &shop, at(&till, SILENT, eur(12_50), Some(PinPad::Tpk.enter(SILENT, 1)))).await;
    assert!(doubt.state.in_doubt());
    world.settle().await;
    assert_eq!(world.payment(&shop, doubt.id).await.state.status(), Status::Canceled);
    let history = world.pcs().history(shop.id(), doubt.id).await.unwrap();
    let reversal = history.iter().rev().find_map(|item| item.event.sent.as_ref()).unwrap();
    assert_eq!((reversal.mti().as_str(), reversal.get(22), reversal.get(52)), ("0400", Some("051"), None));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_after_a_pin_is_undone_by_a_process_that_never_saw_it() {
    let mut world = World::seeded(642).await;
    let shop = world.merchant("tea").await;
    let till = with_key(&world, &shop, "iso87-ascii", PinPad::Dukpt).await;
    world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next().of(iso8583::Mti::FINANCIAL_REQUEST));
    let new = at(&till, GOOD, eur(12_50), Some(PinPad::Dukpt.enter(GOOD, 1)));
    let (pcs, caller, key) = (world.pcs().clone(), shop.caller.clone(), world.key());
    let task = tokio::spawn(async move { pcs.create_payment(&caller, key, new).await });
    world.pass_ms(1_000).await;
    world.crash().await;
    task.abort();
    world.pcs().resume().await.unwrap();
    world.settle().await;
    let listed = world.pcs().payments(shop.id(), pcs::Page { limit: 10, after: None, before: None });
    let undone = listed.await.unwrap().data.remove(0);
    assert_eq!(undone.state.status(), Status::Canceled);
    assert_eq!(world.bank("iso87-ascii").used(GOOD, Currency::EUR), Some(0));
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_cannot_be_this_terminals_is_refused_by_its_rule_before_anything_is_recorded() {
    let world = World::seeded(643).await;
    let shop = world.merchant("tea").await;
    let bare = till(&world, &shop, "iso87-ascii", 20_009_002).await;
    let tpk = with_key(&world, &shop, "iso87-ascii", PinPad::Tpk).await;
    let dukpt = till(&world, &shop, "iso87-ascii", 20_009_003).await;
    let dukpt = give(&world, &shop, &dukpt, PinPad::Dukpt, 7).await;
    let refusal = async |till: &Terminal, pin: EncryptedPin| {
        let new = at(till, GOOD, eur(1_00), Some(pin));
        world.pcs().create_payment(&shop.caller, world.key(), new).await.unwrap_err().to_string()
    };
    let (plain, derived) = (|| PinPad::Tpk.enter(GOOD, 1), || PinPad::Dukpt.enter(GOOD, 1));
    let pin = "payment_method_data/pin";
    for (till, sent, told) in [
        (&bare, plain(), format!("{pin}: must not be sent: the operator has given this terminal no PIN key")),
        (&tpk, derived(), format!("{pin}/ksn: must not be sent: the PIN key of this terminal is a TPK")),
        (
            &tpk,
            PinPad::AesTpk.enter(GOOD, 1),
            format!(
                "{pin}/format: must be iso_0, iso_1 or iso_3: the PIN key of this terminal is Triple DES"
            ),
        ),
        (&dukpt, plain(), format!("{pin}/ksn: is required: this terminal is a DUKPT terminal")),
        (
            &dukpt,
            EncryptedPin { ksn: Some(bytes("FFFF1111111111E00001")), ..derived() },
            format!("{pin}/ksn: must be of this terminal: its key set and device are another's"),
        ),
        (
            &dukpt,
            EncryptedPin { ksn: Some(bytes("FFFF9876543210E00000")), ..derived() },
            format!("{pin}/ksn: is none: transaction counter is zero"),
        ),
        (
            &dukpt,
            EncryptedPin { ksn: Some(bytes("9876")), ..derived() },
            format!("{pin}/ksn: is none: key serial number must be 20 hexadecimal digits"),
        ),
    ] {
        assert_eq!(refusal(till, sent).await, told);
    }
    assert_eq!(world.rows(store::Table::Payment, shop.id()).await, 0);
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_dukpt_pin_is_taken_once() {
    let world = World::seeded(644).await;
    let shop = world.merchant("tea").await;
    let till = with_key(&world, &shop, "iso87-ascii", PinPad::Dukpt).await;
    let sale = |count| at(&till, GOOD, eur(1_00), Some(PinPad::Dukpt.enter(GOOD, count)));
    let key = world.named_key("till 2, one", "the same body");
    let first = world.pcs().create_payment(&shop.caller, key.clone(), sale(1)).await.unwrap();
    // The same request again is the same payment, not another use of its PIN.
    let again = world.pcs().create_payment(&shop.caller, key, sale(1)).await.unwrap();
    assert!(again.replayed && again.done == first.done);
    let stolen = world.pcs().create_payment(&shop.caller, world.key(), sale(1)).await.unwrap_err();
    let rule = "payment_method_data/pin/ksn: must be later than that of the terminal's payment before: each is for one PIN";
    assert_eq!(stolen.to_string(), rule);
    assert_eq!(declined_with(&pay(&world, &shop, sale(2)).await), "incorrect_pin");
    assert_eq!(pay(&world, &shop, sale(4)).await.state, State::Captured);
    // Nor is an earlier one, even after the operator has given the terminal the same key once more.
    for _ in 0..2 {
        let early = world.pcs().create_payment(&shop.caller, world.key(), sale(3)).await;
        assert_eq!(early.unwrap_err().to_string(), rule);
        give(&world, &shop, &till, PinPad::Dukpt, 0).await;
    }
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_block_that_nobody_can_read_asks_no_bank_and_is_a_wrong_pin() {
    let world = World::seeded(645).await;
    let shop = world.merchant("tea").await;
    let till = with_key(&world, &shop, "iso87-ascii", PinPad::Tpk).await;
    // Another card's: the card's number is part of the block.
    let strange = Some(PinPad::Tpk.enter("5555555555554444", 1));
    let failed = pay(&world, &shop, at(&till, GOOD, eur(1_00), strange)).await;
    assert_eq!(declined_with(&failed), "incorrect_pin");
    assert_eq!(failed.original.as_ref().unwrap().response_code, None);
    let history = world.pcs().history(shop.id(), failed.id).await.unwrap();
    let note = history.iter().rev().find_map(|item| item.event.note.clone()).unwrap();
    assert_eq!(note, "the PIN block cannot be read with the terminal's key; the bank was not asked");
    world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn the_terminal_keeps_its_key_in_another_block_and_the_banks_transcript_has_no_pin() {
    let world = World::seeded(646).await;
    let shop = world.merchant("tea").await;
    let till = with_key(&world, &shop, "iso87-ascii", PinPad::Tpk).await;
    let key = PinPad::Tpk.key_block();
    for pin in [PinPad::Tpk.enter(GOOD, 1), wrong_pin(GOOD)] {
        pay(&world, &shop, at(&till, GOOD, eur(5_00), Some(pin))).await;
    }
    let rows = world.pcs().terminal(shop.id(), till.id).await.unwrap().unwrap();
    let kept = rows.pin_key.unwrap();
    assert_eq!((kept.check_value.as_str(), kept.is_dukpt(), kept.is_aes()), ("832754", false, false));
    assert!(kept.block.starts_with('D') && kept.block != key);
    let told = format!("{:?}", world.bank("iso87-ascii").transcript());
    for secret in ["461B58D6D9982A64", "768972B98B8F8B34"] {
        assert!(!told.to_uppercase().contains(secret), "{told}");
    }
    world.audit().await;
}
