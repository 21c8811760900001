//! The command line.

mod key;
mod route;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::key::{
    AlgorithmArg, ExportabilityArg, KeyArgs, KeyCheckValueArgs, KeyCommand, KeyImportArgs, KeyWrapArgs,
};
pub use self::route::{CaptureMethodArg, RouteArgs};

/// Lian: a payment gateway that its owner runs.
#[derive(Debug, Parser)]
#[command(name = "lian", version, about, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `lian` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on this machine: the gateway, its wallet and shop pages, and two simulated banks
    Demo(DemoArgs),
    /// A guided tour: pay, capture, void, refund, be declined, lose a bank's answer; see every message and entry
    Try(TryArgs),
    /// Print a payment's whole life: who asked, what the banks were sent and said, what the books did
    Explain(ExplainArgs),
    /// Prove the books: recompute balances, the hash chain and the invariants of a store
    Verify(VerifyArgs),
    /// Messages whose outcome a bank has not told yet: list them, ask the bank, try again now, end one by hand
    Doubt(DoubtArgs),
    /// Banks and their links: look at them, take a link out and bring it back, exchange keys, compare totals
    Bank(BankArgs),
    /// Card terminals: give one its PIN key
    Terminal(TerminalArgs),
    /// Run the gateway with its API as a server, alone over a file or several over one PostgreSQL
    Serve(ServeArgs),
    /// Merchants of a store
    Merchant(MerchantArgs),
    /// Keys of bank links
    Key(KeyArgs),
    /// Run a simulated bank alone, to test against
    BankSim(BankSimArgs),
    /// Measure the gateway beside a floor, on this machine
    Bench(BenchArgs),
    /// A part of the bench
    #[command(hide = true)]
    BenchFloor(BenchFloorArgs),
    /// A part of the bench
    #[command(hide = true)]
    BenchLoad(BenchLoadArgs),
    /// Copy the embedded store, also while it is served
    Backup(BackupArgs),
    /// Bring such a copy back
    Restore(RestoreArgs),
    /// Move the embedded store to PostgreSQL
    Migrate(MigrateArgs),
    /// Ask which bank a payment would go to, and why; nothing is sent or written
    Route(RouteArgs),
    /// Look at ISO 8583 messages
    Iso(IsoArgs),
}

/// `lian demo`
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Where everything is kept; started again on the same directory, the demo goes on where it stopped
    #[arg(long, value_name = "DIR", default_value = "lian-data")]
    pub data: PathBuf,
    /// Port of the API and the shop; the wallet takes the next one. 0 takes any free ports
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// Use a bank that runs elsewhere instead of the simulator of that name (NAME=HOST:PORT). Its terminal master key
    /// is the one in DIR/banks/NAME.tmk
    #[arg(long = "bank", value_name = "NAME=ADDRESS", value_parser = external_bank)]
    pub banks: Vec<(String, SocketAddr)>,
}

/// `lian try`
#[derive(Clone, Debug, Args)]
pub struct TryArgs {
    /// Directory of a running demo; without it, one is started for the tour and thrown away
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `lian explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// The payment's id (pay_…)
    pub payment: types::PaymentId,
    /// Directory of the demo, running or not
    #[arg(long, value_name = "DIR", default_value = "lian-data")]
    pub data: PathBuf,
}

/// Where a running gateway is, and the key that the operator is known by.
#[derive(Clone, Debug, Args)]
pub struct OperatorArgs {
    /// The gateway's API
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080", global = true)]
    pub url: String,
    /// The file with the operator's key
    #[arg(long, value_name = "FILE", default_value = "operator.key", global = true)]
    pub operator_key_file: PathBuf,
    /// A certificate to trust beside the usual ones, PEM
    #[arg(long, value_name = "FILE", global = true)]
    pub tls_certificate: Option<PathBuf>,
    /// Print the API's JSON
    #[arg(long, global = true)]
    pub json: bool,
}

/// `lian bank`
#[derive(Clone, Debug, Args)]
pub struct BankArgs {
    /// Where
    #[command(flatten)]
    pub api: OperatorArgs,
    /// What to do
    #[command(subcommand)]
    pub command: BankCommand,
}

/// What `lian bank` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum BankCommand {
    /// Print the banks and the states of their links
    List,
    /// Print a bank, its links, and what it has told of late
    Show {
        /// The bank's name
        bank: String,
    },
    /// Take a link out of service: it drains, signs off and stays out until it is resumed
    TakeOut(LinkArgs),
    /// Bring back a link that was taken out, or has stopped because of its keys
    Resume(LinkArgs),
    /// Fetch new working keys over a link
    ExchangeKeys(LinkArgs),
    /// Compare the totals of every batch that is open with the bank's now; nothing is closed by that
    Totals {
        /// The bank's name
        bank: String,
        /// Your name, for the journal
        #[arg(long, value_name = "NAME")]
        by: String,
    },
    /// Print what came of comparing totals, the latest first
    Reconciliations {
        /// The bank's name
        bank: String,
    },
    /// Have the bank's parameters fetched; `show` says what came of it
    FetchParameters {
        /// The bank's name
        bank: String,
        /// Your name, for the journal
        #[arg(long, value_name = "NAME")]
        by: String,
        /// Why, for the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Print what has been fetched of the bank's parameters, the latest first; one of them with its bytes
    Parameters {
        /// The bank's name
        bank: String,
        /// Which (par_…)
        id: Option<types::ParametersId>,
    },
}

/// A link, and who wants something done about it.
#[derive(Clone, Debug, Args)]
pub struct LinkArgs {
    /// The bank's name
    pub bank: String,
    /// The link's number, from 1
    pub link: usize,
    /// Your name, for the journal
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}

/// `lian doubt`
#[derive(Clone, Debug, Args)]
pub struct DoubtArgs {
    /// Where
    #[command(flatten)]
    pub api: OperatorArgs,
    /// What to do
    #[command(subcommand)]
    pub command: DoubtCommand,
}

/// What `lian doubt` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum DoubtCommand {
    /// Print what is in doubt, the next to be tried first
    List,
    /// Ask the bank what became of a message; its word ends nothing
    Inquire {
        /// The attempt (att_…)
        attempt: types::AttemptId,
        /// Your name, for the journal
        #[arg(long, value_name = "NAME")]
        by: String,
    },
    /// Send the reversal or advice again now
    Retry {
        /// The attempt (att_…)
        attempt: types::AttemptId,
    },
    /// End a doubt with what the bank has told you
    Resolve {
        /// The attempt (att_…)
        attempt: types::AttemptId,
        /// `stands`: the bank has done what it was asked. `undone`: it has done nothing, or has undone it
        #[arg(long, value_parser = ["stands", "undone"])]
        finding: String,
        /// Your name, for the journal
        #[arg(long, value_name = "NAME")]
        by: String,
        /// From whom you know it, and why you believe it, for the journal
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// DE 37, as the bank told it
        #[arg(long, value_name = "RRN")]
        rrn: Option<String>,
        /// DE 38, as the bank told it
        #[arg(long, value_name = "CODE")]
        authorization_code: Option<String>,
    },
}

/// `lian serve`
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// The configuration; docs/operating/serve.md has all of it
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `lian merchant`
#[derive(Clone, Debug, Args)]
pub struct MerchantArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: MerchantCommand,
}

/// What `lian merchant` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum MerchantCommand {
    /// Create merchants with a secret key, contracts with the configured banks and test cards; prints a line of JSON each.
    /// A SQLite store must not be in use meanwhile
    Create(MerchantCreateArgs),
}

/// `lian merchant create`
#[derive(Clone, Debug, Args)]
pub struct MerchantCreateArgs {
    /// The configuration of the server they are for
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The name; with --count, each gets its number
    #[arg(long, value_name = "TEXT", default_value = "Merchant")]
    pub name: String,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub count: u32,
    /// They may send card data themselves, from terminals or telephone orders; they are within the scope of PCI DSS then
    #[arg(long)]
    pub sends_card_data: bool,
    /// The most that a chip may approve at their terminals without its bank, in minor units of --offline-currency; 0: nothing
    #[arg(long, value_name = "N", default_value_t = 0, requires_all = ["sends_card_data", "offline_currency"])]
    pub offline_floor_limit: u64,
    /// The one currency that a chip may approve in, as CNY
    #[arg(long, value_name = "CODE", requires = "offline_floor_limit")]
    pub offline_currency: Option<String>,
}

/// `lian terminal`
#[derive(Clone, Debug, Args)]
pub struct TerminalArgs {
    /// Where
    #[command(flatten)]
    pub api: OperatorArgs,
    /// What to do
    #[command(subcommand)]
    pub command: TerminalCommand,
}

/// What `lian terminal` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum TerminalCommand {
    /// Give a terminal a PIN key and print its check value; one that it had is forgotten
    PinKey {
        /// The terminal (ter_…)
        terminal: types::TerminalId,
        /// Whose it is (mer_…)
        #[arg(long, value_name = "ID")]
        merchant: types::MerchantId,
        /// A file with the key in a key block (TR-31) under the gateway's pin_key_protection_key_file: P0 or B0
        #[arg(long, value_name = "FILE")]
        key_block_file: PathBuf,
        /// A key serial number of a DUKPT terminal, with whatever counter, in hex digits
        #[arg(long, value_name = "DIGITS")]
        ksn: Option<String>,
    },
}

/// `lian bank-sim`
#[derive(Clone, Debug, Args)]
pub struct BankSimArgs {
    /// The bank whose dialect it speaks
    #[arg(long, value_name = "NAME", default_value = "iso87-ascii")]
    pub name: String,
    /// Where it listens; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// A file of 32 hex digits, the same as the gateway's
    #[arg(long, value_name = "FILE")]
    pub terminal_master_key_file: PathBuf,
    /// Its certificate with its chain, PEM: it listens with TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// The authority that must have signed the certificates of those who call, PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_client_ca: Option<PathBuf>,
    /// Where its accounts are kept; without it they are forgotten at the end
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// What goes wrong and when; docs/reference/bank-sim.md says how it is written
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// Let messages go wrong by chance; the same seed makes the same run
    #[arg(long, value_name = "N")]
    pub chaos_seed: Option<u64>,
    /// How many messages of a thousand go wrong
    #[arg(long, value_name = "N", default_value_t = 100, requires = "chaos_seed",
          value_parser = clap::value_parser!(u16).range(..=1000))]
    pub chaos_per_mille: u16,
}

/// `lian bench`
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// What the gateway stores on; a PostgreSQL is started for the run
    #[arg(long, value_enum, default_value = "sqlite")]
    pub engine: BenchEngine,
    /// Seconds of each phase
    #[arg(long, value_name = "SECONDS", default_value_t = 4)]
    pub duration: u64,
    /// Print one JSON object in place of a table
    #[arg(long)]
    pub json: bool,
    /// Run also where files are in memory, which shows that it runs and no more
    #[arg(long)]
    pub even_in_memory: bool,
    /// Compare also with a store of a million payments, which takes minutes
    #[arg(long)]
    pub full: bool,
    /// The same with so many payments
    #[arg(long, value_name = "PAYMENTS")]
    pub stored: Option<u64>,
    /// Where the run's files are made, on the disk that is to be measured, and removed at the end
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub data: PathBuf,
}

impl BenchArgs {
    /// How many payments a full store has; none: it is not measured.
    pub fn payments(&self) -> Option<u64> {
        self.stored.or_else(|| self.full.then_some(1_000_000))
    }
}

/// What `lian bench` stores on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BenchEngine {
    /// A file.
    Sqlite,
    /// A private PostgreSQL.
    Postgres,
}

/// `lian bench-floor`
#[derive(Clone, Debug, Args)]
pub struct BenchFloorArgs {
    /// The port of 127.0.0.1 where its bank listens
    #[arg(long)]
    pub bank: u16,
    /// What commits
    #[arg(long, value_enum)]
    pub kind: FloorKind,
    /// The file, or the URL of the database, that it writes to; it must be new
    #[arg(long)]
    pub store: String,
    /// PEM
    #[arg(long)]
    pub tls_certificate: PathBuf,
    /// PEM
    #[arg(long)]
    pub tls_key: PathBuf,
}

/// What a floor commits with
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)] // As in the documentation of the floor.
pub enum FloorKind {
    Log,
    Sqlite,
    Postgres,
    Ordinary,
}

/// `lian bench-load`
#[derive(Clone, Debug, Args)]
pub struct BenchLoadArgs {
    /// A line of JSON for each merchant, as `lian merchant create` prints them
    #[arg(long)]
    pub merchants: PathBuf,
    /// PEM
    #[arg(long)]
    pub tls_certificate: PathBuf,
    /// Of 127.0.0.1
    #[arg(long)]
    pub port: u16,
    /// Connections, each with one request in flight
    #[arg(long)]
    pub in_flight: usize,
    /// How long
    #[arg(long)]
    pub milliseconds: u64,
    /// Requests a second that come by chance, answered or not; without it each waits for the one before it
    #[arg(long)]
    pub rate: Option<f64>,
    /// Where the ids of the payments that were made are written, one a line
    #[arg(long)]
    pub acknowledged: Option<PathBuf>,
}

/// `lian verify`
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Directory of the demo's store
    #[arg(long, value_name = "DIR", default_value = "lian-data")]
    pub data: PathBuf,
    /// A store by its URL instead: sqlite:FILE or postgres://…
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub store: Option<String>,
}

/// `lian backup`
#[derive(Clone, Debug, Args)]
pub struct BackupArgs {
    /// The store: sqlite:FILE
    #[arg(long, value_name = "URL")]
    pub store: String,
    /// The file that the copy is made as; it must not exist
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// `lian restore`
#[derive(Clone, Debug, Args)]
pub struct RestoreArgs {
    /// What lian backup has made
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// Where the store is to be: sqlite:FILE; there must be none
    #[arg(long, value_name = "URL")]
    pub store: String,
}

/// `lian migrate`
#[derive(Clone, Debug, Args)]
pub struct MigrateArgs {
    /// The embedded store, which nobody may serve meanwhile: sqlite:FILE
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// An empty database, or the one that a move of this store was broken off at: postgres://…
    #[arg(long, value_name = "URL")]
    pub to: String,
}

/// `lian iso`
#[derive(Debug, Args)]
pub struct IsoArgs {
    /// What to do with a message.
    #[command(subcommand)]
    pub command: IsoCommand,
}

/// What `lian iso` can do. Messages are hex digits, from a file or from standard input; nothing is ever shown in clear.
#[derive(Debug, Subcommand)]
pub enum IsoCommand {
    /// Print a message field by field, masked
    Describe {
        /// A file of hex digits; none reads standard input
        file: Option<PathBuf>,
        #[command(flatten)]
        dialect: DialectArg,
    },
    /// Say which shipped dialect a message is in; of one that is in none, which byte breaks which rule, and why it may be so
    Doctor {
        /// A file of hex digits; none reads standard input
        file: Option<PathBuf>,
        /// The dialect that the message ought to be in; without it, whichever fits
        #[arg(long = "bank", value_name = "NAME")]
        expected: Option<String>,
    },
    /// Say in which fields two messages differ, values masked
    Diff {
        /// A file of hex digits: the first message
        first: PathBuf,
        /// A file of hex digits: the second
        second: PathBuf,
        #[command(flatten)]
        dialect: DialectArg,
    },
    /// Print a message as hex again, card data, keys and secrets overwritten, all lengths kept
    Redact {
        /// A file of hex digits; none reads standard input
        file: Option<PathBuf>,
        #[command(flatten)]
        dialect: DialectArg,
    },
}

/// In which dialect a message is.
#[derive(Debug, Args)]
pub struct DialectArg {
    /// The bank whose dialect it is in
    #[arg(long = "bank", value_name = "NAME", default_value = "iso87-ascii")]
    pub name: String,
}

fn external_bank(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text.split_once('=').ok_or("expected NAME=HOST:PORT")?;
    let address =
        address.parse().map_err(|_| format!("{address} is not an address such as 127.0.0.1:9583"))?;
    Ok((name.to_owned(), address))
}
