//! `[[bank]]`: where a bank is, and where the key that is shared with it lies.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bank_tls_section::BankTlsSection;
use crate::bank_tls::BankTls;
use crate::fault::Fault;

/// More than any bank has offered so far; a number typed by mistake is found here and not at the bank.
const MOST_LINKS: usize = 16;

const fn one_link() -> usize {
    1
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankSection {
    pub name: String,
    profile: Option<String>,
    address: Addresses,
    #[serde(default = "one_link")]
    links: usize,
    terminal_master_key_file: Option<PathBuf>,
    terminal_master_key_block_file: Option<PathBuf>,
    key_block_protection_key_file: Option<PathBuf>,
    pkcs11: Option<Pkcs11Section>,
    reply_timeout_ms: Option<u64>,
    tls: Option<BankTlsSection>,
}

/// One address, or several where a bank has them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Addresses {
    One(String),
    Several(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pkcs11Section {
    module: PathBuf,
    token_label: String,
    pin_file: PathBuf,
    key_label: String,
}

/// A bank to reach.
#[derive(Debug)]
pub struct BankConfig {
    pub name: String,
    /// The folder of `banks/` that says how it is spoken to.
    pub profile: String,
    pub addresses: Vec<String>,
    /// Links to each address.
    pub links: usize,
    pub master_key: MasterKeyPlace,
    pub reply_timeout_ms: Option<u64>,
    /// TLS under its links; none: plain TCP.
    pub tls: Option<BankTls>,
}

/// Where the terminal master key lies.
#[derive(Debug, PartialEq, Eq)]
pub enum MasterKeyPlace {
    /// In hexadecimal digits, in a file.
    File(PathBuf),
    /// In a TR-31 key block, and the key that protects it in hexadecimal digits, each in a file.
    KeyBlock { block: PathBuf, protection: PathBuf },
    /// In a PKCS#11 token, where it stays.
    Token { module: PathBuf, token_label: String, pin_file: PathBuf, key_label: String },
}

impl BankSection {
    /// Paths are below `base`; the key is in exactly one place.
    pub fn checked(self, base: &Path) -> Result<BankConfig, Fault> {
        let Self { name, profile, address, links, reply_timeout_ms, tls, .. } = self;
        let addresses = match address {
            Addresses::One(address) => vec![address],
            Addresses::Several(addresses) => addresses,
        };
        if addresses.is_empty() {
            return Err(Fault::plain(format!("bank.address: {name} has none")));
        }
        if !(1..=MOST_LINKS).contains(&links) {
            return Err(Fault::plain(format!("bank.links: {name} has 1 to {MOST_LINKS} an address")));
        }
        let block = (self.terminal_master_key_block_file, self.key_block_protection_key_file);
        let master_key = place(self.terminal_master_key_file, block, self.pkcs11, base)
            .map_err(|rule| Fault::plain(format!("bank {name}: {rule}")))?;
        let tls = tls.map(|tls| tls.checked(base)).transpose()?;
        let profile = profile.unwrap_or_else(|| name.clone());
        Ok(BankConfig { name, profile, addresses, links, master_key, reply_timeout_ms, tls })
    }
}

/// Where the key is; paths are below `base`.
fn place(
    file: Option<PathBuf>,
    block: (Option<PathBuf>, Option<PathBuf>),
    token: Option<Pkcs11Section>,
    base: &Path,
) -> Result<MasterKeyPlace, &'static str> {
    match (file, block, token) {
        (Some(file), (None, None), None) => Ok(MasterKeyPlace::File(base.join(file))),
        (None, (Some(block), Some(protection)), None) => {
            Ok(MasterKeyPlace::KeyBlock { block: base.join(block), protection: base.join(protection) })
        }
        (None, (None, None), Some(token)) => Ok(MasterKeyPlace::Token {
            module: base.join(token.module),
            token_label: token.token_label,
            pin_file: base.join(token.pin_file),
            key_label: token.key_label,
        }),
        (None, (Some(_), None) | (None, Some(_)), None) => {
            Err("terminal_master_key_block_file and key_block_protection_key_file come together")
        }
        (None, (None, None), None) => {
            Err("one of terminal_master_key_file, terminal_master_key_block_file and pkcs11 is needed")
        }
        _ => Err("its terminal master key is in more than one place"),
    }
}
