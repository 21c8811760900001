//! A world of one bank, one link and one card.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use banksim::{Bank, BankConfig};
use card::{Expiry, Pan, PinFormat, SecurityCode};
use des::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use des::{Des, TdesEde2};
use hostlink::{
    BankProfile, CardFields, Connect, Connecting, Host, HostLink, KeyUsage, LinkParts, LinkSecurity,
    LinkState, MacAlgorithm, Original, Outcome, PinField, Reply, SecurityError, Stream, TcpConnect,
    Transaction, TransactionData, TransactionRequest, WrappedKey, shipped_bank,
};
use iso8583::{Fields, Mti};
use tokio::time::Instant;
use types::{Clock, Currency, Entropy, Money, Secret, Timestamp};
use zeroize::Zeroizing;

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
    mac: Mutex<Option<SoftKey>>,
    previous: Mutex<Option<SoftKey>>,
    pin: Mutex<Option<SoftKey>>,
    pub installed: AtomicU32,
}

impl SoftKeys {
    pub fn new(algorithm: MacAlgorithm) -> Self {
        Self {
            algorithm,
            mac: Mutex::new(None),
            previous: Mutex::new(None),
            pin: Mutex::new(None),
            installed: AtomicU32::new(0),
        }
    }

    /// Whether an old key is still kept.
    pub fn keeps_previous(&self) -> bool {
        self.previous.lock().unwrap().is_some()
    }
}

/// A key of one or two halves, taken up once: its schedule costs as much as several blocks.
struct SoftKey {
    left: Des,
    right: Option<Des>,
}

impl SoftKey {
    fn new(key: &[u8]) -> Self {
        let half = |half: &[u8]| Des::new_from_slice(half).unwrap();
        Self { left: half(&key[..8]), right: key.get(8..16).map(half) }
    }

    /// One block: DES, or Triple DES where there are two halves.
    fn encipher(&self, block: [u8; 8]) -> [u8; 8] {
        let mut block = block.into();
        self.left.encrypt_block(&mut block);
        if let Some(right) = &self.right {
            right.decrypt_block(&mut block);
            self.left.encrypt_block(&mut block);
        }
        block.into()
    }

    fn mac(&self, algorithm: MacAlgorithm, input: &[u8]) -> [u8; 8] {
        match algorithm {
            MacAlgorithm::X9_19 => {
                // Every block through the left half, the last one through both.
                let last = input.len().saturating_sub(1) / 8;
                blocks(input).enumerate().fold([0; 8], |chained, (place, block)| {
                    if place == last {
                        return self.encipher(xor(chained, block));
                    }
                    let mut block = xor(chained, block).into();
                    self.left.encrypt_block(&mut block);
                    block.into()
                })
            }
            MacAlgorithm::CupsEcb => {
                let folded = hex(blocks(input).fold([0; 8], xor));
                let half = |from: usize| std::array::from_fn(|i| folded[from + i]);
                let enciphered = hex(self.encipher(xor(self.encipher(half(0)), half(8))));
                std::array::from_fn(|i| enciphered[i])
            }
            MacAlgorithm::X9_9 | MacAlgorithm::AesCmac => unreachable!("no bank shipped here uses it"),
        }
    }
}

fn xor(a: [u8; 8], b: [u8; 8]) -> [u8; 8] {
    std::array::from_fn(|i| a[i] ^ b[i])
}

fn blocks(input: &[u8]) -> impl Iterator<Item = [u8; 8]> {
    input.chunks(8).map(|chunk| std::array::from_fn(|i| chunk.get(i).copied().unwrap_or(0)))
}

fn hex(block: [u8; 8]) -> [u8; 16] {
    std::array::from_fn(|i| {
        let nibble = if i % 2 == 0 { block[i / 2] >> 4 } else { block[i / 2] & 15 };
        b"0123456789ABCDEF"[usize::from(nibble)]
    })
}

impl LinkSecurity for SoftKeys {
    fn mac(&self, input: &[u8]) -> Result<[u8; 8], SecurityError> {
        let key = self.mac.lock().unwrap();
        Ok(key.as_ref().ok_or(SecurityError::NoMacKey)?.mac(self.algorithm, input))
    }

    fn verify(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        self.mac(input).is_ok_and(|own| own == *mac)
    }

    fn verify_previous(&self, input: &[u8], mac: &[u8; 8]) -> bool {
        let key = self.previous.lock().unwrap();
        key.as_ref().is_some_and(|key| key.mac(self.algorithm, input) == *mac)
    }

    fn forget_previous_keys(&self) {
        *self.previous.lock().unwrap() = None;
    }

    /// The terminals of these tests have no key: their blocks are clear, and the link enciphers them.
    fn translate_pin(
        &self,
        pin: &PinField,
        _: &Pan,
        to: PinFormat,
    ) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        assert_eq!(to, pin.sent.format);
        let key = self.pin.lock().unwrap();
        let key = key.as_ref().ok_or(SecurityError::NoPinKey)?;
        let block = pin.sent.block.as_slice().try_into().map_err(|_| SecurityError::PinUnreadable)?;
        Ok(Zeroizing::new(key.encipher(block).to_vec()))
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
            let taken_up = SoftKey::new(&clear);
            if !taken_up.encipher([0; 8]).starts_with(&key.check_value) {
                return Err(SecurityError::CheckValueMismatch(key.usage));
            }
            if key.usage == KeyUsage::Pin {
                *self.pin.lock().unwrap() = Some(taken_up);
            } else if key.usage == KeyUsage::Mac {
                let old = self.mac.lock().unwrap().replace(taken_up);
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
        Self::of_host(bank, Host::start(first, others), keys)
    }

    pub fn of_host(bank: Arc<Bank>, host: Host, keys: Arc<SoftKeys>) -> Self {
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
            offline: None,
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

    /// A message type of 1987 in the edition that the bank speaks, where it differs in the first digit alone.
    pub fn edition(&self, mti: Mti) -> Mti {
        let version = if self.link.profile().name() == "iso93-bcd" { "1" } else { "0" };
        Mti::parse(&format!("{version}{}", &mti.as_str()[1..])).unwrap()
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
        offline: data.offline.clone(),
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

/// The response code as 1987 has it, whatever the dialect: what a story compares.
pub trait Coded {
    fn code(&self) -> &str;
}

impl Coded for Reply {
    fn code(&self) -> &str {
        match self.response_code() {
            "000" | "400" | "800" => "00",
            "100" => "05",
            "914" => "25",
            "904" => "30",
            "208" => "41",
            "116" => "51",
            "101" => "54",
            "180" => "59",
            "080" => "A2",
            code => code,
        }
    }
}
