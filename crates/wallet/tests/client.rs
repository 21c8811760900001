//! The PCS over real sockets: mutual TLS 1.3, a signature on every request, and what each kind of failure means.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use ca::{Authority, KeySealer, MemoryRegister, SealError, Settings};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use pki::chain::RefusedSet;
use pki::http::{Policy, RequestParts, verify_request};
use pki::{Certificate, Csr, Curve, IssuingCa, KeyPair, Signer, tls};
use tokio::net::TcpListener;
use types::{CheckoutSessionId, Clock, Entropy, PaymentId, Secret, Timestamp};
use wallet::wire::{Outcome, PaymentResult, SIGNATURE_TAG};
use wallet::{Identity, Pcs, PcsClient, PcsError};

const NOW: Timestamp = Timestamp::from_ms(1_796_113_800_000);

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct Seeded(AtomicU64);
impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let count = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&pki::sha256::sha256(&count.to_be_bytes())[..chunk.len()]);
        }
    }
}

struct Nowhere;
impl KeySealer for Nowhere {
    fn seal(&self, _: &str, _: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(Vec::new())
    }
    fn open(&self, _: &str, _: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        Err(SealError("nothing was kept".to_owned()))
    }
}

/// What the far end answers, and the problems of the requests that it could not believe.
struct FarEnd {
    status: u16,
    body: String,
    wallet: Certificate,
    unbelieved: Mutex<Vec<String>>,
}

impl FarEnd {
    /// Verifies as the PCS does: digest, signature, window, by the key of the connection.
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let headers: Vec<(&str, &str)> =
            parts.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let signed = RequestParts {
            method: parts.method.as_str(),
            authority: parts.headers["host"].to_str().unwrap(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or(""),
            headers: &headers,
        };
        let own = self.wallet.public_key();
        let policy = Policy { tag: SIGNATURE_TAG, now: NOW };
        let key = |id: &pki::KeyId| (*id == own.id()).then(|| own.clone());
        if let Err(error) = verify_request(&signed, &body, &policy, key, |_, _, _| true) {
            self.unbelieved.lock().unwrap().push(error.to_string());
        }
        let answer = Response::builder().status(self.status).body(Full::new(Bytes::from(self.body.clone())));
        Ok(answer.unwrap())
    }
}

struct World {
    authority: Authority<MemoryRegister>,
    entropy: Arc<Seeded>,
}

impl World {
    async fn new() -> Self {
        Self::seeded(1).await
    }

    async fn seeded(seed: u64) -> Self {
        let entropy = Arc::new(Seeded(AtomicU64::new(seed)));
        let settings = Settings { installation: "Lian test".to_owned(), instance: 1 };
        let register = MemoryRegister::default();
        let made = Authority::create(&settings, register, Arc::new(Still), entropy.clone(), &Nowhere).await;
        Self { authority: made.unwrap().authority, entropy }
    }

    fn key(&self) -> (KeyPair, Csr) {
        let key = KeyPair::generate(Curve::P256, &*self.entropy).unwrap();
        let csr = Csr::from_der(&Csr::build(&key).unwrap()).unwrap();
        (key, csr)
    }

    fn identity<'a>(
        &self,
        certificate: &'a Certificate,
        key: &'a KeyPair,
        peer: IssuingCa,
    ) -> tls::Identity<'a> {
        let peer = self.authority.anchor(peer).unwrap();
        tls::Identity {
            certificate,
            key,
            peer,
            refused: Arc::new(RefusedSet::default()),
            clock: Arc::new(Still),
        }
    }

    async fn wallet(&self) -> (Certificate, KeyPair) {
        let (key, csr) = self.key();
        (self.authority.issue_wallet_server("w1", &csr).await.unwrap(), key)
    }

    /// Serves `status` and `body` to every request, behind mutual TLS.
    async fn far_end(&self, status: u16, body: &str, wallet: &Certificate) -> (SocketAddr, Arc<FarEnd>) {
        let (key, csr) = self.key();
        let certificate = self.authority.issue_node(&["localhost"], &csr).await.unwrap();
        let config = tls::server(&self.identity(&certificate, &key, IssuingCa::Wallet)).unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (body, wallet) = (body.to_owned(), wallet.clone());
        let far_end = Arc::new(FarEnd { status, body, wallet, unbelieved: Mutex::default() });
        let serving = far_end.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, serving) = (acceptor.clone(), serving.clone());
                tokio::spawn(async move {
                    // A client without a good certificate ends here; the test sees it at its own end.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| serving.clone().answer(request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        (address, far_end)
    }

    fn client(&self, port: u16, certificate: Certificate, key: KeyPair) -> PcsClient {
        let tls = tls::client(&self.identity(&certificate, &key, IssuingCa::Node)).unwrap();
        let identity = Arc::new(Identity { certificate, key: Arc::new(key) as Arc<dyn Signer> });
        let base = format!("https://localhost:{port}");
        PcsClient::new(&base, tls, identity, Arc::new(Still), self.entropy.clone()).unwrap()
    }
}

fn result() -> PaymentResult {
    PaymentResult {
        payment: PaymentId::from_u128(1),
        session: CheckoutSessionId::from_u128(2),
        outcome: Outcome::Paid,
        decline: None,
        undone: false,
        card: None,
        approval_code: None,
        consent: None,
        at: NOW,
    }
}

#[tokio::test]
async fn the_pcs_can_believe_every_request() {
    let world = World::new().await;
    let (certificate, key) = world.wallet().await;
    let body = serde_json::to_string(&result()).unwrap();
    let (address, far_end) = world.far_end(200, &body, &certificate).await;
    let client = world.client(address.port(), certificate, key);
    assert_eq!(client.payment(PaymentId::from_u128(1)).await, Ok(Some(result())));
    let card = wallet::wire::NewPaymentMethod {
        payment: PaymentId::from_u128(1),
        holder: types::CustomerId::from_u128(3),
        envelope: "a.b.c.d.e".to_owned(),
    };
    // The answer is of another shape; that the request was believed is what counts here.
    assert!(matches!(client.store_card("key-1", &card).await, Err(PcsError::MaybeSent(_))));
    assert_eq!(*far_end.unbelieved.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_known_about_a_failure_depends_on_its_kind() {
    let world = World::new().await;
    for (status, body, wanted) in [
        (404, r#"{"code":"resource_missing"}"#, Ok(None)),
        (
            422,
            r#"{"code":"amount_mismatch"}"#,
            Err(PcsError::Refused { status: 422, code: "amount_mismatch".to_owned() }),
        ),
        (409, "not JSON", Err(PcsError::Refused { status: 409, code: "unknown".to_owned() })),
    ] {
        let (certificate, key) = world.wallet().await;
        let (address, _) = world.far_end(status, body, &certificate).await;
        let client = world.client(address.port(), certificate, key);
        assert_eq!(client.payment(PaymentId::from_u128(1)).await, wanted, "{status}");
    }
    for (status, body) in [(500, r#"{"code":"internal_error"}"#), (503, ""), (200, "{")] {
        let (certificate, key) = world.wallet().await;
        let (address, _) = world.far_end(status, body, &certificate).await;
        let client = world.client(address.port(), certificate, key);
        let answer = client.payment(PaymentId::from_u128(1)).await;
        assert!(matches!(answer, Err(PcsError::MaybeSent(_))), "{status}: {answer:?}");
    }
}

#[tokio::test]
async fn a_closed_port_means_that_nothing_was_sent() {
    let world = World::new().await;
    let (certificate, key) = world.wallet().await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let client = world.client(free, certificate, key);
    let answer = client.payment(PaymentId::from_u128(1)).await;
    assert!(matches!(answer, Err(PcsError::NotSent(_))), "{answer:?}");
}

#[tokio::test]
async fn a_server_of_another_ca_is_told_nothing() {
    let (ours, stranger) = (World::seeded(1).await, World::seeded(1_000).await);
    let (certificate, key) = ours.wallet().await;
    let (address, far_end) = stranger.far_end(200, "{}", &certificate).await;
    let client = ours.client(address.port(), certificate, key);
    let answer = client.payment(PaymentId::from_u128(1)).await;
    assert!(matches!(answer, Err(PcsError::NotSent(_))), "{answer:?}");
    assert!(far_end.unbelieved.lock().unwrap().is_empty());
}
