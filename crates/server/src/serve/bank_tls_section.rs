//! `[bank.tls]`: whom the bank's links believe, and as whom they come.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::bank_tls::BankTls;
use crate::fault::Fault;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankTlsSection {
    ca_file: PathBuf,
    certificate_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    server_name: Option<String>,
}

impl BankTlsSection {
    /// Paths are below `base`.
    pub fn checked(self, base: &Path) -> Result<BankTls, Fault> {
        let identity = match (self.certificate_file, self.key_file) {
            (Some(certificate), Some(key)) => Some((base.join(certificate), base.join(key))),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                let rule = "bank.tls.certificate_file and bank.tls.key_file come together or not at all";
                return Err(Fault::plain(rule));
            }
        };
        Ok(BankTls { ca_file: base.join(self.ca_file), identity, server_name: self.server_name })
    }
}
