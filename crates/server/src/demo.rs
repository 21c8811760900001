//! `lian demo`: every role and two simulated banks in one process, on loopback, with an embedded store.

mod banks;
mod banner;
pub mod data_dir;
mod helpers;
pub mod pki_files;
mod seed;
pub mod serve;
mod wallet_role;

pub use data_dir::{DemoFile, TestCard, read_demo, write_private};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use order::Recipients;
use payment::routing::RoutingTable;
use pcs::{Custodian, Parts, Pcs};
use pki::chain::RefusedSet;
use store::{SqliteOptions, Store};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use types::{Clock, Entropy, SystemClock};
use vault::SystemEntropy;

use crate::cli::DemoArgs;
use crate::fault::{Fault, Tried as _};
use crate::operator_key;
use crate::register::StoreRegister;
use crate::vault_of;
use banks::DemoBank;
use data_dir::{BankEntry, DataDir};
use pki_files::NodeKeys;

/// How long a start waits for a bank's sign-on.
const BANK_PATIENCE: Duration = Duration::from_secs(5);

/// A running demo.
pub struct Demo {
    file: DemoFile,
    pcs: Arc<Pcs>,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
    working: JoinSet<()>,
    _banks: Arc<Vec<DemoBank>>,
    _dir: DataDir,
}

/// Runs until Ctrl-C or SIGTERM, then drains and ends well.
pub async fn run(args: DemoArgs) -> Result<(), Fault> {
    let stopped = stop_signal()?;
    tokio::pin!(stopped);
    let demo = tokio::select! {
        demo = Demo::start(args) => demo?,
        () = &mut stopped => return Ok(()),
    };
    banner::print(&demo.file);
    stopped.await;
    println!("\nStopping: no new requests; what is under way is finished …");
    demo.stop().await;
    println!("Stopped. Start again on the same directory to go on.");
    Ok(())
}

impl Demo {
    /// Starts everything and waits until payments can be made.
    pub async fn start(args: DemoArgs) -> Result<Self, Fault> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
        let dir = DataDir::open(&args.data)?;
        let (api_listener, wallet_listener) = listen(args.port).await?;
        let pcs_listener = TcpListener::bind(("127.0.0.1", 0)).await.tried("cannot listen for the wallet")?;

        let (engine, reads) = store::open_sqlite(&dir.join("lian.db"), &SqliteOptions::default())
            .tried("cannot open the store")?;
        let store =
            Store::start(engine, reads, store::Settings::default()).tried("cannot start the store")?;
        let vault = vault_of::open(&store, &dir.join("vault.key"), &*clock, Arc::clone(&entropy)).await?;
        let register = StoreRegister(store.clone());
        let authority =
            pki_files::authority(&dir, register, &vault, Arc::clone(&clock), Arc::clone(&entropy)).await?;
        let mut keys = NodeKeys::issue(&authority, "localhost", &*entropy).await?;

        let (demo_banks, links) = banks::start(&dir, &args.banks, &vault, &clock, &entropy).await?;
        let demo_banks = Arc::new(demo_banks);
        let refused = Arc::new(RefusedSet::default());
        let wallet_url = url(&wallet_listener)?;
        let pcs = Pcs::new(Parts {
            shards: store.shards(),
            take_over_ms: None,
            at_once: pcs::AT_ONCE,
            routing: RoutingTable::default(),
            pin_key_protection: None,
            store: store.clone(),
            vault: Arc::clone(&vault),
            banks: links,
            custodian: Custodian {
                wallet_ca: Arc::clone(&keys.wallet_ca),
                refused: Arc::clone(&refused) as _,
                rp_id: "localhost".to_owned(),
                origins: vec![wallet_url.clone()],
                recipients: Box::new(std::mem::take(&mut keys.recipients)) as Box<dyn Recipients>,
            },
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        });

        let mut working = begin_work(&pcs).await?;
        let api_url = url(&api_listener)?;
        let seeded = match dir.read_demo()? {
            Some(demo) => demo,
            None => seed::first_start(&pcs, &dir).await?,
        };
        let banks = demo_banks.iter().map(bank_entry).collect();
        let shop_url = format!("{api_url}/shop");
        let file = DemoFile { api_url, wallet_url: wallet_url.clone(), shop_url, banks, ..seeded };
        dir.write_demo(&file)?;

        let (stop, stopping) = watch::channel(false);
        let mut serving = JoinSet::new();
        let site = wallet_role::Site { pcs_address: local(&pcs_listener)?, wallet_url };
        let vault = &*vault;
        let parts = wallet_role::Parts {
            dir: &dir,
            pcs: &pcs,
            store,
            vault,
            authority,
            keys,
            refused,
            clock,
            entropy,
        };
        let wallet = wallet_role::start(parts, site)?;
        serving.spawn(serve::serve(pcs_listener, Some(wallet.tls), wallet.gate, stopping.clone()));
        serving.spawn(serve::serve(wallet_listener, None, wallet.pages, stopping.clone()));
        let operator_key = operator_key::digest_of(&dir.join("operator.key"))?;
        let api = helpers::api(&pcs, &file, &demo_banks, operator_key)?;
        working.spawn(api.webhooks);
        serving.spawn(serve::serve(api_listener, None, api.router, stopping));
        Ok(Self { file, pcs, stop, serving, working, _banks: demo_banks, _dir: dir })
    }

    /// What a person or a program needs to use the demo.
    pub fn file(&self) -> &DemoFile {
        &self.file
    }

    /// Takes no new requests, finishes those under way, signs off at the banks, and ends.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.serving.join_next().await.is_some() {}
        for bank in self.pcs.banks() {
            bank.drain().await;
        }
        self.working.shutdown().await;
    }
}

/// Takes up what a crash has left, before anything new begins, and starts the PCS's own work. Waits a moment for the banks; one
/// that is down does not keep the others from being used, and its link goes on trying.
pub async fn begin_work(pcs: &Arc<Pcs>) -> Result<JoinSet<()>, Fault> {
    let resumed = pcs.resume().await.tried("cannot take up what an earlier run has left")?;
    if resumed > 0 {
        tracing::warn!(resumed, "Took up payments and refunds that an earlier run has left in doubt");
    }
    let mut working = JoinSet::new();
    working.spawn(Arc::clone(pcs).work());
    for bank in pcs.banks() {
        if tokio::time::timeout(BANK_PATIENCE, bank.settled()).await.is_err() {
            eprintln!("Bank {} does not answer; starting without it and going on trying.", bank.name());
        }
    }
    Ok(working)
}

fn bank_entry(bank: &DemoBank) -> BankEntry {
    BankEntry { name: bank.name.to_owned(), dialect: bank.name.to_owned(), address: bank.address.to_string() }
}

/// The API's listener and the wallet's, on neighbouring ports, or on any free ones for port 0.
async fn listen(port: u16) -> Result<(TcpListener, TcpListener), Fault> {
    let next = if port == 0 {
        0
    } else {
        port.checked_add(1).ok_or_else(|| Fault::plain("--port must be below 65535"))?
    };
    let bind = async |port: u16| {
        let hint = format!("cannot listen on 127.0.0.1:{port}; take another port with --port");
        TcpListener::bind(("127.0.0.1", port)).await.tried(hint)
    };
    Ok((bind(port).await?, bind(next).await?))
}

fn local(listener: &TcpListener) -> Result<SocketAddr, Fault> {
    listener.local_addr().tried("a listener has no address")
}

fn url(listener: &TcpListener) -> Result<String, Fault> {
    url_of(listener, false)
}

/// Browsers allow passkeys over plain HTTP on `localhost` only.
pub fn url_of(listener: &TcpListener, tls: bool) -> Result<String, Fault> {
    let scheme = if tls { "https" } else { "http" };
    Ok(format!("{scheme}://localhost:{}", local(listener)?.port()))
}

/// Resolves at Ctrl-C or SIGTERM.
pub fn stop_signal() -> Result<impl Future<Output = ()>, Fault> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).tried("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).tried("cannot listen for SIGTERM")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
