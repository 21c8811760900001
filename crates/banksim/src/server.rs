//! Connections: frames in, what the desk answers out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hostlink::framing::{Frame, FrameReader};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tracing::warn;

use crate::connections::Connections;
use crate::desk::{Action, Announced, Desk, Inbound, Over};
use crate::keys::ConnectionKeys;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Closed,
    Reset,
}

/// What the connections share.
#[derive(Clone)]
pub(crate) struct Common {
    pub desk: Arc<Mutex<Desk>>,
    pub held: Arc<Mutex<Vec<Held>>>,
    pub connections: Arc<Mutex<Connections>>,
    /// Whether connections are ended as they come.
    pub shut: Arc<AtomicBool>,
    /// Counts up when all connections shall end.
    pub generation: watch::Receiver<u64>,
}

/// Something kept back, and the connection it belongs to.
pub(crate) struct Held {
    pub to: mpsc::UnboundedSender<Action>,
    pub action: Action,
}

pub(crate) async fn accept(listener: TcpListener, common: Common) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_tcp(stream, common.clone()));
            }
            Err(problem) => warn!(%problem, "The bank cannot accept a connection"),
        }
    }
}

async fn serve_tcp(mut stream: TcpStream, common: Common) {
    if let Err(problem) = stream.set_nodelay(true) {
        warn!(%problem, "The bank's answers may be delayed");
    }
    if serve(&mut stream, common).await == Ending::Reset
        && let Err(problem) = stream.set_zero_linger()
    {
        warn!(%problem, "The bank closes a connection that it was to reset");
    }
}

/// Serves one connection to its end.
pub(crate) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, mut common: Common) -> Ending {
    if common.shut.load(Ordering::SeqCst) {
        return Ending::Reset;
    }
    let (to_self, mut actions) = mpsc::unbounded_channel();
    let framing = common.desk.lock().profile.framing().clone();
    let number = common.connections.lock().open(to_self.clone());
    let mut connection = Connection {
        common: common.clone(),
        number,
        to_self,
        keys: ConnectionKeys::default(),
        demand: None,
        out: Vec::new(),
        ending: None,
    };
    common.generation.mark_unchanged();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let mut reader = FrameReader::new();
    loop {
        if !connection.out.is_empty() {
            let out = std::mem::take(&mut connection.out);
            if writing.write_all(&out).await.is_err() || writing.flush().await.is_err() {
                return Ending::Closed;
            }
        }
        if let Some(ending) = connection.ending {
            return ending;
        }
        tokio::select! {
            biased;
            ended = common.generation.changed() => {
                // An error means that the bank is gone.
                let _ = ended;
                return Ending::Closed;
            }
            action = actions.recv() => {
                // The connection holds a sender itself, so the channel is never closed.
                if let Some(action) = action {
                    connection.act(action);
                }
            }
            read = reading.read_buf(reader.buffer()) => match read {
                Ok(0) | Err(_) => return Ending::Closed,
                Ok(_) => {
                    while connection.ending.is_none() {
                        match reader.next_frame(&framing) {
                            Ok(Some(Frame::Message { envelope, body })) => {
                                connection.act(Action::Serve(Inbound { envelope, body, released: false }));
                            }
                            Ok(Some(Frame::KeepAlive | Frame::Malformed)) => {}
                            Ok(None) => break,
                            Err(problem) => {
                                warn!(%problem, "The bank cannot find the next frame");
                                return Ending::Closed;
                            }
                        }
                    }
                }
            }
        }
    }
}

struct Connection {
    common: Common,
    /// Its number among the bank's connections.
    number: usize,
    to_self: mpsc::UnboundedSender<Action>,
    keys: ConnectionKeys,
    /// What the header of the next answer demands.
    demand: Option<u8>,
    out: Vec<u8>,
    ending: Option<Ending>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.common.connections.lock().close(self.number);
    }
}

impl Connection {
    fn act(&mut self, action: Action) {
        match action {
            Action::Send(frame) => self.out.extend_from_slice(&frame),
            Action::SendAfter(wait, frame) => {
                let to = self.to_self.clone();
                tokio::spawn(async move {
                    sleep(wait).await;
                    // The connection may have ended; then the answer is lost, as it would be.
                    let _ = to.send(Action::Send(frame));
                });
            }
            Action::SendAndClose(bytes) => {
                self.out.extend_from_slice(&bytes);
                self.ending = Some(Ending::Closed);
            }
            Action::Reset => {
                self.out.clear();
                self.ending = Some(Ending::Reset);
            }
            Action::SendElsewhere(frame) => {
                let elsewhere = self.common.connections.lock().another(self.number);
                match elsewhere.map(|to| to.send(Action::Send(frame.clone()))) {
                    Some(Ok(())) => {}
                    Some(Err(_)) | None => self.out.extend_from_slice(&frame),
                }
            }
            Action::Close => self.ending = Some(Ending::Closed),
            Action::Announce(notice) => {
                let announced = self.common.desk.lock().announce(&mut self.keys, &notice);
                match announced {
                    Announced::Frame(frame) => self.out.extend_from_slice(&frame),
                    Announced::Demand(demand) => self.demand = Some(demand),
                    Announced::Nothing => {}
                }
            }
            Action::HoldAnswer(frame) => self.hold(Action::Send(frame)),
            Action::HoldRequest(inbound) => self.hold(Action::Serve(inbound)),
            Action::Serve(inbound) => {
                let over = Over { number: self.number, demand: &mut self.demand };
                let next = self.common.desk.lock().serve(&mut self.keys, over, &inbound);
                for action in next {
                    self.act(action);
                }
            }
        }
    }

    fn hold(&self, action: Action) {
        self.common.held.lock().push(Held { to: self.to_self.clone(), action });
    }
}
