//! Our side of the links to banks.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostlink::{
    BankProfile, Connect, Host, LinkParts, SHIPPED_BANKS, TcpConnect, shipped_bank, shipped_file,
};
use pcs::{LinkKeys, mac_algorithm};
use types::{Clock, Entropy, Secret};
use vault::{BankKeys, KeyBlockKey, KeyFamily, Token, TransportKey, Vault};
use zeroize::Zeroizing;

use crate::bank_tls::BankTls;
use crate::fault::{Fault, Tried as _};
use crate::serve::MasterKeyPlace;

/// The profile of a bank that comes with the program.
pub fn profile(name: &str) -> Result<Arc<BankProfile>, Fault> {
    if !SHIPPED_BANKS.contains(&name) {
        return Err(Fault::plain(format!("there is no bank {name}; there are {}", SHIPPED_BANKS.join(", "))));
    }
    Ok(Arc::new(shipped_bank(name).tried(format!("banks/{name}"))?))
}

/// The profile of a bank that is spoken to like one that comes with the program, and has a name of its own.
fn named(profile_name: &str, name: &str) -> Result<Arc<BankProfile>, Fault> {
    let shipped = profile(profile_name)?;
    if name == profile_name {
        return Ok(shipped);
    }
    let wrong = format!("bank {name} with the profile {profile_name}");
    let text = shipped_file(&format!("{profile_name}/bank.toml")).unwrap_or_default();
    let mut document: toml::Table = text.parse().tried(wrong.clone())?;
    document.insert("name".to_owned(), name.into());
    let named = BankProfile::from_toml(&document.to_string(), |path| shipped_file(path).map(str::to_owned));
    Ok(Arc::new(named.tried(wrong)?))
}

/// A bank as it is configured.
pub struct Wanted<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it is spoken to.
    pub profile: &'a str,
    /// Where it listens.
    pub addresses: &'a [String],
    /// Links to each address.
    pub links: usize,
    /// TLS under them; none: plain TCP.
    pub tls: Option<&'a BankTls>,
    /// What its working keys come under.
    pub master_key: &'a MasterKey,
    /// How long an answer is waited for; none takes the profile's.
    pub reply_timeout: Option<Duration>,
}

/// A bank behind links that begin to sign on. `index` numbers the banks of an installation.
///
/// Each link is a terminal of its own with keys of its own: a terminal signs on once, and the keys that it gets are good for
/// that connection.
pub fn bank(
    wanted: &Wanted<'_>,
    index: usize,
    vault: &Arc<Vault>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<pcs::Bank, Fault> {
    let Wanted { name, profile, addresses, links, tls, master_key, reply_timeout } = *wanted;
    let profile = named(profile, name)?;
    let mut all = Vec::new();
    for round in 0..links {
        for (place, address) in addresses.iter().enumerate() {
            let connect: Arc<dyn Connect> = match tls {
                Some(tls) => tls.connect_to(address).tried(format!("bank.tls of {name}"))?,
                None => Arc::new(TcpConnect::new(address.clone())),
            };
            all.push(LinkParts {
                terminal: terminal(index, round * addresses.len() + place),
                acceptor: format!("{:015}", index + 1),
                profile: Arc::clone(&profile),
                connect,
                security: Arc::new(LinkKeys::new(master_key.keys(&profile)?, Arc::clone(vault))),
                clock: Arc::clone(clock),
                entropy: Arc::clone(entropy),
            });
        }
    }
    if all.is_empty() {
        return Err(Fault::plain(format!("{name} has no address")));
    }
    let first = all.remove(0);
    Ok(pcs::Bank::new(Host::start(first, all), reply_timeout))
}

/// The terminal number of a bank's link: the bank's own for the first one, and a hundred more for each of the others.
fn terminal(bank: usize, link: usize) -> String {
    format!("{:08}", link * 100 + bank + 1)
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

    /// The keys of one link, before its first sign-on.
    pub fn keys(&self, profile: &BankProfile) -> Result<BankKeys, Fault> {
        let check_length = profile.key_field().map_or(4, |field| field.layout[0].2);
        let algorithm = mac_algorithm(profile.mac().algorithm);
        let keys = match self {
            Self::Software(key) => BankKeys::new(key.clone(), algorithm, check_length).map_err(Into::into),
            Self::Token { token, label } => BankKeys::in_token(token, label, algorithm, check_length),
        };
        keys.tried(format!("the keys of {}", profile.name()))
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

/// A key block protection key from a file that only its owner may read: 32, 48 or 64 hex digits of AES.
pub fn key_block_key(path: &Path) -> Result<KeyBlockKey, Fault> {
    let key = KeyBlockKey::from_hex(KeyFamily::Aes, read_secret(path)?.expose());
    key.tried(format!("cannot use {}", path.display()))
}

/// A file of one line that only its owner may read.
pub fn read_secret(path: &Path) -> Result<Secret<String>, Fault> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(path).tried(cannot())?;
    let mode = file.metadata().tried(cannot())?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(Fault::plain(format!("others than its owner may read {path}: chmod 600 {path}")));
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).tried(cannot())?;
    Ok(Secret::from(text.trim()))
}

/// A terminal master key from a file of 32 hex digits that only its owner may read.
pub fn read_key(path: &Path) -> Result<Secret<[u8; 16]>, Fault> {
    let text = read_secret(path)?;
    parse_key(text.expose()).ok_or_else(|| Fault::plain(format!("{} is not 32 hex digits", path.display())))
}

/// Sixteen bytes from 32 hex digits.
pub fn parse_key(text: &str) -> Option<Secret<[u8; 16]>> {
    let bytes = iso8583::parse_hex(text).ok()?;
    Some(Secret::new(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_profile_serves_under_another_name() {
        for profile in SHIPPED_BANKS {
            let named = named(profile, "north").unwrap();
            assert_eq!(
                (named.name(), named.dialect().name()),
                ("north", shipped_bank(profile).unwrap().dialect().name())
            );
        }
        assert!(named("iso87-ascii", "a name of seventeen").is_err());
    }

    /// The block was made with psec (Python) 1.3.0.
    #[test]
    fn a_key_block_in_a_file_gives_the_key_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
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
        std::fs::set_permissions(&block, std::fs::Permissions::from_mode(0o640)).unwrap();
        let told = MasterKey::at(&place).err().unwrap().to_string();
        assert!(told.contains("chmod 600"), "{told}");
    }
}
