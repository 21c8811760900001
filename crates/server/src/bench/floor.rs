//! FROZEN: the log floor, what no gateway of this kind can go below. A change here changes every ratio ever quoted; make it in a
//! commit of its own that says so.
//!
//! The same bytes over HTTP and TLS with the same libraries, a payment in a task of its own, one round trip of a bank's size
//! over TCP, and two durable group commits of the same number of bytes: appended to a file that was written before, one
//! `fdatasync` a batch, no query, no index.

use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

use super::machine::preallocated;
use crate::cli::BenchFloorArgs;
use crate::demo::serve::serve;
use crate::fault::{Fault, Tried as _};
use crate::tls_files;

/// Bytes of the gateway's first and second commit of a payment (journal record, row, claim and task; measured on its store).
const COMMIT_BYTES: [usize; 2] = [3_000, 2_800];
/// Bytes of a 0200 with its frame, and of the 0210.
const BANK_BYTES: usize = 160;
/// Bytes of the gateway's answer.
const ANSWER_BYTES: usize = 1_270;
/// The file begins again from the start when it is full.
const FILE_BYTES: usize = 256 << 20;

struct Append {
    bytes: usize,
    done: oneshot::Sender<()>,
}

#[derive(Clone)]
struct Floor {
    log: SyncSender<Append>,
    bank: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

/// Serves until killed. Prints the address.
pub async fn run(args: BenchFloorArgs) -> Result<(), Fault> {
    let file = preallocated(&args.file, FILE_BYTES).tried("cannot write the floor's file")?;
    let (log, appends) = sync_channel(4_096);
    let writer = std::thread::Builder::new().name("floor-writer".to_owned());
    writer.spawn(move || write(&file, &appends)).tried("cannot start the floor's writer")?;
    let (bank, asked) = mpsc::unbounded_channel();
    let address = echo().await.tried("cannot start the floor's bank")?;
    tokio::spawn(link(address, asked));
    let router = Router::new().route("/v1/payments", post(pay)).with_state(Arc::new(Floor { log, bank }));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.tried("cannot listen")?;
    let port = listener.local_addr().tried("no address")?.port();
    let tls = tls_files::server(&args.tls_certificate, &args.tls_key)?;
    println!("Lian is ready: https://localhost:{port}");
    let (_stop, stopping) = watch::channel(false);
    serve(listener, Some(tls), router, stopping).await;
    Ok(())
}

async fn pay(State(floor): State<Arc<Floor>>, body: Bytes) -> (StatusCode, Vec<u8>) {
    // In a task of its own, as the gateway's: a client that hangs up cancels nothing.
    let paid = tokio::spawn(async move {
        let read: serde_json::Value = serde_json::from_slice(&body).ok()?;
        read["amount"].as_u64()?;
        append(&floor, COMMIT_BYTES[0]).await?;
        let (answer, answered) = oneshot::channel();
        floor.bank.send(answer).ok()?;
        answered.await.ok()?;
        append(&floor, COMMIT_BYTES[1]).await
    });
    match paid.await {
        Ok(Some(())) => (StatusCode::CREATED, vec![b' '; ANSWER_BYTES]),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, Vec::new()),
    }
}

async fn append(floor: &Floor, bytes: usize) -> Option<()> {
    let (done, written) = oneshot::channel();
    floor.log.try_send(Append { bytes, done }).ok()?;
    written.await.ok()
}

fn write(file: &std::fs::File, appends: &Receiver<Append>) {
    let (mut place, mut batch) = (0, Vec::new());
    let block = vec![7u8; 64 << 10];
    while let Ok(first) = appends.recv() {
        batch.push(first);
        batch.extend(appends.try_iter());
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
        if file.sync_data().is_err() {
            return;
        }
        for append in batch.drain(..) {
            // A caller that went away does not care.
            let _ = append.done.send(());
        }
    }
}

/// A bank that sends back what it gets.
async fn echo() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut reading, mut writing) = stream.split();
                drop(tokio::io::copy(&mut reading, &mut writing).await);
            });
        }
    });
    Ok(address)
}

/// Gathers questions into one write, and gives answers in their order.
async fn link(address: SocketAddr, mut asked: mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
    let Ok(stream) = TcpStream::connect(address).await else { return };
    let _ = stream.set_nodelay(true);
    let (mut reading, mut writing) = stream.into_split();
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
