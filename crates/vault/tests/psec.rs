//! The same questions to us and to psec (Python, MIT), an independent library. `cargo xtask test` installs it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use card::Pan;
use vault::{
    BankKey, Exportability, FirstBlock, KeyBlockKey, KeyFamily, KeyType, MacAlgorithm, MacPadding,
    OptionalBlock, PinBlockFormat, PinZone, SystemEntropy, translate_pin,
};

/// A Python that answers line by line; it ends when its input does.
struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let python = std::env::var("LIAN_TEST_PYTHON").expect(
            "LIAN_TEST_PYTHON names a Python with the packages of xtask/requirements.txt; `cargo xtask test` sets it up",
        );
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/oracle_psec.py");
        let mut child = Command::new(python)
            .args(["-W", "ignore", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a Python");
        let questions = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, questions, answers }
    }

    fn ask(&mut self, question: &[&str]) -> String {
        let line = question.join(" ");
        writeln!(self.questions.as_mut().unwrap(), "{line}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        let answer = answer.trim().to_owned();
        assert!(!answer.is_empty() && !answer.starts_with("refused"), "{line}: {answer}");
        answer
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.questions.take());
        // It has ended, or ends with its input.
        let _ = self.child.wait();
    }
}

/// Numbers from a seed (SplitMix64), so that a failure comes again.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// A key, with odd parity where DES wants it.
    fn key(&mut self, family: KeyFamily, count: usize) -> Vec<u8> {
        let mut key = self.bytes(count);
        if family == KeyFamily::TripleDes {
            key.iter_mut().for_each(|byte| *byte ^= u8::from(byte.count_ones() % 2 == 0));
        }
        key
    }
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { bytes.iter().map(|byte| format!("{byte:02x}")).collect() }
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn key(key_type: KeyType, family: KeyFamily, bytes: &[u8]) -> BankKey {
    BankKey::from_bytes(key_type, family, bytes).unwrap()
}

#[test]
fn macs_and_check_values_are_those_of_psec() {
    let (mut oracle, mut chance) = (Oracle::start(), Seeded(1));
    for round in 0..100 {
        let count = 1 + chance.below(80);
        let input = chance.bytes(count);
        for (algorithm, count, question) in [
            (MacAlgorithm::X9_9, 8, "cbc_mac"),
            (MacAlgorithm::TdesCbc, 16, "cbc_mac"),
            (MacAlgorithm::TdesCbc, 24, "cbc_mac"),
            (MacAlgorithm::X9_19, 16, "retail_mac"),
        ] {
            let bytes = chance.key(KeyFamily::TripleDes, count);
            let ours = key(KeyType::Tak, KeyFamily::TripleDes, &bytes);
            for (padding, number) in [(MacPadding::Method1, "1"), (MacPadding::Method2, "2")] {
                let mac = ours.mac(algorithm, padding, &input).unwrap();
                let theirs = oracle.ask(&[question, &hex(&bytes), number, &hex(&input)]);
                assert_eq!(hex(&mac), theirs, "round {round}: {algorithm} {padding:?}");
            }
            let theirs = oracle.ask(&["tdes_check_value", &hex(&bytes)]);
            assert_eq!(hex(&ours.check_value().unwrap()), theirs);
        }
    }
}

const FORMATS: [(PinBlockFormat, &str); 4] = [
    (PinBlockFormat::Format0, "0"),
    (PinBlockFormat::Format1, "1"),
    (PinBlockFormat::Format3, "3"),
    (PinBlockFormat::Format4, "4"),
];

#[test]
fn pin_blocks_of_psec_are_translated_into_blocks_that_psec_reads() {
    let (mut oracle, mut chance) = (Oracle::start(), Seeded(2));
    let mut translated = 0;
    for round in 0..25 {
        let pan = ["4012345678909", "6222021234567894", "4111111111111111"][chance.below(3)];
        let digits = 4 + chance.below(9);
        let pin: String = (0..digits).map(|_| char::from(b'0' + chance.below(10) as u8)).collect();
        for (from, from_name) in FORMATS {
            for (to, to_name) in FORMATS {
                if to == PinBlockFormat::Format1 && from != to {
                    continue;
                }
                let sizes = |format: PinBlockFormat| match format.family() {
                    KeyFamily::TripleDes => [16, 24, 16],
                    KeyFamily::Aes => [16, 24, 32],
                };
                let terminal = sizes(from)[chance.below(3)];
                let terminal = chance.key(from.family(), terminal);
                let zone = sizes(to)[chance.below(3)];
                let zone = chance.key(to.family(), zone);
                let block = unhex(&oracle.ask(&["pin_encrypt", from_name, &hex(&terminal), pan, &pin]));
                let terminal = key(KeyType::Tpk, from.family(), &terminal);
                let out = translate_pin(
                    &block,
                    &Pan::parse(pan).unwrap(),
                    PinZone { key: &terminal, format: from },
                    PinZone { key: &key(KeyType::Zpk, to.family(), &zone), format: to },
                    &SystemEntropy,
                );
                let out = hex(&out.unwrap());
                let theirs = oracle.ask(&["pin_decrypt", to_name, &hex(&zone), pan, &out]);
                assert_eq!(theirs, pin, "round {round}: {from:?} to {to:?}");
                translated += 1;
            }
        }
    }
    assert_eq!(translated, 25 * 13);
}

#[test]
fn first_blocks_are_read_by_psec_and_hold_the_key_that_the_components_make() {
    let (mut oracle, mut chance) = (Oracle::start(), Seeded(4));
    for (protected_by, version) in [(KeyFamily::Aes, "D"), (KeyFamily::TripleDes, "B")] {
        let bytes = if protected_by == KeyFamily::Aes { 32 } else { 24 };
        let protection = hex(&chance.key(protected_by, bytes));
        let ours = KeyBlockKey::from_hex(protected_by, &protection).unwrap();
        for (usage, mode, letter, exportability) in [
            ("K0", 'B', "N", Exportability::NonExportable),
            ("K0", 'D', "E", Exportability::Exportable),
            ("P0", 'E', "N", Exportability::NonExportable),
            ("B0", 'X', "S", Exportability::Sensitive),
            ("M3", 'G', "N", Exportability::NonExportable),
        ] {
            let bytes = chance.key(KeyFamily::TripleDes, 16);
            let shares = [chance.bytes(16), chance.bytes(16)];
            let last: Vec<u8> = (0..16).map(|at| bytes[at] ^ shares[0][at] ^ shares[1][at]).collect();
            let components = [hex(&shares[0]), hex(&shares[1]), hex(&last)];
            let components = components.each_ref().map(String::as_str);
            let said = FirstBlock { usage, mode, exportability };
            let made = ours.wrap_components(&components, KeyFamily::TripleDes, said, &SystemEntropy);
            let (block, check_value) = made.unwrap();
            let wanted = format!("{version}{usage}T{mode}{letter} {} -", hex(&bytes));
            assert_eq!(oracle.ask(&["block_unwrap", &protection, &block]), wanted);
            assert_eq!(hex(&check_value), oracle.ask(&["tdes_check_value", &hex(&bytes)]));
        }
    }
}

#[test]
fn key_blocks_go_both_ways() {
    let (mut oracle, mut chance) = (Oracle::start(), Seeded(3));
    for round in 0..25 {
        for (version, family, protection_bytes) in [
            ("A", KeyFamily::TripleDes, 16),
            ("B", KeyFamily::TripleDes, 16),
            ("B", KeyFamily::TripleDes, 24),
            ("C", KeyFamily::TripleDes, 24),
            ("D", KeyFamily::Aes, 16),
            ("D", KeyFamily::Aes, 24),
            ("D", KeyFamily::Aes, 32),
        ] {
            let protection = hex(&chance.key(family, protection_bytes));
            let ours = KeyBlockKey::from_hex(family, &protection).unwrap();
            let bytes = chance.key(KeyFamily::TripleDes, 16);
            let serial = if round % 2 == 0 { "00604B120F9292800000" } else { "-" };
            let about = format!("round {round}: version {version}, {protection_bytes} bytes");

            // Theirs, read by us: the MAC shows that the key is whole.
            let block =
                oracle.ask(&["block_wrap", version, "M3", "T", "C", &protection, &hex(&bytes), serial]);
            let read = ours.import(&block, KeyType::Zak).unwrap();
            let mac = read.mac(MacAlgorithm::X9_19, MacPadding::Method1, b"message").unwrap();
            let theirs = oracle.ask(&["retail_mac", &hex(&bytes), "1", &hex(b"message")]);
            assert_eq!(hex(&mac), theirs, "{about}");

            // Ours, read by them. We make B and D alone.
            let data = serial.to_owned();
            let optional =
                if serial == "-" { vec![] } else { vec![OptionalBlock { id: "KS".to_owned(), data }] };
            let written = key(KeyType::Zak, KeyFamily::TripleDes, &bytes);
            let block = ours.export(&written, "M3", optional, &SystemEntropy).unwrap();
            let made = if family == KeyFamily::Aes { "D" } else { "B" };
            let wanted = format!("{made}M3TCE {} {serial}", hex(&bytes));
            assert_eq!(oracle.ask(&["block_unwrap", &protection, &block]), wanted, "{about}");
        }
    }
}
