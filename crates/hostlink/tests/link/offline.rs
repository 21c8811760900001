//! Sales that a chip approved at its terminal: the bank is told of them, with the chip's word, until it has heard.

use card::{Entry, EntryMode, Expiry, OfflineApproval, Pan};
use hostlink::{
    BankProfile, CardFields, CardPresent, OnSilence, Original, Reply, SHIPPED_BANKS, Transaction,
    TransactionData, TransactionRequest, shipped_bank, shipped_file,
};
use iso8583::{Fields, Mti};
use types::Clock as _;
use zeroize::Zeroizing;

use crate::support::{Coded as _, Noon, World, original, reply};

/// Cryptogram, its information data (a transaction certificate), counter: the form of DE 55, with made-up values.
const APPROVED: [u8; 20] = [0x9F, 0x26, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x9F, 0x27, 1, 0x40, 0x9F, 0x36, 2, 0, 1];

/// What the terminal says of a sale that happened two days before it is told.
fn two_days_ago(world: &World, minor: u64, mode: EntryMode) -> TransactionData {
    let approved_at = Noon.now().plus_ms(-2 * 86_400_000 - 3_723_000);
    let offline = OfflineApproval { approved_at, authorization_code: Some("Y1OFFL".to_owned()) };
    TransactionData { entry: Entry::from(mode), offline: Some(offline), ..world.data(minor, None) }
}

async fn tell(world: &World, fields: Fields, chip_data: Option<&[u8]>) -> Reply {
    let chip_data = chip_data.map(|bytes| Zeroizing::new(bytes.to_vec()));
    let sequence_number = Some("001".to_owned());
    let card = CardFields {
        pan: Pan::parse(world.good_card()).unwrap(),
        expiry: Some(Expiry::from_yymm("3012").unwrap()),
        security_code: None,
        present: Some(CardPresent { track2: None, sequence_number, chip_data, pin: None }),
    };
    let request = TransactionRequest { transaction: Transaction::OfflineSale, fields, card: Some(card) };
    reply(world.link.request(request, world.deadline()).await)
}

#[tokio::test(start_paused = true)]
async fn every_bank_is_told_of_a_sale_with_the_chips_word_and_books_it_once() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let profile = world.link.profile();
        assert_eq!(profile.on_silence(Transaction::OfflineSale), OnSilence::Repeat, "{bank}");
        for (mode, used) in [(EntryMode::Chip, 4_200), (EntryMode::Contactless, 8_400)] {
            let data = two_days_ago(&world, 4_200, mode);
            let sent = world.message(Transaction::OfflineSale, &data);
            assert_eq!(sent.mti(), world.edition(Mti::parse("0220").unwrap()), "{bank}");
            assert_eq!((sent.get(3), sent.get(38)), (Some("000000"), Some("Y1OFFL")), "{bank}");
            let again = profile.repeat(Transaction::OfflineSale, &sent);
            for fields in [sent, again] {
                let heard = tell(&world, fields, Some(&APPROVED)).await;
                assert_eq!((heard.code(), heard.fields.get(38)), ("00", Some("Y1OFFL")), "{bank}");
                assert!(heard.issuer_data.is_none(), "{bank}: the card has left");
            }
            assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(used), "{bank}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_says_that_it_is_one_where_the_bank_has_a_message_type_for_it() {
    for (bank, first, again) in
        [("cups-pos", "0220", "0220"), ("iso87-ascii", "0220", "0221"), ("iso93-bcd", "1220", "1221")]
    {
        let world = World::of(bank).await;
        let sent = world.message(Transaction::OfflineSale, &two_days_ago(&world, 1, EntryMode::Chip));
        let repeated = world.link.profile().repeat(Transaction::OfflineSale, &sent);
        assert_eq!((sent.mti().as_str(), repeated.mti().as_str()), (first, again), "{bank}");
    }
}

/// In UnionPay's dialect 60.1 is 30, 3 is 000000 and 25 is 00; 12 and 13 are of the sale and not of the message.
#[tokio::test(start_paused = true)]
async fn the_message_says_when_the_sale_was_and_not_when_it_is_told() {
    let world = World::of("cups-pos").await;
    let data = two_days_ago(&world, 4_200, EntryMode::Chip);
    let sent = world.message(Transaction::OfflineSale, &data);
    let of = |de| sent.get(de).unwrap();
    assert_eq!((of(25), of(22), &of(60)[..2]), ("00", "052", "30"));
    let utc8 = data.offline.unwrap().approved_at.plus_ms(8 * 3_600_000).utc();
    assert_eq!(of(13), format!("{:02}{:02}", utc8.month, utc8.day));
    assert_eq!(of(12), format!("{:02}{:02}{:02}", utc8.hour, utc8.minute, utc8.second));
}

#[tokio::test(start_paused = true)]
async fn without_the_chips_word_it_does_not_leave_and_a_chip_that_asked_is_refused() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let fields = world.message(Transaction::OfflineSale, &two_days_ago(&world, 100, EntryMode::Chip));
        let card = CardFields::new(Pan::parse(world.good_card()).unwrap());
        let request = TransactionRequest {
            transaction: Transaction::OfflineSale,
            fields: fields.clone(),
            card: Some(card),
        };
        let outcome = world.link.request(request, world.deadline()).await;
        assert!(matches!(outcome, hostlink::Outcome::Rejected(_)), "{bank}: {outcome:?}");
        // The simulated bank looks at what the chip says: 80 asks for its bank's decision.
        let mut asks = APPROVED;
        asks[14] = 0x80;
        assert_eq!(tell(&world, fields, Some(&asks)).await.code(), "30", "{bank}");
        assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(0), "{bank}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_voided_and_refunded_like_any_sale() {
    for bank in SHIPPED_BANKS {
        let world = World::of(bank).await;
        let sell = async |minor| {
            let data = two_days_ago(&world, minor, EntryMode::Chip);
            let heard = tell(&world, world.message(Transaction::OfflineSale, &data), Some(&APPROVED)).await;
            let named = original(Transaction::OfflineSale, &data, Some(&heard));
            Original { offline: data.offline, ..named }
        };
        let refund = world.data(500, Some(sell(1_000).await));
        let given_back = reply(world.send(Transaction::Refund, &refund, world.good_card()).await);
        assert_eq!(given_back.code(), "00", "{bank}");
        let void = world.data(700, Some(sell(700).await));
        assert_eq!(reply(world.send(Transaction::VoidConsume, &void, world.good_card()).await).code(), "00");
        assert_eq!(world.bank.used(world.good_card(), world.currency()), Some(500), "{bank}");
    }
}

#[test]
fn a_document_that_would_undo_it_or_leaves_the_chips_word_out_is_refused() {
    let text = shipped_file("cups-pos/bank.toml").unwrap();
    let after = |from: &str, to: &str| {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        BankProfile::from_toml(&text.replace(from, to), |path| shipped_file(path).map(str::to_owned))
            .unwrap_err()
            .to_string()
    };
    let head = "[transactions.offline_sale]\nmti = \"0220\"\non_silence = \"repeat\"";
    let said = after(head, &head.replace("\"repeat\"", "\"reverse\""));
    assert!(said.contains("offline_sale.on_silence") && said.contains("repeat it"), "{said}");
    let card = "card = [\"pan\", \"expiry\", \"sequence_number\", \"chip_data\"]";
    for instead in [
        "card = [\"pan\", \"expiry\", \"sequence_number\"]",
        "card = [\"pan\", \"expiry\", \"chip_data\", \"track2\"]",
        "card = [\"pan\", \"expiry\", \"chip_data\", \"pin\"]",
        "card = [\"pan\", \"expiry\", \"chip_data\", \"security_code\"]",
    ] {
        let said = after(card, instead);
        assert!(said.contains("offline_sale.card") && said.contains("never a security code"), "{said}");
    }
    // Nothing else may keep what a chip says.
    let refund = "[transactions.refund]\nmti = \"0220\"\non_silence = \"repeat\"\nrepeat = \"same\"\ncard = [\"pan\", \"expiry\"]";
    let said = after(refund, &refund.replace("\"expiry\"]", "\"expiry\", \"chip_data\"]"));
    assert!(said.contains("refund.card") && said.contains("none is kept"), "{said}");
    assert!(shipped_bank("cups-pos").unwrap().offers(Transaction::OfflineSale));
}
