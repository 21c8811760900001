//! `lian bank-sim`: a simulated bank as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banksim::{BankConfig, ChaosConfig, Script};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use types::SystemClock;
use vault::SystemEntropy;

use crate::bank_tls;
use crate::cli::BankSimArgs;
use crate::demo::stop_signal;
use crate::fault::{Fault, Tried as _};
use crate::links;

/// By how much the latest answers of chaos are too late.
const LATE_BY: Duration = Duration::from_secs(5);

/// Runs until Ctrl-C or SIGTERM. Prints the address it listens on.
pub async fn run(args: BankSimArgs) -> Result<(), Fault> {
    let stopped = stop_signal()?;
    let script = args.script.as_deref().map(read_script).transpose()?;
    let profile = links::profile(&args.name)?;
    let longest_delay = profile.timers().reply_timeout + LATE_BY;
    let tls = match (&args.tls_certificate, &args.tls_key) {
        (Some(chain), Some(key)) => Some(bank_tls::far_end(chain, key, args.tls_client_ca.as_deref())?),
        _ => None,
    };
    let config = BankConfig {
        profile,
        tmk: links::read_key(&args.terminal_master_key_file)?,
        listen: tls.is_none().then_some(args.listen),
        log: args.log,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        transcript_lines: 0,
    };
    let bank =
        banksim::Bank::start(config).await.tried(format!("cannot start the simulated bank {}", args.name))?;
    let bank = Arc::new(bank);
    let address = match (tls, bank.address()) {
        (None, Some(address)) => address,
        (Some(tls), _) => listen_with_tls(args.listen, tls, Arc::clone(&bank)).await?,
        (None, None) => return Err(Fault::plain("the simulated bank does not listen")),
    };
    let per_mille = args.chaos_per_mille;
    bank.set_chaos(args.chaos_seed.map(|seed| ChaosConfig { seed, per_mille, longest_delay }));
    println!("Bank {} listens on {address}", args.name);
    let playing = async {
        if let Some(script) = &script {
            bank.play(script).await;
            println!("The script is at its end");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = playing => {}
        () = stopped => {}
    }
    Ok(())
}

/// Brings the bank those who are let in.
async fn listen_with_tls(
    address: SocketAddr,
    tls: Arc<rustls::ServerConfig>,
    bank: Arc<banksim::Bank>,
) -> Result<SocketAddr, Fault> {
    let cannot = || format!("cannot listen on {address}");
    let listener = TcpListener::bind(address).await.tried(cannot())?;
    let address = listener.local_addr().tried(cannot())?;
    let acceptor = TlsAcceptor::from(tls);
    tokio::spawn(async move {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let (acceptor, bank) = (acceptor.clone(), Arc::clone(&bank));
                    tokio::spawn(async move {
                        match acceptor.accept(stream).await {
                            Ok(stream) => bank.take(stream),
                            Err(error) => tracing::warn!(%peer, %error, "Somebody was not let in"),
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "A connection could not be accepted"),
            }
        }
    });
    Ok(address)
}

fn read_script(path: &Path) -> Result<Script, Fault> {
    let text = std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?;
    Script::from_toml(&text).tried(path.display().to_string())
}
