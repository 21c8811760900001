//! The checkout in a real browser: its script, its policies and its passkeys, and the same without any script.
//!
//! `cargo xtask test` names the programs (`LIAN_TEST_CHROMIUM`, `LIAN_TEST_CHROMEDRIVER`).

mod support;

use std::sync::Arc;

use support::{Behaviour, World};
use testkit::browser::{Browser, Window};
use tokio::net::TcpListener;
use wallet::wire::{ConsentKind, Outcome};

/// A checkout on a socket of this machine.
async fn served() -> (Arc<World>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let world = Arc::new(World::at(&origin, "localhost").await);
    let app = world.app();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (world, origin)
}

async fn fill_card(browser: &Browser) {
    browser.fill("#cardnumber", "4242424242424242").await;
    browser.fill("#exp-date", "1228").await;
    browser.fill("#cvc", "737").await;
    browser.fill("#ccname", "Wang Fang").await;
}

/// Chromium logs every answer of 400 and above to a page's own requests, and advises to take RSA passkeys too, which cannot
/// be certified as ours are; a broken policy or script is something else.
fn real_complaints(complaints: Vec<String>) -> Vec<String> {
    let known = [
        "the server responded with a status of 4",
        "pubKeyCredParams is missing at least one of the default",
    ];
    complaints.into_iter().filter(|line| !known.iter().any(|known| line.contains(known))).collect()
}

#[tokio::test]
async fn a_card_is_paid_with_saved_and_used_again_by_one_gesture() {
    let (world, origin) = served().await;
    let browser = Browser::start(Window::PHONE).await;
    browser.add_passkeys().await;

    browser.open(&format!("{origin}{}", world.path())).await;
    fill_card(&browser).await;
    // The number is grouped when its field is left, and the brand is named.
    let number = browser.find("#cardnumber").await.prop("value").await.unwrap();
    assert_eq!(number.as_deref(), Some("4242 4242 4242 4242"));
    assert_eq!(browser.find("#card-brand").await.text().await.unwrap(), "Visa");
    browser.click("#save").await;
    browser.click("form[action$='/card'] button").await;
    browser.see("Payment successful").await;

    browser.click("form[data-ceremony=enrol] button").await;
    browser.see("is saved. Next time, one gesture is enough.").await;

    world.pcs.next_session();
    browser.open(&format!("{origin}{}", world.path())).await;
    browser.click("form[data-ceremony=pay] button").await;
    browser.see("Your passkey").await;
    assert_eq!(world.pcs.state.lock().unwrap().consents, [ConsentKind::Guest, ConsentKind::Passkey]);

    // The wallet is found again after the device was forgotten.
    world.pcs.next_session();
    let session = format!("{origin}{}", world.path());
    browser.open(&session).await;
    browser.click("form[action$='/forget'] button").await;
    browser.click("form[data-ceremony=enter] button").await;
    browser.find("form[data-ceremony=pay] button").await;

    assert_eq!(real_complaints(browser.complaints().await), Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn a_waiting_page_shows_the_outcome_by_itself() {
    let (world, origin) = served().await;
    let browser = Browser::start(Window { language: "zh-CN", ..Window::DESK }).await;
    world.pcs.behave(Behaviour::Silent);
    browser.open(&format!("{origin}{}", world.path())).await;
    fill_card(&browser).await;
    browser.click("form[action$='/card'] button").await;
    browser.see("请勿重复支付").await;
    world.pcs.settle(Outcome::Paid);
    browser.see("付款成功").await;
    assert_eq!(real_complaints(browser.complaints().await), Vec::<String>::new());
    browser.close().await;
}

#[tokio::test]
async fn a_card_is_paid_with_where_no_script_runs() {
    let (world, origin) = served().await;
    let browser = Browser::start(Window { scripts: false, ..Window::PHONE }).await;
    browser.open(&format!("{origin}{}", world.path())).await;
    // What only a script could do is not offered.
    assert!(!browser.find("form[action$='/card']").await.text().await.unwrap().contains("passkey"));
    browser.fill("#cardnumber", "4242 4242 4242 4241").await;
    browser.click("form[action$='/card'] button").await;
    browser.see("Enter a valid card number").await;
    fill_card(&browser).await;
    browser.click("form[action$='/card'] button").await;
    browser.see("Payment successful").await;
    assert_eq!(world.pcs.paid(), 1);
    browser.close().await;
}
