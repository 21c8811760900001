//! Cards that are there, and merchants that may send their numbers, over HTTP.

use axum::http::Method;
use testkit::PinPad;
use testkit::pin_pad::wrong_block;

use crate::GOOD;
use crate::desk::{Answer, Desk, OPERATOR_KEY};

async fn operator(desk: &Desk, path: &str, body: &str) -> Answer {
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("authorization", format!("Bearer {OPERATOR_KEY}"))
        .header("content-type", "application/json");
    desk.send(request.body(body.to_owned().into()).unwrap()).await
}

async fn till(desk: &Desk) -> String {
    let body = format!(
        r#"{{"merchant": "{}", "label": "Till 2", "bank": "iso87-ascii", "number": "20009001",
            "acceptor": "EU0000000000001"}}"#,
        desk.shop.id()
    );
    let made = operator(desk, "/v1/terminals", &body).await;
    assert_eq!((made.status, made.at("/status")), (201, "active"), "{}", made.text);
    made.at("/id").to_owned()
}

fn chip(till: &str) -> String {
    format!(
        r#"{{"amount": 1250, "currency": "EUR", "confirm": true, "terminal": "{till}", "payment_method_data": {{
            "entry_mode": "chip", "track2": "{GOOD}=30121010000000000", "sequence_number": "001",
            "chip_data": "9F2608010203040506070 89F36020001"}}}}"#
    )
    .replace(' ', "")
}

#[tokio::test(start_paused = true)]
async fn a_chip_pays_at_a_till() {
    let desk = Desk::seeded(700).await;
    let till = till(&desk).await;
    let paid = desk.post_with("one", "/v1/payments", &chip(&till)).await;
    assert_eq!((paid.status, paid.at("/status")), (201, "succeeded"), "{}", paid.text);
    assert_eq!(paid.at("/attempts/0/entry_mode"), "chip");
    assert_eq!(paid.at("/attempts/0/issuer_data"), "910a010203040506070830308a023030");
    assert_eq!((paid.at("/consent"), paid.at("/card/last4")), ("terminal", "4242"));
    assert!(!paid.text.contains("42424242"), "{}", paid.text);
    let again = desk.post_with("one", "/v1/payments", &chip(&till)).await;
    assert_eq!(again.body, paid.body);
    let other = chip(&till).replace(GOOD, "5555555555554444");
    assert_eq!(desk.post_with("one", "/v1/payments", &other).await.problem(), "idempotency_key_reused");

    assert_eq!(desk.get("/v1/terminals").await.at("/data/0/id"), till);
    let path = format!("/v1/terminals/{till}");
    let suspended = desk.post(&path, r#"{"status": "suspended", "label": "Till 2, lost"}"#).await;
    assert_eq!((suspended.at("/status"), suspended.at("/label")), ("suspended", "Till 2, lost"));
    let refused = desk.post_with("two", "/v1/payments", &chip(&till)).await;
    assert_eq!((refused.problem(), refused.at("/errors/0/pointer")), ("parameter_invalid", "/terminal"));
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_card_says_what_it_has_left_and_nothing_is_kept_of_it() {
    let desk = Desk::seeded(703).await;
    let till = till(&desk).await;
    desk.sale("order-1", GOOD).await;
    let question = chip(&till).replace(r#""amount":1250,"#, "").replace(r#""confirm":true,"#, "");
    let left = desk.post("/v1/balance_inquiries", &question).await;
    assert_eq!((left.status, &left.body["available"]), (200, &999_999_998_750_u64.into()), "{}", left.text);
    let poor = question.replace(GOOD, crate::POOR);
    assert_eq!(desk.post("/v1/balance_inquiries", &poor).await.problem(), "card_declined");
    let nothing = desk.post("/v1/balance_inquiries", r#"{"currency": "EUR"}"#).await;
    assert_eq!((nothing.problem(), nothing.at("/param")), ("parameter_invalid", "/payment_method"));
    let stored = desk.world.card(&desk.shop, GOOD).await;
    let two = question.replacen('{', &format!(r#"{{"payment_method":"{stored}","#), 1);
    let two = desk.post("/v1/balance_inquiries", &two).await;
    assert_eq!((two.problem(), two.at("/param")), ("parameter_invalid", "/payment_method_data"));
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_the_way_a_card_was_entered_is_named_and_never_repeated() {
    let desk = Desk::seeded(701).await;
    let till = till(&desk).await;
    for (data, pointer) in [
        (r#"{"entry_mode": "fax"}"#.to_owned(), "/payment_method_data/entry_mode"),
        (
            format!(r#"{{"entry_mode": "chip", "track2": "{GOOD}=30121010000000000"}}"#),
            "/payment_method_data/chip_data",
        ),
        (
            format!(r#"{{"entry_mode": "magnetic_stripe", "track2": "{GOOD}"}}"#),
            "/payment_method_data/track2",
        ),
        (
            format!(r#"{{"entry_mode": "moto", "number": "{GOOD}", "exp_month": 12}}"#),
            "/payment_method_data/exp_year",
        ),
        (
            format!(
                r#"{{"entry_mode": "manual", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030, "security_code": "123"}}"#
            ),
            "/payment_method_data/security_code",
        ),
        (
            r#"{"entry_mode": "manual", "number": "4242424242424241", "exp_month": 12, "exp_year": 2030}"#
                .to_owned(),
            "/payment_method_data/number",
        ),
        (
            format!(
                r#"{{"entry_mode": "moto", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030, "pin": "1234"}}"#
            ),
            "/payment_method_data/pin",
        ),
        ("7".to_owned(), "/payment_method_data"),
    ] {
        let body = format!(
            r#"{{"amount": 1, "currency": "EUR", "confirm": true, "terminal": "{till}", "payment_method_data": {data}}}"#
        );
        let refused = desk.post_with("bad", "/v1/payments", &body).await;
        refused.problem();
        assert!(refused.text.contains(pointer), "{data}: {}", refused.text);
        assert!(!refused.text.contains("42424242") && !refused.text.contains("1234"), "{}", refused.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_merchant_that_may_not_send_card_data_is_told_where_cards_belong() {
    let desk = Desk::seeded(702).await;
    let body = r#"{"name": "Tokens only", "acquirers": [{"bank": "iso87-ascii", "terminal": "20009100",
        "acceptor": "EU0000000000001", "currencies": ["EUR"]}]}"#;
    let made = operator(&desk, "/v1/merchants", body).await;
    assert_eq!(
        (made.status, &made.body["merchant"]["sends_card_data"]),
        (201, &false.into()),
        "{}",
        made.text
    );
    let request = axum::http::Request::builder()
        .method(Method::POST)
        .uri("/v1/payments")
        .header("authorization", format!("Bearer {}", made.at("/secret_key")))
        .header("idempotency-key", "one")
        .header("content-type", "application/json");
    let card = format!(
        r#"{{"amount": 1, "currency": "EUR", "confirm": true, "payment_method_data":
            {{"entry_mode": "moto", "number": "{GOOD}", "exp_month": 12, "exp_year": 2030}}}}"#
    );
    let refused = desk.send(request.body(card.into()).unwrap()).await;
    assert_eq!(refused.problem(), "pan_not_allowed_here");
    assert!(!refused.text.contains(GOOD));
}

/// The chip of [`GOOD`] at a till, with a PIN as the till sends it.
fn chip_with_pin(till: &str, pin: &str) -> String {
    let chip = chip(till)
        .replace("\"chip_data\":\"9F2608010203040506070", "\"chip_data\":\"9F260801020304050607089F270180");
    let chip = chip.replace("89F36020001\"", &format!("9F36020001\",\"pin\":{pin}"));
    assert!(chip.contains("pin"), "{chip}");
    chip
}

async fn pin_key(desk: &Desk, till: &str, pad: PinPad) -> Answer {
    let ksn = pad.ksn(0).map(|ksn| format!(r#", "ksn": "{ksn}""#)).unwrap_or_default();
    let (merchant, block) = (desk.shop.id(), pad.key_block());
    let body = format!(r#"{{"merchant": "{merchant}", "key_block": "{block}"{ksn}}}"#);
    operator(desk, &format!("/v1/terminals/{till}/pin_key"), &body).await
}

#[tokio::test(start_paused = true)]
async fn a_pin_is_taken_and_a_wrong_one_is_declined_as_such() {
    let desk = Desk::seeded(710).await;
    let till = till(&desk).await;
    let set = pin_key(&desk, &till, PinPad::Tpk).await;
    assert_eq!((set.status, set.at("/pin_key/kind"), set.at("/pin_key/cipher")), (200, "tpk", "triple_des"));
    assert_eq!(set.at("/pin_key/check_value"), "832754");
    let pin = |block: &str| format!(r#"{{"block":"{block}","format":"iso_0"}}"#);
    let right = chip_with_pin(&till, &pin(PinPad::Tpk.block(GOOD, 1)));
    let paid = desk.post_with("one", "/v1/payments", &right).await;
    assert_eq!((paid.status, paid.at("/status")), (201, "succeeded"), "{}", paid.text);

    let wrong = chip_with_pin(&till, &pin(wrong_block(GOOD)));
    let declined = desk.post_with("two", "/v1/payments", &wrong).await;
    assert_eq!((declined.problem(), declined.at("/decline_code")), ("card_declined", "incorrect_pin"));
    assert_eq!(declined.at("/network_decline_code"), "55");
    // A key tells nothing of a PIN: another one with it is the same request, and gets the first one's answer.
    let again = desk.post_with("two", "/v1/payments", &right).await;
    assert_eq!((again.problem(), again.at("/decline_code")), ("card_declined", "incorrect_pin"));
    let again = desk.post_with("one", "/v1/payments", &wrong).await;
    assert_eq!(again.body, paid.body);

    desk.post_with("three", "/v1/payments", &wrong).await;
    let blocked = desk.post_with("four", "/v1/payments", &wrong).await;
    assert_eq!((blocked.problem(), blocked.at("/decline_code")), ("card_declined", "pin_tries_exceeded"));
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_balance_is_asked_with_a_pin_too() {
    let desk = Desk::seeded(711).await;
    let till = till(&desk).await;
    pin_key(&desk, &till, PinPad::AesDukpt).await;
    let pin = |count| {
        let (block, ksn) = (PinPad::AesDukpt.block(GOOD, count), PinPad::AesDukpt.ksn(count).unwrap());
        format!(r#"{{"block":"{block}","format":"iso_4","ksn":"{ksn}"}}"#)
    };
    let question = |pin: String| {
        chip_with_pin(&till, &pin).replace(r#""amount":1250,"#, "").replace(r#""confirm":true,"#, "")
    };
    let left = desk.post("/v1/balance_inquiries", &question(pin(1))).await;
    assert_eq!((left.status, left.at("/currency")), (200, "EUR"), "{}", left.text);
    let refused = desk.post("/v1/balance_inquiries", &question(pin(2))).await;
    assert_eq!((refused.problem(), refused.at("/decline_code")), ("card_declined", "incorrect_pin"));
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_pin_is_named_and_never_repeated() {
    let desk = Desk::seeded(712).await;
    let bare = till(&desk).await;
    let block = PinPad::Tpk.block(GOOD, 1);
    let good = format!(r#"{{"block":"{block}","format":"iso_0"}}"#);
    let refusal = async |pin: &str| desk.post_with("bad", "/v1/payments", &chip_with_pin(&bare, pin)).await;
    let no_key = refusal(&good).await;
    assert_eq!((no_key.problem(), no_key.at("/param")), ("parameter_invalid", "/payment_method_data/pin"));
    pin_key(&desk, &bare, PinPad::Dukpt).await;
    for (pin, pointer) in [
        ("7", "/pin"),
        (r#"{"format":"iso_0"}"#, "/pin/block"),
        (r#"{"block":"461B58D6D9982A6X","format":"iso_0"}"#, "/pin/block"),
        (r#"{"block":"461B58D6D9982A64461B58D6D9982A64","format":"iso_0"}"#, "/pin/block"),
        (r#"{"block":"461B58D6D9982A64","format":"iso_4"}"#, "/pin/block"),
        (r#"{"block":"461B58D6D9982A64","format":"iso_2"}"#, "/pin/format"),
        (r#"{"block":"461B58D6D9982A64"}"#, "/pin/format"),
        (r#"{"block":"461B58D6D9982A64","format":"iso_0","digits":"1234"}"#, "/pin/digits"),
        (r#"{"block":"461B58D6D9982A64","format":"iso_0","ksn":"FFFF9876543210E0000"}"#, "/pin/ksn"),
        (r#"{"block":"461B58D6D9982A64","format":"iso_0"}"#, "/pin/ksn"),
        (r#"{"block":"461B58D6D9982A64","format":"iso_0","ksn":"FFFF1234567890E00001"}"#, "/pin/ksn"),
        (
            r#"{"block":"461B58D6D9982A64461B58D6D9982A64","format":"iso_4","ksn":"123456789012345600000001"}"#,
            "/pin/format",
        ),
    ] {
        let refused = refusal(pin).await;
        assert_eq!(refused.status, 400, "{pin}: {}", refused.text);
        assert!(refused.text.contains(&format!("/payment_method_data{pointer}")), "{pin}: {}", refused.text);
        let told = refused.text.to_uppercase();
        assert!(!told.contains("461B58D6") && !told.contains("1234"), "{}", refused.text);
    }
    let online = format!(
        r#"{{"amount":1,"currency":"EUR","confirm":true,"payment_method_data":{{"entry_mode":"moto",
            "number":"{GOOD}","exp_month":12,"exp_year":2030,"pin":{good}}}}}"#
    );
    let refused = desk.post_with("moto", "/v1/payments", &online).await;
    assert!(refused.text.contains("pin must not be sent where entry_mode is moto"), "{}", refused.text);
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_pin_key_comes_from_the_operator_in_a_key_block_and_in_nothing_else() {
    let desk = Desk::seeded(713).await;
    let till = till(&desk).await;
    let path = format!("/v1/terminals/{till}/pin_key");
    let merchant = desk.shop.id();
    let by_merchant =
        desk.post(&path, &format!(r#"{{"merchant": "{merchant}", "key_block": "{till}{till}"}}"#)).await;
    assert_eq!(by_merchant.status, 401, "{}", by_merchant.text);
    let altered = PinPad::Tpk.key_block().replacen("P0T", "B0T", 1);
    let of =
        |block: &str, more: &str| format!(r#"{{"merchant": "{merchant}", "key_block": "{block}"{more}}}"#);
    let (tpk, bdk) = (PinPad::Tpk.key_block(), PinPad::Dukpt.key_block());
    for (body, param) in [
        (of("C8A2B5D9F2610BE3D94683A7161FCE57", ""), "/key_block"),
        (of(&altered, ""), "/key_block"),
        (of(&tpk, r#", "ksn": "FFFF9876543210E00000""#), "/ksn"),
        (of(&bdk, ""), "/ksn"),
        (of(&bdk, r#", "ksn": "123456789012345600000000""#), "/ksn"),
        (of(&bdk, r#", "ksn": "FFFF9876543210E0000X""#), "/ksn"),
    ] {
        let refused = operator(&desk, &path, &body).await;
        assert_eq!(
            (refused.problem(), refused.at("/errors/0/pointer")),
            ("parameter_invalid", param),
            "{body}"
        );
        assert!(!refused.text.contains("C8A2B5D9"), "{}", refused.text);
    }
    assert_eq!(pin_key(&desk, &till, PinPad::Tpk).await.status, 200);
    let shown = desk.get(&format!("/v1/terminals/{till}")).await;
    assert_eq!(shown.at("/pin_key/check_value"), "832754");
    assert!(!shown.text.contains(r#""block""#), "{}", shown.text);
}
