//! A world of one bank, one link and one card.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use banksim::{Bank, BankConfig};
use card::{Expiry, Pan, SecurityCode};
use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use hostlink::{
    BankProfile, CardFields, Connect, Connecting, Host, HostLink, KeyUsage, LinkParts, LinkSecurity,
    LinkState, MacAlgorithm, Original, Outcome, Reply, SecurityError, Stream, TcpConnect, Transaction,
    TransactionData, TransactionRequest, WrappedKey, shipped_bank,
};
use iso8583::Fields;
use tokio::time::Instant;
use types::{Clock, Currency, Entropy, Money, Secret, Timestamp};

pub const TMK: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
pub const ACCEPTOR: &str = "104110045110012";

/// Chance from a seed (splitmix64).
pub struct Seeded(AtomicU64);

impl Seeded {
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let mut z = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A clock that stands still.
pub struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_796_113_800_000)
    }
}

/// The keys of a link in software: for tests only.
pub struct SoftKeys {
    algorithm: MacAlgorithm,
    mac: Mutex<Option<Vec<u8>>>,
    previous: Mutex<Option<Vec<u8>>>,
    pub installed: AtomicU32,
}

impl SoftKeys {
    pub fn new(algorithm: MacAlgorithm) -> Self {
        Self { algorithm, mac: Mutex::new(None), previous: Mutex::new(None), installed: AtomicU32::new(0) }
    }

    /// Whether an old key is still kept.
    pub fn keeps_previous(&self) -> bool {
        self.previous.lock().unwrap().is_some()
    }
}

fn single(key: &[u8], block: [u8; 8], forward: bool) -> [u8; 8] {
    let cipher = Des::new_from_slice(key).unwrap();
    let mut block = block.into();
    if forward {
        cipher.encrypt_block(&mut block)
    } else {
        cipher.decrypt_block(&mut block)
    }
    block.into()
}

fn any_length(key: &[u8], block: [u8; 8]) -> [u8; 8] {
    if key.len() == 8 {
        return single(key, block, true);
    }
    single(&key[..8], single(&key[8..], single(&key[..8], block, true), false), true)
}

fn padded(input: &[u8]) -> Vec<[u8; 8]> {
    let mut bytes = input.to_vec();
    bytes.resize(input.len().next_multiple_of(8), 0);
    bytes.as_chunks::<8>().0.to_vec()
}

fn soft_mac(algorithm: MacAlgorithm, key: &[u8], input: &[u8]) -> [u8; 8] {
    let xor = |a: [u8; 8], b: [u8; 8]| std::array::from_fn(|i| a[i] ^ b[i]);
    match algorithm {
        MacAlgorithm::X9_19 => {
            let left = Des::new_from_slice(&key[..8]).unwrap();
            let state = padded(input).into_iter().fold([0; 8], |state, block| {
                let mut block = xor(state, block).into();
                left.encrypt_block(&mut block);
                block.into()
            });
            single(&key[..8], single(&key[8..], state, false), true)
        }
        MacAlgorithm::CupsEcb => {
            let folded = padded(input).into_iter().fold([0; 8], xor);
            let hex = |block: [u8; 8]| block.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
            let half = |text: &str| <[u8; 8]>::try_from(text.as_bytes()).unwrap();
            let text = hex(folded);
            let first = any_length(key, half(&text[..8]));
            half(&hex(any_length(key, xor(first, half(&text[8..]))))[..8])
        }
        MacAlgorithm::X9_9 | MacAlgorithm::AesCmac => unreachable!("no bank shipped here uses it"),
    }
}

impl LinkSecurity for SoftKeys {
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], SecurityError> {
        let key = self.mac.lock().unwrap();
        Ok(soft_mac(self.algorithm, key.as_ref().ok_or(SecurityError::NoMacKey)?, input))
    }

    fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.mac(input).is_ok_and(|own| own == *mac)
    }

    fn verify_previous(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        let key = self.previous.lock().unwrap();
        key.as_ref().is_some_and(|key| soft_mac(self.algorithm, key, input) == *mac)
    }

    fn forget_previous_keys(&self) {
        *self.previous.lock().unwrap() = None;
    }

    fn install_working_keys(&self, wrapped: &[WrappedKey]) -> Result<(), SecurityError> {
        for key in wrapped {
            let cipher = TdesEde2::new_from_slice(&TMK).unwrap();
            let mut clear = Vec::new();
            for chunk in key.bytes.as_chunks::<8>().0 {
                let mut block = (*chunk).into();
                cipher.decrypt_block(&mut block);
                clear.extend_from_slice(&<[u8; 8]>::from(block));
            }
            if !any_length(&clear, [0; 8]).starts_with(&key.check_value) {
                return Err(SecurityError::CheckValueMismatch(key.usage));
            }
            if key.usage == KeyUsage::Mac {
                let old = self.mac.lock().unwrap().replace(clear);
                *self.previous.lock().unwrap() = old;
            }
        }
        self.installed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// Connects to a simulated bank without a network.
struct ToBank(Arc<Bank>);

impl Connect for ToBank {
    fn connect(&self) -> Connecting<'_> {
        let stream = self.0.connect();
        Box::pin(async move { Ok(Box::new(stream) as Box<dyn Stream>) })
    }
}

pub struct World {
    pub bank: Arc<Bank>,
    pub host: Host,
    /// The first of the host's links.
    pub link: HostLink,
    pub keys: Arc<SoftKeys>,
    pub terminal: String,
    stan: AtomicU32,
}

pub fn parts(profile: &Arc<BankProfile>, connect: Arc<dyn Connect>) -> (LinkParts, Arc<SoftKeys>) {
    let keys = Arc::new(SoftKeys::new(profile.mac().algorithm));
    let parts = LinkParts {
        profile: Arc::clone(profile),
        terminal: "00000001".to_owned(),
        acceptor: ACCEPTOR.to_owned(),
        connect,
        security: Arc::clone(&keys) as Arc<dyn LinkSecurity>,
        clock: Arc::new(Noon),
        entropy: Arc::new(Seeded::new(7)),
    };
    (parts, keys)
}

pub async fn bank(profile: &Arc<BankProfile>, tcp: bool) -> Arc<Bank> {
    let config = BankConfig {
        profile: Arc::clone(profile),
        tmk: Secret::new(TMK),
        listen: tcp.then(|| "127.0.0.1:0".parse().unwrap()),
        log: None,
        clock: Arc::new(Noon),
        entropy: Arc::new(Seeded::new(42)),
        transcript_lines: 1000,
    };
    Arc::new(Bank::start(config).await.unwrap())
}

impl World {
    /// A bank and a link to it that is up, in memory.
    pub async fn of(name: &str) -> Self {
        Self::with(Arc::new(shipped_bank(name).unwrap()), false).await
    }

    /// The same over TCP.
    pub async fn over_tcp(name: &str) -> Self {
        Self::with(Arc::new(shipped_bank(name).unwrap()), true).await
    }

    pub async fn with(profile: Arc<BankProfile>, tcp: bool) -> Self {
        let bank = bank(&profile, tcp).await;
        let world = Self::not_yet_up(&profile, bank);
        world.until(LinkState::Up).await;
        world
    }

    pub fn not_yet_up(profile: &Arc<BankProfile>, bank: Arc<Bank>) -> Self {
        Self::over_links(profile, bank, 1)
    }

    /// A host of so many links, each with keys of its own.
    pub fn over_links(profile: &Arc<BankProfile>, bank: Arc<Bank>, links: usize) -> Self {
        let connect: Arc<dyn Connect> = match bank.address() {
            Some(address) => Arc::new(TcpConnect::new(address.to_string())),
            None => Arc::new(ToBank(Arc::clone(&bank))),
        };
        let (first, keys) = parts(profile, Arc::clone(&connect));
        let others = (1..links).map(|_| parts(profile, Arc::clone(&connect)).0).collect();
        let host = Host::start(first, others);
        let link = host.links()[0].clone();
        Self { bank, host, link, keys, terminal: "00000001".to_owned(), stan: AtomicU32::new(1) }
    }

    /// A host of so many links, all up.
    pub async fn of_links(profile: &Arc<BankProfile>, links: usize) -> Self {
        let world = Self::over_links(profile, bank(profile, false).await, links);
        for link in world.host.links() {
            link.state().wait_for(|state| *state == LinkState::Up).await.unwrap();
        }
        world
    }

    pub async fn until(&self, state: LinkState) {
        self.link.state().wait_for(|now| *now == state).await.unwrap();
    }

    pub fn currency(&self) -> Currency {
        self.link.profile().currencies()[0]
    }

    pub fn money(&self, minor: u64) -> Money {
        Money::new(minor, self.currency()).unwrap()
    }

    pub fn next_stan(&self) -> u32 {
        self.stan.fetch_add(1, Ordering::Relaxed)
    }

    pub fn data(&self, minor: u64, original: Option<Original>) -> TransactionData {
        TransactionData {
            amount: self.money(minor),
            stan: self.next_stan(),
            at: Noon.now(),
            rrn: None,
            terminal: self.terminal.clone(),
            acceptor: ACCEPTOR.to_owned(),
            batch: self.link.facts().batch,
            original,
            reason: None,
            entry: card::Entry::default(),
        }
    }

    pub fn message(&self, transaction: Transaction, data: &TransactionData) -> Fields {
        self.link.profile().message(transaction, data).unwrap()
    }

    pub fn deadline(&self) -> Instant {
        Instant::now() + self.link.profile().timers().reply_timeout
    }

    /// Sends a transaction with a card and gives back what was sent with how it ended.
    pub async fn send(&self, transaction: Transaction, data: &TransactionData, pan: &str) -> Outcome {
        let fields = self.message(transaction, data);
        self.send_fields(transaction, fields, pan).await
    }

    pub async fn send_fields(&self, transaction: Transaction, fields: Fields, pan: &str) -> Outcome {
        let request = TransactionRequest { transaction, fields, card: Some(card(pan)) };
        self.host.request(request, self.deadline()).await
    }

    /// A sale of `minor` units.
    pub async fn consume(&self, minor: u64, pan: &str) -> Outcome {
        self.send(Transaction::Consume, &self.data(minor, None), pan).await
    }

    /// The reversal of what was sent with `data`.
    pub fn reversal_of(&self, transaction: Transaction, data: &TransactionData) -> TransactionData {
        let original = original(transaction, data, None);
        TransactionData { reason: Some("98".to_owned()), ..self.data(data.amount.minor(), Some(original)) }
    }

    /// A card that approves everything.
    pub fn good_card(&self) -> &'static str {
        banksim::cards()[0].pan
    }
}

pub fn card(pan: &str) -> CardFields {
    CardFields {
        pan: Pan::parse(pan).unwrap(),
        expiry: Some(Expiry::from_yymm("3012").unwrap()),
        security_code: Some(SecurityCode::parse("123").unwrap()),
        present: None,
    }
}

/// What a later message says of an earlier one.
pub fn original(transaction: Transaction, data: &TransactionData, reply: Option<&Reply>) -> Original {
    let field = |de| reply.and_then(|reply| reply.fields.get(de)).map(str::to_owned);
    Original {
        transaction,
        amount: data.amount,
        stan: data.stan,
        at: data.at,
        rrn: field(37),
        authorization_code: field(38),
        batch: data.batch.clone(),
        entry: data.entry,
    }
}

#[track_caller]
pub fn reply(outcome: Outcome) -> Reply {
    match outcome {
        Outcome::Reply(reply) => reply,
        other => panic!("wanted an answer, got {other:?}"),
    }
}

/// Lets everything that can happen now happen.
pub async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

impl World {
    /// A sale on a link that never signed on: there is no batch, so one is made up.
    pub async fn consume_unsigned(&self) -> Outcome {
        let data = TransactionData { batch: Some("000001".to_owned()), ..self.data(100, None) };
        self.send(Transaction::Consume, &data, self.good_card()).await
    }
}
