//! Offline sales: a chip approved them at its terminal, and the bank is told until it has acknowledged them.

use payment::{Event, State, Statistic, Status};

use crate::desk::{Desk, SILENT, SILENT_TO_AN_ADVICE, approved, decline, declined};

#[test]
fn a_sale_that_the_bank_acknowledges_is_posted_like_any_other() {
    let mut desk = Desk::advising(100_00);
    assert_eq!((desk.payment.state.status(), desk.payment.state.in_doubt()), (Status::Processing, false));
    assert_eq!(desk.books.due_from_bank(), 0, "nothing is posted before the bank has heard");
    desk.tell(approved(100_00)).unwrap();
    assert_eq!(desk.notices(), ["payment.succeeded"]);
    assert_eq!((desk.payment.captured, desk.payment.fee), (100_00, 1_10));
    assert_eq!((desk.books.due_from_bank(), desk.books.due_to_merchant()), (100_00, 98_90));
    assert_eq!(desk.books.counted(Statistic::Captured), (1, 100_00));
    assert_eq!(desk.payment.actions(), ["adjust", "refund", "void"]);
}

#[test]
fn silence_is_never_undone_whatever_the_dialect_does_with_other_messages() {
    for event in [SILENT, SILENT_TO_AN_ADVICE, Event::NeverLeft] {
        let mut desk = Desk::advising(100_00);
        for _ in 0..3 {
            desk.tell(event.clone()).unwrap();
            assert_eq!(desk.payment.state, State::Advising { in_doubt: true });
        }
        desk.tell(Event::Stuck { why: "nobody answers".to_owned() }).unwrap();
        desk.tell(approved(100_00)).unwrap();
        assert_eq!(
            desk.notices(),
            ["payment.in_doubt", "payment.in_doubt_resolved", "payment.succeeded"],
            "a doubt is told once"
        );
        assert_eq!(desk.payment.needs_operator, None);
    }
}

#[test]
fn a_refusal_is_peoples_to_end_and_not_a_failure() {
    let mut desk = Desk::advising(100_00);
    desk.tell(declined()).unwrap();
    assert_eq!(desk.payment.state, State::Advising { in_doubt: true });
    assert_eq!(desk.payment.needs_operator.as_deref(), Some("the bank has refused it with response code 51"));
    assert_eq!(desk.payment.decline, Some(decline()));
    assert_eq!(desk.notices(), ["payment.in_doubt"]);
    assert_eq!(desk.books.counted(Statistic::Declined), (0, 0), "nothing has failed yet");

    let mut taken = desk.clone();
    taken.tell(approved(100_00)).unwrap();
    assert_eq!(taken.notices(), ["payment.in_doubt_resolved", "payment.succeeded"]);
    assert_eq!((taken.payment.decline.clone(), taken.books.due_from_bank()), (None, 100_00));

    desk.tell(Event::GivenUp(decline())).unwrap();
    assert_eq!(desk.notices(), ["payment.in_doubt_resolved", "payment.failed"]);
    assert_eq!((desk.payment.state, desk.payment.needs_operator.clone()), (State::Failed, None));
    assert_eq!((desk.books.due_from_bank(), desk.books.counted(Statistic::Declined)), (0, (1, 100_00)));
}

#[test]
fn another_amount_than_was_told_is_no_acknowledgement() {
    let mut desk = Desk::advising(100_00);
    desk.tell(approved(99_99)).unwrap();
    assert_eq!(desk.payment.state, State::Advising { in_doubt: true });
    assert_eq!(desk.payment.needs_operator.as_deref(), Some("the bank has acknowledged another amount"));
    assert_eq!((desk.payment.captured, desk.books.due_from_bank()), (0, 0));
}

#[test]
fn only_people_give_up_and_only_what_is_in_doubt() {
    let mut fresh = Desk::advising(100_00);
    assert!(fresh.tell(Event::GivenUp(decline())).is_err(), "the bank still has time to answer");
    let mut sold = Desk::sold(100_00);
    assert!(sold.tell(Event::GivenUp(decline())).is_err());
}
