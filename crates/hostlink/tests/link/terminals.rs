//! Cards that are there: what a terminal reads goes to the bank in one message, and what the issuer tells the chip comes
//! back. And the transactions that not every bank has.

use std::sync::Arc;

use card::{EncryptedPin, Entry, EntryMode, Pan, PinFormat, Track2};
use hostlink::{
    BankProfile, CardFields, CardPresent, NotSent, Outcome, PinField, PinKeyBlock, Rejection, Reply,
    SHIPPED_BANKS, SecurityError, Transaction, TransactionData, TransactionRequest, shipped_bank,
    shipped_file,
};
use iso8583::Mti;
use zeroize::Zeroizing;

use crate::support::{Coded as _, World, original, reply};

/// Cryptogram, its information data, counter: the form of DE 55, with made-up values.
const CHIP_DATA: [u8; 20] = [0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x9F, 0x27, 1, 0x80, 0x9F, 0x36, 2, 0, 1];

/// What a terminal gives for a card that was entered in this way.
fn at_terminal(pan: &str, entry: Entry) -> CardFields {
    use EntryMode as M;
    let track = Track2::parse(&format!("{pan}=30121010000000000")).unwrap();
    let read = matches!(entry.mode, M::MagneticStripe | M::Chip | M::Contactless);
    let chip = matches!(entry.mode, M::Chip | M::Contactless);
    CardFields {
        pan: Pan::parse(pan).unwrap(),
        expiry: Some(track.expiry()),
        security_code: None,
        present: Some(CardPresent {
            track2: read.then_some(track),
            sequence_number: chip.then(|| "001".to_owned()),
            chip_data: chip.then(|| Zeroizing::new(CHIP_DATA.to_vec())),
            pin: entry.pin.then(|| pin(pan, "1234")),
        }),
    }
}

/// A block of format 0 in clear: the terminals of these tests have no key.
fn pin(pan: &str, digits: &str) -> PinField {
    let plain = u64::from_str_radix(&format!("04{digits}FFFFFFFFFF"), 16).unwrap();
    let number = u64::from_str_radix(&pan[pan.len() - 13..pan.len() - 1], 16).unwrap();
    let block = Zeroizing::new((plain ^ number).to_be_bytes().to_vec());
    let key = PinKeyBlock { merchant: 1, terminal: 1, block: String::new(), key_version: 1 };
    PinField { sent: EncryptedPin { block, format: PinFormat::Iso0, ksn: None }, key: Arc::new(key) }
}

async fn send(world: &World, transaction: Transaction, data: &TransactionData) -> Reply {
    let fields = world.message(transaction, data);
    let card = Some(at_terminal(world.good_card(), data.entry));
    reply(world.link.request(TransactionRequest { transaction, fields, card }, world.deadline()).await)
}

#[tokio::test(start_paused = true)]
async fn every_bank_takes_a_card_in_every_way_that_its_table_names() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        for mode in EntryMode::ALL {
            for pin in [false, true] {
                let entry = Entry { mode, pin: pin && mode.is_card_present() };
                let data = TransactionData { entry, ..world.data(100, None) };
                let sold = send(&world, Transaction::Consume, &data).await;
                assert_eq!(sold.code(), "00", "{bank} {entry:?}");
                let chip = matches!(mode, EntryMode::Chip | EntryMode::Contactless);
                assert_eq!(sold.issuer_data.is_some(), chip, "{bank} {entry:?}");
                assert!([35, 52, 55, 2].iter().all(|&de| sold.fields.get(de).is_none()), "{bank} {entry:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pin_goes_under_the_key_of_the_link_that_takes_it() {
    let world = World::of_links(&Arc::new(shipped_bank("iso87-ascii").unwrap()), 2).await;
    let sell = async |minor| {
        let entry = Entry { mode: EntryMode::Chip, pin: true };
        let data = TransactionData { entry, ..world.data(minor, None) };
        let fields = world.message(Transaction::Consume, &data);
        let card = Some(at_terminal(world.good_card(), entry));
        let request = TransactionRequest { transaction: Transaction::Consume, fields, card };
        reply(world.host.request(request, world.deadline()).await).code().to_owned()
    };
    let sent = || world.host.links().iter().map(|link| link.counters().sent).collect::<Vec<_>>();
    // The bank has given each link a key of its own, and refuses a block under another's with 99.
    for minor in 1..=4 {
        assert_eq!(sell(minor).await, "00");
    }
    assert_eq!(sent(), [2, 2]);
    world.link.take_out(world.deadline()).await;
    for minor in 5..=6 {
        assert_eq!(sell(minor).await, "00");
    }
    assert_eq!(sent(), [2, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_link_without_a_key_for_pins_sends_none_and_what_has_no_pin_goes_on() {
    let text = shipped_file("iso87-ascii/bank.toml").unwrap();
    let pin = "  { usage = \"pin\", bytes = 16, check_bytes = 3 },\n";
    assert_eq!(text.matches(pin).count(), 2);
    let profile =
        BankProfile::from_toml(&text.replace(pin, ""), |path| shipped_file(path).map(str::to_owned));
    let profile = Arc::new(profile.unwrap());
    assert!(!profile.takes_pin(Transaction::Consume));
    let world = World::of_links(&profile, 1).await;
    let entry = |pin| Entry { mode: EntryMode::Chip, pin };
    let data = TransactionData { entry: entry(true), ..world.data(1, None) };
    let fields = world.message(Transaction::Consume, &data);
    let card = Some(at_terminal(world.good_card(), entry(true)));
    let request = TransactionRequest { transaction: Transaction::Consume, fields, card };
    let outcome = world.link.request(request, world.deadline()).await;
    let missing = NotSent::Security(SecurityError::NoPinKey);
    assert!(matches!(outcome, Outcome::NotSent(why) if why == missing), "{outcome:?}");
    let data = TransactionData { entry: entry(false), ..world.data(2, None) };
    assert_eq!(send(&world, Transaction::Consume, &data).await.code(), "00");
}

#[tokio::test(start_paused = true)]
async fn an_order_by_telephone_says_so_and_so_does_all_that_follows_it() {
    let world = World::of("cups-pos").await;
    let entry = Entry::from(EntryMode::Moto);
    let sale = TransactionData { entry, ..world.data(1_000, None) };
    let message = world.message(Transaction::Consume, &sale);
    assert_eq!((message.get(22), message.get(25)), (Some("012"), Some("08")));
    let sold = send(&world, Transaction::Consume, &sale).await;

    let later = world.data(1_000, Some(original(Transaction::Consume, &sale, Some(&sold))));
    let void = TransactionData { entry, ..later };
    assert_eq!(world.message(Transaction::VoidConsume, &void).get(25), Some("08"));
    assert_eq!(send(&world, Transaction::VoidConsume, &void).await.code(), "00");

    let hold = TransactionData { entry, ..world.data(1_000, None) };
    assert_eq!(world.message(Transaction::Authorize, &hold).get(25), Some("18"));
    let reversal = world.reversal_of(Transaction::Authorize, &hold);
    assert_eq!(world.message(Transaction::Reversal, &reversal).get(25), Some("18"));
}

#[tokio::test(start_paused = true)]
async fn a_reversal_says_how_the_card_was_entered_and_carries_nothing_that_was_read() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let entry = Entry { mode: EntryMode::Chip, pin: true };
        let sale = TransactionData { entry, ..world.data(1_000, None) };
        let said = world.message(Transaction::Consume, &sale);
        assert!(said.get(22).is_some_and(|entry| entry == "051" || entry == "51010151300C"), "{bank}");
        send(&world, Transaction::Consume, &sale).await;
        let reversal = TransactionData { entry, ..world.reversal_of(Transaction::Consume, &sale) };
        assert_eq!(world.message(Transaction::Reversal, &reversal).get(22), said.get(22), "{bank}");
        assert_eq!(send(&world, Transaction::Reversal, &reversal).await.code(), "00", "{bank}");
        assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(0), "{bank}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_says_what_it_has_left() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let question = TransactionData {
            amount: types::Money::zero(world.currency()),
            entry: Entry { mode: EntryMode::Chip, pin: true },
            ..world.data(1, None)
        };
        let answer = send(&world, Transaction::BalanceInquiry, &question).await;
        assert_eq!(answer.code(), "00", "{bank}");
        let left = format!("0002{:03}C999999999999", world.currency().numeric());
        assert_eq!(answer.fields.get(54), Some(left.as_str()), "{bank}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_is_held_and_then_taken_in_one_piece() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let hold = world.data(10_000, None);
        let held = reply(world.send(Transaction::Authorize, &hold, world.good_card()).await);
        let authorization = original(Transaction::Authorize, &hold, Some(&held));
        let more = world.data(2_500, Some(authorization.clone()));
        let raised = reply(world.send(Transaction::Increment, &more, world.good_card()).await);
        assert_eq!(raised.code(), "00", "{bank}");
        let capture = world.data(12_500, Some(authorization));
        let taken = reply(world.send(Transaction::Capture, &capture, world.good_card()).await);
        assert_eq!(taken.code(), "00", "{bank}");
        assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(12_500), "{bank}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tip_is_added_and_a_request_is_asked_after_where_the_bank_can() {
    for bank in ["cups-pos", "iso93-bcd"] {
        let world = World::of(bank).await;
        let sale = world.data(10_000, None);
        let sold = reply(world.send(Transaction::Consume, &sale, world.good_card()).await);
        let named = original(Transaction::Consume, &sale, Some(&sold));
        let with_tip = world.data(11_000, Some(named.clone()));
        let sent = world.message(Transaction::Adjust, &with_tip);
        let adjusted = reply(world.send_fields(Transaction::Adjust, sent.clone(), world.good_card()).await);
        assert_eq!(adjusted.code(), "00", "{bank}");
        let again = world.link.profile().repeat(Transaction::Adjust, &sent);
        assert_eq!(
            reply(world.send_fields(Transaction::Adjust, again, world.good_card()).await).code(),
            "00"
        );
        assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(11_000), "{bank}");

        let asked = world.data(10_000, Some(named));
        let known = reply(world.send(Transaction::Inquire, &asked, world.good_card()).await);
        assert_eq!((known.code(), known.fields.get(38)), ("00", sold.fields.get(38)), "{bank}");
        let lost = world.data(1, Some(original(Transaction::Consume, &world.data(1, None), None)));
        let unknown = reply(world.send(Transaction::Inquire, &lost, world.good_card()).await);
        assert_eq!(unknown.code(), "25", "{bank}");
    }

    let other = World::of("iso87-ascii").await;
    let unasked = other.data(1, Some(original(Transaction::Consume, &other.data(1, None), None)));
    let said = other.link.profile().message(Transaction::Inquire, &unasked).unwrap_err();
    assert_eq!(said.to_string(), "the bank has no inquire");
}

#[tokio::test(start_paused = true)]
async fn a_tip_says_what_the_sale_came_to_before_where_the_edition_has_a_field_for_it() {
    let world = World::of("iso93-bcd").await;
    let sale = world.data(10_000, None);
    let with_tip = world.data(11_000, Some(original(Transaction::Consume, &sale, None)));
    let mut sent = world.message(Transaction::Adjust, &with_tip);
    assert_eq!(sent.get(4), Some("000000011000"));
    assert_eq!(sent.get(30), Some("000000010000000000000000"));
    sent.remove(30);
    let outcome = world.send_fields(Transaction::Adjust, sent, world.good_card()).await;
    assert!(matches!(outcome, Outcome::Rejected(Rejection::Rules(_))), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn a_completion_is_told_and_not_asked_where_the_bank_can_be_told() {
    for bank in ["cups-pos", "iso93-bcd"] {
        let world = World::of(bank).await;
        let hold = world.data(10_000, None);
        let held = reply(world.send(Transaction::Authorize, &hold, world.good_card()).await);
        let told = world.data(8_000, Some(original(Transaction::Authorize, &hold, Some(&held))));
        let sent = world.message(Transaction::CaptureAdvice, &told);
        assert_eq!(sent.mti(), world.edition(Mti::parse("0220").unwrap()), "{bank}");
        let repeat = world.link.profile().repeat(Transaction::CaptureAdvice, &sent);
        for fields in [sent, repeat] {
            let taken = reply(world.send_fields(Transaction::CaptureAdvice, fields, world.good_card()).await);
            assert_eq!(taken.code(), "00", "{bank}");
        }
        assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(8_000), "{bank}");
    }
}
