//! `lian bank-sim`: a simulated bank as a process of its own.

use std::sync::Arc;

use banksim::BankConfig;
use types::SystemClock;
use vault::SystemEntropy;

use crate::cli::BankSimArgs;
use crate::demo::stop_signal;
use crate::fault::{Fault, Tried as _};
use crate::links;

/// Runs until Ctrl-C or SIGTERM. Prints the address it listens on.
pub async fn run(args: BankSimArgs) -> Result<(), Fault> {
    let stopped = stop_signal()?;
    let config = BankConfig {
        profile: links::profile(&args.name)?,
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
    println!("Bank {} listens on {address}", args.name);
    stopped.await;
    Ok(())
}
