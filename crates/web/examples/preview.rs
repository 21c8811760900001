//! Every state of every page with made-up data: `cargo run -p web --example preview`, then open http://127.0.0.1:4310/.
//!
//! For designers and translators; `?lang=` switches the language. Nothing is behind it: no gateway, no bank, no keys.

use askama::Template as _;
use axum::Router;
use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use types::{CheckoutSessionId, Currency, MerchantId, Money, PaymentId, PaymentMethodId, Timestamp};
use wallet::wire::{CardFace, ConsentKind, Line, Outcome, PaymentResult, Session, SessionStatus};
use web::amount::{Amount, example_expiry};
use web::assets::ASSETS;
use web::checkout::Mistake;
use web::checkout::view::{
    CardChoice, CardPage, Notice, NoticePage, OfferView, OrderView, PaidPage, PasskeyPage, ResultView,
    brands, card_name,
};
use web::page::{Page, html};
use web::shop::{Fact, GOODS, ItemView, ProductsPage, ThanksPage};
use web::text::fill;
use web::{Locale, headers};

/// 2026-12-01.
const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_007);
const STATES: [&str; 16] = [
    "card",
    "card-errors",
    "card-eur",
    "passkey",
    "passkey-two",
    "paid",
    "paid-offer",
    "authorized",
    "declined",
    "waiting",
    "unsure",
    "expired",
    "missing",
    "trouble",
    "shop",
    "thanks",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(index))
        .route("/preview/{state}", get(preview))
        .route("/assets/{file}", get(asset));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:4310").await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await
}

async fn index() -> Html<String> {
    let link =
        |state: &str, lang: &str| format!("<a href=\"/preview/{state}?lang={lang}\">{state} {lang}</a><br>");
    Html(STATES.iter().flat_map(|state| ["en", "zh-CN"].map(|lang| link(state, lang))).collect())
}

async fn asset(Path(file): Path<String>) -> Response {
    match ASSETS.find(&file) {
        Some(asset) => ([("content-type", asset.content_type)], asset.body).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn preview(Path(state): Path<String>, RawQuery(query): RawQuery) -> Response {
    let locale = query.as_deref().and_then(|query| query.strip_prefix("lang=")).and_then(Locale::from_tag);
    let page = Page { live: false, ..Page::new(locale.unwrap_or(Locale::En)) };
    let mut answer = render(&state, page);
    let policy = headers::content_security_policy(&[]);
    if let Ok(policy) = policy.parse() {
        headers::protect(&mut answer, &policy);
    }
    answer
}

fn session(euros: bool) -> Session {
    Session {
        id: CheckoutSessionId::from_u128(0x019a_d5d8_e1c7_7000_8000_0000_0000_002a),
        status: SessionStatus::Open,
        payment: PaymentId::from_u128(0x019a_d5d8_e1c7_7000_8000_0000_0000_002b),
        merchant: MerchantId::from_u128(1),
        merchant_name: if euros { "Ring & Thread".to_owned() } else { "环与线小店".to_owned() },
        amount: if euros { 1_234_50 } else { 827_00 },
        currency: if euros { Currency::EUR } else { Currency::CNY },
        capture_method: payment::CaptureMethod::Automatic,
        merchant_reference: Some("RT-0042917763".to_owned()),
        lines: vec![
            Line {
                name: if euros { "Desk lamp, ash wood" } else { "白蜡木台灯" }.to_owned(),
                quantity: 1,
                unit_amount: 699_00,
            },
            Line {
                name: if euros { "Notebook" } else { "武夷岩茶 100 克" }.to_owned(),
                quantity: 2,
                unit_amount: 64_00,
            },
        ],
        order_information: String::new(),
        recipient_certificate: Vec::new(),
        accepted_brands: ["unionpay", "visa", "mastercard", "jcb"].map(str::to_owned).to_vec(),
        expires_at: NOW.plus_ms(3_600_000),
        success_url: "#thanks".to_owned(),
        cancel_url: "#shop".to_owned(),
        locale: None,
        livemode: false,
    }
}

fn card_page(page: Page, euros: bool) -> CardPage {
    let session = session(euros);
    CardPage {
        page,
        t: page.texts(),
        order: OrderView::of(&session, NOW),
        form: "token".to_owned(),
        brands: brands(&session, page.locale),
        example: example_expiry(NOW),
        problems: Vec::new(),
        ask_again: false,
        typed_expiry: String::new(),
        typed_name: String::new(),
        save: false,
        passkeys: true,
    }
}

fn paid_page(page: Page, outcome: Outcome, offer: bool) -> PaidPage {
    let session = session(false);
    let result = PaymentResult {
        payment: session.payment,
        session: session.id,
        outcome,
        decline: None,
        undone: false,
        card: Some(CardFace { brand: "unionpay".to_owned(), last4: "0005".to_owned() }),
        approval_code: Some("418209".to_owned()),
        consent: Some(ConsentKind::Guest),
        at: NOW,
    };
    let card = card_name("unionpay", "0005", page.locale);
    PaidPage {
        page,
        t: page.texts(),
        order: OrderView::of(&session, NOW),
        result: ResultView::of(&result, page.locale),
        again: false,
        offer: offer.then_some(OfferView { card, failed: false }),
        saved: None,
    }
}

fn passkey_page(page: Page, count: usize) -> PasskeyPage {
    let order = OrderView::of(&session(false), NOW);
    let choices = [("visa", "4242", "12/28"), ("unionpay", "0005", "08/30")];
    let choices =
        choices.into_iter().enumerate().take(count).map(|(place, (brand, last4, expires))| CardChoice {
            token: PaymentMethodId::from_u128(place as u128),
            name: card_name(brand, last4, page.locale),
            expires: expires.to_owned(),
        });
    PasskeyPage {
        page,
        t: page.texts(),
        order,
        form: "token".to_owned(),
        cards: choices.collect(),
        problem: None,
    }
}

fn render(state: &str, page: Page) -> Response {
    let t = page.texts();
    let order = || Some(OrderView::of(&session(false), NOW));
    let say = |notice: Notice, order| NoticePage { page, t, order, notice };
    let back = fill(t.return_to, "merchant", "环与线小店");
    let notice = match state {
        "card" => return html(StatusCode::OK, &card_page(page, false)),
        "card-eur" => return html(StatusCode::OK, &card_page(page, true)),
        "card-errors" => {
            let wrong = |field, text: &str| Mistake { field: Some(field), text: text.to_owned() };
            let problems = vec![
                wrong("cardnumber", t.number_invalid),
                wrong("exp-date", t.expiry_past),
                wrong("cvc", t.code_missing),
            ];
            return html(
                StatusCode::OK,
                &CardPage {
                    problems,
                    ask_again: true,
                    typed_expiry: "01/20".to_owned(),
                    ..card_page(page, false)
                },
            );
        }
        "passkey" => return html(StatusCode::OK, &passkey_page(page, 1)),
        "passkey-two" => return html(StatusCode::OK, &passkey_page(page, 2)),
        "paid" => return html(StatusCode::OK, &paid_page(page, Outcome::Paid, false)),
        "paid-offer" => return html(StatusCode::OK, &paid_page(page, Outcome::Paid, true)),
        "authorized" => return html(StatusCode::OK, &paid_page(page, Outcome::Authorized, false)),
        "shop" => return html(StatusCode::OK, &products(page)),
        "thanks" => return html(StatusCode::OK, &thanks(page)),
        "declined" => say(
            Notice::new("bad", t.declined_title, t.declined_body)
                .with("#", t.try_another_card)
                .with("#", back),
            order(),
        ),
        "waiting" => {
            let mut notice = Notice::new("wait", t.waiting_title, t.waiting_body).with("#", t.check_now);
            notice.more = Some(t.waiting_more);
            say(notice, order())
        }
        "unsure" => {
            say(Notice::new("wait", t.unsure_title, t.unsure_body).with("#", t.unsure_button), order())
        }
        "expired" => say(Notice::new("bad", t.expired_title, t.expired_body).with("#", back), order()),
        "trouble" => say(Notice::new("bad", t.trouble_title, t.trouble_body).with("#", t.try_again), None),
        _ => say(Notice::new("bad", t.missing_title, t.missing_body), None),
    };
    debug_assert!(notice.render().is_ok());
    html(StatusCode::OK, &notice)
}

fn products(page: Page) -> ProductsPage {
    let t = page.texts();
    let items = GOODS.iter().map(|item| ItemView {
        code: item.code,
        name: item.name(t),
        about: item.about(t),
        amount: Amount::of(item.money()),
        picture: item.picture,
    });
    ProductsPage { page, t, items: items.collect(), unavailable: false }
}

fn thanks(page: Page) -> ThanksPage {
    let t = page.texts();
    let fact = |name, value: &str| Fact { name, value: value.to_owned() };
    let amount =
        Money::new(128_00, Currency::CNY).map(|money| Amount::of(money).to_string()).unwrap_or_default();
    let facts = vec![
        fact(t.amount, &amount),
        fact(t.status, "succeeded"),
        fact(t.paid_with, &card_name("unionpay", "0005", page.locale)),
        fact(t.evidence, t.consent_passkey),
        fact(t.payment_id, "pay_01kbt3m2x4e5f8g9hajbkcmdpe"),
        fact(t.order_digest, "3f6c1d0e8a5b47d29c10f2aa61b90c7e5d4f8e21b7a6039d4c2e1f0a9b8c7d6e"),
    ];
    ThanksPage {
        page,
        t,
        title: t.thanks_title,
        sentence: fill(t.thanks_paid, "order", "RT-0042917763"),
        status_path: None,
        facts,
    }
}
