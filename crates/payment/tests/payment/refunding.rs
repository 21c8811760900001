//! Stories: refunds, one and many, known and in doubt.

use payment::{RefundEvent, RefundState, Refused, State, Statistic};

use crate::desk::{Desk, approval, approved, decline};

fn yes(amount: u64) -> RefundEvent {
    RefundEvent::Approved(approval(amount))
}

#[test]
fn a_refund_is_set_aside_at_once_and_moved_when_the_bank_has_answered() {
    let mut sale = Desk::sold(100_00);
    let refund = sale.refund(Some(40_00)).unwrap();
    assert_eq!((sale.books.promised(), sale.books.due_from_bank()), (40_00, 100_00));
    assert_eq!(sale.payment.refundable(), 60_00);

    sale.tell_refund(refund, yes(40_00)).unwrap();
    assert_eq!(sale.refunds[refund].state, RefundState::Succeeded);
    assert_eq!(sale.refunds[refund].exchange.authorization_code.as_deref(), Some("A1B2C3"));
    assert_eq!(sale.notices(), ["refund.created", "refund.succeeded"]);
    assert_eq!((sale.books.promised(), sale.books.due_from_bank()), (0, 60_00));
    assert_eq!(sale.books.due_to_merchant(), 58_90, "the fee of the sale is kept");
    assert_eq!(sale.books.counted(Statistic::Refunded), (1, 40_00));
    assert_eq!(sale.payment.state, State::Captured);
}

#[test]
fn refunds_go_on_until_nothing_is_left() {
    let mut sale = Desk::sold(100_00);
    for amount in [Some(40_00), Some(35_00), None] {
        let refund = sale.refund(amount).unwrap();
        let amount = sale.refunds[refund].amount;
        sale.tell_refund(refund, yes(amount)).unwrap();
    }
    assert_eq!(sale.refunds[2].amount, 25_00, "none means all that is left");
    assert_eq!(sale.refund(None), Err(Refused::ExceedsRefundable { refundable: 0 }));
    assert_eq!(sale.refund(Some(1)), Err(Refused::ExceedsRefundable { refundable: 0 }));
    assert_eq!(sale.books.due_from_bank(), 0);
    assert_eq!(sale.payment.allowed_actions(sale.now), [""; 0]);
}

#[test]
fn refunds_that_race_never_promise_more_than_was_captured() {
    let mut sale = Desk::sold(100_00);
    let (first, second) = (sale.refund(Some(60_00)).unwrap(), sale.refund(Some(40_00)).unwrap());
    assert_eq!(sale.refund(Some(1)), Err(Refused::ExceedsRefundable { refundable: 0 }));

    // The second is refused by the bank: its part may be promised again.
    sale.tell_refund(second, RefundEvent::Declined(decline())).unwrap();
    sale.tell_refund(first, yes(60_00)).unwrap();
    assert_eq!(sale.payment.refundable(), 40_00);
    assert_eq!(sale.refund(Some(40_01)), Err(Refused::ExceedsRefundable { refundable: 40_00 }));
    assert_eq!(sale.refund(Some(0)), Err(Refused::ZeroAmount));
}

#[test]
fn a_refund_of_a_partial_capture_is_bounded_by_what_was_captured() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(30_00);
    let mut payment = payment.after(capture).after(approved(30_00));
    assert_eq!(payment.refund(Some(30_01)), Err(Refused::ExceedsRefundable { refundable: 30_00 }));
    payment.refund(Some(30_00)).unwrap();
}

#[test]
fn a_refund_in_doubt_stays_promised_until_the_repeated_advice_is_answered() {
    let mut sale = Desk::sold(100_00);
    let refund = sale.refund(None).unwrap();
    // A repeat that never left says nothing about the first try, which may have arrived.
    for event in [RefundEvent::Silent, RefundEvent::NeverLeft, RefundEvent::Silent] {
        sale.tell_refund(refund, event).unwrap();
        assert_eq!(sale.refunds[refund].state, RefundState::InDoubt);
        assert_eq!((sale.payment.refundable(), sale.books.promised()), (0, 100_00));
    }
    assert_eq!(sale.notices(), ["refund.created", "refund.in_doubt"], "a doubt is told once");

    sale.tell_refund(refund, yes(100_00)).unwrap();
    assert_eq!((sale.books.promised(), sale.books.due_from_bank()), (0, 0));
}

#[test]
fn a_refund_that_is_refused_or_never_left_gives_its_promise_back() {
    for (event, why) in [
        (RefundEvent::Declined(decline()), "insufficient_funds"),
        (RefundEvent::NeverLeft, "host_unavailable"),
    ] {
        let mut sale = Desk::sold(100_00);
        let refund = sale.refund(None).unwrap();
        sale.tell_refund(refund, event).unwrap();
        assert_eq!(sale.refunds[refund].state, RefundState::Failed);
        assert_eq!(sale.refunds[refund].decline.as_ref().unwrap().code, why);
        assert_eq!(sale.notices(), ["refund.created", "refund.failed"]);
        assert_eq!((sale.payment.refundable(), sale.books.promised()), (100_00, 0));
    }
}

#[test]
fn a_yes_to_another_amount_settles_no_refund() {
    let mut sale = Desk::sold(100_00);
    let refund = sale.refund(Some(40_00)).unwrap();
    sale.tell_refund(refund, yes(39_99)).unwrap();
    assert_eq!(sale.refunds[refund].state, RefundState::InDoubt);
    assert_eq!((sale.payment.refunded, sale.payment.refund_pending), (0, 40_00));
}

#[test]
fn a_settled_refund_is_settled_once() {
    for event in [yes(100_00), RefundEvent::Declined(decline())] {
        let mut sale = Desk::sold(100_00);
        let refund = sale.refund(None).unwrap();
        sale.tell_refund(refund, event).unwrap();
        for again in
            [yes(100_00), RefundEvent::Declined(decline()), RefundEvent::Silent, RefundEvent::NeverLeft]
        {
            assert!(matches!(sale.tell_refund(refund, again), Err(Refused::InvalidState { .. })));
        }
    }
}

#[test]
fn a_refund_of_another_payment_is_refused() {
    let mut sale = Desk::sold(100_00);
    let refund = sale.refund(None).unwrap();
    sale.refunds[refund].payment = types::PaymentId::from_u128(99);
    assert!(matches!(sale.tell_refund(refund, yes(100_00)), Err(Refused::InvalidState { .. })));
}
