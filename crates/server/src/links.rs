//! Our side of the links to banks.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hostlink::{BankProfile, HostLink, LinkParts, SHIPPED_BANKS, TcpConnect, shipped_bank};
use types::{Clock, Entropy, Secret};
use vault::{BankKeys, KeyFamily, TransportKey};

use crate::fault::{Fault, Tried as _};
use crate::link_security::{VaultSecurity, algorithm};

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
    terminal_master_key: Secret<[u8; 16]>,
    index: usize,
    reply_timeout: Option<Duration>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<pcs::Bank, Fault> {
    let profile = profile(name)?;
    let transport = TransportKey::from_bytes(KeyFamily::TripleDes, terminal_master_key.expose());
    let transport = transport.tried(format!("the terminal master key of {name}"))?;
    let check_length = profile.key_field().map_or(4, |field| field.layout[0].2);
    let keys = BankKeys::new(transport, algorithm(profile.mac().algorithm), check_length);
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
