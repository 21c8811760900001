//! Sales that a chip approved at a till, over HTTP.

use axum::http::Method;
use banksim::{Fault, Scope};
use types::{Currency, Timestamp};

use crate::GOOD;
use crate::desk::{Answer, Desk, operator};

const APPROVED: &str = "9F2608C0FFEEBADC0DED019F2701409F36020001950500000000009F10030102035F20034A4F59";

async fn till(desk: &Desk) -> String {
    desk.world.allow_offline(&desk.shop, Currency::EUR).await;
    desk.world.till(&desk.shop, "iso87-ascii").await.id.to_string()
}

fn ago(desk: &Desk, ms: i64) -> Timestamp {
    desk.world.now().plus_ms(-ms)
}

/// The body of an offline sale at a till, an hour ago.
fn sale(desk: &Desk, till: &str) -> String {
    format!(
        r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "terminal": "{till}",
            "offline": {{"approved_at": "{}", "authorization_code": "Y1OFFL"}},
            "payment_method_data": {{"entry_mode": "contactless", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030,
                "sequence_number": "001", "chip_data": "{APPROVED}"}}}}"#,
        ago(desk, 3_600_000)
    )
}

fn shows_nothing_of_the_card(answer: &Answer) {
    let text = answer.text.to_uppercase();
    assert!(
        !text.contains("42424242") && !text.contains("C0FFEE") && !text.contains("4A4F59"),
        "{}",
        answer.text
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_chip_approved_is_taken_over_at_once_and_paid_when_the_bank_has_heard() {
    let desk = Desk::seeded(720).await;
    let till = till(&desk).await;
    let first = sale(&desk, &till);
    let paid = desk.post_with("one", "/v1/payments", &first).await;
    assert_eq!((paid.status, paid.at("/status")), (201, "succeeded"), "{}", paid.text);
    assert_eq!(paid.at("/offline/authorization_code"), "Y1OFFL");
    assert_eq!(paid.at("/offline/approved_at"), ago(&desk, 3_600_000).to_string());
    assert_eq!(
        (paid.at("/attempts/0/transaction"), paid.at("/attempts/0/outcome")),
        ("offline_sale", "approved")
    );
    shows_nothing_of_the_card(&paid);

    // Silence changes nothing of that: the gateway has it, and has to tell the bank.
    desk.world.bank("iso87-ascii").set_fault(Fault::NoAnswer, Scope::next());
    let body = sale(&desk, &till);
    let told = desk.post_with("two", "/v1/payments", &body).await;
    assert_eq!((told.status, told.at("/status")), (201, "processing"), "{}", told.text);
    assert_eq!((&told.body["in_doubt"], told.at("/processing_reason")), (&true.into(), "in_doubt"));
    assert_eq!(told.at("/attempts/0/outcome"), "timeout");
    assert_eq!(told.body["allowed_actions"], serde_json::json!([]));
    desk.world.settle().await;
    let again = desk.post_with("two", "/v1/payments", &body).await;
    assert_eq!((again.status, again.at("/status"), again.at("/id")), (201, "succeeded", told.at("/id")));
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = first.replace("Y1OFFL", "Y1OTHR");
    let reused = desk.post_with("one", "/v1/payments", &other).await;
    assert_eq!(reused.problem(), "idempotency_key_reused");
    assert!(reused.text.contains("offline"), "{}", reused.text);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_bank_refuses_needs_people_and_they_end_it() {
    let desk = Desk::seeded(721).await;
    let till = till(&desk).await;
    desk.world.bank("iso87-ascii").set_fault(Fault::Decline("14".to_owned()), Scope::next());
    let refused = desk.post_with("one", "/v1/payments", &sale(&desk, &till)).await;
    assert_eq!((refused.status, refused.at("/status")), (201, "processing"), "{}", refused.text);
    assert_eq!(refused.at("/needs_operator"), "the bank has refused it with response code 14");
    assert_eq!((refused.at("/network_decline_code"), refused.at("/attempts/0/outcome")), ("14", "declined"));

    let listed = operator(&desk, Method::GET, "/v1/doubts", "").await;
    assert_eq!(listed.at("/data/0/pursued_by"), "offline_sale", "{}", listed.text);
    shows_nothing_of_the_card(&listed);
    let path = format!("/v1/doubts/{}/resolve", listed.at("/data/0/id"));
    let found = r#"{"finding": "undone", "by": "Li Na", "reason": "the bank will not take it"}"#;
    let ended = operator(&desk, Method::POST, &path, found).await;
    assert_eq!((ended.status, ended.at("/status")), (200, "failed"), "{}", ended.text);
    let again = desk.post_with("one", "/v1/payments", &sale(&desk, &till)).await;
    assert_eq!((again.status, again.problem()), (402, "card_declined"), "{}", again.text);
    let timeline = desk.get(&format!("/v1/payments/{}/timeline", refused.at("/id"))).await;
    shows_nothing_of_the_card(&timeline);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_belong_to_an_offline_sale_is_named_and_never_repeated() {
    let desk = Desk::seeded(722).await;
    let till = till(&desk).await;
    let good = sale(&desk, &till);
    let approved_at = ago(&desk, 3_600_000).to_string();
    for (from, to, pointer) in [
        (
            "\"sequence_number\"",
            "\"security_code\": \"987\", \"sequence_number\"",
            "/payment_method_data/security_code",
        ),
        (
            "\"sequence_number\"",
            "\"pin\": {\"block\": \"461B58D6D9982A64\", \"format\": \"iso_0\"}, \"sequence_number\"",
            "/payment_method_data/pin",
        ),
        (
            "\"sequence_number\"",
            "\"track2\": \"4242424242424242=30121010000000000\", \"sequence_number\"",
            "/payment_method_data/track2",
        ),
        ("\"exp_year\": 2030,", "", "/payment_method_data/exp_year"),
        ("contactless", "manual", "/payment_method_data/chip_data"),
        ("9F270140", "9F270180", "/payment_method_data/chip_data"),
        (APPROVED, "9F2608", "/payment_method_data/chip_data"),
        ("Y1OFFL", "Y1-OFF", "/offline/authorization_code"),
        (&approved_at, "yesterday", "/offline/approved_at"),
        (&approved_at, &ago(&desk, -60_000).to_string(), "/offline/approved_at"),
        (&approved_at, &ago(&desk, 8 * 86_400_000).to_string(), "/offline/approved_at"),
        ("\"amount\": 1250", "\"amount\": 10001", "/amount"),
        ("\"confirm\": true", "\"confirm\": true, \"capture_method\": \"manual\"", "/capture_method"),
        ("\"authorization_code\"", "\"code\": 1, \"authorization_code\"", "/offline/code"),
    ] {
        assert!(good.contains(from), "{from}");
        let refused = desk.post_with("bad", "/v1/payments", &good.replace(from, to)).await;
        assert_eq!(refused.status, 400, "{to}: {}", refused.text);
        assert!(refused.text.contains(pointer), "{to}: {}", refused.text);
        assert!(!refused.text.contains("461B58D6") && !refused.text.contains("987"), "{}", refused.text);
        shows_nothing_of_the_card(&refused);
    }
    let card = desk.world.card(&desk.shop, GOOD).await;
    let stored = format!(
        r#"{{"amount": 1, "currency": "EUR", "confirm": true, "payment_method": "{card}", "offline": {{"approved_at": "{approved_at}"}}}}"#
    );
    let refused = desk.post_with("bad", "/v1/payments", &stored).await;
    assert_eq!((refused.problem(), refused.at("/param")), ("parameter_invalid", "/payment_method_data"));
    assert_eq!(desk.get("/v1/payments").await.body["data"], serde_json::json!([]));
}

#[tokio::test(start_paused = true)]
async fn the_operator_sets_what_chips_may_approve() {
    let desk = Desk::seeded(723).await;
    let till = till(&desk).await;
    let path = format!("/v1/merchants/{}", desk.shop.id());
    let set = async |body: &str| operator(&desk, Method::POST, &path, body).await;
    let none = set(r#"{"offline_floor_limit": 0}"#).await;
    assert_eq!((none.status, &none.body["offline_floor_limit"]), (200, &0.into()), "{}", none.text);
    let refused = desk.post_with("one", "/v1/payments", &sale(&desk, &till)).await;
    assert_eq!((refused.problem(), refused.at("/param")), ("parameter_invalid", "/offline"));

    let some = set(r#"{"offline_floor_limit": 1249, "offline_currency": "EUR", "offline_days": 2}"#).await;
    assert_eq!(
        (&some.body["offline_floor_limit"], &some.body["offline_days"]),
        (&1249.into(), &2.into()),
        "{}",
        some.text
    );
    let refused = desk.post_with("one", "/v1/payments", &sale(&desk, &till)).await;
    assert!(refused.text.contains("floor limit of 1249 minor units of EUR"), "{}", refused.text);
    set(r#"{"offline_floor_limit": 1250, "offline_currency": "EUR"}"#).await;
    assert_eq!(desk.post_with("one", "/v1/payments", &sale(&desk, &till)).await.status, 201);
    // A merchant reads what it may; others' settings stay as they were.
    let own = desk.get("/v1/merchant").await;
    assert_eq!((own.at("/status"), &own.body["offline_days"]), ("active", &7.into()), "{}", own.text);
    assert_eq!(own.at("/offline_currency"), "EUR");
    // In another currency nothing may be approved, however little.
    set(r#"{"offline_floor_limit": 99999, "offline_currency": "JPY"}"#).await;
    let refused = desk.post_with("yen", "/v1/payments", &sale(&desk, &till)).await;
    assert_eq!((refused.status, refused.at("/param")), (400, "/currency"), "{}", refused.text);

    for (body, pointer) in [
        ("{}", "/status"),
        (r#"{"offline_days": 3}"#, "/offline_days"),
        (r#"{"offline_currency": "EUR"}"#, "/offline_currency"),
        (r#"{"offline_floor_limit": 1}"#, "/offline_currency"),
        (r#"{"offline_floor_limit": 1, "offline_currency": "eur"}"#, "/offline_currency"),
        (r#"{"offline_floor_limit": -1}"#, "/offline_floor_limit"),
        (r#"{"offline_floor_limit": 1, "offline_currency": "EUR", "offline_days": 8}"#, "/offline_days"),
    ] {
        let refused = set(body).await;
        assert_eq!(refused.status, 400, "{body}: {}", refused.text);
        assert!(refused.text.contains(pointer), "{body}: {}", refused.text);
    }
    let made = r#"{"name": "Tokens only", "offline_floor_limit": 1, "offline_currency": "EUR", "acquirers": [{"bank": "iso87-ascii",
        "terminal": "20009100", "acceptor": "EU0000000000001", "currencies": ["EUR"]}]}"#;
    let refused = operator(&desk, Method::POST, "/v1/merchants", made).await;
    assert!(refused.text.contains("needs sends_card_data"), "{}", refused.text);
    desk.world.audit().await;
}
