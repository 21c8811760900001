//! Our side of the links to banks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostlink::{BankProfile, HostLink, LinkParts, SHIPPED_BANKS, TcpConnect, shipped_bank};
use types::{Clock, Entropy, Secret};
use vault::{BankKeys, KeyBlockKey, KeyFamily, Token, TransportKey};

use crate::fault::{Fault, Tried as _};
use crate::link_security::{VaultSecurity, algorithm};
use crate::serve::MasterKeyPlace;

/// The profile of a bank that comes with the program.
pub fn profile(name: &str) -> Result<Arc<BankProfile>, Fault> {
    if !SHIPPED_BANKS.contains(&name) {
        return Err(Fault::plain(format!(
            "there is no bank {name}; there are {}",
            SHIPPED_BANKS.join(" and ")
        )));
    }
    Ok(Arc::new(shipped_bank(name).tried(format!("banks/{name}"))?))
}

/// A link to a bank, which begins to sign on. `index` numbers the banks of an installation.
pub fn bank(
    name: &str,
    address: &str,
    master_key: MasterKey,
    index: usize,
    reply_timeout: Option<Duration>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<pcs::Bank, Fault> {
    let profile = profile(name)?;
    let check_length = profile.key_field().map_or(4, |field| field.layout[0].2);
    let algorithm = algorithm(profile.mac().algorithm);
    let keys = match master_key {
        MasterKey::Software(key) => BankKeys::new(key, algorithm, check_length).map_err(Into::into),
        MasterKey::Token { token, label } => BankKeys::in_token(&token, &label, algorithm, check_length),
    };
    let keys = keys.tried(format!("the keys of {name}"))?;
    let link = HostLink::start(LinkParts {
        terminal: format!("{:08}", index + 1),
        acceptor: format!("{:015}", index + 1),
        profile,
        connect: Arc::new(TcpConnect::new(address.to_owned())),
        security: Arc::new(VaultSecurity(keys)),
        clock: Arc::clone(clock),
        entropy: Arc::clone(entropy),
    });
    Ok(pcs::Bank::new(link, reply_timeout))
}

/// The terminal master key of a bank, ready for use.
pub enum MasterKey {
    /// In this process.
    Software(TransportKey),
    /// In a token, under a label.
    Token { token: Arc<Token>, label: String },
}

impl MasterKey {
    /// A double-length Triple DES key.
    pub fn tdes(key: &Secret<[u8; 16]>) -> Result<Self, Fault> {
        let key = TransportKey::from_bytes(KeyFamily::TripleDes, key.expose());
        Ok(Self::Software(key.tried("the terminal master key")?))
    }

    /// The key from where a configuration says it is.
    pub fn at(place: &MasterKeyPlace) -> Result<Self, Fault> {
        match place {
            MasterKeyPlace::File(file) => {
                Self::tdes(&read_key(file)?).tried(format!("cannot use {}", file.display()))
            }
            MasterKeyPlace::KeyBlock { block, protection } => {
                let text = read_secret(block)?;
                // Version D is AES's; the others are Triple DES's.
                let family =
                    if text.expose().starts_with('D') { KeyFamily::Aes } else { KeyFamily::TripleDes };
                let protection_key = KeyBlockKey::from_hex(family, read_secret(protection)?.expose());
                let protection_key = protection_key.tried(format!("cannot use {}", protection.display()))?;
                let key = protection_key.import_transport_key(text.expose());
                Ok(Self::Software(key.tried(format!("cannot use {}", block.display()))?))
            }
            MasterKeyPlace::Token { module, token_label, pin_file, key_label } => {
                let token = Token::open(module, token_label, &read_secret(pin_file)?);
                Ok(Self::Token { token: token.tried("cannot use PKCS#11")?, label: key_label.clone() })
            }
        }
    }
}

/// A file of one line.
pub fn read_secret(path: &Path) -> Result<Secret<String>, Fault> {
    let text = Secret::new(std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?);
    Ok(Secret::from(text.expose().trim()))
}

/// A terminal master key from a file of 32 hex digits.
pub fn read_key(path: &Path) -> Result<Secret<[u8; 16]>, Fault> {
    let text = std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?;
    parse_key(text.trim()).ok_or_else(|| Fault::plain(format!("{} is not 32 hex digits", path.display())))
}

/// Sixteen bytes from 32 hex digits.
pub fn parse_key(text: &str) -> Option<Secret<[u8; 16]>> {
    let bytes = iso8583::parse_hex(text).ok()?;
    Some(Secret::new(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The block was made with psec (Python) 1.3.0.
    #[test]
    fn a_key_block_in_a_file_gives_the_key_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let block = file(
            "tmk.tr31",
            "D0112K0TD00N0000B4AAE7DF2EE7C502155623D816791CB0365D2471E443A061C1F2B2357AA592940AA94EF72EA87D6B1D5321ECC0B373DB\n",
        );
        let protection = file("kbpk", "88E0AB2A2F3DD38C 1FA138A437510DC8A87AB9D62CC82C01048FA79E45647CE6\n");
        let place = MasterKeyPlace::KeyBlock { block: block.clone(), protection };
        let Ok(MasterKey::Software(key)) = MasterKey::at(&place) else { panic!("no key") };
        assert_eq!(key.check_value(), [0x08, 0xd7, 0xb4]);
        std::fs::write(&block, "D0112K0TD00N0000B4AAE7DF2EE7C502155623D816791CB0365D2471E4430061C1F2B2357AA592940AA94EF72EA87D6B1D5321ECC0B373DB").unwrap();
        let told = MasterKey::at(&place).err().unwrap().to_string();
        assert!(told.contains("key block was altered, or is under another key"), "{told}");
    }
}
