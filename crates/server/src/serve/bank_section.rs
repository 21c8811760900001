//! `[[bank]]`: where a bank is, and where the key that is shared with it lies.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::fault::Fault;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankSection {
    name: String,
    address: String,
    terminal_master_key_file: Option<PathBuf>,
    terminal_master_key_block_file: Option<PathBuf>,
    key_block_protection_key_file: Option<PathBuf>,
    pkcs11: Option<Pkcs11Section>,
    reply_timeout_ms: Option<u64>,
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
    pub address: String,
    pub master_key: MasterKeyPlace,
    pub reply_timeout_ms: Option<u64>,
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
        let name = self.name;
        let wrong = |rule: &str| Err(Fault::plain(format!("bank {name}: {rule}")));
        let block = (self.terminal_master_key_block_file, self.key_block_protection_key_file);
        let master_key = match (self.terminal_master_key_file, block, self.pkcs11) {
            (Some(file), (None, None), None) => MasterKeyPlace::File(base.join(file)),
            (None, (Some(block), Some(protection)), None) => {
                MasterKeyPlace::KeyBlock { block: base.join(block), protection: base.join(protection) }
            }
            (None, (None, None), Some(token)) => MasterKeyPlace::Token {
                module: base.join(token.module),
                token_label: token.token_label,
                pin_file: base.join(token.pin_file),
                key_label: token.key_label,
            },
            (None, (Some(_), None) | (None, Some(_)), None) => {
                return wrong(
                    "terminal_master_key_block_file and key_block_protection_key_file come together",
                );
            }
            (None, (None, None), None) => {
                return wrong(
                    "one of terminal_master_key_file, terminal_master_key_block_file and pkcs11 is needed",
                );
            }
            _ => return wrong("its terminal master key is in more than one place"),
        };
        Ok(BankConfig { name, address: self.address, master_key, reply_timeout_ms: self.reply_timeout_ms })
    }
}
