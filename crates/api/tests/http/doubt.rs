//! The third outcome over HTTP: 504 with the truth inside, and never a success for what is not paid.

use banksim::{Fault, Scope};

use crate::desk::Desk;
use crate::{GOOD, SILENT};

#[tokio::test(start_paused = true)]
async fn a_silent_bank_is_504_with_the_payment_in_doubt_and_then_the_truth() {
    let desk = Desk::seeded(210).await;
    let doubt = desk.sale("order-1", SILENT).await;
    assert_eq!((doubt.status, doubt.problem()), (504, "host_timeout"), "{}", doubt.text);
    assert_eq!(
        (doubt.at("/payment/status"), &doubt.body["payment"]["in_doubt"]),
        ("processing", &true.into())
    );
    assert_eq!(doubt.at("/payment/processing_reason"), "reversal_pending");
    assert_eq!(doubt.at("/user_message"), "We are checking with your bank. Do not pay again.");

    desk.world.settle().await;
    let known = desk.get(&format!("/v1/payments/{}", doubt.at("/payment/id"))).await;
    assert_eq!((known.at("/status"), known.at("/cancellation_reason")), ("canceled", "timeout_reversed"));
    assert_eq!(known.at("/attempts/0/outcome"), "reversed");
    // The same request again: nothing is done twice, and a payment that was undone is not told as a success.
    let again = desk.sale_again("order-1", &doubt).await;
    assert_eq!((again.status, again.problem()), (504, "host_timeout"), "{}", again.text);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        (again.at("/payment/status"), &again.body["payment"]["in_doubt"]),
        ("canceled", &false.into())
    );
    assert!(again.at("/user_message").contains("No money has been taken"));
    assert_eq!(desk.get("/v1/payments").await.body["data"].as_array().unwrap().len(), 1);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_capture_that_the_bank_never_answers_is_504_and_not_paid() {
    let desk = Desk::seeded(211).await;
    let held = desk.authorization("order-1", GOOD).await;
    let path = format!("/v1/payments/{}/capture", held.at("/id"));
    let fault = desk.world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::always());
    let doubt = desk.post_with("capture-1", &path, "").await;
    assert_eq!((doubt.status, doubt.problem()), (504, "host_timeout"), "{}", doubt.text);
    assert_eq!(doubt.body["payment"]["in_doubt"], true);
    desk.world.bank("iso87-ascii").clear_fault(fault);
    desk.world.settle().await;
    let again = desk.post_with("capture-1", &path, "").await;
    match again.status {
        200 => assert_eq!(again.at("/status"), "succeeded"),
        504 => assert_eq!(again.at("/payment/status"), "requires_capture"),
        other => panic!("{other}: {}", again.text),
    }
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refund_in_doubt_is_told_as_on_its_way() {
    let desk = Desk::seeded(212).await;
    let paid = desk.sale("order-1", GOOD).await;
    let body = format!(r#"{{"payment": "{}"}}"#, paid.at("/id"));
    desk.world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next());
    let refund = desk.post_with("refund-1", "/v1/refunds", &body).await;
    assert_eq!((refund.status, refund.at("/status")), (201, "processing"), "{}", refund.text);
    assert_eq!(refund.body["in_doubt"], true);
    desk.world.settle().await;
    let again = desk.post_with("refund-1", "/v1/refunds", &body).await;
    assert_eq!((again.status, again.at("/status")), (201, "succeeded"), "{}", again.text);
    assert_eq!(again.at("/id"), refund.at("/id"));
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_capture_leaves_the_payment_standing() {
    let desk = Desk::seeded(213).await;
    let held = desk.authorization("order-1", GOOD).await;
    desk.world.bank("iso87-ascii").set_fault(Fault::Decline("57".to_owned()), Scope::next());
    let refused = desk.post_with("capture-1", &format!("/v1/payments/{}/capture", held.at("/id")), "").await;
    assert_eq!((refused.status, refused.problem()), (402, "bank_refused"), "{}", refused.text);
    assert_eq!(refused.at("/network_decline_code"), "57");
    assert_eq!(refused.at("/payment/status"), "requires_capture");
    assert_eq!(refused.body.get("user_message"), None);
    desk.world.audit().await;
}

impl Desk {
    /// The sale of an earlier answer, sent again.
    async fn sale_again(&self, key: &str, first: &crate::desk::Answer) -> crate::desk::Answer {
        let card = first.at("/payment/payment_method");
        let body = format!(
            r#"{{"capture_method": "automatic", "payment_method": "{card}", "confirm": true, "currency": "EUR", "amount": 1250.0}}"#
        );
        self.post_with(&format!("\"{key}\""), "/v1/payments", &body).await
    }
}
