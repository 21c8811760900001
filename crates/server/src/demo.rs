//! `lian demo`: every role and two simulated banks in one process, on loopback, with an embedded store.

mod banks;
mod banner;
mod data_dir;
mod helpers;
mod pki_files;
mod seed;
mod serve;
mod wallet_role;

pub use banks::parse_key;
pub use data_dir::{DemoFile, TestCard, read_demo};

use std::net::SocketAddr;
use std::sync::Arc;

use order::Recipients;
use pki::chain::RefusedSet;
use pcs::{Custodian, Parts, Pcs};
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use types::{Clock, Entropy, SystemClock};
use vault::{SystemEntropy, Vault};

use crate::cli::DemoArgs;
use crate::fault::{Fault, Tried as _};
use crate::register::StoreRegister;
use banks::DemoBank;
use data_dir::{BankEntry, DataDir};
use pki_files::NodeKeys;

/// A running demo.
pub struct Demo {
    file: DemoFile,
    pcs: Arc<Pcs>,
    banks: Arc<Vec<DemoBank>>,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
    working: JoinSet<()>,
    _dir: DataDir,
}

/// Runs until Ctrl-C or SIGTERM, then drains and ends well.
pub async fn run(args: DemoArgs) -> Result<(), Fault> {
    let stopped = stop_signal()?;
    let demo = Demo::start(args).await?;
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

        let vault = Vault::open_or_create(&dir.join("vault.key"), Arc::clone(&entropy)).tried("cannot open the vault")?;
        let vault = Arc::new(vault);
        let store = Store::open_sqlite(&dir.join("lian.db")).tried("cannot open the store")?;
        let register = StoreRegister(store.clone());
        let authority =
            pki_files::authority(&dir, register, &vault, Arc::clone(&clock), Arc::clone(&entropy)).await?;
        let keys = NodeKeys::issue(&authority, "localhost", &*entropy).await?;

        let (demo_banks, links) = banks::start(&dir, &args.banks, &clock, &entropy).await?;
        let demo_banks = Arc::new(demo_banks);
        let refused = Arc::new(RefusedSet::default());
        let wallet_url = url(&wallet_listener)?;
        let pcs = Pcs::new(Parts {
            shards: store.shards(),
            store: store.clone(),
            vault: Arc::clone(&vault),
            banks: links,
            custodian: Custodian {
                wallet_ca: Arc::clone(&keys.wallet_ca),
                refused: Arc::clone(&refused) as _,
                rp_id: "localhost".to_owned(),
                origins: vec![wallet_url.clone()],
                recipients: Box::new(keys.recipients) as Box<dyn Recipients>,
            },
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
        });

        // What a crash has left is taken up before anything new begins.
        let resumed = pcs.resume().await.tried("cannot take up what an earlier run has left")?;
        if resumed > 0 {
            tracing::warn!(resumed, "Took up payments and refunds that an earlier run has left in doubt");
        }
        todo_placeholder()
    }
}
fn todo_placeholder() -> Result<Demo, Fault> { Err(Fault::plain("")) }
