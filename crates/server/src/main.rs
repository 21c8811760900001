//! The `lian` executable: roles, wiring, command line.

mod bank_sim;
mod bank_tls;
mod bench;
mod cli;
mod commands;
mod demo;
mod fault;
mod links;
mod operator_key;
mod progress;
mod register;
mod serve;
mod store_url;
mod tls_files;
mod tour;
mod vault_of;
mod wallet_gate;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command, KeyArgs, KeyCommand, MerchantArgs, MerchantCommand};

/// Payments make and drop many small things on several threads, where the C library's allocator takes turns.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    start_log(&cli);
    // One crypto provider in the whole program; an error only says that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let done = match cli.command {
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Try(args) => block_on(tour::run(args)),
        Command::Explain(args) => block_on(commands::explain::run(args)),
        Command::Verify(args) => block_on(commands::verify::run(args)),
        Command::Doubt(args) => block_on(commands::doubt::run(args)),
        Command::Terminal(args) => block_on(commands::terminal::run(args)),
        Command::Bank(args) => block_on(commands::bank::run(args)),
        Command::Serve(args) => serve::run(&args),
        Command::Merchant(MerchantArgs { command: MerchantCommand::Create(args) }) => {
            block_on(serve::create_merchants(args))
        }
        Command::Key(KeyArgs { command: KeyCommand::CheckValue(args) }) => commands::key::check_value(&args),
        Command::Key(KeyArgs { command: KeyCommand::Import(args) }) => commands::key::import(&args),
        Command::Key(KeyArgs { command: KeyCommand::Wrap(args) }) => commands::key::wrap(&args),
        Command::BankSim(args) => block_on(bank_sim::run(args)),
        Command::Bench(args) => block_on(bench::run(args)),
        Command::BenchFloor(args) => serve::on_one_thread(bench::run_floor(args)),
        Command::BenchLoad(args) => serve::on_one_thread(bench::run_load(args)),
        Command::Backup(args) => block_on(commands::backup::run(args)),
        Command::Restore(args) => block_on(commands::backup::restore(args)),
        Command::Migrate(args) => block_on(commands::migrate::run(args)),
        Command::Route(args) => block_on(commands::route::run(args)),
        Command::Iso(args) => commands::iso::run(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("lian: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<F: Future<Output = Result<(), fault::Fault>>>(work: F) -> Result<(), fault::Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| fault::Fault::new("cannot start the runtime", error))?;
    runtime.block_on(work)
}

/// Logs go to standard error: people's output stays clean. `LIAN_LOG` takes tracing's filter language.
fn start_log(cli: &Cli) {
    use tracing_subscriber::EnvFilter;
    let default = if matches!(cli.command, Command::Demo(_) | Command::Serve(_) | Command::BankSim(_)) {
        "warn"
    } else {
        "error"
    };
    let filter = EnvFilter::try_from_env("LIAN_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
