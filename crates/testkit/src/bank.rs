//! A simulated bank and the gateway's link to it, over memory instead of a network.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::{BankProfile, Connect, Connecting, HostLink, LinkParts, Stream, shipped_bank, shipped_file};
use pcs::{LinkKeys, mac_algorithm};
use types::{Clock, Entropy, Secret};
use vault::{BankKeys, KeyFamily, TransportKey, Vault};

use crate::TWIN;

/// A terminal master key for tests; every byte has odd parity.
const TMK: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
const TRANSCRIPT_LINES: usize = 10_000;

/// A bank of the world.
pub struct SimulatedBank {
    profile: Arc<BankProfile>,
    sim: Arc<Bank>,
}

impl SimulatedBank {
    /// Starts the far end of a bank that the gateway ships, or of its twin.
    pub async fn start(name: &str, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let profile = Arc::new(profile(name));
        let config = BankConfig {
            profile: Arc::clone(&profile),
            tmk: Secret::new(TMK),
            listen: None,
            log: None,
            clock,
            entropy,
            transcript_lines: TRANSCRIPT_LINES,
        };
        Self { profile, sim: Arc::new(Bank::start(config).await.unwrap()) }
    }

    /// The simulator: faults, totals, transcript.
    pub fn sim(&self) -> &Bank {
        &self.sim
    }

    /// The same, to be shared.
    pub fn handle(&self) -> Arc<Bank> {
        Arc::clone(&self.sim)
    }

    /// The bank's name in contracts.
    pub fn name(&self) -> &str {
        self.profile.name()
    }

    /// A new link of a gateway to this bank.
    pub fn link(
        &self,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        vault: Arc<Vault>,
        reply_timeout: Duration,
    ) -> pcs::Bank {
        let transport = TransportKey::from_bytes(KeyFamily::TripleDes, &TMK).unwrap();
        let check_length = self.profile.key_field().map_or(4, |field| field.layout[0].2);
        let keys =
            BankKeys::new(transport, mac_algorithm(self.profile.mac().algorithm), check_length).unwrap();
        let link = HostLink::start(LinkParts {
            profile: Arc::clone(&self.profile),
            terminal: "00000001".to_owned(),
            acceptor: "000000000000001".to_owned(),
            connect: Arc::new(InMemory(Arc::clone(&self.sim))),
            security: Arc::new(LinkKeys::new(keys, vault)),
            clock,
            entropy,
        });
        pcs::Bank::new(link, Some(reply_timeout))
    }
}

/// The twin has a name of its own, and takes no offline sales.
fn profile(name: &str) -> BankProfile {
    if name != TWIN {
        return shipped_bank(name).unwrap();
    }
    let text = shipped_file("iso87-ascii/bank.toml").unwrap();
    let text = text.replace("name = \"iso87-ascii\"", &format!("name = \"{TWIN}\""));
    let offline = text.find("[transactions.offline_sale]").expect("its twin takes them");
    let (before, rest) = text.split_at(offline);
    let behind = rest.find("[transactions.balance_inquiry]").expect("the next transaction");
    let text = format!("{before}{}", &rest[behind..]);
    BankProfile::from_toml(&text, |path| shipped_file(path).map(str::to_owned)).unwrap()
}

/// Reaches a bank without a network.
struct InMemory(Arc<Bank>);

impl Connect for InMemory {
    fn connect(&self) -> Connecting<'_> {
        let stream: Box<dyn Stream> = Box::new(self.0.connect());
        Box::pin(std::future::ready(io::Result::Ok(stream)))
    }
}
