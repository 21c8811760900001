//! Tips: a sale comes to another amount after the fact.

use payment::{Event, Offers, Refused, State, Statistic, Undo};

use crate::desk::{Desk, SILENT, SILENT_TO_AN_ADVICE, approved, declined};

fn adjusting(to: u64) -> Desk {
    let mut desk = Desk::sold(100_00);
    let adjust = desk.adjust(to);
    desk.after(adjust)
}

#[test]
fn a_tip_is_posted_with_its_fee_and_counted_as_the_same_sale() {
    let mut desk = adjusting(115_00);
    desk.tell(approved(115_00)).unwrap();
    assert_eq!(desk.notices(), ["payment.adjusted"]);
    // 1 % and 10, on all of it.
    assert_eq!((desk.payment.captured, desk.payment.fee), (115_00, 1_25));
    assert_eq!((desk.books.due_from_bank(), desk.books.due_to_merchant()), (115_00, 113_75));
    assert_eq!(desk.books.counted(Statistic::Captured), (1, 115_00));
    assert_eq!(desk.books.counted(Statistic::Fee), (1, 1_25));
    // Less of a tip is a tip, too; less than the order is not.
    let less = desk.adjust(101_00);
    desk.tell(less).unwrap();
    desk.tell(approved(101_00)).unwrap();
    assert_eq!((desk.books.due_from_bank(), desk.books.fees()), (101_00, 1_11));
    let below = desk.adjust(99_99);
    assert_eq!(desk.tell(below), Err(Refused::AdjustsNothing { least: 100_00 }));
    let void = desk.void();
    desk.tell(void).unwrap();
    desk.tell(approved(101_00)).unwrap();
    assert_eq!((desk.books.due_from_bank(), desk.books.due_to_merchant(), desk.books.fees()), (0, 0, 0));
}

#[test]
fn an_adjustment_that_is_refused_or_never_left_leaves_the_sale_as_it_was() {
    for event in [declined(), Event::NeverLeft] {
        let mut desk = adjusting(115_00);
        desk.tell(event).unwrap();
        assert_eq!((desk.payment.state, desk.payment.captured), (State::Captured, 100_00));
        assert_eq!(desk.notices(), ["payment.action_failed"]);
        assert!(desk.payment.decline.is_some());
    }
}

#[test]
fn an_adjustment_in_doubt_is_repeated_or_undone_and_told_once() {
    let mut repeated = adjusting(115_00);
    repeated.tell(SILENT_TO_AN_ADVICE).unwrap();
    repeated.tell(SILENT_TO_AN_ADVICE).unwrap();
    repeated.tell(Event::Stuck { why: "nobody answers".to_owned() }).unwrap();
    repeated.tell(approved(115_00)).unwrap();
    assert_eq!(repeated.notices(), ["payment.in_doubt", "payment.in_doubt_resolved", "payment.adjusted"]);
    assert_eq!((repeated.payment.captured, repeated.payment.needs_operator.clone()), (115_00, None));

    let mut undone = adjusting(115_00);
    undone.tell(SILENT).unwrap();
    assert_eq!(undone.payment.state, State::Reversing { undo: Undo::Adjust { to: 115_00 } });
    undone.tell(approved(115_00)).unwrap();
    undone.tell(Event::ReversalAccepted).unwrap();
    assert_eq!((undone.payment.state, undone.payment.captured), (State::Captured, 100_00));
    assert_eq!(undone.notices(), ["payment.in_doubt", "payment.in_doubt_resolved", "payment.action_failed"]);
}

#[test]
fn only_an_untouched_sale_of_the_same_day_is_adjusted() {
    let refused = |mut desk: Desk| {
        let adjust = desk.adjust(110_00);
        assert_eq!(desk.tell(adjust), Err(Refused::NotAdjustable));
    };
    let mut yesterdays = Desk::sold(100_00);
    yesterdays.next_day();
    refused(yesterdays);
    let mut refunded = Desk::sold(100_00);
    refunded.refund(Some(1)).unwrap();
    refused(refunded);
    let mut completed = Desk::held(100_00);
    let capture = completed.capture(100_00);
    refused(completed.after(capture).after(approved(100_00)));
}

#[test]
fn what_the_bank_does_not_offer_is_not_said_to_be_allowed() {
    let mut sale = Desk::sold(100_00);
    sale.payment.original.as_mut().unwrap().offers = Offers::default();
    assert_eq!(sale.payment.actions(), ["refund", "void"]);
    let mut hold = Desk::held(100_00);
    assert_eq!(hold.payment.actions(), ["capture", "increment", "void"]);
    hold.payment.original.as_mut().unwrap().offers = Offers { adjust: true, increment: false };
    assert_eq!(hold.payment.actions(), ["capture", "void"]);
}
