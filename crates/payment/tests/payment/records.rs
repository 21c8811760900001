//! Whatever state a payment is in, what was recorded of it can be read back.

use payment::{Payment, Refund, RefundEvent};

use crate::desk::{Desk, SILENT_TO_AN_ADVICE, approval};
use crate::table::in_every_state;

pub fn assert_readable(payment: &Payment, refunds: &[Refund]) {
    let record = serde_json::to_string(payment).unwrap();
    assert_eq!(&serde_json::from_str::<Payment>(&record).unwrap(), payment, "{record}");
    for refund in refunds {
        let record = serde_json::to_string(refund).unwrap();
        assert_eq!(&serde_json::from_str::<Refund>(&record).unwrap(), refund, "{record}");
    }
}

#[test]
fn a_payment_is_read_back_from_its_record_in_every_state() {
    for (_, desk) in in_every_state() {
        assert_readable(&desk.payment, &[]);
    }
}

#[test]
fn a_refund_is_read_back_from_its_record_in_every_state() {
    let mut sale = Desk::sold(100_00);
    for event in [
        RefundEvent::Silent,
        RefundEvent::NeverLeft,
        RefundEvent::Declined(crate::desk::decline()),
        RefundEvent::Approved(approval(10)),
    ] {
        let refund = sale.refund(Some(10)).unwrap();
        assert_readable(&sale.payment, &sale.refunds);
        sale.tell_refund(refund, event).unwrap();
        assert_readable(&sale.payment, &sale.refunds);
    }
}

/// The order's amount and the amount being captured live in one flat record under names of their own.
#[test]
fn the_record_of_a_payment_names_each_field_once() {
    let mut payment = Desk::held(100_00);
    let capture = payment.capture(40_00);
    let payment = payment.after(capture).after(SILENT_TO_AN_ADVICE);
    let record = serde_json::to_string(&payment.payment).unwrap();
    assert_eq!(record.matches(r#""amount":"#).count(), 1, "{record}");
    assert_eq!(record.matches(r#""capturing_amount":4000"#).count(), 1, "{record}");
}
