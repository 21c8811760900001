//! The arguments of `lian route`.

use std::path::PathBuf;

use clap::Args;

/// `lian route`
#[derive(Clone, Debug, Args)]
pub struct RouteArgs {
    /// The configuration of the server, with its routing table
    #[arg(long, value_name = "FILE", required_unless_present = "at", conflicts_with = "at")]
    pub config: Option<PathBuf>,
    /// A running gateway's API to ask instead: its rules, and its banks as they are at this moment
    #[arg(long, value_name = "URL", conflicts_with_all = ["contracts", "down", "full", "health"])]
    pub at: Option<String>,
    /// With --at: the file with the operator's key
    #[arg(long, value_name = "FILE", default_value = "operator.key")]
    pub operator_key_file: PathBuf,
    /// With --at: a certificate to trust beside the usual ones, PEM
    #[arg(long, value_name = "FILE")]
    pub tls_certificate: Option<PathBuf>,
    /// The merchant, whose contracts are read from the store or known to the gateway
    #[arg(long, value_name = "ID", required_unless_present = "contracts")]
    pub merchant: Option<types::MerchantId>,
    /// A contract to suppose instead of the merchant's, in order: BANK=EUR,USD or BANK=EUR:visa,jcb
    #[arg(long = "contract", value_name = "BANK=CURRENCIES", value_parser = crate::commands::route::contract)]
    pub contracts: Vec<payment::routing::Acquirer>,
    /// The first digits of the card number, at most eight
    #[arg(long, value_name = "DIGITS")]
    pub bin: String,
    /// The card's brand; without it, what the digits say
    #[arg(long, value_name = "NAME")]
    pub brand: Option<String>,
    /// The currency
    #[arg(long, value_name = "CODE")]
    pub currency: types::Currency,
    /// The amount in minor units: 1250 is 12.50 EUR
    #[arg(long, value_name = "N")]
    pub amount: u64,
    /// Whether it is a sale (automatic, 0200) or an authorization (manual, 0100)
    #[arg(long, value_enum, default_value = "automatic")]
    pub capture_method: CaptureMethodArg,
    /// The payment's id, which decides where weights share the traffic; without it, some payment
    #[arg(long, value_name = "ID")]
    pub payment: Option<types::PaymentId>,
    /// A bank whose link is down; may be given more than once
    #[arg(long, value_name = "BANK")]
    pub down: Vec<String>,
    /// A bank that keeps its share waiting; may be given more than once
    #[arg(long, value_name = "BANK")]
    pub full: Vec<String>,
    /// How a bank has answered of late, 100 well to 0; may be given more than once
    #[arg(long, value_name = "BANK=N", value_parser = crate::commands::route::health)]
    pub health: Vec<(String, u8)>,
    /// Say also of each rule whether it applies, and which condition does not hold
    #[arg(long)]
    pub explain: bool,
    /// Print one JSON object, with the rules, in place of a table
    #[arg(long)]
    pub json: bool,
}

/// How the money is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum CaptureMethodArg {
    /// A sale.
    Automatic,
    /// An authorization.
    Manual,
}
