//! A simulated bank and the gateway's link to it, over memory instead of a network.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::{
    BankProfile, Connect, Connecting, HostLink, KeyUsage, LinkParts, LinkSecurity, MacAlgorithm,
    SecurityError, Stream, WrappedKey, shipped_bank, shipped_file,
};
use types::{Clock, Entropy, Secret};
use vault::{BankKeyError, BankKeys, KeyFamily, TransportKey};

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
        reply_timeout: Duration,
    ) -> pcs::Bank {
        let transport = TransportKey::from_bytes(KeyFamily::TripleDes, &TMK).unwrap();
        let check_length = self.profile.key_field().map_or(4, |field| field.layout[0].2);
        let keys = BankKeys::new(transport, algorithm(self.profile.mac().algorithm), check_length).unwrap();
        let link = HostLink::start(LinkParts {
            profile: Arc::clone(&self.profile),
            terminal: "00000001".to_owned(),
            acceptor: "000000000000001".to_owned(),
            connect: Arc::new(InMemory(Arc::clone(&self.sim))),
            security: Arc::new(Keys(keys)),
            clock,
            entropy,
        });
        pcs::Bank::new(link, Some(reply_timeout))
    }
}

/// The twin has a name of its own and nothing else.
fn profile(name: &str) -> BankProfile {
    if name != TWIN {
        return shipped_bank(name).unwrap();
    }
    let text = shipped_file("iso87-ascii/bank.toml").unwrap();
    let text = text.replace("name = \"iso87-ascii\"", &format!("name = \"{TWIN}\""));
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

/// The vault's bank keys, as a link asks for them.
struct Keys(BankKeys);

impl LinkSecurity for Keys {
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], SecurityError> {
        self.0.mac(input).map_err(|_| SecurityError::NoMacKey)
    }

    fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.0.verify(input, mac)
    }

    fn install_working_keys(&self, wrapped: &[WrappedKey]) -> Result<(), SecurityError> {
        let usage = |usage| match usage {
            KeyUsage::Mac => Some(vault::KeyUsage::Mac),
            KeyUsage::Pin => Some(vault::KeyUsage::Pin),
            KeyUsage::Track => None,
        };
        let keys: Vec<_> = wrapped
            .iter()
            .filter_map(|key| {
                let usage = usage(key.usage)?;
                Some(vault::WrappedKey { usage, bytes: &key.bytes, check_value: &key.check_value })
            })
            .collect();
        self.0.install_working_keys(&keys).map_err(|error| match error {
            BankKeyError::CheckValue { .. } => SecurityError::CheckValueMismatch(KeyUsage::Mac),
            _ => SecurityError::KeyUnfit(KeyUsage::Mac),
        })
    }
}

const fn algorithm(algorithm: MacAlgorithm) -> vault::MacAlgorithm {
    match algorithm {
        MacAlgorithm::X9_9 => vault::MacAlgorithm::X9_9,
        MacAlgorithm::X9_19 => vault::MacAlgorithm::X9_19,
        MacAlgorithm::CupsEcb => vault::MacAlgorithm::CupsEcb,
        MacAlgorithm::AesCmac => vault::MacAlgorithm::AesCmac,
    }
}
