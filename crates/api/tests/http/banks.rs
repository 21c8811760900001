//! What the operator does about banks and their links, over HTTP.

use axum::http::Method;
use banksim::{Fault, Notice, Scope};

use crate::GOOD;
use crate::desk::{Desk, operator};

const BANK: &str = "/v1/banks/iso87-ascii";
const NOBODY: types::MerchantId = types::MerchantId::from_u128(7);
const WHY: &str = r#"{"by": "Li Na", "reason": "the bank changes its router"}"#;

#[tokio::test(start_paused = true)]
async fn a_link_is_taken_out_and_brought_back_by_the_operator_alone() {
    let desk = Desk::seeded(720).await;
    assert_eq!(desk.get("/v1/banks").await.problem(), "api_key_invalid", "no merchant's business");
    let listed = operator(&desk, Method::GET, "/v1/banks", "").await;
    assert_eq!((listed.status, listed.at("/data/1/id")), (200, "iso87-ascii"), "{}", listed.text);
    assert_eq!((listed.at("/data/1/state"), listed.at("/data/1/links/0/state")), ("up", "up"));
    assert!(listed.body["data"][1]["settlement_date"].is_string());

    let take_out = format!("{BANK}/links/1/take_out");
    let unsaid = operator(&desk, Method::POST, &take_out, r#"{"by": "Li Na"}"#).await;
    assert_eq!((unsaid.problem(), unsaid.at("/param")), ("parameter_missing", "/reason"));
    let out = operator(&desk, Method::POST, &take_out, WHY).await;
    assert_eq!((out.status, out.at("/bank/state")), (200, "out_of_service"), "{}", out.text);
    assert_eq!(out.body["unanswered"], 0);
    let refused = desk.sale("order-1", GOOD).await;
    assert_eq!((refused.status, refused.problem()), (503, "host_unavailable"), "{}", refused.text);

    for (path, problem) in [
        (format!("{BANK}/links/1/exchange_keys"), "parameter_invalid"),
        (format!("{BANK}/links/7/resume"), "resource_missing"),
        (format!("{BANK}/links/one/resume"), "resource_missing"),
        ("/v1/banks/south/links/1/resume".to_owned(), "resource_missing"),
    ] {
        assert_eq!(operator(&desk, Method::POST, &path, WHY).await.problem(), problem, "{path}");
    }
    let back = operator(&desk, Method::POST, &format!("{BANK}/links/1/resume"), WHY).await;
    assert_eq!(back.status, 200, "{}", back.text);
    desk.world.pass_ms(10_000).await;
    desk.sale("order-2", GOOD).await;
    let shown = operator(&desk, Method::GET, BANK, "").await;
    assert!(shown.text.contains("take out link 1, by Li Na: the bank changes its router"), "{}", shown.text);
    desk.world.audit().await;
}

/// A card number belongs to nobody's question: only its first digits are taken, and what is refused is not repeated.
#[tokio::test(start_paused = true)]
async fn the_operator_asks_where_a_payment_would_go_and_is_told_what_it_would_get() {
    let desk = Desk::seeded(723).await;
    const PATH: &str = "/v1/routes/explain";
    let question = |more: &str| {
        let merchant = desk.shop.id();
        format!(r#"{{"merchant": "{merchant}", "amount": 1250, "currency": "EUR", {more}}}"#)
    };
    let asked = question(r#""bin": "424242""#);
    assert_eq!(desk.post(PATH, &asked).await.problem(), "api_key_invalid", "no merchant's business");
    let told = operator(&desk, Method::POST, PATH, &asked).await;
    assert_eq!((told.status, told.at("/object"), told.at("/brand")), (200, "route", "visa"), "{}", told.text);
    assert_eq!(told.body["candidates"], serde_json::json!(["iso87-ascii"]));
    assert_eq!(
        (told.at("/contracts/0/code"), told.at("/contracts/1/code")),
        ("currency_not_offered", "merchant_order")
    );
    assert_eq!(
        (&told.body["contracts"][1]["place"], &told.body["contracts"][1]["health"]),
        (&1.into(), &100.into())
    );

    operator(&desk, Method::POST, &format!("{BANK}/links/1/take_out"), WHY).await;
    let told = operator(&desk, Method::POST, PATH, &asked).await;
    assert_eq!((told.status, told.at("/contracts/1/code")), (200, "link_down"), "{}", told.text);
    assert_eq!(told.at("/refused"), "no bank that takes this payment can be reached now");
    assert_eq!(desk.sale("order-1", GOOD).await.problem(), "host_unavailable");

    let whole = operator(&desk, Method::POST, PATH, &question(r#""bin": "4242424242424242""#)).await;
    assert_eq!((whole.problem(), whole.at("/param")), ("pan_not_allowed_here", "/bin"));
    let more = operator(&desk, Method::POST, PATH, &question(r#""bin": "424242424""#)).await;
    assert_eq!((more.problem(), more.at("/param")), ("parameter_invalid", "/bin"));
    assert!(!whole.text.contains("4242") && !more.text.contains("4242"), "{} {}", whole.text, more.text);
    let unsaid = operator(&desk, Method::POST, PATH, &question(r#""brand": "visa""#)).await;
    assert_eq!((unsaid.problem(), unsaid.at("/param")), ("parameter_missing", "/bin"));
    let nobody = format!(r#"{{"merchant": "{}", "amount": 1, "currency": "EUR", "bin": "4"}}"#, NOBODY);
    assert_eq!(operator(&desk, Method::POST, PATH, &nobody).await.problem(), "resource_missing");
    desk.world.audit().await;
}

#[tokio::test(start_paused = true)]
async fn a_link_that_has_stopped_says_why() {
    let desk = Desk::seeded(721).await;
    desk.world.bank("iso87-ascii").announce(Notice::WrongKeys);
    desk.world.pass_ms(1_000).await;
    let shown = operator(&desk, Method::GET, BANK, "").await;
    assert_eq!((shown.at("/state"), shown.at("/news/0/code")), ("refused", "keys_refused"));
    assert!(shown.at("/links/0/refused_because").contains("the master keys of the two ends differ"));
}

#[tokio::test(start_paused = true)]
async fn totals_are_compared_when_the_operator_asks() {
    let desk = Desk::seeded(722).await;
    let none = operator(&desk, Method::POST, &format!("{BANK}/totals"), r#"{"by": "Li Na"}"#).await;
    assert_eq!(none.body["data"].as_array().unwrap().len(), 0);
    desk.sale("order-1", GOOD).await;
    let compared = operator(&desk, Method::POST, &format!("{BANK}/totals"), r#"{"by": "Li Na"}"#).await;
    assert_eq!((compared.status, compared.at("/data/0/verdict")), (200, "agreed"), "{}", compared.text);
    let one = serde_json::json!({ "count": 1, "amount": 1250 });
    assert_eq!(
        (&compared.body["data"][0]["own"]["debits"], &compared.body["data"][0]["by"]),
        (&one, &"Li Na".into())
    );
    let kept = operator(&desk, Method::GET, &format!("{BANK}/reconciliations"), "").await;
    assert_eq!(kept.at("/data/0/id"), compared.at("/data/0/id"));
}

#[tokio::test(start_paused = true)]
async fn parameters_are_fetched_listed_and_given_out_by_their_id() {
    let desk = Desk::seeded(723).await;
    let bank = "/v1/banks/cups-pos";
    let ordered = operator(&desk, Method::POST, &format!("{bank}/fetch_parameters"), WHY).await;
    assert_eq!((ordered.status, ordered.at("/parameter_sets/0")), (200, "terminal"), "{}", ordered.text);
    for _ in 0..4 {
        desk.world.pcs().work_once().await.unwrap();
        desk.world.pass_ms(1_000).await;
    }
    let listed = operator(&desk, Method::GET, &format!("{bank}/parameters"), "").await;
    let data = listed.body["data"].as_array().unwrap();
    assert_eq!(data.len(), 2, "{}", listed.text);
    assert!(data.iter().all(|it| it.get("content").is_none_or(serde_json::Value::is_null)));
    let terminal = data.iter().find(|it| it["set"] == "terminal").unwrap();
    let id = terminal["id"].as_str().unwrap();
    let one = operator(&desk, Method::GET, &format!("{bank}/parameters/{id}"), "").await;
    assert_eq!(one.at("/content"), "df01023330df02023939");
    assert_eq!((one.at("/by"), one.at("/why")), ("Li Na", "the bank changes its router"));

    let none = operator(&desk, Method::GET, &format!("{bank}/parameters/par_one"), "").await;
    assert_eq!(none.problem(), "resource_missing");
    let cannot = operator(&desk, Method::POST, &format!("{BANK}/fetch_parameters"), WHY).await;
    assert_eq!(cannot.problem(), "parameter_invalid");
    assert_eq!(desk.get(&format!("{bank}/parameters")).await.problem(), "api_key_invalid");
}

#[tokio::test(start_paused = true)]
async fn an_upload_stands_in_the_comparison_that_follows_it() {
    let desk = Desk::seeded(724).await;
    let world = &desk.world;
    let shop = world.merchant("tea").await;
    let card = world.card(&shop, GOOD).await;
    world.bank("cups-pos").set_fault(Fault::NotBooked, Scope::next());
    world.paid(&shop, card, testkit::cny(5_00)).await;
    world.bank("cups-pos").cut_over();
    let _ = world.pay(&shop, card, testkit::cny(1_00)).await;
    for _ in 0..120 {
        world.pcs().work_once().await.unwrap();
        world.pass_ms(1_000).await;
    }
    let listed = operator(&desk, Method::GET, "/v1/banks/cups-pos/reconciliations", "").await;
    assert_eq!((listed.at("/data/0/verdict"), listed.at("/data/1/verdict")), ("agreed", "differs"));
    assert_eq!(listed.at("/data/0/upload/follows"), listed.at("/data/1/id"));
    assert_eq!(listed.at("/data/0/upload/response_code"), "00");
    let upload = &listed.body["data"][0]["upload"];
    assert_eq!((&upload["items"], &upload["left_out"]), (&1.into(), &0.into()));
    assert!(listed.body["data"][1]["upload"].is_null());
}
