//! FROZEN: the log floor, what no gateway of this kind can go below. A change here changes every ratio ever quoted; make it in a
//! commit of its own that says so. So it uses the gateway's libraries and none of its code.
//!
//! The same bytes over HTTP and TLS, a payment in a task of its own, one round trip of a bank's size over TCP to another process,
//! and two durable group commits of the same number of bytes: appended to a file that was written before, one `fdatasync` a batch
//! and one wake-up of the runtime, no query, no index.

use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
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

use super::machine::preallocated;
use crate::cli::BenchFloorArgs;
use crate::fault::{Fault, Tried as _};

/// Bytes of the gateway's first and second commit of a payment (journal record, row, claim and task; measured on its store).
const COMMIT_BYTES: [usize; 2] = [3_000, 2_800];
/// Bytes of a 0200 with its frame, and of the 0210.
const BANK_BYTES: usize = 160;
/// An answer of the gateway, as it renders it.
const ANSWER: &str = include_str!("answer.json");
/// The file begins again from the start when it is full.
const FILE_BYTES: usize = 256 << 20;

struct Append {
    bytes: usize,
    done: oneshot::Sender<()>,
}

struct Floor {
    log: SyncSender<Append>,
    bank: mpsc::UnboundedSender<oneshot::Sender<()>>,
    answer: Value,
}

/// Serves until killed. Prints the address.
pub async fn run(args: BenchFloorArgs) -> Result<(), Fault> {
    let file = preallocated(&args.file, FILE_BYTES).tried("cannot write the floor's file")?;
    let (log, appends) = sync_channel(4_096);
    let (told, mut written) = mpsc::unbounded_channel::<Vec<Append>>();
    let writer = std::thread::Builder::new().name("floor-writer".to_owned());
    writer.spawn(move || write(&file, &appends, &told)).tried("cannot start the floor's writer")?;
    tokio::spawn(async move {
        while let Some(batch) = written.recv().await {
            for append in batch {
                // A caller that went away does not care.
                let _ = append.done.send(());
            }
        }
    });
    let (bank, asked) = mpsc::unbounded_channel();
    tokio::spawn(link(SocketAddr::from(([127, 0, 0, 1], args.bank)), asked));
    let answer = serde_json::from_str(ANSWER).tried("the floor's answer")?;
    let router =
        Router::new().route("/v1/payments", post(pay)).with_state(Arc::new(Floor { log, bank, answer }));
    serve(router, acceptor(&args)?).await
}

fn acceptor(args: &BenchFloorArgs) -> Result<TlsAcceptor, Fault> {
    let chain = CertificateDer::pem_file_iter(&args.tls_certificate).and_then(Iterator::collect);
    let key = PrivateKeyDer::from_pem_file(&args.tls_key).tried("the TLS key")?;
    let config = rustls::ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_no_client_auth()
        .with_single_cert(chain.tried("the TLS certificate")?, key);
    Ok(TlsAcceptor::from(Arc::new(config.tried("the TLS certificate and its key")?)))
}

async fn serve(router: Router, acceptor: TlsAcceptor) -> Result<(), Fault> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.tried("cannot listen")?;
    let port = listener.local_addr().tried("no address")?.port();
    println!("The floor is ready: https://localhost:{port}");
    loop {
        let (stream, _) = listener.accept().await.tried("cannot accept a connection")?;
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
        read["amount"].as_u64()?;
        append(&floor, COMMIT_BYTES[0]).await?;
        let (answer, answered) = oneshot::channel();
        floor.bank.send(answer).ok()?;
        answered.await.ok()?;
        append(&floor, COMMIT_BYTES[1]).await?;
        serde_json::to_vec(&floor.answer).ok()
    });
    match paid.await {
        Ok(Some(answer)) => (StatusCode::CREATED, answer),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    }
}

async fn append(floor: &Floor, bytes: usize) -> Option<()> {
    let (done, written) = oneshot::channel();
    floor.log.try_send(Append { bytes, done }).ok()?;
    written.await.ok()
}

fn write(file: &std::fs::File, appends: &Receiver<Append>, told: &mpsc::UnboundedSender<Vec<Append>>) {
    let mut place = 0;
    let block = vec![7u8; 64 << 10];
    while let Ok(first) = appends.recv() {
        let batch: Vec<Append> = std::iter::once(first).chain(appends.try_iter()).collect();
        let mut left: usize = batch.iter().map(|append| append.bytes).sum();
        while left > 0 {
            let now = left.min(block.len());
            if place + now > FILE_BYTES {
                place = 0;
            }
            if file.write_all_at(&block[..now], place as u64).is_err() {
                return;
            }
            (place, left) = (place + now, left - now);
        }
        if file.sync_data().is_err() || told.send(batch).is_err() {
            return;
        }
    }
}

/// A bank that sends back what it gets, on a thread of the calling process. Returns its port.
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
