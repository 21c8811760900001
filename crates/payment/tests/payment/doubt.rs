//! Stories: the bank is silent, says something else than it was asked, or answers too late.

use payment::{CancellationReason, Event, ProcessingReason, Refused, State, Statistic, Undo};

use crate::desk::{Desk, SILENT, SILENT_TO_AN_ADVICE, approved, declined};

const REVERSED: State = State::Canceled { reason: CancellationReason::TimeoutReversed };

#[test]
fn a_silent_sale_is_in_doubt_until_its_reversal_is_acknowledged() {
    let mut sale = Desk::consuming(100_00);
    sale.tell(SILENT).unwrap();
    assert_eq!(sale.payment.state, State::Reversing { undo: Undo::Original });
    assert_eq!(sale.payment.state.processing_reason(), Some(ProcessingReason::ReversalPending));
    assert!(sale.payment.state.in_doubt());
    assert_eq!(sale.notices(), ["payment.in_doubt"]);

    sale.tell(Event::ReversalAccepted).unwrap();
    assert_eq!(sale.payment.state, REVERSED);
    assert_eq!(sale.notices(), ["payment.in_doubt_resolved", "payment.canceled"]);
    assert_eq!(sale.books.due_from_bank(), 0);
    assert_eq!(sale.books.counted(Statistic::Reversed), (1, 100_00));
}

#[test]
fn a_late_approval_revives_nothing_and_is_kept_as_a_fact() {
    for mut payment in [Desk::consuming(100_00), Desk::authorizing(100_00)] {
        payment = payment.after(SILENT);
        payment.tell(approved(100_00)).unwrap();
        assert!(payment.payment.state.in_doubt());
        assert_eq!(payment.notices(), [""; 0]);
        assert_eq!(payment.payment.original.as_ref().unwrap().response_code.as_deref(), Some("00"));
        assert_eq!((payment.books.held(), payment.books.due_from_bank()), (0, 0));

        payment.tell(Event::ReversalAccepted).unwrap();
        assert_eq!(payment.payment.state, REVERSED);
        assert!(payment.tell(approved(100_00)).is_err());
    }
}

#[test]
fn a_late_decline_does_not_stop_the_reversal() {
    let sale = Desk::consuming(100_00).after(SILENT).after(declined()).after(SILENT).after(Event::NeverLeft);
    assert_eq!(sale.payment.state, State::Reversing { undo: Undo::Original });
}

#[test]
fn an_approval_of_another_amount_is_reversed() {
    for other in [60_00, 100_01] {
        for mut payment in [Desk::consuming(100_00), Desk::authorizing(100_00)] {
            payment.tell(approved(other)).unwrap();
            assert_eq!(payment.payment.state, State::Reversing { undo: Undo::Original });
            assert_eq!(payment.notices(), ["payment.in_doubt"]);
            assert_eq!(
                (payment.payment.authorized, payment.books.held(), payment.books.due_from_bank()),
                (0, 0, 0)
            );
        }
    }
}

#[test]
fn a_silent_capture_is_reversed_where_the_dialect_reverses_and_the_hold_stands_again() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(40_00);
    payment = payment.after(capture);
    payment.tell(SILENT).unwrap();
    assert_eq!(payment.payment.state, State::Reversing { undo: Undo::Capture { amount: 40_00 } });
    assert_eq!(payment.books.held(), 100_00);

    payment.tell(Event::ReversalAccepted).unwrap();
    assert_eq!(payment.payment.state, State::Authorized);
    assert_eq!(payment.notices(), ["payment.in_doubt", "payment.in_doubt_resolved", "payment.action_failed"]);
    assert_eq!(payment.books.counted(Statistic::Reversed), (0, 0), "the payment itself was not reversed");
}

#[test]
fn a_silent_capture_is_repeated_where_the_dialect_repeats_until_the_bank_answers() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(40_00);
    payment = payment.after(capture);
    for try_again in [SILENT_TO_AN_ADVICE, SILENT_TO_AN_ADVICE, Event::NeverLeft, SILENT_TO_AN_ADVICE] {
        payment.tell(try_again).unwrap();
        assert_eq!(payment.payment.state, State::Capturing { amount: 40_00, in_doubt: true });
        assert_eq!(payment.payment.state.processing_reason(), Some(ProcessingReason::InDoubt));
    }
    assert_eq!(payment.notices(), ["payment.in_doubt"], "a doubt is told once");

    payment.tell(approved(40_00)).unwrap();
    assert_eq!(payment.notices(), ["payment.in_doubt_resolved", "payment.captured", "payment.succeeded"]);
    assert_eq!(payment.books.due_from_bank(), 40_00);
}

#[test]
fn a_repeated_capture_that_is_refused_in_the_end_leaves_the_hold() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(40_00);
    payment = payment.after(capture).after(SILENT_TO_AN_ADVICE);
    payment.tell(declined()).unwrap();
    assert_eq!(payment.payment.state, State::Authorized);
    assert_eq!(payment.notices(), ["payment.in_doubt_resolved", "payment.action_failed"]);
}

#[test]
fn a_repeated_capture_that_is_approved_for_another_amount_is_reversed_and_told_as_the_same_doubt() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(40_00);
    payment = payment.after(capture).after(SILENT_TO_AN_ADVICE);
    payment.tell(approved(30_00)).unwrap();
    assert_eq!(payment.payment.state, State::Reversing { undo: Undo::Capture { amount: 40_00 } });
    assert_eq!(payment.notices(), [""; 0]);
}

/// One process asks and is slow; another one, after a minute, takes the message for lost, and the merchant tries again.
#[test]
fn an_answer_to_an_earlier_try_is_not_taken_for_the_answer_to_this_one() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(100_00);
    payment = payment.after(capture);
    let first = payment.payment.awaited().unwrap().attempt;
    payment = payment.after(SILENT).after(Event::ReversalAccepted);
    assert!(payment.hear(first, approved(100_00)).is_err(), "nothing is waited for");

    let again = payment.capture(100_00);
    payment = payment.after(again);
    let second = payment.payment.awaited().unwrap().attempt;
    let foreign = |state| Err(Refused::InvalidState { state, event: "take an answer to another message" });
    let capturing = State::Capturing { amount: 100_00, in_doubt: false };
    assert_eq!(payment.hear(first, approved(100_00)), foreign(capturing));

    payment.hear(second, SILENT).unwrap();
    let reversing = State::Reversing { undo: Undo::Capture { amount: 100_00 } };
    assert_eq!(payment.hear(first, Event::ReversalAccepted), foreign(reversing));
    payment.hear(second, Event::ReversalAccepted).unwrap();
    assert_eq!(payment.payment.state, State::Authorized);
}
