//! Stories: consume, authorize, capture.

use payment::{CaptureMethod, Event, FeePlan, Refused, State, Statistic, Status};

use crate::desk::{ABANDON, Desk, SILENT, approval, approved, attach, declined};

#[test]
fn an_approved_sale_is_owed_to_the_merchant_less_the_fee() {
    let mut sale = Desk::consuming(100_00);
    assert_eq!(sale.payment.state.status(), Status::Processing);

    sale.tell(approved(100_00)).unwrap();

    assert_eq!(sale.payment.state, State::Captured);
    assert_eq!(sale.notices(), ["payment.succeeded"]);
    assert_eq!(sale.books.due_from_bank(), 100_00);
    assert_eq!(sale.books.due_to_merchant(), 98_90);
    assert_eq!(sale.books.fees(), 1_10);
    assert_eq!(sale.books.counted(Statistic::Captured), (1, 100_00));
    assert_eq!(sale.books.counted(Statistic::Fee), (1, 1_10));
    let original = sale.payment.original.as_ref().unwrap();
    assert_eq!(original.rrn.as_deref(), Some("123456789012"));
    assert_eq!(original.authorization_code.as_deref(), Some("A1B2C3"));
    assert_eq!(original.answered_at, Some(sale.now));
}

#[test]
fn a_sale_whose_fee_is_all_of_it_owes_the_merchant_nothing() {
    let plan = FeePlan { bps: 0, fixed: 50, min: None, cap: None };
    let mut sale = Desk::without_card(7, CaptureMethod::Automatic, plan).after(attach());
    let confirm = sale.confirm();
    let sale = sale.after(confirm).after(approved(7));
    assert_eq!((sale.books.due_to_merchant(), sale.books.fees()), (0, 7));
}

#[test]
fn a_declined_sale_fails_and_nothing_is_owed() {
    let mut sale = Desk::consuming(100_00);
    sale.tell(declined()).unwrap();

    assert_eq!(sale.payment.state, State::Failed);
    assert_eq!(sale.notices(), ["payment.failed"]);
    assert_eq!(sale.payment.decline.as_ref().unwrap().code, "insufficient_funds");
    assert_eq!(sale.payment.original.as_ref().unwrap().response_code.as_deref(), Some("51"));
    assert_eq!(sale.books.due_from_bank(), 0);
    assert_eq!(sale.books.counted(Statistic::Declined), (1, 100_00));
}

#[test]
fn a_sale_that_never_left_fails_at_once_and_no_bank_is_said_to_have_declined_it() {
    let mut sale = Desk::consuming(100_00);
    sale.tell(Event::NeverLeft).unwrap();

    assert_eq!(sale.payment.state, State::Failed);
    assert_eq!(sale.notices(), ["payment.failed"]);
    assert_eq!(sale.payment.decline.as_ref().unwrap().code, "host_unavailable");
    assert_eq!(sale.books.counted(Statistic::Declined), (0, 0));
}

#[test]
fn a_sale_that_never_left_goes_on_at_another_bank_as_one_payment_of_that_bank() {
    let mut sale = Desk::consuming(100_00);
    let first = sale.payment.original.clone().unwrap();
    let reroute = sale.reroute();
    sale.hear(first.attempt, reroute).unwrap();

    assert_eq!((sale.payment.state, sale.payment.bank()), (State::Consuming, Some("iso87-ascii")));
    assert!(sale.notices().is_empty(), "the merchant is told how it ends");
    assert!(sale.hear(first.attempt, approved(100_00)).is_err(), "the first bank has nothing more to say");

    sale.tell(approved(100_00)).unwrap();
    assert_eq!(sale.payment.state, State::Captured);
    assert_eq!(sale.books.due_from_bank(), 100_00);
    assert_eq!(sale.books.counted(Statistic::Captured), (1, 100_00));
}

#[test]
fn what_may_have_left_or_was_declined_goes_to_no_other_bank() {
    for event in [SILENT, declined(), approved(100_00)] {
        let mut sale = Desk::consuming(100_00).after(event);
        let reroute = sale.reroute();
        assert!(matches!(sale.tell(reroute), Err(Refused::InvalidState { .. })), "{:?}", sale.payment.state);
    }
}

#[test]
fn an_authorization_holds_and_a_full_capture_moves_all_of_it() {
    let mut payment = Desk::authorizing(100_00);
    payment.tell(approved(100_00)).unwrap();
    assert_eq!(payment.notices(), ["payment.authorized"]);
    assert_eq!((payment.books.held(), payment.books.due_from_bank()), (100_00, 0));
    assert_eq!(payment.payment.capturable(), 100_00);

    let capture = payment.capture(100_00);
    payment.tell(capture).unwrap();
    payment.tell(approved(100_00)).unwrap();

    assert_eq!(payment.payment.state, State::Captured);
    assert_eq!(payment.notices(), ["payment.captured", "payment.succeeded"]);
    assert_eq!((payment.books.held(), payment.books.due_from_bank()), (0, 100_00));
    assert_eq!(payment.payment.capturable(), 0);
}

#[test]
fn a_partial_capture_releases_what_it_does_not_take_and_charges_only_what_it_takes() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(30_00);
    let payment = payment.after(capture).after(approved(30_00));

    assert_eq!((payment.payment.authorized, payment.payment.captured), (100_00, 30_00));
    assert_eq!((payment.books.held(), payment.books.due_from_bank()), (0, 30_00));
    assert_eq!(payment.books.fees(), 40);
    assert_eq!(payment.payment.refundable(), 30_00);
}

#[test]
fn a_capture_of_nothing_or_of_more_than_is_held_is_refused() {
    let mut payment = Desk::held(100_00);
    let (nothing, too_much) = (payment.capture(0), payment.capture(100_01));
    assert_eq!(payment.tell(nothing), Err(Refused::ZeroAmount));
    assert_eq!(payment.tell(too_much), Err(Refused::ExceedsCapturable { capturable: 100_00 }));
    assert_eq!(payment.payment.state, State::Authorized);
}

#[test]
fn a_refused_capture_leaves_the_hold_and_a_second_try_may_succeed() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(100_00);
    payment = payment.after(capture);
    payment.tell(declined()).unwrap();

    assert_eq!(payment.payment.state, State::Authorized);
    assert_eq!(payment.notices(), ["payment.action_failed"]);
    assert_eq!(payment.books.held(), 100_00);
    assert!(payment.payment.decline.is_some());

    let again = payment.capture(40_00);
    let payment = payment.after(again).after(approved(40_00));
    assert_eq!(payment.books.due_from_bank(), 40_00);
    assert_eq!(payment.payment.decline, None, "a paid payment shows no refusal");
}

#[test]
fn a_capture_that_never_left_leaves_the_hold_and_says_why() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(100_00);
    payment = payment.after(capture);
    payment.tell(Event::NeverLeft).unwrap();

    assert_eq!(payment.payment.state, State::Authorized);
    assert_eq!(payment.notices(), ["payment.action_failed"]);
    assert_eq!(payment.payment.decline.as_ref().unwrap().code, "host_unavailable");
}

#[test]
fn a_card_can_be_changed_until_the_payment_is_confirmed() {
    let mut payment = Desk::new(100_00, CaptureMethod::Automatic);
    payment.tell(attach()).unwrap();
    let confirm = payment.confirm();
    payment.tell(confirm).unwrap();
    assert!(matches!(payment.tell(attach()), Err(Refused::InvalidState { state: State::Consuming, .. })));
}

#[test]
fn a_payment_that_no_bank_has_seen_is_abandoned_without_a_message() {
    let mut payment = Desk::new(100_00, CaptureMethod::Automatic);
    let with_message = payment.void();
    assert!(payment.tell(with_message).is_err(), "there is nothing that a bank could void");
    payment.tell(ABANDON).unwrap();
    assert_eq!(payment.payment.state.status(), Status::Canceled);
    assert_eq!(payment.notices(), ["payment.canceled"]);
}

#[test]
fn a_defective_success_counts_and_is_flagged_for_reconciliation() {
    let mut sale = Desk::consuming(100_00);
    sale.tell(Event::Approved { approval: approval(100_00), flagged: true }).unwrap();
    assert!(sale.payment.flagged);
    assert_eq!(sale.books.due_from_bank(), 100_00);
}
