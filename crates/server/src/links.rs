//! Our side of the links to banks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostlink::{
    BankProfile, Connect, Host, LinkParts, SHIPPED_BANKS, TcpConnect, shipped_bank, shipped_file,
};
use types::{Clock, Entropy, Secret};
use vault::{BankKeys, KeyFamily, TransportKey};

use crate::bank_tls::BankTls;
use crate::fault::{Fault, Tried as _};
use crate::link_security::{VaultSecurity, algorithm};

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
    pub terminal_master_key: &'a Secret<[u8; 16]>,
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
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<pcs::Bank, Fault> {
    let Wanted { name, profile, addresses, links, tls, terminal_master_key, reply_timeout } = *wanted;
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
                security: Arc::new(VaultSecurity(keys(&profile, terminal_master_key)?)),
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

pub fn keys(profile: &BankProfile, terminal_master_key: &Secret<[u8; 16]>) -> Result<BankKeys, Fault> {
    let name = profile.name();
    let transport = TransportKey::from_bytes(KeyFamily::TripleDes, terminal_master_key.expose());
    let transport = transport.tried(format!("the terminal master key of {name}"))?;
    let check_length = profile.key_field().map_or(4, |field| field.layout[0].2);
    let keys = BankKeys::new(transport, algorithm(profile.mac().algorithm), check_length);
    keys.tried(format!("the keys of {name}"))
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
}
