//! The life of a payment over HTTP.

use testkit::eur;

use crate::desk::Desk;
use crate::{GOOD, POOR};

#[tokio::test(start_paused = true)]
async fn a_sale_is_paid_found_and_given_back() {
    let desk = Desk::seeded(200).await;
    let paid = desk.sale("order-1", GOOD).await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    assert_eq!(paid.at("/status"), "succeeded");
    assert_eq!(paid.at("/card/last4"), "4242");
    assert_eq!(
        (&paid.body["amount_captured"], &paid.body["amount_refundable"]),
        (&1250.into(), &1250.into())
    );
    assert_eq!(paid.body["livemode"], false);
    assert_eq!(paid.at("/attempts/0/outcome"), "approved");
    assert_eq!(paid.at("/attempts/0/response_code"), "00");
    assert!(!paid.text.contains(GOOD) && !paid.text.contains("424242424"), "{}", paid.text);

    let found = desk.get(paid.header("location")).await;
    assert_eq!((found.status, &found.body), (200, &paid.body));
    let id = paid.at("/id").to_owned();
    let refund = format!(r#"{{"payment": "{id}", "amount": 250, "reason": "broken cup"}}"#);
    let refund = desk.post_with("refund-1", "/v1/refunds", &refund).await;
    assert_eq!((refund.status, refund.at("/status")), (201, "succeeded"), "{}", refund.text);
    assert_eq!(desk.get(refund.header("location")).await.body, refund.body);
    let after = desk.get(&format!("/v1/payments/{id}")).await;
    assert_eq!(after.body["amount_refundable"], 1000);

    let listed = desk.get(&format!("/v1/refunds?payment={id}")).await;
    assert_eq!(listed.body["data"][0], refund.body);
    let too_much = format!(r#"{{"payment": "{id}", "amount": 1001}}"#);
    assert_eq!(
        desk.post_with("refund-2", "/v1/refunds", &too_much).await.problem(),
        "amount_exceeds_refundable"
    );
    assert_eq!(desk.world.owed_to(desk.shop.id(), eur(0).currency()).await, 1250 - 8 - 250);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_tip_is_added_where_the_bank_adjusts_sales() {
    let desk = Desk::seeded(206).await;
    let euros = desk.sale("order-1", GOOD).await;
    assert_eq!(euros.body["allowed_actions"], serde_json::json!(["refund", "void"]), "{}", euros.text);
    let path = format!("/v1/payments/{}/adjust", euros.at("/id"));
    let refused = desk.post_with("tip-1", &path, r#"{"amount": 1400}"#).await;
    assert_eq!(
        (refused.problem(), refused.at("/param")),
        ("parameter_invalid", "/amount"),
        "{}",
        refused.text
    );

    let card = desk.world.card(&desk.shop, GOOD).await;
    let body =
        format!(r#"{{"amount": 10000, "currency": "CNY", "payment_method": "{card}", "confirm": true}}"#);
    let paid = desk.post_with("order-2", "/v1/payments", &body).await;
    assert_eq!(
        paid.body["allowed_actions"],
        serde_json::json!(["adjust", "refund", "void"]),
        "{}",
        paid.text
    );
    let path = format!("/v1/payments/{}/adjust", paid.at("/id"));
    let tipped = desk.post_with("tip-2", &path, r#"{"amount": 11500}"#).await;
    assert_eq!((tipped.status, &tipped.body["amount_captured"]), (200, &11500.into()), "{}", tipped.text);
    assert_eq!(tipped.at("/attempts/1/operation"), "adjust");
    assert_eq!(tipped.at("/attempts/1/outcome"), "approved");
    let below = desk.post_with("tip-3", &path, r#"{"amount": 9000}"#).await;
    assert_eq!(below.problem(), "parameter_invalid", "{}", below.text);
    let too_much = desk.post_with("tip-4", &path, r#"{"amount": 20000}"#).await;
    assert_eq!((too_much.status, too_much.problem()), (402, "bank_refused"), "{}", too_much.text);
    assert_eq!(too_much.body["payment"]["amount_captured"], 11500);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn an_authorization_is_captured_in_part_or_voided() {
    let desk = Desk::seeded(201).await;
    let held = desk.authorization("order-1", GOOD).await;
    assert_eq!((held.status, held.at("/status")), (201, "requires_capture"), "{}", held.text);
    assert_eq!(held.body["allowed_actions"], serde_json::json!(["capture", "increment", "void"]));
    let path = format!("/v1/payments/{}", held.at("/id"));
    let too_much = desk.post_with("capture-0", &format!("{path}/capture"), r#"{"amount": 1251}"#).await;
    assert_eq!(too_much.problem(), "amount_exceeds_capturable");
    let more = desk.post_with("more-1", &format!("{path}/increment"), r#"{"amount": 250}"#).await;
    assert_eq!((more.status, &more.body["amount_capturable"]), (200, &1500.into()), "{}", more.text);
    let captured = desk.post_with("capture-1", &format!("{path}/capture"), r#"{"amount": 1000}"#).await;
    assert_eq!((captured.status, captured.at("/status")), (200, "succeeded"), "{}", captured.text);
    assert_eq!(captured.body["amount_captured"], 1000);
    let again = desk.post_with("capture-2", &format!("{path}/capture"), "").await;
    assert_eq!((again.problem(), again.at("/current_status")), ("invalid_state", "succeeded"));

    let held = desk.authorization("order-2", GOOD).await;
    let voided = desk.post_with("void-1", &format!("/v1/payments/{}/void", held.at("/id")), "").await;
    assert_eq!((voided.status, voided.at("/status")), (200, "canceled"), "{}", voided.text);
    assert_eq!(voided.at("/cancellation_reason"), "voided");
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_decline_is_402_with_the_failed_payment_inside() {
    let desk = Desk::seeded(202).await;
    let declined = desk.sale("order-1", POOR).await;
    assert_eq!((declined.status, declined.problem()), (402, "card_declined"), "{}", declined.text);
    assert_eq!(declined.at("/decline_code"), "insufficient_funds");
    assert_eq!(declined.at("/network_decline_code"), "51");
    assert_eq!(declined.at("/payment/status"), "failed");
    assert_eq!(declined.at("/payment/attempts/0/outcome"), "declined");
    assert!(declined.at("/user_message").contains("No money has been taken"));
    let known = desk.get(&format!("/v1/payments/{}", declined.at("/payment/id"))).await;
    assert_eq!(known.body, declined.body["payment"]);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_payment_without_a_card_waits_for_confirm() {
    let desk = Desk::seeded(203).await;
    let body =
        r#"{"amount": 1e2, "currency": "EUR", "merchant_reference": "A-1", "metadata": {"table": "7"}}"#;
    let made = desk.post_with("order-1", "/v1/payments", body).await;
    assert_eq!((made.status, made.at("/status")), (201, "requires_payment_method"), "{}", made.text);
    let id = made.at("/id");
    let by_reference = desk.get("/v1/payments?merchant_reference=A-1").await;
    assert_eq!(by_reference.body["data"][0], made.body);
    assert_eq!(desk.get("/v1/payments?merchant_reference=A-2").await.body["data"], serde_json::json!([]));
    let duplicate = desk.post_with("order-2", "/v1/payments", body).await;
    assert_eq!((duplicate.status, duplicate.problem()), (409, "duplicate_merchant_reference"));
    assert!(duplicate.at("/detail").contains(id), "{}", duplicate.text);

    let card = desk.world.card(&desk.shop, GOOD).await;
    let confirm = format!(r#"{{"payment_method": "{card}"}}"#);
    let paid = desk.post_with("confirm-1", &format!("/v1/payments/{id}/confirm"), &confirm).await;
    assert_eq!((paid.status, paid.at("/status")), (200, "succeeded"), "{}", paid.text);
    let timeline = desk.get(&format!("/v1/payments/{id}/timeline")).await;
    let statuses: Vec<_> =
        timeline.body["data"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect();
    assert_eq!(statuses, ["requires_payment_method", "processing", "succeeded"]);
    assert!(!timeline.text.contains(GOOD), "{}", timeline.text);
    let attempts = desk.get(&format!("/v1/payments/{id}/attempts")).await;
    assert_eq!(attempts.body["data"], paid.body["attempts"]);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn pages_lead_through_all_payments_in_both_directions() {
    let desk = Desk::seeded(204).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let key = format!("order-{number}");
        let made = desk.post_with(&key, "/v1/payments", r#"{"amount": 1, "currency": "EUR"}"#).await;
        ids.push(made.at("/id").to_owned());
        desk.world.pass_ms(1).await;
    }
    ids.reverse();
    let names = |answer: &crate::desk::Answer| -> Vec<String> {
        answer.body["data"].as_array().unwrap().iter().map(|p| p["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = desk.get("/v1/payments?limit=2").await;
    assert_eq!((names(&first), &first.body["has_more"]), (ids[..2].to_vec(), &true.into()));
    let rest = desk.get(&format!("/v1/payments?limit=10&starting_after={}", ids[1])).await;
    assert_eq!((names(&rest), &rest.body["has_more"]), (ids[2..].to_vec(), &false.into()));
    let back = desk.get(&format!("/v1/payments?limit=2&ending_before={}", ids[3])).await;
    assert_eq!((names(&back), &back.body["has_more"]), (ids[1..3].to_vec(), &true.into()));
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_another_merchant_is_missing() {
    let desk = Desk::seeded(205).await;
    let paid = desk.sale("order-1", GOOD).await;
    let neighbour = desk.world.merchant("neighbour").await;
    let key = desk.world.pcs().create_key(neighbour.id()).await.unwrap().expose().clone();
    let other = Desk { key, shop: neighbour, router: desk.router.clone(), world: desk.world };
    let id = paid.at("/id");
    for path in [
        format!("/v1/payments/{id}"),
        format!("/v1/payments/{id}/timeline"),
        format!("/v1/payments/{id}/attempts"),
    ] {
        let answer = other.get(&path).await;
        assert_eq!(answer.problem(), "resource_missing", "{path}");
        assert!(answer.at("/detail").contains(id));
    }
    for action in ["confirm", "capture", "void"] {
        let answer = other.post_with(action, &format!("/v1/payments/{id}/{action}"), "").await;
        assert_eq!(answer.problem(), "resource_missing", "{action}");
    }
    let refund = other.post_with("refund", "/v1/refunds", &format!(r#"{{"payment": "{id}"}}"#)).await;
    assert_eq!(refund.problem(), "resource_missing");
}
