//! The arguments of `lian key`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `lian key`
#[derive(Clone, Debug, Args)]
pub struct KeyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// What `lian key` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyCommand {
    /// Print the check value of a bank's terminal master key, to be compared with the bank's letter
    CheckValue(KeyCheckValueArgs),
    /// Bring a terminal master key into the PKCS#11 token of a bank's configuration
    Import(KeyImportArgs),
    /// Put a key into a key block (TR-31): print the block, and beside it the check value
    Wrap(KeyWrapArgs),
}

/// `lian key check-value`
#[derive(Clone, Debug, Args)]
pub struct KeyCheckValueArgs {
    /// A file of 32 hex digits
    #[arg(long, value_name = "FILE")]
    pub terminal_master_key_file: PathBuf,
}

/// `lian key wrap`
#[derive(Clone, Debug, Args)]
pub struct KeyWrapArgs {
    /// A file with the key in hex digits; given more than once, each has a component, and the key is all of them by exclusive or
    #[arg(long, value_name = "FILE", required = true)]
    pub key_file: Vec<PathBuf>,
    /// The cipher of the key
    #[arg(long, value_enum, default_value = "tdes")]
    pub algorithm: AlgorithmArg,
    /// What the key is for: K0 a master key (TMK, ZMK), P0 a PIN key (TPK, ZPK), B0 a DUKPT base (BDK), M0, M1, M3, M5, M6 a MAC key,
    /// D0 a data key
    #[arg(long, value_name = "USAGE")]
    pub usage: String,
    /// What may be done with it: B both, E encrypt, D decrypt, G make a MAC, V verify one, C both, X derive
    #[arg(long, value_name = "LETTER")]
    pub mode: char,
    /// Whether who takes it out may pass it on: N never, E in a key block, S as it likes
    #[arg(long, value_enum, default_value = "N", ignore_case = true)]
    pub exportability: ExportabilityArg,
    /// A file with the key block protection key in hex digits
    #[arg(long, value_name = "FILE")]
    pub protection_key_file: PathBuf,
    /// The cipher of the protection key: aes makes a block of version D, tdes one of version B
    #[arg(long, value_enum, default_value = "aes")]
    pub protection_algorithm: AlgorithmArg,
}

/// The cipher of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum AlgorithmArg {
    /// Triple DES.
    Tdes,
    /// AES.
    Aes,
}

/// Whether a key may be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportabilityArg {
    /// Never.
    #[value(name = "N")]
    N,
    /// In a key block.
    #[value(name = "E")]
    E,
    /// As the receiver likes.
    #[value(name = "S")]
    S,
}

/// `lian key import`
#[derive(Clone, Debug, Args)]
pub struct KeyImportArgs {
    /// The configuration of the server, whose bank has a section pkcs11
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The bank
    #[arg(long, value_name = "NAME")]
    pub bank: String,
    /// A file of 32 hex digits; remove it afterwards
    #[arg(long, value_name = "FILE")]
    pub terminal_master_key_file: PathBuf,
}
