//! A shopper in a real browser, on the real gateway: the first order by card, the next by one gesture, and a bank that
//! keeps silent.
//!
//! `cargo xtask test` names the programs (`LIAN_TEST_CHROMIUM`, `LIAN_TEST_CHROMEDRIVER`). With `LIAN_TEST_PICTURES` set to
//! a folder, what the shopper saw is kept there.

mod support;

use banksim::{Fault, Scope};
use iso8583::Mti;
use serde_json::json;
use support::World;
use testkit::browser::{Browser, Window};

async fn buy(world: &World, browser: &Browser, item: &str) {
    browser.open(world.demo["shop_url"].as_str().expect("the shop")).await;
    browser.click(&format!("form:has(input[value={item}]) button")).await;
}

async fn fill_card(browser: &Browser, number: &str) {
    browser.fill("#cardnumber", number).await;
    browser.fill("#exp-date", "1230").await;
    browser.fill("#cvc", "123").await;
}

async fn keep_picture(browser: &Browser, name: &str) {
    if let Some(folder) = std::env::var_os("LIAN_TEST_PICTURES") {
        let path = std::path::Path::new(&folder).join(format!("{name}.png"));
        std::fs::write(path, browser.picture().await).expect("a picture");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_order_is_paid_by_card_and_the_next_by_one_gesture() {
    let world = World::start().await;
    let browser = Browser::start(Window::PHONE).await;
    browser.add_passkeys().await;

    buy(&world, &browser, "notebook").await;
    keep_picture(&browser, "1-checkout").await;
    fill_card(&browser, "4242424242424242").await;
    browser.click("#save").await;
    browser.click("form[action$='/card'] button").await;
    browser.see("Payment successful").await;
    keep_picture(&browser, "2-paid-by-card").await;
    browser.click("form[data-ceremony=enrol] button").await;
    browser.see("is saved. Next time, one gesture is enough.").await;
    keep_picture(&browser, "3-card-saved").await;

    buy(&world, &browser, "tea").await;
    keep_picture(&browser, "4-one-gesture").await;
    browser.click("form[data-ceremony=pay] button").await;
    browser.see("Your passkey").await;
    keep_picture(&browser, "5-paid-by-passkey").await;

    let payments = world.settled().await;
    let told: Vec<_> = payments.iter().map(|payment| (&payment["status"], &payment["consent"])).collect();
    assert_eq!(told, [(&json!("succeeded"), &json!("passkey")), (&json!("succeeded"), &json!("guest"))]);
    // Customers' certificates name P-256 keys, so ES256 is all that is asked for; Chromium would rather see RS256 beside it.
    let is_about_algorithms = |line: &String| line.contains("pubKeyCredParams");
    let complaints: Vec<_> =
        browser.complaints().await.into_iter().filter(|line| !is_about_algorithms(line)).collect();
    assert_eq!(complaints, Vec::<String>::new());
    browser.close().await;
    world.books_agree_with_the_banks().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bank_that_keeps_silent_is_told_honestly_in_chinese() {
    let world = World::start().await;
    let browser = Browser::start(Window { language: "zh-CN", ..Window::DESK }).await;
    // The bank loses the reversals, too, so that the doubt lasts for as long as it takes to look at it.
    let bank = world.bank("iso87-ascii");
    for reversal in ["0400", "0401"] {
        bank.set_fault(Fault::NotReceived, Scope::always().of(Mti::parse(reversal).expect("a message type")));
    }
    buy(&world, &browser, "notebook").await;
    fill_card(&browser, "4000000000000341").await;
    browser.click("form[action$='/card'] button").await;
    browser.see("请勿重复支付").await;
    keep_picture(&browser, "6-in-doubt").await;
    bank.clear_faults();
    browser.see("未扣款").await;
    keep_picture(&browser, "7-reversed").await;
    browser.close().await;
    assert_eq!(world.settled().await[0]["cancellation_reason"], "timeout_reversed");
    world.books_agree_with_the_banks().await;
}
