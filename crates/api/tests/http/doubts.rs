//! What the operator does about doubts, over HTTP.

use axum::http::Method;

use crate::SILENT;
use crate::desk::{Desk, operator};

#[tokio::test(start_paused = true)]
async fn a_doubt_is_listed_looked_into_and_ended_by_the_operator_alone() {
    let desk = Desk::seeded(710).await;
    let doubtful = desk.sale("order-1", SILENT).await;
    let payment = doubtful.at("/payment/id").to_owned();
    let listed = operator(&desk, Method::GET, "/v1/doubts", "").await;
    assert_eq!((listed.status, listed.at("/data/0/payment")), (200, payment.as_str()), "{}", listed.text);
    assert_eq!(
        (listed.at("/data/0/pursued_by"), listed.at("/data/0/transaction"), listed.at("/data/0/stan")),
        ("reversal", "consume", "000001")
    );
    let path = format!("/v1/doubts/{}", listed.at("/data/0/id"));
    assert_eq!(desk.get("/v1/doubts").await.problem(), "api_key_invalid", "no merchant's business");

    let asked = operator(&desk, Method::POST, &format!("{path}/inquire"), r#"{"by": "Li Na"}"#).await;
    assert!(asked.text.contains("cannot be asked"), "{}", asked.text);
    let unnamed = r#"{"finding": "stands", "reason": "telephone"}"#;
    let refused = operator(&desk, Method::POST, &format!("{path}/resolve"), unnamed).await;
    assert_eq!((refused.problem(), refused.at("/param")), ("parameter_missing", "/by"));

    let found =
        r#"{"finding": "stands", "by": "Li Na", "reason": "telephone", "authorization_code": "000001"}"#;
    let resolved = operator(&desk, Method::POST, &format!("{path}/resolve"), found).await;
    assert_eq!((resolved.status, resolved.at("/status")), (200, "succeeded"), "{}", resolved.text);
    let timeline = desk.get(&format!("/v1/payments/{payment}/timeline")).await;
    let last = timeline.body["data"].as_array().unwrap().last().unwrap();
    assert_eq!(last["actor"], "operator");
    assert!(last["summary"].as_str().unwrap().starts_with("telephone"), "{last}");
    let again = operator(&desk, Method::POST, &format!("{path}/resolve"), found).await;
    assert_eq!(again.problem(), "resource_missing");
    desk.world.audit().await;
}
