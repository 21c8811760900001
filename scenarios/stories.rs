//! The stories of a payment, told to the real gateway and a real bank link.

mod support;

use serde_json::{Value, json};
use support::{Answer, World};

fn id(object: &Value) -> &str {
    object["id"].as_str().expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_story_of_a_card_payment_ends_with_books_that_agree_with_the_banks() {
    let world = World::start().await;

    // Authorized, captured in part: what is left of the hold is given back.
    let held = world.pay("approve", 100_00, "EUR", "manual").await.body;
    assert_eq!((&held["status"], &held["amount_capturable"]), (&json!("requires_capture"), &json!(100_00)));
    let too_much =
        world.post(&format!("/v1/payments/{}/capture", id(&held)), &json!({ "amount": 100_01 })).await;
    assert_eq!((too_much.status, &too_much.body["code"]), (409, &json!("amount_exceeds_capturable")));
    let captured =
        world.post(&format!("/v1/payments/{}/capture", id(&held)), &json!({ "amount": 60_00 })).await.body;
    assert_eq!((&captured["status"], &captured["amount_captured"]), (&json!("succeeded"), &json!(60_00)));
    let again = world.post(&format!("/v1/payments/{}/capture", id(&held)), &json!({})).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("invalid_state")));

    // Voided: a hold, and a sale of the same day.
    let held = world.pay("approve", 30_00, "CNY", "manual").await.body;
    let voided = world.post(&format!("/v1/payments/{}/void", id(&held)), &json!({})).await.body;
    assert_eq!((&voided["status"], &voided["cancellation_reason"]), (&json!("canceled"), &json!("voided")));
    let sale = world.paid(31_00, "CNY").await;
    let voided = world.post(&format!("/v1/payments/{}/void", id(&sale)), &json!({})).await.body;
    assert_eq!(voided["status"], "canceled");

    // Refunded twice in part; no void after that; no unit too many.
    let sale = world.paid(50_00, "CNY").await;
    for amount in [20_00, 30_00] {
        let refund = world.post("/v1/refunds", &json!({ "payment": id(&sale), "amount": amount })).await;
        assert_eq!((refund.status, &refund.body["status"]), (201, &json!("succeeded")), "{}", refund.body);
    }
    let over = world.post("/v1/refunds", &json!({ "payment": id(&sale), "amount": 1 })).await;
    assert_eq!((over.status, &over.body["code"]), (409, &json!("amount_exceeds_refundable")));
    let late = world.post(&format!("/v1/payments/{}/void", id(&sale)), &json!({})).await;
    assert_eq!((late.status, &late.body["code"]), (409, &json!("invalid_state")));

    // Declined.
    let declined = world.pay("insufficient_funds", 99_00, "CNY", "automatic").await;
    assert_eq!((declined.status, &declined.body["decline_code"]), (402, &json!("insufficient_funds")));
    assert_eq!(declined.body["network_decline_code"], "51");

    world.books_agree_with_the_banks().await;
}

fn is_in_doubt(behaviour: &str, answer: &Answer) {
    assert_eq!(answer.status, 504, "{behaviour}: {}", answer.body);
    assert_eq!(answer.body["code"], "host_timeout", "{behaviour}");
    assert_eq!(answer.body["payment"]["in_doubt"], true, "{behaviour}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_with_an_answer_ends_in_certainty() {
    let world = World::start().await;
    let silent = [("no_answer", "EUR"), ("late_answer", "EUR"), ("no_answer", "CNY"), ("late_answer", "CNY")];
    let asked = silent.map(|(behaviour, currency)| world.pay(behaviour, 42_00, currency, "automatic"));
    for (answer, (behaviour, _)) in futures_util::future::join_all(asked).await.iter().zip(&silent) {
        is_in_doubt(behaviour, answer);
    }
    // These take the link's keys or its connection with them, and with it whatever else is on its way: one by one.
    let broken =
        ["wrong_mac", "wrong_terminal", "half_frame", "connection_reset"].map(|story| (story, "EUR"));
    for (behaviour, currency) in broken.into_iter().chain([("wrong_mac", "CNY")]) {
        let answer = world.pay_when_up(behaviour, 42_00, currency).await;
        is_in_doubt(behaviour, &answer);
    }
    for payment in world.settled().await {
        // A try while the link was down surely never left, and has failed.
        if payment["decline_code"] != "host_unavailable" {
            assert_eq!(payment["cancellation_reason"], "timeout_reversed", "{payment}");
        }
        assert_eq!(payment["amount_captured"], 0);
    }
    // A doubled answer and a defective success are successes; the latter is flagged for reconciliation.
    let doubled = world.pay_when_up("duplicate_answer", 5_00, "EUR").await;
    assert_eq!(doubled.body["status"], "succeeded");
    let flagged = world.pay_when_up("defective_success", 5_00, "EUR").await;
    assert_eq!((&flagged.body["status"], &flagged.body["flagged"]), (&json!("succeeded"), &json!(true)));
    world.books_agree_with_the_banks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_gets_a_clear_error_and_changes_nothing() {
    let world = World::start().await;
    let card = world.card("approve", "EUR");
    let good = json!({ "amount": 10_00, "currency": "EUR", "confirm": true, "payment_method": card });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let cases = [
        (with("amount", json!("10")), 400, "parameter_invalid_integer"),
        (with("amount", json!(10.5)), 400, "parameter_invalid_integer"),
        (with("amount", json!(0)), 400, "amount_too_small"),
        (with("amount", json!(1_000_000_000_000u64)), 400, "amount_too_large"),
        (with("currency", json!("eur")), 400, "currency_unsupported"),
        (with("currency", json!("KWD")), 400, "currency_unsupported"),
        (with("color", json!("red")), 400, "parameter_unknown"),
        (with("payment_method", json!("pm_nonsense")), 400, "parameter_invalid"),
        (with("description", json!("card 4242 4242 4242 4242")), 400, "pan_not_allowed_here"),
    ];
    for (body, status, code) in cases {
        let answer = world.post("/v1/payments", &body).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (status, Some(code)),
            "{body} got {}",
            answer.body
        );
    }
    let without_key = world.http.post(world.url("/v1/payments")).bearer_auth(world.secret_key()).json(&good);
    let answer: Value = without_key.send().await.expect("an answer").json().await.expect("a problem");
    assert_eq!(answer["code"], "idempotency_key_required");
    let nobody = world.http.get(world.url("/v1/test_helpers/trial_balance")).send().await.expect("an answer");
    assert_eq!(nobody.status().as_u16(), 401, "the books are not for everybody");
    let wrong_key = world.http.get(world.url("/v1/payments")).bearer_auth("lian_test_sk_wrong");
    let answer: Value = wrong_key.send().await.expect("an answer").json().await.expect("a problem");
    assert_eq!(answer["code"], "api_key_invalid");
    let text = world.http.post(world.url("/v1/payments")).bearer_auth(world.secret_key());
    let text =
        text.header("Idempotency-Key", "a").header("Content-Type", "application/json").body("{\"amount\": 1");
    assert_eq!(text.send().await.expect("an answer").status().as_u16(), 400);
    assert!(world.all("/v1/payments").await.is_empty(), "nothing was made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_payment_was_in_doubt_tells_how_the_payment_is_by_now() {
    let world = World::start().await;
    let body = json!({
        "amount": 9_00, "currency": "EUR", "confirm": true, "payment_method": world.card("no_answer", "EUR"),
    });
    let answer = world.post_with_key("/v1/payments", "lost-answer", &body).await;
    is_in_doubt("no_answer", &answer);
    world.settled().await;
    let known = world.get("/v1/idempotency_keys/lost-answer").await.body;
    assert_eq!(known["status"], "unanswered", "{known}");
    assert_eq!(known["payment"]["cancellation_reason"], "timeout_reversed", "{known}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_compares_totals_and_takes_a_link_out_and_brings_it_back() {
    let world = World::start().await;
    world.paid(12_50, "EUR").await;
    let lian = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_lian"))
            .args(args)
            .arg("--operator-key-file")
            .arg(world.dir.path().join("operator.key"))
            .output()
            .expect("lian runs");
        let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {told}");
        told.into_owned()
    };
    let url = world.url("");
    let bank = |args: &[&str]| lian(&[&["bank", "--url", &url], args].concat());
    let listed = bank(&["list"]);
    assert!(listed.contains("iso87-ascii  up  day ") && listed.contains("    link 1  up  "), "{listed}");
    let compared = bank(&["totals", "iso87-ascii", "--by", "Li Na"]);
    assert!(compared.contains("EUR  agreed") && compared.contains("ours  debits 1250 of 1 "), "{compared}");
    assert!(bank(&["reconciliations", "iso87-ascii"]).contains("EUR  agreed"));

    let why = ["iso87-ascii", "1", "--by", "Li Na", "--reason", "the bank changes its router"];
    let out = bank(&[&["take-out"][..], &why].concat());
    assert!(out.contains("Link 1 of iso87-ascii is out of service."), "{out}");
    assert_eq!(world.pay("approve", 5_00, "EUR", "automatic").await.status, 503);
    let merchant = world.get("/v1/merchant").await.body["id"].as_str().expect("an id").to_owned();
    let route = ["route", "--at", &url, "--merchant", &merchant, "--bin", "424242"];
    let route = lian(&[&route[..], &["--currency", "EUR", "--amount", "500"]].concat());
    assert!(route.contains("  -  iso87-ascii  link_down  "), "{route}");
    assert!(route.contains("Refused: no bank that takes this payment can be reached now."), "{route}");
    bank(&[&["resume"][..], &why].concat());
    let shown = bank(&["show", "iso87-ascii"]);
    assert!(shown.contains("take out link 1, by Li Na: the bank changes its router"), "{shown}");
    assert_eq!(world.pay_when_up("approve", 5_00, "EUR").await.status, 201);
    world.books_agree_with_the_banks().await;
}
