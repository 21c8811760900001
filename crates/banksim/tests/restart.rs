//! The bank's state survives the end of its process, and a torn last line of its log.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use banksim::{Bank, BankConfig, BankError};
use hostlink::{BankProfile, shipped_bank};
use types::{Clock, Currency, Entropy, Secret, Timestamp};

struct Still;
impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_796_113_800_000)
    }
}

#[derive(Default)]
struct Counting(AtomicU64);
impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (self.0.fetch_add(0x9e37_79b9, Ordering::Relaxed) >> 16) as u8;
        }
    }
}

fn config(log: &Path, profile: BankProfile) -> BankConfig {
    BankConfig {
        profile: Arc::new(profile),
        tmk: Secret::new(*b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10"),
        listen: None,
        log: Some(log.to_owned()),
        clock: Arc::new(Still),
        entropy: Arc::new(Counting::default()),
        transcript_lines: 10,
    }
}

/// A file that is gone when the test ends.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("banksim-{}-{name}.jsonl", std::process::id()));
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const SALE: &str = concat!(
    r#"{"event":1,"reference":"2|00000001|SHOP|000001|000001","kind":"consume","amount":1250,"last4":"4242","#,
    r#""answer":{"code":"00","rrn":"000000000001","authorization_code":"000001"},"effect":"open","number":1,"record":"#,
    r#"{"kind":"sale","card":0,"currency":"CNY","amount":1250,"acceptor":"SHOP","authorization_code":"000001","#,
    r#""target":null}}"#,
);

#[tokio::test]
async fn a_bank_that_starts_again_remembers_and_cuts_off_a_torn_line() {
    let file = TempFile::new("torn");
    let mut log = std::fs::File::create(&file.0).unwrap();
    write!(log, "{SALE}\n{{\"event\":2,\"refer").unwrap();
    drop(log);
    for _ in 0..2 {
        let bank = Bank::start(config(&file.0, shipped_bank("cups-pos").unwrap())).await.unwrap();
        assert_eq!(bank.used("4242424242424242", Currency::CNY), Some(1250));
        assert_eq!(bank.totals()[&Currency::CNY].net_due["SHOP"], 1250);
        assert_eq!(std::fs::read_to_string(&file.0).unwrap(), format!("{SALE}\n"));
    }
}

#[tokio::test]
async fn damage_before_the_last_line_is_no_crash_and_stops_the_bank() {
    let file = TempFile::new("damaged");
    std::fs::write(&file.0, format!("not an event\n{SALE}\n")).unwrap();
    let refused = Bank::start(config(&file.0, shipped_bank("cups-pos").unwrap())).await;
    let Err(BankError::Log { source, .. }) = refused else { panic!("it started") };
    assert!(source.to_string().contains("line 1"), "{source}");
}
