//! Stories: void and expiry.

use payment::{
    Approval, CancellationReason, Event, Held, RefundEvent, Refused, State, Statistic, Undo, VoidReason,
};

use crate::desk::{Desk, SILENT, approval, approved, decline, declined};

/// How a story begins, with its amount.
type Start = fn(u64) -> Desk;

const VOIDED: State = State::Canceled { reason: CancellationReason::Voided };

#[test]
fn a_voided_hold_is_released() {
    let mut payment = Desk::held(100_00);
    let void = payment.void();
    payment = payment.after(void);
    assert_eq!(payment.books.held(), 100_00, "the hold stands until the bank has answered");

    payment.tell(approved(100_00)).unwrap();
    assert_eq!(payment.payment.state, VOIDED);
    assert_eq!(payment.notices(), ["payment.canceled"]);
    assert_eq!(payment.books.held(), 0);
}

#[test]
fn a_sale_voided_on_its_own_day_leaves_nothing_not_even_a_fee() {
    let mut sale = Desk::sold(100_00);
    let void = sale.void();
    let sale = sale.after(void).after(approved(100_00));

    assert_eq!(sale.payment.state, VOIDED);
    assert_eq!((sale.books.due_from_bank(), sale.books.due_to_merchant(), sale.books.fees()), (0, 0, 0));
    assert_eq!((sale.payment.captured, sale.payment.fee), (0, 0));
    assert_eq!(sale.books.counted(Statistic::Voided), (1, 100_00));
    assert_eq!(sale.books.counted(Statistic::Fee), (0, 0));
}

#[test]
fn a_captured_authorization_can_be_voided_too() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(40_00);
    payment = payment.after(capture).after(approved(40_00));
    let void = payment.void();
    let payment = payment.after(void).after(approved(40_00));
    assert_eq!(payment.payment.state, VOIDED);
    assert_eq!((payment.books.held(), payment.books.due_from_bank()), (0, 0));
}

#[test]
fn on_another_day_a_sale_can_only_be_refunded() {
    let mut sale = Desk::sold(100_00);
    assert_eq!(sale.payment.allowed_actions(sale.now), ["adjust", "refund", "void"]);
    sale.next_day();
    let void = sale.void();
    assert_eq!(sale.tell(void), Err(Refused::TooLateToVoid));
    assert_eq!(sale.payment.allowed_actions(sale.now), ["refund"]);
}

#[test]
fn once_a_refund_is_promised_or_made_a_sale_is_not_voided_and_after_a_failed_one_it_is() {
    let mut sale = Desk::sold(100_00);
    let refund = sale.refund(Some(1)).unwrap();
    let void = sale.void();
    assert_eq!(sale.tell(void.clone()), Err(Refused::TooLateToVoid));
    sale.tell_refund(refund, RefundEvent::Declined(decline())).unwrap();
    assert_eq!(sale.payment.allowed_actions(sale.now), ["adjust", "refund", "void"]);

    let refund = sale.refund(Some(1)).unwrap();
    sale.tell_refund(refund, RefundEvent::Approved(approval(1))).unwrap();
    assert_eq!(sale.tell(void), Err(Refused::TooLateToVoid));
    assert_eq!(sale.payment.allowed_actions(sale.now), ["refund"]);
}

#[test]
fn a_refused_or_unsent_void_leaves_the_payment_as_it_was() {
    let stories: [(Start, State); 2] = [(Desk::held, State::Authorized), (Desk::sold, State::Captured)];
    for (start, stands) in stories {
        for (event, why) in [(declined(), "insufficient_funds"), (Event::NeverLeft, "host_unavailable")] {
            let mut payment = start(100_00);
            let before = (payment.books.held(), payment.books.due_from_bank());
            let void = payment.void();
            payment = payment.after(void);
            payment.tell(event).unwrap();
            assert_eq!(payment.payment.state, stands);
            assert_eq!(payment.notices(), ["payment.action_failed"]);
            assert_eq!(payment.payment.decline.as_ref().unwrap().code, why);
            assert_eq!((payment.books.held(), payment.books.due_from_bank()), before);
        }
    }
}

#[test]
fn a_void_in_doubt_is_itself_reversed_and_then_the_payment_stands() {
    let stories: [(Start, Held, State); 2] =
        [(Desk::held, Held::Hold, State::Authorized), (Desk::sold, Held::Sale, State::Captured)];
    for (start, of, stands) in stories {
        // Silence, and a yes to another amount than the whole, are the same: the bank's effect is unknown.
        for doubt in [SILENT, approved(99_99)] {
            let mut payment = start(100_00);
            let void = payment.void();
            payment = payment.after(void);
            payment.tell(doubt).unwrap();
            let undo = Undo::Void { of, why: VoidReason::Requested };
            assert_eq!(payment.payment.state, State::Reversing { undo });
            payment.tell(approved(100_00)).unwrap();
            payment.tell(Event::ReversalAccepted).unwrap();
            assert_eq!(payment.payment.state, stands);
            assert_eq!(
                payment.notices(),
                ["payment.in_doubt", "payment.in_doubt_resolved", "payment.action_failed"]
            );
        }
    }
}

#[test]
fn an_expired_hold_is_given_back_even_if_the_bank_refuses_the_cancel() {
    for answer in [approved(100_00), declined()] {
        let mut payment = Desk::held(100_00);
        let expire = payment.expire();
        payment = payment.after(expire);
        payment.tell(answer).unwrap();
        assert_eq!(payment.payment.state, State::Canceled { reason: CancellationReason::Expired });
        assert_eq!(payment.notices(), ["payment.canceled"]);
        assert_eq!(payment.books.held(), 0);
    }
}

#[test]
fn an_expiry_that_finds_the_money_captured_comes_too_late() {
    let mut sale = Desk::sold(100_00);
    let expire = sale.expire();
    assert_eq!(sale.tell(expire), Err(Refused::TooLateToVoid));
}

#[test]
fn a_void_that_the_bank_doubts_itself_is_flagged() {
    let mut sale = Desk::sold(100_00);
    let void = sale.void();
    let sale = sale.after(void).after(Event::Approved {
        approval: Approval { rrn: None, authorization_code: None, ..approval(100_00) },
        flagged: true,
    });
    assert_eq!(sale.payment.state, VOIDED);
    assert!(sale.payment.flagged);
}
