//! `lian bank-sim`: a simulated bank as a process of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use banksim::{BankConfig, ChaosConfig, Script};
use types::SystemClock;
use vault::SystemEntropy;

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
    let config = BankConfig {
        profile,
        tmk: links::read_key(&args.terminal_master_key_file)?,
        listen: Some(args.listen),
        log: args.log,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        transcript_lines: 0,
    };
    let bank =
        banksim::Bank::start(config).await.tried(format!("cannot start the simulated bank {}", args.name))?;
    let address = bank.address().ok_or_else(|| Fault::plain("the simulated bank does not listen"))?;
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

fn read_script(path: &Path) -> Result<Script, Fault> {
    let text = std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?;
    Script::from_toml(&text).tried(path.display().to_string())
}
