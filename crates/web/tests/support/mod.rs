//! A checkout with everything real but the PCS and the bank behind it: routes, wallet, CA, passkeys, signatures, envelopes.
#![allow(dead_code, unused_imports, reason = "each test program uses a part of it")]

mod pcs;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use ca::{Authority, KeySealer, MemoryRegister, PasskeyEnrolment, SealError, Settings};
use http_body_util::BodyExt as _;
use pki::chain::RefusedSet;
use pki::webauthn::authenticator::SoftwareAuthenticator;
use pki::{AgreementKey, Certificate, Csr, Curve, IssuingCa, KeyPair};
use tower::ServiceExt as _;
use types::{Clock, Entropy, Secret, Timestamp};
use wallet::{
    CertifierError, CustomerCertifier, Eventually, Identity, MemoryAccounts, NewPasskey, Setup, Site,
};
use wallet::{TicketKeys, Wallet};
use web::checkout::{Checkout, router};
use zeroize::Zeroizing;

pub use pcs::{Behaviour, FakePcs};

pub const ORIGIN: &str = "https://pay.example";
/// 2026-12-01.
pub const NOW_MS: i64 = 1_796_113_800_000;

/// A clock that tests move.
pub struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }
}

/// SHA-256 of a seed and a counter.
pub struct Seeded(u64, AtomicU64);

impl Seeded {
    pub const fn new(seed: u64) -> Self {
        Self(seed, AtomicU64::new(0))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.1.fetch_add(1, Ordering::SeqCst);
            let hash = pki::sha256::sha256_of(&[&self.0.to_be_bytes(), &count.to_be_bytes()]);
            chunk.copy_from_slice(&hash[..chunk.len()]);
        }
    }
}

/// Nothing of the authority is kept after the test, so its keys are sealed into nothing.
struct Nowhere;

impl KeySealer for Nowhere {
    fn seal(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(Vec::new())
    }

    fn open(&self, _: &str, _: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        Err(SealError("nothing was kept".to_owned()))
    }
}

/// The real wallet CA.
struct WalletCa(Arc<Authority<MemoryRegister>>);

impl CustomerCertifier for WalletCa {
    fn certify<'a>(&'a self, passkey: NewPasskey<'a>) -> Eventually<'a, Result<Certificate, CertifierError>> {
        Box::pin(async move {
            let NewPasskey { holder, registered, proof, challenge, relying_party } = passkey;
            let enrolment = PasskeyEnrolment { registered, proof, challenge, relying_party };
            self.0.issue_customer(holder, &enrolment).await.map_err(|error| CertifierError(error.to_string()))
        })
    }
}

/// A checkout and the browser in front of it.
pub struct World {
    pub pcs: Arc<FakePcs>,
    pub authority: Arc<Authority<MemoryRegister>>,
    pub clock: Arc<Hands>,
    app: Router,
    cookies: std::sync::Mutex<Vec<(String, String)>>,
}

/// What came back.
#[derive(Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// The value of a hidden field or an attribute.
    pub fn value_after(&self, mark: &str) -> &str {
        let rest = self.body.split(mark).nth(1).unwrap_or_else(|| panic!("no {mark} in {}", self.body));
        rest.split('"').next().unwrap()
    }

    pub fn form_token(&self) -> String {
        self.value_after("name=\"form\" value=\"").to_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.body))
    }
}

impl World {
    pub async fn new() -> Self {
        Self::at(ORIGIN, "pay.example").await
    }

    /// The routes, to be served on a socket.
    pub fn app(&self) -> Router {
        self.app.clone()
    }

    /// The same, at another origin: browsers take passkeys at `http://localhost`.
    pub async fn at(origin: &str, rp_id: &str) -> Self {
        let clock = Arc::new(Hands(AtomicI64::new(NOW_MS)));
        let entropy = Arc::new(Seeded::new(1));
        let settings = Settings { installation: "Lian test".to_owned(), instance: 1 };
        let register = MemoryRegister::default();
        let created =
            Authority::create(&settings, register, clock.clone(), entropy.clone(), &Nowhere).await.unwrap();
        let authority = Arc::new(created.authority);

        let sealed_to = AgreementKey::generate(&*entropy).unwrap();
        let request = Csr::from_der(&sealed_to.csr().unwrap()).unwrap();
        let recipient = authority.issue_node_encryption(&request).await.unwrap();
        let key = KeyPair::generate(Curve::P256, &*entropy).unwrap();
        let request = Csr::from_der(&Csr::build(&key).unwrap()).unwrap();
        let certificate = authority.issue_wallet_server("w1", &request).await.unwrap();

        let wallet_ca = authority.anchor(IssuingCa::Wallet).unwrap();
        let pcs = Arc::new(FakePcs::new(
            sealed_to,
            recipient.der().to_vec(),
            wallet_ca,
            clock.clone(),
            (origin, rp_id),
        ));
        let wallet = Wallet::new(Setup {
            pcs: pcs.clone(),
            accounts: Arc::new(MemoryAccounts::default()),
            certifier: Arc::new(WalletCa(authority.clone())),
            tickets: TicketKeys::new(&Zeroizing::new([7; 32])),
            identity: Identity { certificate, key: Arc::new(key) },
            node_ca: authority.anchor(IssuingCa::Node).unwrap(),
            refused: Arc::new(RefusedSet::default()),
            site: Site { rp_id: rp_id.into(), rp_name: "Lian".into(), origin: origin.into() },
            clock: clock.clone(),
            entropy,
        });
        let app = router(Checkout::new(Arc::new(wallet)));
        Self { pcs, authority, clock, app, cookies: std::sync::Mutex::default() }
    }

    pub fn pass_ms(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// `/c/cs_…` of the one session.
    pub fn path(&self) -> String {
        format!("/c/{}", self.pcs.session_id())
    }

    pub fn phone(&self, seed: u64) -> SoftwareAuthenticator {
        SoftwareAuthenticator::new("pay.example", ORIGIN, &Seeded::new(seed)).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let request = Request::post(path)
            .header("origin", ORIGIN)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body.join("&"))).unwrap()).await
    }

    pub async fn post_json(&self, path: &str, body: serde_json::Value) -> Answer {
        let request = Request::post(path).header("origin", ORIGIN).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let jar = self.cookies.lock().unwrap().clone();
        let jar: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !jar.is_empty() {
            request.headers_mut().insert(header::COOKIE, jar.join("; ").parse().unwrap());
        }
        let answer = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        for line in parts.headers.get_all(header::SET_COOKIE) {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut jar = self.cookies.lock().unwrap();
            jar.retain(|(known, _)| known != name);
            if !value.is_empty() {
                jar.push((name.to_owned(), value.to_owned()));
            }
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub fn forget_cookies(&self) {
        self.cookies.lock().unwrap().clear();
    }

    /// Opens the page and pays with the card that every bank approves.
    pub async fn pay_by_card(&self, save: bool) -> Answer {
        let form = self.get(&format!("{}?with=card", self.path())).await.form_token();
        let save = if save { "1" } else { "" };
        self.post(&format!("{}/card", self.path()), &card_fields(&form, save)).await
    }

    /// What the page's script does after the shopper pressed "save": a passkey, its proof, a wallet.
    pub async fn enrol(&self, phone: &mut SoftwareAuthenticator) -> Answer {
        let path = self.path();
        let options = self.post_json(&format!("{path}/enrol/options"), serde_json::json!({})).await.json();
        let challenge = pki::b64::decode(options["challenge"].as_str().unwrap()).unwrap();
        let registration = phone.register(&challenge);
        let body = serde_json::json!({ "ticket": options["ticket"], "registration": registration });
        let proof = self.post_json(&format!("{path}/enrol/key"), body).await.json();
        let challenge = pki::b64::decode(proof["challenge"].as_str().unwrap()).unwrap();
        let assertion = serde_json::to_string(&phone.assert(&challenge).unwrap()).unwrap();
        let ticket = proof["ticket"].as_str().unwrap();
        self.post(&format!("{path}/enrol"), &[("ticket", ticket), ("assertion", &assertion)]).await
    }

    /// What the page's script does after the shopper pressed "pay": the fields of the form that it sends.
    pub async fn consent(&self, phone: &mut SoftwareAuthenticator) -> Vec<(&'static str, String)> {
        let path = self.path();
        let page = self.get(&path).await;
        let (form, card) = (page.form_token(), page.value_after("name=\"card\" value=\"").to_owned());
        let body = serde_json::json!({ "form": form, "card": card });
        let options = self.post_json(&format!("{path}/passkey/options"), body).await.json();
        let challenge = pki::b64::decode(options["challenge"].as_str().unwrap()).unwrap();
        let assertion = serde_json::to_string(&phone.assert(&challenge).unwrap()).unwrap();
        let consent = options["ticket"].as_str().unwrap().to_owned();
        vec![("form", form), ("card", card), ("consent", consent), ("assertion", assertion)]
    }

    pub async fn pay_by_passkey(&self, fields: &[(&'static str, String)]) -> Answer {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.post(&format!("{}/passkey", self.path()), &fields).await
    }
}

/// The fields of a good card.
pub fn card_fields<'a>(form: &'a str, save: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("form", form),
        ("cardnumber", "4242 4242 4242 4242"),
        ("exp-date", "12/28"),
        ("cvc", "737"),
        ("ccname", "Wang Fang"),
        ("save", save),
    ]
}
