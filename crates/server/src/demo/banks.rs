//! The demo's banks: simulators in this process, unless told otherwise, and our links to them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use banksim::BankConfig;
use hostlink::SHIPPED_BANKS;
use types::{Clock, Entropy, Secret};
use vault::Vault;

use super::data_dir::{DataDir, write_private};
use crate::fault::{Fault, Tried as _};
use crate::links::{self, MasterKey};

/// How long the demo waits for a bank's answer: long enough for a person to see it, short enough not to bore.
const REPLY_TIMEOUT: Duration = Duration::from_secs(3);
/// Messages that a simulator remembers for people.
const TRANSCRIPT_LINES: usize = 1_000;

/// One bank of the demo.
pub struct DemoBank {
    /// Its name.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// The simulator, when it runs in this process.
    pub simulator: Option<Arc<banksim::Bank>>,
}

/// Starts the simulators and the links.
pub async fn start(
    dir: &DataDir,
    external: &[(String, SocketAddr)],
    vault: &Arc<Vault>,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> Result<(Vec<DemoBank>, Vec<pcs::Bank>), Fault> {
    for (name, _) in external {
        links::profile(name)?;
    }
    let (mut demo_banks, mut banks) = (Vec::new(), Vec::new());
    for (index, name) in SHIPPED_BANKS.into_iter().enumerate() {
        let profile = links::profile(name)?;
        let tmk = terminal_master_key(dir, name, &**entropy)?;
        let elsewhere = external.iter().find(|(external, _)| external == name).map(|(_, address)| *address);
        let (address, simulator) = match elsewhere {
            Some(address) => (address, None),
            None => {
                let config = BankConfig {
                    profile: Arc::clone(&profile),
                    tmk: tmk.clone(),
                    listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
                    log: Some(dir.join(&format!("banks/{name}.log"))),
                    clock: Arc::clone(clock),
                    entropy: Arc::clone(entropy),
                    transcript_lines: TRANSCRIPT_LINES,
                };
                let bank = banksim::Bank::start(config)
                    .await
                    .tried(format!("cannot start the simulated bank {name}"))?;
                let address =
                    bank.address().ok_or_else(|| Fault::plain("a simulated bank does not listen"))?;
                (address, Some(Arc::new(bank)))
            }
        };
        let wanted = links::Wanted {
            name,
            profile: name,
            addresses: &[address.to_string()],
            links: 1,
            tls: None,
            master_key: &MasterKey::tdes(&tmk)?,
            reply_timeout: Some(REPLY_TIMEOUT),
        };
        banks.push(links::bank(&wanted, index, vault, clock, entropy)?);
        demo_banks.push(DemoBank { name, address, simulator });
    }
    Ok((demo_banks, banks))
}

/// The key that the gateway and a simulated bank share; made at the first start. A real bank's key comes in components and
/// goes to the vault; a simulator's lies in a file, so that a simulator elsewhere can be given the same.
fn terminal_master_key(dir: &DataDir, name: &str, entropy: &dyn Entropy) -> Result<Secret<[u8; 16]>, Fault> {
    let path = dir.join(&format!("banks/{name}.tmk"));
    if let Ok(text) = std::fs::read_to_string(&path) {
        return links::parse_key(text.trim())
            .ok_or_else(|| Fault::plain(format!("{} is not 32 hex digits", path.display())));
    }
    let mut key = [0; 16];
    entropy.fill(&mut key);
    for byte in &mut key {
        // DES keys have odd parity: the last bit of each byte makes the number of ones odd.
        *byte = (*byte & 0xfe) | u8::from((*byte & 0xfe).count_ones() % 2 == 0);
    }
    let text: String = key.iter().map(|byte| format!("{byte:02X}")).collect();
    write_private(&path, text.as_bytes())?;
    Ok(Secret::new(key))
}
