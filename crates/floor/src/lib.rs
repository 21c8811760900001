//! FROZEN: the floors, what no gateway of this kind can go below. A change here changes every ratio ever quoted; make it in a
//! commit of its own that says so. So they use the gateway's libraries and none of its code.
//!
//! The same bytes over HTTP and TLS, a payment in a task of its own, one round trip of a bank's size over TCP to another process,
//! and two durable commits of the same number of bytes. What commits them tells the floors apart:
//!
//! | file          | what it bounds                                                                                  |
//! |---------------|-------------------------------------------------------------------------------------------------|
//! | `log.rs`      | durability alone: group commits appended to a file that was written before, no query, no index   |
//! | `sqlite.rs`   | the engine without the gateway's logic: the same bytes as rows, ledger and outbox, group commit  |
//! | `postgres.rs` | the same on PostgreSQL: a few set-based, pipelined statements a batch on one connection          |
//! | `ordinary.rs` | no bound: how ordinary gateways write, each statement a journey of its own, hot accounts          |

mod log;
mod ordinary;
mod postgres;
mod sqlite;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use ordinary::Ordinary;

/// What went wrong. A floor that does not work is of no use, so nobody tells the reasons apart.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Appends to a file.
    Log,
    /// SQLite, in groups.
    Sqlite,
    /// PostgreSQL, in groups.
    Postgres,
    /// PostgreSQL, each payment for itself.
    Ordinary,
}

/// A floor that is to be served.
#[derive(Clone, Debug)]
pub struct Options {
    /// What commits.
    pub kind: Kind,
    /// The file, or the URL of the database, that it writes to; it must be new.
    pub store: String,
    /// Where its bank listens.
    pub bank: SocketAddr,
    /// PEM.
    pub tls_certificate: PathBuf,
    /// PEM.
    pub tls_key: PathBuf,
}

/// Bytes of the gateway's first and second commit of a payment: journal records of 1,255 and 1,571, counted on its store; row, claim
/// and answer, task and sums, added up from their columns.
const COMMIT_BYTES: [usize; 2] = [1_700, 1_900];
/// Bytes of a 0200 with its frame, and of the 0210.
const BANK_BYTES: usize = 160;
/// An answer of the gateway, as it renders it.
const ANSWER: &str = include_str!("answer.json");
/// Payments go to so many merchants in turns. Behind their accounts are that of the fees and that of the clearing.
const MERCHANTS: i64 = 100;
const FEES: i64 = MERCHANTS;
const CLEARING: i64 = MERCHANTS + 1;

/// A payment, as far as a floor cares.
#[derive(Clone, Copy)]
struct Payment {
    id: i64,
    merchant: i64,
    amount: i64,
}

impl Payment {
    /// What moves: from the bank to the merchant, less the fee.
    const fn legs(self) -> [(i64, i64); 3] {
        let fee = self.amount / 100;
        [(CLEARING, -self.amount), (self.merchant, self.amount - fee), (FEES, fee)]
    }
}

/// What changes in the accounts over a batch.
fn sums(batch: &[Work]) -> BTreeMap<i64, i64> {
    let mut sums = BTreeMap::new();
    for work in batch.iter().filter(|work| work.is_outcome) {
        for (account, amount) in work.payment.legs() {
            *sums.entry(account).or_insert(0) += amount;
        }
    }
    sums
}

/// One of the two commits of a payment.
struct Work {
    is_outcome: bool,
    payment: Payment,
    done: oneshot::Sender<()>,
}

impl Work {
    fn bytes(&self) -> usize {
        COMMIT_BYTES[usize::from(self.is_outcome)]
    }
}

/// Who commits.
enum Store {
    /// A thread that takes whatever is queued.
    Grouped(SyncSender<Work>),
    /// Each payment for itself.
    Ordinary(Ordinary),
}

impl Store {
    async fn commit(&self, payment: Payment, is_outcome: bool) -> Option<()> {
        match self {
            Self::Grouped(queue) => {
                let (done, written) = oneshot::channel();
                queue.try_send(Work { is_outcome, payment, done }).ok()?;
                written.await.ok()
            }
            Self::Ordinary(ordinary) if is_outcome => ordinary.outcome(payment).await.ok(),
            Self::Ordinary(ordinary) => ordinary.intent(payment).await.ok(),
        }
    }
}

struct Floor {
    store: Store,
    next: AtomicI64,
    bank: mpsc::UnboundedSender<oneshot::Sender<()>>,
    answer: Value,
}

/// What a writer gives back: a batch that is durable.
type Told = mpsc::UnboundedSender<Vec<Work>>;

/// Serves until killed. Prints the address.
///
/// # Errors
/// What it needs is not there.
pub async fn run(options: Options) -> Result<(), Fault> {
    let store = match options.kind {
        Kind::Log => grouped(log::writer(&options.store)?)?,
        Kind::Sqlite => grouped(sqlite::writer(&options.store)?)?,
        Kind::Postgres => grouped(postgres::writer(&options.store).await?)?,
        Kind::Ordinary => Store::Ordinary(Ordinary::open(&options.store).await?),
    };
    let (bank, asked) = mpsc::unbounded_channel();
    tokio::spawn(link(options.bank, asked));
    let answer = serde_json::from_str(ANSWER)?;
    let floor = Arc::new(Floor { store, next: AtomicI64::new(1), bank, answer });
    serve(Router::new().route("/v1/payments", post(pay)).with_state(floor), acceptor(&options)?).await
}

/// Starts the writer's thread. It wakes the runtime once a batch.
fn grouped(mut write: impl FnMut(Receiver<Work>, Told) + Send + 'static) -> Result<Store, Fault> {
    let (queue, works) = sync_channel(4_096);
    let (told, mut written) = mpsc::unbounded_channel::<Vec<Work>>();
    let writer = std::thread::Builder::new().name("floor-writer".to_owned());
    writer.spawn(move || write(works, told))?;
    tokio::spawn(async move {
        while let Some(batch) = written.recv().await {
            for work in batch {
                // A caller that went away does not care.
                let _ = work.done.send(());
            }
        }
    });
    Ok(Store::Grouped(queue))
}

/// The next batch: whatever is queued. None: nobody can queue any more.
fn batch(works: &Receiver<Work>) -> Option<Vec<Work>> {
    let first = works.recv().ok()?;
    Some(std::iter::once(first).chain(works.try_iter()).collect())
}

fn acceptor(options: &Options) -> Result<TlsAcceptor, Fault> {
    let chain = CertificateDer::pem_file_iter(&options.tls_certificate).and_then(Iterator::collect);
    let key = PrivateKeyDer::from_pem_file(&options.tls_key)?;
    let config = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(chain?, key);
    Ok(TlsAcceptor::from(Arc::new(config?)))
}

async fn serve(router: Router, acceptor: TlsAcceptor) -> Result<(), Fault> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    println!("The floor is ready: https://localhost:{port}");
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let (acceptor, router) = (acceptor.clone(), router.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = hyper_util::service::TowerToHyperService::new(router);
            let mut http = hyper::server::conn::http1::Builder::new();
            let serving = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            // How a connection of the load ends is the load's to tell.
            let _ = serving.await;
        });
    }
}

async fn pay(State(floor): State<Arc<Floor>>, body: Bytes) -> (StatusCode, Vec<u8>) {
    // In a task of its own, as the gateway's: a client that hangs up cancels nothing.
    let paid = tokio::spawn(async move {
        let read: Value = serde_json::from_slice(&body).ok()?;
        let amount = read["amount"].as_i64()?;
        let id = floor.next.fetch_add(1, Ordering::Relaxed);
        let payment = Payment { id, merchant: id % MERCHANTS, amount };
        floor.store.commit(payment, false).await?;
        let (answer, answered) = oneshot::channel();
        floor.bank.send(answer).ok()?;
        answered.await.ok()?;
        floor.store.commit(payment, true).await?;
        serde_json::to_vec(&floor.answer).ok()
    });
    match paid.await {
        Ok(Some(answer)) => (StatusCode::CREATED, answer),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    }
}

/// A bank that sends back what it gets, on a thread of the calling process. Returns its port.
///
/// # Errors
/// No port, or no thread, is to be had.
pub fn echo() -> std::io::Result<u16> {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let port = listener.local_addr()?.port();
    std::thread::Builder::new().name("floor-bank".to_owned()).spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.set_nodelay(true);
            let mut bytes = [0; 64 << 10];
            while let Ok(many) = stream.read(&mut bytes)
                && many > 0
                && stream.write_all(&bytes[..many]).is_ok()
            {}
        }
    })?;
    Ok(port)
}

/// Gathers questions into one write, and gives answers in their order.
async fn link(address: SocketAddr, mut asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let Ok(stream) = TcpStream::connect(address).await else { return };
    let _ = stream.set_nodelay(true);
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::with_capacity(64 << 10, reading);
    let (waiting, mut next) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    tokio::spawn(async move {
        let mut message = [0; BANK_BYTES];
        while let Some(answer) = next.recv().await {
            if reading.read_exact(&mut message).await.is_err() {
                return;
            }
            let _ = answer.send(());
        }
    });
    let mut gathered = Vec::new();
    while asked.recv_many(&mut gathered, 256).await > 0 {
        let bytes = vec![b'0'; gathered.len() * BANK_BYTES];
        for answer in gathered.drain(..) {
            if waiting.send(answer).is_err() {
                return;
            }
        }
        if writing.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
