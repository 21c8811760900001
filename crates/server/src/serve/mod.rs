//! `lian serve`: the PCS with its API as a server of its own. Several may run over one PostgreSQL; each takes any request.

mod bank_section;
mod bank_tls_section;
pub mod config;
mod merchant;

use std::sync::Arc;
use std::time::Duration;

use api::webhook::{Courier, Dispatcher};
use api::{ApiState, Config as ApiConfig};
use order::Recipients;
use pcs::{Custodian, Parts, Pcs};
use pki::chain::RefusedSet;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use types::{Clock, Entropy, SystemClock};
use vault::SystemEntropy;

use crate::cli::ServeArgs;
use crate::demo::data_dir::DataDir;
use crate::demo::pki_files::{self, NodeKeys};
use crate::demo::serve::serve;
use crate::demo::{begin_work, stop_signal, url_of};
use crate::fault::{Fault, Tried as _};
use crate::links::{self, MasterKey};
use crate::operator_key;
use crate::register::StoreRegister;
use crate::{tls_files, vault_of};
use bank_section::BankConfig;

pub use bank_section::MasterKeyPlace;
pub use config::Config;
pub use merchant::create as create_merchants;

/// How long after its bank's time is up another process takes an exchange over, where several share a store.
const TAKE_OVER_MS: i64 = 15_000;

/// Runs until Ctrl-C or SIGTERM, then drains and ends well. Prints the API's address once it is ready.
pub fn run(args: &ServeArgs) -> Result<(), Fault> {
    let config = Config::read(&args.config)?;
    let mut builder = match config.workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        workers => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(workers);
            builder
        }
    };
    let runtime = builder.enable_all().thread_name("lian-http").build().tried("cannot start the runtime")?;
    runtime.block_on(until_stopped(config))
}

/// The runtime of the bench's parts, as of a gateway with one worker.
pub fn on_one_thread<F: Future<Output = Result<(), Fault>>>(work: F) -> Result<(), Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.tried("cannot start the runtime")?.block_on(work)
}

async fn until_stopped(config: Config) -> Result<(), Fault> {
    let stopped = stop_signal()?;
    tokio::pin!(stopped);
    let drain = Duration::from_millis(config.drain_ms);
    let node = tokio::select! {
        node = Node::start(config) => node?,
        () = &mut stopped => return Ok(()),
    };
    println!("Lian is ready: {}", node.url);
    let store = node.pcs.store().clone();
    tokio::select! {
        () = &mut stopped => {}
        // Somebody who starts it again finds out what the last commit did; until then it could only refuse.
        () = store.stopped() => {
            node.stop().await;
            return Err(Fault::plain("the store has stopped for good, see the log; start again to go on"));
        }
    }
    // The proxy in front is told first, and has time to look elsewhere, before a connection is refused.
    node.pcs.drain();
    tokio::time::sleep(drain).await;
    node.stop().await;
    println!("Stopped.");
    Ok(())
}

struct Node {
    url: String,
    pcs: Arc<Pcs>,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
    working: JoinSet<()>,
    _dir: DataDir,
}

/// The PCS without its links' first sign-on.
struct Core {
    pcs: Arc<Pcs>,
    dir: DataDir,
}

async fn core(config: &Config, with_banks: bool) -> Result<Core, Fault> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy);
    let dir = DataDir::open(&config.data)?;
    let store: Store = config.store.open(config.shards, config.answer_ms)?;
    let vault = vault_of::open(&store, &config.vault_key_file, &*clock, Arc::clone(&entropy)).await?;
    let register = StoreRegister(store.clone());
    let authority =
        pki_files::authority(&dir, register, &vault, Arc::clone(&clock), Arc::clone(&entropy)).await?;
    let mut keys = NodeKeys::issue(&authority, "localhost", &*entropy).await?;
    let wanted: &[BankConfig] = if with_banks { &config.banks } else { &[] };
    let mut banks = Vec::new();
    for (index, bank) in wanted.iter().enumerate() {
        let key = MasterKey::at(&bank.master_key).tried(format!("the key of {}", bank.name))?;
        let reply_timeout = bank.reply_timeout_ms.map(Duration::from_millis);
        let wanted = links::Wanted {
            name: &bank.name,
            profile: &bank.profile,
            addresses: &bank.addresses,
            links: bank.links,
            tls: bank.tls.as_ref(),
            master_key: &key,
            reply_timeout,
        };
        banks.push(links::bank(&wanted, index, &vault, &clock, &entropy)?);
    }
    let pcs = Pcs::new(Parts {
        shards: store.shards(),
        take_over_ms: config.store.is_shared().then_some(TAKE_OVER_MS),
        at_once: config.at_once,
        routing: config.routing.clone(),
        pin_key_protection: config
            .pin_key_protection_key_file
            .as_deref()
            .map(links::key_block_key)
            .transpose()?
            .map(Arc::new),
        store,
        vault,
        banks,
        custodian: Custodian {
            wallet_ca: keys.wallet_ca,
            refused: Arc::new(RefusedSet::default()),
            rp_id: "localhost".to_owned(),
            origins: Vec::new(),
            recipients: Box::new(std::mem::take(&mut keys.recipients)) as Box<dyn Recipients>,
        },
        clock,
        entropy,
    });
    Ok(Core { pcs, dir })
}

impl Node {
    async fn start(config: Config) -> Result<Self, Fault> {
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.tried(format!("cannot listen on {}", config.listen))?;
        let tls = config.tls.as_ref().map(|(chain, key)| tls_files::server(chain, key)).transpose()?;
        let url = url_of(&listener, tls.is_some())?;
        let Core { pcs, dir } = core(&config, true).await?;
        let mut working = begin_work(&pcs).await?;
        let operator_key = config.operator_key_file.as_deref().map(operator_key::digest_of).transpose()?;
        let state = Arc::new(ApiState {
            pcs: Arc::clone(&pcs),
            config: ApiConfig {
                public_url: config.public_url.clone().unwrap_or_else(|| url.clone()),
                checkout_url: String::new(),
                livemode: false,
                allow_private_networks: false,
                operator_key_sha256: operator_key,
            },
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            courier: Courier::new(false).tried("cannot set up webhooks")?,
            test_helpers: None,
        });
        let courier = Courier::new(false).tried("cannot set up webhooks")?;
        working.spawn(Dispatcher::new(Arc::clone(&pcs), courier, Arc::new(SystemEntropy), false).run());
        let (stop, stopping) = watch::channel(false);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, tls, api::router(state), stopping.clone()));
        if let Some(address) = config.metrics {
            let listener = TcpListener::bind(address).await;
            let listener = listener.tried(format!("metrics.listen: cannot listen on {address}"))?;
            let address = listener.local_addr().tried("metrics.listen")?;
            println!("Metrics are at http://{address}/metrics");
            serving.spawn(serve(listener, None, api::metrics_router(Arc::clone(&pcs)), stopping));
        }
        Ok(Self { url, pcs, stop, serving, working, _dir: dir })
    }

    /// Takes no new requests, finishes those under way, signs off at the banks, and ends.
    async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.serving.join_next().await.is_some() {}
        for bank in self.pcs.banks() {
            bank.drain().await;
        }
        self.working.shutdown().await;
    }
}
