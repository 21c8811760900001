//! The handle of a simulated bank.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hostlink::BankProfile;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use types::{Clock, Currency, Entropy, Secret};

use crate::books::Books;
use crate::cards;
use crate::chaos::{Chaos, ChaosConfig};
use crate::connections::Connections;
use crate::desk::{Action, Desk};
use crate::fault::{Fault, FaultId, Faults, Scope};
use crate::forms::Form;
use crate::journal::Journal;
use crate::keys;
use crate::notice::Notice;
use crate::reconcile::BatchTotals;
use crate::request::{ParameterSet, Wanted};
use crate::script::{Act, Deed, Script};
use crate::server::{Common, Held, accept, serve};
use crate::totals::Totals;
use crate::transcript::{Transcript, TranscriptLine};

/// How many bytes an in-memory connection buffers each way.
const DUPLEX_BYTES: usize = 64 * 1024;

/// What a simulated bank needs.
#[derive(Clone)]
pub struct BankConfig {
    /// The bank it plays; only its dialect, framing, keys and MAC rules are used.
    pub profile: Arc<BankProfile>,
    /// The terminal master key that it shares with the gateway.
    pub tmk: Secret<[u8; 16]>,
    /// Where to listen; none for in-memory connections only.
    pub listen: Option<SocketAddr>,
    /// The file that its state is kept in; none forgets everything at the end.
    pub log: Option<PathBuf>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for working keys.
    pub entropy: Arc<dyn Entropy>,
    /// How many messages the transcript keeps; 0 keeps none and costs nothing.
    pub transcript_lines: usize,
}

/// Why a simulated bank cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BankError {
    /// It does not speak this dialect.
    #[error("the simulator does not speak the dialect {0:?}")]
    Dialect(String),
    /// It cannot compute MACs of this kind, or the profile sends no key for them.
    #[error("the simulator cannot compute the MACs of this profile")]
    Mac,
    /// It cannot listen.
    #[error("listening on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It cannot read its log.
    #[error("reading the bank's log {}", path.display())]
    Log {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A running simulated bank. It stops when the handle is dropped.
pub struct Bank {
    desk: Arc<Mutex<Desk>>,
    held: Arc<Mutex<Vec<Held>>>,
    connections: Arc<Mutex<Connections>>,
    shut: Arc<AtomicBool>,
    generation: watch::Sender<u64>,
    address: Option<SocketAddr>,
    accepting: Option<JoinHandle<()>>,
}

impl Bank {
    /// Starts a bank on the current tokio runtime: rebuilds its state from its log and listens.
    ///
    /// # Errors
    /// [`BankError`].
    pub async fn start(config: BankConfig) -> Result<Self, BankError> {
        let name = config.profile.dialect().name();
        let form = Form::of_dialect(name).ok_or_else(|| BankError::Dialect(name.to_owned()))?;
        if !keys::supports(config.profile.mac().algorithm, config.profile.key_field()) {
            return Err(BankError::Mac);
        }
        let mut books = Books::default();
        let mut journal = None;
        if let Some(path) = config.log {
            let (opened, events) = Journal::open(&path).map_err(|source| BankError::Log { path, source })?;
            events.iter().for_each(|event| books.apply(event));
            journal = Some(opened);
        }
        let desk = Arc::new(Mutex::new(Desk {
            profile: config.profile,
            form,
            tmk: config.tmk,
            clock: config.clock,
            entropy: config.entropy,
            books,
            journal,
            faults: Faults::default(),
            chaos: None,
            transcript: Transcript::new(config.transcript_lines),
            next_stan: 0,
            parameters: parameters(),
            uploads: HashMap::new(),
        }));
        let mut bank = Self {
            desk,
            held: Arc::new(Mutex::new(Vec::new())),
            connections: Arc::default(),
            shut: Arc::default(),
            generation: watch::Sender::new(0),
            address: None,
            accepting: None,
        };
        if let Some(address) = config.listen {
            let listening = async {
                let listener = TcpListener::bind(address).await?;
                Ok((listener.local_addr()?, listener))
            };
            let (bound, listener) =
                listening.await.map_err(|source| BankError::Listen { address, source })?;
            bank.address = Some(bound);
            bank.accepting = Some(tokio::spawn(accept(listener, bank.common())));
        }
        Ok(bank)
    }

    fn common(&self) -> Common {
        Common {
            desk: Arc::clone(&self.desk),
            held: Arc::clone(&self.held),
            connections: Arc::clone(&self.connections),
            shut: Arc::clone(&self.shut),
            generation: self.generation.subscribe(),
        }
    }

    /// Where it listens, the port that it was given included.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// A connection to the bank without a network.
    pub fn connect(&self) -> DuplexStream {
        let (near, mut far) = tokio::io::duplex(DUPLEX_BYTES);
        let common = self.common();
        tokio::spawn(async move { serve(&mut far, common).await });
        near
    }

    /// Serves a connection that somebody else has accepted: over TLS, for instance.
    pub fn take<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(&self, mut stream: S) {
        let common = self.common();
        tokio::spawn(async move { serve(&mut stream, common).await });
    }

    /// Ends all connections at once. New ones are accepted.
    pub fn disconnect(&self) {
        self.generation.send_modify(|generation| *generation += 1);
    }

    /// Ends one connection, by its number: they are numbered from 0 as they come.
    pub fn disconnect_one(&self, number: usize) {
        // One that has ended already needs no ending.
        self.connections.lock().get(number).map(|to| to.send(Action::Close));
    }

    /// Says something of the bank's own accord, over every connection that is open.
    pub fn announce(&self, notice: Notice) {
        for to in self.connections.lock().all() {
            // A connection that is just ending hears nothing more.
            let _ = to.send(Action::Announce(notice));
        }
    }

    /// Has other parameters from now on, in these pieces. [`Notice::Parameters`] orders them to be fetched.
    pub fn set_parameters(&self, set: ParameterSet, pieces: Vec<Vec<u8>>) {
        self.desk.lock().parameters.insert(set, pieces);
    }

    /// Ends the accounting day and says so: the next batch is open, and totals start from zero.
    pub fn cut_over(&self) {
        self.desk.lock().cut_over();
        self.announce(Notice::CutOver);
    }

    /// The totals of the open batch: of one merchant (DE 42), or of all.
    pub fn batch_totals(&self, acceptor: Option<&str>, currency: Currency) -> BatchTotals {
        let wanted = Wanted { acceptor: acceptor.map(str::to_owned), ..Wanted::default() };
        self.desk.lock().books.batch_totals(&wanted, currency)
    }

    /// Lets messages go wrong by chance, from now on; none puts an end to it.
    pub fn set_chaos(&self, chaos: Option<ChaosConfig>) {
        self.desk.lock().chaos = chaos.map(Chaos::new);
    }

    /// Does something at once.
    pub fn act(&self, deed: Deed) {
        match deed {
            Deed::CutOver => self.cut_over(),
            Deed::Disconnect => self.disconnect(),
            Deed::Shut => {
                self.shut.store(true, Ordering::SeqCst);
                self.disconnect();
            }
            Deed::Open => self.shut.store(false, Ordering::SeqCst),
            Deed::Release => _ = self.release(),
            Deed::ClearFaults => self.clear_faults(),
            Deed::Say(notice) => self.announce(notice),
        }
    }

    /// Lets a script happen, from now to its end.
    pub async fn play(&self, script: &Script) {
        let started = Instant::now();
        let mut begun = HashMap::new();
        for (at, act) in script.acts() {
            sleep_until(started + *at).await;
            match act {
                Act::Begin(step, fault, scope) => {
                    begun.insert(*step, self.set_fault(fault.clone(), scope.clone()));
                }
                Act::End(step) => begun.remove(step).into_iter().for_each(|id| self.clear_fault(id)),
                Act::Do(deed) => self.act(*deed),
            }
        }
    }

    /// Makes something go wrong.
    pub fn set_fault(&self, fault: Fault, scope: Scope) -> FaultId {
        self.desk.lock().faults.set(fault, scope)
    }

    /// Takes back one fault.
    pub fn clear_fault(&self, id: FaultId) {
        self.desk.lock().faults.clear(id);
    }

    /// Takes back all faults. Cards keep their behaviour.
    pub fn clear_faults(&self) {
        self.desk.lock().faults.clear_all();
    }

    /// Lets go of what [`Fault::HeldAnswer`] and [`Fault::HeldRequest`] have kept back; returns how much it was.
    pub fn release(&self) -> usize {
        let held = std::mem::take(&mut *self.held.lock());
        let count = held.len();
        for Held { to, action } in held {
            if let Err(returned) = to.send(action) {
                // Its connection has ended meanwhile. Another one carries it, or it is lost.
                let elsewhere = self.connections.lock().all().next().cloned();
                elsewhere.map(|to| to.send(returned.0));
            }
        }
        count
    }

    /// How many answers and messages are kept back.
    pub fn held(&self) -> usize {
        self.held.lock().len()
    }

    /// The bank's totals by currency.
    pub fn totals(&self) -> Totals {
        self.desk.lock().books.totals()
    }

    /// What a test card has used of its credit in a currency, in minor units; none for a card the bank does not know.
    pub fn used(&self, pan: &str, currency: Currency) -> Option<u64> {
        cards::index_of(pan).map(|card| self.desk.lock().books.used(card, currency))
    }

    /// The latest messages, card data masked.
    pub fn transcript(&self) -> Vec<TranscriptLine> {
        self.desk.lock().transcript.lines()
    }

    /// The latest messages that came with chip data, in short, with a number that tells equal chip data from other.
    pub fn received_with_chip_data(&self) -> Vec<(String, u64)> {
        self.desk.lock().transcript.received_with_chip_data()
    }

    /// The latest messages that came, in short: `0200 stan=000001`.
    pub fn received(&self) -> Vec<String> {
        self.desk.lock().transcript.received()
    }
}

/// What a bank has for terminals, made up: tags in the private range, and the identifiers of two chip applications.
fn parameters() -> BTreeMap<ParameterSet, Vec<Vec<u8>>> {
    let terminal = vec![b"\xDF\x01\x0230".to_vec(), b"\xDF\x02\x0299".to_vec()];
    let chip = vec![
        b"\x9F\x06\x08\xA0\0\0\x033\x01\x01\x01".to_vec(),
        b"\x9F\x06\x07\xA0\0\0\0\x03\x10\x10".to_vec(),
    ];
    BTreeMap::from([(ParameterSet::Terminal, terminal), (ParameterSet::Chip, chip)])
}

impl Drop for Bank {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
        self.disconnect();
    }
}
