//! The laws of the bank's books: whatever is asked in whatever order, money is neither made nor lost.

use proptest::prelude::*;
use types::Currency;

use super::Books;
use crate::cards::cards;
use crate::record::{Answer, Record, RecordKind, Reference};
use crate::request::{Asked, EnteredPin, MoneyRequest};

fn request(asked: Asked, stan: u32, amount: u64, original: Option<(u8, u32)>) -> MoneyRequest {
    let named =
        |class: u8, stan: u32| Reference::new(class, "00000001", "SHOP", &format!("{stan:06}"), "000001");
    let class = match asked {
        Asked::Authorize | Asked::CancelAuthorization | Asked::Increment => 1,
        Asked::Consume | Asked::Capture | Asked::Void | Asked::Refund => 2,
        Asked::Adjust | Asked::Balance | Asked::Inquire | Asked::OfflineSale => 2,
        Asked::Reverse => 4,
    };
    MoneyRequest {
        asked,
        card: Some(0),
        expiry: Some("3012".to_owned()),
        security_code: None,
        pin: None,
        chip_approved: true,
        amount,
        currency: Currency::CNY,
        acceptor: "SHOP".to_owned(),
        terminal: "00000001".to_owned(),
        day: "1201".to_owned(),
        reference: named(class, stan),
        original: original.map(|(class, stan)| named(class, stan)),
        authorization_code: None,
    }
}

fn ask(books: &mut Books, request: &MoneyRequest) -> Answer {
    match books.decide(request) {
        Ok(event) => {
            books.apply(&event);
            event.answer
        }
        Err(stored) => stored,
    }
}

/// What the card has used, counted again from the records.
fn recounted(books: &Books) -> u64 {
    // An increment is part of its hold's amount.
    let sum = |keep: fn(&Record) -> bool| -> u64 {
        books.records.values().filter(|record| record.live && keep(record)).map(|record| record.amount).sum()
    };
    let taken = |r: &Record| matches!(r.kind, RecordKind::Hold | RecordKind::Sale | RecordKind::Completion);
    sum(taken) - sum(|r| r.kind == RecordKind::Refund)
}

fn check(books: &Books) {
    assert_eq!(books.used(0, Currency::CNY), recounted(books));
    for record in books.records.values() {
        assert!(record.refunded <= record.amount, "refunded more than was taken: {record:?}");
        if let (RecordKind::Completion, Some(target)) = (record.kind, record.target) {
            let hold = &books.records[&target];
            assert!(record.amount <= hold.amount, "took more than was held");
            assert!(!(record.live && hold.live), "the hold and its completion both stand");
        }
    }
}

#[test]
fn a_repeat_gets_the_answer_of_the_first_time_and_changes_nothing() {
    let mut books = Books::default();
    let sale = request(Asked::Consume, 1, 500, None);
    let first = ask(&mut books, &sale);
    assert_eq!((ask(&mut books, &sale), books.records.len()), (first, 1));
    let other = MoneyRequest { amount: 501, ..sale };
    assert_eq!(ask(&mut books, &other).code, "94");
}

#[test]
fn a_reversal_that_overtakes_its_original_kills_it() {
    let mut books = Books::default();
    assert_eq!(ask(&mut books, &request(Asked::Reverse, 9, 500, Some((2, 1)))).code, "25");
    assert_eq!(ask(&mut books, &request(Asked::Consume, 1, 500, None)).code, "12");
    assert_eq!((books.used(0, Currency::CNY), books.records.len()), (0, 0));
}

#[test]
fn undoing_a_completion_brings_the_hold_back_and_undoing_a_void_the_sale() {
    let mut books = Books::default();
    ask(&mut books, &request(Asked::Authorize, 1, 500, None));
    ask(&mut books, &request(Asked::Capture, 2, 300, Some((1, 1))));
    assert_eq!(books.used(0, Currency::CNY), 300);
    assert_eq!(ask(&mut books, &request(Asked::Reverse, 2, 300, Some((2, 2)))).code, "00");
    assert_eq!(books.used(0, Currency::CNY), 500);

    ask(&mut books, &request(Asked::Consume, 3, 70, None));
    ask(&mut books, &request(Asked::Void, 4, 70, Some((2, 3))));
    assert_eq!(books.used(0, Currency::CNY), 500);
    ask(&mut books, &request(Asked::Reverse, 4, 70, Some((2, 4))));
    assert_eq!(books.used(0, Currency::CNY), 570);
    check(&books);
}

#[test]
fn an_increment_makes_its_hold_larger_and_its_reversal_smaller_again() {
    let mut books = Books::default();
    ask(&mut books, &request(Asked::Authorize, 1, 500, None));
    assert_eq!(ask(&mut books, &request(Asked::Increment, 2, 200, Some((1, 1)))).code, "00");
    assert_eq!(books.used(0, Currency::CNY), 700);
    assert_eq!(
        ask(&mut books, &request(Asked::Reverse, 1, 700, Some((1, 1)))).code,
        "22",
        "the increment stands"
    );
    assert_eq!(ask(&mut books, &request(Asked::Reverse, 2, 200, Some((1, 2)))).code, "00");
    assert_eq!(books.used(0, Currency::CNY), 500);
    ask(&mut books, &request(Asked::Increment, 3, 100, Some((1, 1))));
    assert_eq!(ask(&mut books, &request(Asked::Capture, 4, 601, Some((1, 1)))).code, "61");
    assert_eq!(ask(&mut books, &request(Asked::Capture, 5, 600, Some((1, 1)))).code, "00");
    assert_eq!(
        ask(&mut books, &request(Asked::Reverse, 3, 100, Some((1, 3)))).code,
        "22",
        "its hold is taken"
    );
    check(&books);
}

#[test]
fn a_tip_changes_what_the_sale_comes_to_and_questions_change_nothing() {
    let mut books = Books::default();
    let sold = ask(&mut books, &request(Asked::Consume, 1, 500, None));
    assert_eq!(ask(&mut books, &request(Asked::Adjust, 2, 601, Some((2, 1)))).code, "61");
    assert_eq!(ask(&mut books, &request(Asked::Adjust, 3, 600, Some((2, 1)))).code, "00");
    let left = ask(&mut books, &request(Asked::Balance, 4, 0, None)).balance;
    assert_eq!(left, Some((Currency::CNY, crate::cards::CREDIT_LINE - 600)));
    assert_eq!(ask(&mut books, &request(Asked::Inquire, 5, 500, Some((2, 1)))), sold);
    assert_eq!(ask(&mut books, &request(Asked::Inquire, 6, 500, Some((2, 77)))).code, "25");
    assert_eq!(
        (books.used(0, Currency::CNY), ask(&mut books, &request(Asked::Void, 7, 600, Some((2, 1)))).code),
        (600, "00".to_owned())
    );
    check(&books);
}

#[test]
fn a_refund_is_not_reversed_and_a_refunded_sale_is_not_voided() {
    let mut books = Books::default();
    ask(&mut books, &request(Asked::Consume, 1, 500, None));
    assert_eq!(ask(&mut books, &request(Asked::Refund, 2, 200, Some((2, 1)))).code, "00");
    assert_eq!(ask(&mut books, &request(Asked::Reverse, 3, 200, Some((2, 2)))).code, "12");
    assert_eq!(ask(&mut books, &request(Asked::Void, 4, 500, Some((2, 1)))).code, "22");
    assert_eq!(ask(&mut books, &request(Asked::Refund, 5, 301, Some((2, 1)))).code, "61");
    assert_eq!(ask(&mut books, &request(Asked::Void, 6, 499, Some((2, 1)))).code, "64");
}

#[test]
fn a_card_without_credit_is_refused_and_a_wrong_date_or_code_is_noticed() {
    let mut books = Books::default();
    let line = crate::cards::CREDIT_LINE;
    assert_eq!(ask(&mut books, &request(Asked::Consume, 1, line, None)).code, "00");
    assert_eq!(ask(&mut books, &request(Asked::Consume, 2, 1, None)).code, "51");
    let wrong = MoneyRequest { expiry: Some("2001".to_owned()), ..request(Asked::Consume, 3, 1, None) };
    assert_eq!(ask(&mut books, &wrong).code, "54");
    let wrong = MoneyRequest { security_code: Some("000".to_owned()), ..request(Asked::Consume, 4, 1, None) };
    assert_eq!(ask(&mut books, &wrong).code, "59");
    let nobody = MoneyRequest { card: None, ..request(Asked::Consume, 5, 1, None) };
    assert_eq!(ask(&mut books, &nobody).code, "14");
    let short = cards().iter().position(|card| card.last4() == "9995");
    let refused = MoneyRequest { card: short, ..request(Asked::Consume, 6, 1, None) };
    assert_eq!(ask(&mut books, &refused).code, "51");
}

#[test]
fn what_a_chip_has_approved_is_booked_whatever_the_card_has_left_and_nothing_without_its_word() {
    let mut books = Books::default();
    ask(&mut books, &request(Asked::Consume, 1, crate::cards::CREDIT_LINE, None));
    let told = request(Asked::OfflineSale, 2, 500, None);
    let first = ask(&mut books, &told);
    assert_eq!((first.code.as_str(), ask(&mut books, &told)), ("00", first.clone()));
    let coded = MoneyRequest {
        authorization_code: Some("Y1OFFL".to_owned()),
        ..request(Asked::OfflineSale, 3, 70, None)
    };
    assert_eq!(ask(&mut books, &coded).authorization_code.as_deref(), Some("Y1OFFL"));
    let unproven = MoneyRequest { chip_approved: false, ..request(Asked::OfflineSale, 4, 1, None) };
    assert_eq!(ask(&mut books, &unproven).code, "30");
    let expired = MoneyRequest { expiry: Some("2001".to_owned()), ..request(Asked::OfflineSale, 5, 1, None) };
    assert_eq!(ask(&mut books, &expired).code, "54");
    // It is a sale like any other afterwards.
    assert_eq!(ask(&mut books, &request(Asked::Refund, 6, 100, Some((2, 2)))).code, "00");
    assert_eq!(ask(&mut books, &request(Asked::Void, 7, 70, Some((2, 3)))).code, "00");
    check(&books);
}

fn anything() -> impl Strategy<Value = MoneyRequest> {
    let asked = prop::sample::select(vec![
        Asked::Authorize,
        Asked::Consume,
        Asked::Capture,
        Asked::CancelAuthorization,
        Asked::Void,
        Asked::Refund,
        Asked::Reverse,
        Asked::Increment,
        Asked::Adjust,
        Asked::Balance,
        Asked::Inquire,
        Asked::OfflineSale,
    ]);
    (asked, 1u32..12, 1u64..4, 1u8..3, 1u32..12).prop_map(|(asked, stan, hundreds, class, of)| {
        let original = !asked.is_first() && asked != Asked::OfflineSale;
        request(asked, stan, hundreds * 100, original.then_some((class, of)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is asked in whatever order, the credit used is what the records say, nothing is given back twice, and
    /// the log alone gives the same books again.
    #[test]
    fn any_order_of_requests_keeps_the_books_right(requests in prop::collection::vec(anything(), 0..60)) {
        let (mut books, mut log) = (Books::default(), Vec::new());
        for request in &requests {
            if let Ok(event) = books.decide(request) {
                books.apply(&event);
                log.push(serde_json::to_string(&event).unwrap());
            }
            check(&books);
        }
        let mut again = Books::default();
        for line in &log {
            again.apply(&serde_json::from_str(line).unwrap());
        }
        prop_assert_eq!(&again.records, &books.records);
        prop_assert_eq!(again.totals(), books.totals());
        for request in &requests {
            prop_assert_eq!(again.decide(request).err(), books.decide(request).err());
        }
    }
}

#[test]
fn the_third_wrong_pin_in_a_row_is_the_last_that_is_looked_at_until_the_day_ends() {
    let mut books = Books::default();
    let mut stan = 0;
    let mut log = Vec::new();
    let mut enter = |books: &mut Books, pin| {
        stan += 1;
        let sale = MoneyRequest { pin: Some(pin), ..request(Asked::Consume, stan, 1, None) };
        let event = books.decide(&sale).unwrap();
        books.apply(&event);
        log.push(event.clone());
        // A repeat is answered as before, and counts no second time.
        assert_eq!(books.decide(&sale), Err(event.answer.clone()));
        event.answer.code
    };
    use EnteredPin::{Right, Unreadable, Wrong};
    let entered = [Wrong, Wrong, Right, Wrong, Unreadable, Wrong, Wrong, Right];
    let answers = entered.map(|pin| enter(&mut books, pin));
    assert_eq!(answers, ["55", "55", "00", "55", "99", "55", "75", "75"]);
    let day_end = books.cut_over();
    books.apply(&day_end);
    assert_eq!(enter(&mut books, Right), "00");
    // A bank that is started again reads its log and has not forgotten.
    let mut again = Books::default();
    for event in log.iter().take(8) {
        let line = serde_json::to_string(event).unwrap();
        assert!(!line.contains("1234"), "{line}");
        again.apply(&serde_json::from_str(&line).unwrap());
    }
    let sale = MoneyRequest { pin: Some(Right), ..request(Asked::Consume, 99, 1, None) };
    assert_eq!(again.decide(&sale).unwrap().answer.code, "75");
}
