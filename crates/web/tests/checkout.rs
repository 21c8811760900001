//! The hosted checkout, from the first page to the receipt, with every wrong turn in between.

mod support;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use support::{Behaviour, ORIGIN, World, card_fields};
use wallet::wire::{ConsentKind, Outcome, SessionStatus};

#[tokio::test]
async fn a_guest_pays_by_card_and_gets_a_receipt() {
    let world = World::new().await;
    let page = world.get(&world.path()).await;
    assert_eq!(page.status, StatusCode::OK);
    for markup in [
        "id=\"cardnumber\" name=\"cardnumber\" type=\"text\" inputmode=\"numeric\" autocomplete=\"cc-number\" maxlength=\"26\"",
        "autocomplete=\"cc-exp\"",
        "autocomplete=\"cc-csc\"",
        "autocomplete=\"cc-name\"",
        "<html lang=\"en\">",
        "¥128.00",
        "Ring &#38; Thread &#60;b&#62;",
    ] {
        assert!(page.body.contains(markup), "{markup} in {}", page.body);
    }

    let paid = world.pay_by_card(false).await;
    assert_eq!(paid.status, StatusCode::SEE_OTHER);
    let receipt = world.get(paid.location()).await;
    assert!(receipt.body.contains("Payment successful") && receipt.body.contains("Visa ending in 4242"));
    assert!(receipt.body.contains("https://shop.example/thanks"));
    let state = world.pcs.state.lock().unwrap();
    assert_eq!((state.consents.as_slice(), state.numbers.len()), (&[ConsentKind::Guest][..], 1));
}

#[tokio::test]
async fn however_often_a_form_is_sent_there_is_one_payment() {
    let world = World::new().await;
    let (first_tab, second_tab) = (world.get(&world.path()).await, world.get(&world.path()).await);
    assert_eq!(first_tab.form_token(), second_tab.form_token());
    let path = format!("{}/card", world.path());
    let form = first_tab.form_token();
    let answers = [
        world.post(&path, &card_fields(&form, "")).await,
        world.post(&path, &card_fields(&form, "")).await,
        world.post(&path, &card_fields(&second_tab.form_token(), "")).await,
    ];
    assert_eq!(world.pcs.paid(), 1);
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    // A later look, from any tab, finds the receipt and no form.
    let again = world.get(&world.path()).await;
    assert!(again.body.contains("has been paid already") && !again.body.contains("cardnumber"));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_never_paid_twice() {
    let world = World::new().await;
    world.pcs.behave(Behaviour::LoseAnswer);
    let paid = world.pay_by_card(false).await;
    assert!(world.get(paid.location()).await.body.contains("Payment successful"));
    assert_eq!(world.pcs.paid(), 1);
}

#[tokio::test]
async fn a_lost_request_is_never_said_to_have_taken_nothing() {
    let world = World::new().await;
    for behaviour in [Behaviour::LoseRequest, Behaviour::InProgress] {
        world.pcs.behave(behaviour);
        let sent = world.pay_by_card(false).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{behaviour:?}");
        let page = world.get(sent.location()).await;
        assert!(page.body.contains("You can safely try again"), "{behaviour:?}");
        assert!(!page.body.contains("No money has been taken"), "{behaviour:?}");
    }
    world.pcs.behave(Behaviour::Approve);
    assert_eq!(world.pay_by_card(false).await.status, StatusCode::SEE_OTHER);
    assert_eq!(world.pcs.paid(), 1);
}

#[tokio::test]
async fn a_pcs_that_cannot_be_reached_has_taken_nothing_and_the_page_says_so() {
    let world = World::new().await;
    world.pcs.behave(Behaviour::Unreachable);
    let answer = world.pay_by_card(false).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("No money has been taken"));
}

#[tokio::test]
async fn a_declined_card_can_be_replaced_and_the_old_form_cannot_be_sent_again() {
    let world = World::new().await;
    let old_form = world.get(&world.path()).await.form_token();
    world.pcs.behave(Behaviour::Decline("insufficient_funds"));
    let declined = world.pay_by_card(false).await;
    let page = world.get(declined.location()).await;
    assert!(page.body.contains("There is not enough money available on this card. No money has been taken."));
    assert!(page.body.contains(&format!("href=\"{}\"", world.path())));

    world.pcs.behave(Behaviour::Approve);
    let stale = world.post(&format!("{}/card", world.path()), &card_fields(&old_form, "")).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    assert!(stale.body.contains("This page was out of date, so nothing was sent."));
    assert_eq!(world.pcs.paid(), 0);
    let paid = world.pay_by_card(false).await;
    assert!(world.get(paid.location()).await.body.contains("Payment successful"));
}

#[tokio::test]
async fn a_payment_in_doubt_says_do_not_pay_again_until_it_is_known() {
    let world = World::new().await;
    world.pcs.behave(Behaviour::Silent);
    let sent = world.pay_by_card(false).await;
    let page = world.get(sent.location()).await;
    for words in ["Do not pay again", "http-equiv=\"refresh\"", "aria-live=\"polite\"", "/status\""] {
        assert!(page.body.contains(words), "{words}");
    }
    assert!(!page.body.contains("No money has been taken"));
    let status = format!("{}/status", sent.location());
    assert_eq!(world.get(&status).await.json()["pending"], true);
    // The session's own address shows the same, and no form.
    assert!(!world.get(&world.path()).await.body.contains("cardnumber"));

    world.pcs.settle(Outcome::Canceled);
    assert_eq!(world.get(&status).await.json()["pending"], false);
    let undone = world.get(sent.location()).await;
    assert!(undone.body.contains("the payment was undone. No money has been taken."));
}

#[tokio::test]
async fn a_card_that_paid_gets_a_passkey_which_pays_the_next_time() {
    let world = World::new().await;
    let mut phone = world.phone(11);
    let paid = world.pay_by_card(true).await;
    let receipt = world.get(paid.location()).await;
    assert!(receipt.body.contains("data-ceremony=\"enrol\""));
    let saved = world.enrol(&mut phone).await;
    assert!(saved.body.contains("Visa ending in 4242 is saved"), "{}", saved.body);
    let certificates = world.authority.register().certificates();
    assert_eq!(certificates.iter().filter(|known| known.credential().is_some()).count(), 1);

    world.pcs.next_session();
    let page = world.get(&world.path()).await;
    assert!(page.body.contains("data-ceremony=\"pay\"") && page.body.contains("Visa ending in 4242"));
    let consent = world.consent(&mut phone).await;
    let paid = world.pay_by_passkey(&consent).await;
    assert_eq!(paid.status, StatusCode::SEE_OTHER, "{}", paid.body);
    assert!(world.get(paid.location()).await.body.contains("Your passkey"));
    assert_eq!(world.pcs.state.lock().unwrap().consents, [ConsentKind::Guest, ConsentKind::Passkey]);

    // The same gesture sent again pays nothing more.
    let again = world.pay_by_passkey(&consent).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    assert_eq!(world.pcs.paid(), 2);
}

#[tokio::test]
async fn a_gesture_is_for_one_payment_and_by_one_passkey() {
    let world = World::new().await;
    let (mut phone, mut stranger) = (world.phone(11), world.phone(12));
    world.pay_by_card(true).await;
    world.enrol(&mut phone).await;

    world.pcs.next_session();
    let forged = world.consent(&mut stranger).await;
    assert_eq!(world.pay_by_passkey(&forged).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut late = world.consent(&mut phone).await;
    world.pass_ms(300_000);
    let answer = world.pay_by_passkey(&late).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("Nothing was paid"));
    assert_eq!(world.pcs.paid(), 1);

    // A consent to the last session is none to the next, even with the next one's form token.
    late = world.consent(&mut phone).await;
    world.pcs.next_session();
    late[0].1 = world.get(&world.path()).await.form_token();
    assert_eq!(world.pay_by_passkey(&late).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.pcs.paid(), 1);
}

#[tokio::test]
async fn a_passkey_opens_its_wallet_on_a_new_device() {
    let world = World::new().await;
    let mut phone = world.phone(11);
    world.pay_by_card(true).await;
    world.enrol(&mut phone).await;
    let holder = world.pcs.state.lock().unwrap().kept[0].holder;

    world.forget_cookies();
    world.pcs.next_session();
    let path = world.path();
    assert!(world.get(&path).await.body.contains("cardnumber"));
    let options = world.post_json(&format!("{path}/enter/options"), serde_json::json!({})).await.json();
    let challenge = pki::b64::decode(options["challenge"].as_str().unwrap()).unwrap();
    let assertion = serde_json::to_string(&phone.assert(&challenge).unwrap()).unwrap();
    let user = pki::b64::encode(&holder.to_u128().to_be_bytes());
    let ticket = options["ticket"].as_str().unwrap();
    let entered = [("ticket", ticket), ("user", user.as_str()), ("assertion", assertion.as_str())];
    let answer = world.post(&format!("{path}/enter"), &entered).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(world.get(&path).await.body.contains("data-ceremony=\"pay\""));

    world.post(&format!("{path}/forget"), &[]).await;
    assert!(world.get(&path).await.body.contains("cardnumber"));
}

#[tokio::test]
async fn an_enrolment_sent_twice_makes_one_wallet() {
    let world = World::new().await;
    let mut phone = world.phone(11);
    world.pay_by_card(true).await;
    assert_eq!(world.enrol(&mut phone).await.status, StatusCode::OK);
    // The offer is used up: its cookie is gone, so a second ceremony has nothing to begin with.
    let options = world.post_json(&format!("{}/enrol/options", world.path()), serde_json::json!({})).await;
    assert_eq!(
        (options.status, &options.json()["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"ticket_invalid".into())
    );
}

#[tokio::test]
async fn the_form_names_every_mistake_and_links_to_its_field() {
    let world = World::new().await;
    let form = world.get(&world.path()).await.form_token();
    let fields =
        [("form", form.as_str()), ("cardnumber", "4242424242424241"), ("exp-date", "1/20"), ("cvc", "")];
    let answer = world.post(&format!("{}/card", world.path()), &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for markup in [
        "role=\"alert\"",
        "<a href=\"#cardnumber\">Enter a valid card number</a>",
        "<a href=\"#exp-date\">Enter an expiry date in the future</a>",
        "<a href=\"#cvc\">Enter the security code</a>",
        "aria-invalid=\"true\"",
        "<title>Error: ",
    ] {
        assert!(answer.body.contains(markup), "{markup}");
    }
    assert_eq!(world.pcs.state.lock().unwrap().keys.len(), 0);
}

#[tokio::test]
async fn every_answer_is_protected() {
    let world = World::new().await;
    let path = world.path();
    let declined = {
        world.pcs.behave(Behaviour::Decline("do_not_honor"));
        world.pay_by_card(false).await
    };
    let mut answers = vec![declined];
    for address in [
        path.as_str(),
        "/c/cs_nothing",
        "/c",
        "/c/x/y/z",
        "/assets/none.js",
        "/.well-known/payment-page-scripts.json",
    ] {
        answers.push(world.get(address).await);
    }
    answers.push(world.post(&format!("{path}/card"), &[]).await);
    answers.push(world.post("/assets/none.js", &[]).await);
    for answer in &answers {
        let header = |name: &str| answer.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert!(
            policy.contains("require-trusted-types-for 'script'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!((header("x-frame-options"), header("referrer-policy")), ("DENY", "no-referrer"));
        assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff", "no-store"));
        assert!(header("strict-transport-security").starts_with("max-age="));
    }
}

#[tokio::test]
async fn a_page_loads_what_the_inventory_lists_and_nothing_else() {
    let world = World::new().await;
    let page = world.get(&world.path()).await;
    let inventory = world.get("/.well-known/payment-page-scripts.json").await.json();
    let listed = &inventory["scripts"][0];
    assert_eq!(page.body.matches("<script").count(), 1);
    assert!(page.body.contains(listed["path"].as_str().unwrap()));
    assert!(page.body.contains(listed["integrity"].as_str().unwrap()));
    assert!(!page.body.contains("style=\"") && !page.body.contains(" onclick"));
    let script = world.get(listed["path"].as_str().unwrap()).await;
    assert_eq!(script.headers["cache-control"], "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    let world = World::new().await;
    let form = world.get(&world.path()).await.form_token();
    let body = format!("form={form}&cardnumber=4242424242424242&exp-date=12/28&cvc=737");
    for (origin, site) in
        [("https://evil.example", "cross-site"), ("null", "cross-site"), (ORIGIN, "cross-site")]
    {
        let request = Request::post(format!("{}/card", world.path()))
            .header("origin", origin)
            .header("sec-fetch-site", site);
        let answer = world.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin} {site}");
    }
    assert_eq!(world.pcs.paid(), 0);
}

#[tokio::test]
async fn cookies_are_kept_to_this_host_to_https_and_from_scripts() {
    let world = World::new().await;
    let paid = world.pay_by_card(true).await;
    let offer = paid.headers["set-cookie"].to_str().unwrap();
    assert!(offer.starts_with("__Secure-lian-offer=") && offer.contains(&format!("Path={}", world.path())));
    let saved = world.enrol(&mut world.phone(11)).await;
    let device = saved.headers["set-cookie"].to_str().unwrap();
    assert!(device.starts_with("__Host-lian-wallet=") && device.contains("Path=/;"));
    for cookie in [offer, device] {
        assert!(
            cookie.contains("; HttpOnly") && cookie.contains("; SameSite=Lax") && cookie.contains("; Secure"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn pages_speak_the_language_that_was_chosen() {
    let world = World::new().await;
    let path = world.path();
    let request = || Request::get(path.as_str()).header("accept-language", "zh-CN,zh;q=0.9");
    let chinese = world.send(request().body(Body::empty()).unwrap()).await;
    assert!(chinese.body.contains("<html lang=\"zh-CN\">") && chinese.body.contains("银行卡号"));
    world.pcs.state.lock().unwrap().session.locale = Some("en".to_owned());
    assert!(world.send(request().body(Body::empty()).unwrap()).await.body.contains("<html lang=\"en\">"));
    world.get(&format!("{path}?lang=zh-CN")).await;
    assert!(world.get(&path).await.body.contains("<html lang=\"zh-CN\">"));
}

#[tokio::test]
async fn an_expired_session_takes_no_card() {
    let world = World::new().await;
    let form = world.get(&world.path()).await.form_token();
    world.pass_ms(3_600_000);
    let page = world.get(&world.path()).await;
    assert_eq!(page.status, StatusCode::GONE);
    assert!(page.body.contains("Your payment session has expired"));
    let late = world.post(&format!("{}/card", world.path()), &card_fields(&form, "")).await;
    assert_eq!((late.status, late.location()), (StatusCode::SEE_OTHER, world.path().as_str()));
    world.pcs.state.lock().unwrap().session.status = SessionStatus::Expired;
    assert_eq!(world.get(&world.path()).await.status, StatusCode::GONE);
    assert_eq!(world.pcs.paid(), 0);
}

#[tokio::test]
async fn an_order_that_contradicts_its_session_is_not_paid() {
    let world = World::new().await;
    world.pcs.state.lock().unwrap().session.amount = 1;
    let answer = world.pay_by_card(false).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(world.pcs.state.lock().unwrap().keys.len(), 0);
}
