//! Independent libraries on the other side: a bank and a terminal written in Python with pyiso8583 and psec hold the whole
//! dialogue, from sign-on to sign-off, with our link and with our simulated bank.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::Arc;

use hostlink::{
    BankProfile, BatchTotals, Count, Host, LinkEvent, LinkState, Original, ReconciliationData, SHIPPED_BANKS,
    TcpConnect, Transaction, TransactionData, TransactionRequest, UploadAnswer, UploadData, UploadItem,
    shipped_bank, shipped_file,
};
use tokio::time::Instant;
use types::{Clock, Currency, Money};

use crate::support::{ACCEPTOR, Coded as _, Noon, bank, card, original, parts, reply};

/// A Python process; killed when the test ends, however it ends.
struct Python {
    child: std::process::Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Python {
    fn start(script: &str, arguments: &[&str]) -> Self {
        let python = std::env::var("LIAN_TEST_PYTHON").expect(
            "LIAN_TEST_PYTHON names a Python with the packages of xtask/requirements.txt; `cargo xtask test` sets it up",
        );
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop");
        // No compiled copies of the scripts beside them.
        let mut child = Command::new(python)
            .args(["-B", "-W", "ignore", &format!("{folder}/{script}")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a Python");
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the other side says something").unwrap()
    }

    /// The next line that is about no echo: echoes come when they come.
    fn says(&mut self) -> String {
        loop {
            let line = self.line();
            if line != "echo" {
                return line;
            }
        }
    }

    fn expect(&mut self, lines: &[&str]) {
        for line in lines {
            assert_eq!(self.says(), *line);
        }
    }

    fn go_on(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap()).unwrap();
    }

    fn ends_well(mut self) {
        let rest: Vec<_> = (&mut self.lines).map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success(), "the other side complained, after {rest:?}");
        assert!(rest.is_empty(), "{rest:?}");
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shipped bank whose link does not wait a minute for its first echo, nor between two sign-ons.
fn eager(name: &str) -> Arc<BankProfile> {
    let text = shipped_file(&format!("{name}/bank.toml")).unwrap();
    let text = text.replace("echo_idle_ms = 60000", "echo_idle_ms = 50");
    let text = text.replace("sign_on_interval_ms = 5000", "sign_on_interval_ms = 1");
    Arc::new(BankProfile::from_toml(&text, |path| shipped_file(path).map(str::to_owned)).unwrap())
}

/// Our side of the dialogue.
struct Ours {
    host: Host,
    stan: u32,
}

impl Ours {
    fn currency(&self) -> Currency {
        self.host.profile().currencies()[0]
    }

    fn data(&mut self, minor: u64, original: Option<Original>) -> TransactionData {
        self.stan += 1;
        TransactionData {
            amount: Money::new(minor, self.currency()).unwrap(),
            stan: self.stan,
            at: Noon.now(),
            rrn: None,
            terminal: "00000001".to_owned(),
            acceptor: ACCEPTOR.to_owned(),
            batch: self.host.facts().batch,
            original,
            reason: Some("98".to_owned()),
            entry: card::Entry::default(),
            offline: None,
        }
    }

    async fn send(&self, transaction: Transaction, data: &TransactionData) -> String {
        let fields = self.host.profile().message(transaction, data).unwrap();
        let request = TransactionRequest { transaction, fields, card: Some(card("4242424242424242")) };
        let deadline = Instant::now() + self.host.profile().timers().reply_timeout;
        reply(self.host.request(request, deadline).await).code().to_owned()
    }

    async fn totals_agree(&mut self, totals: BatchTotals) -> Option<bool> {
        self.stan += 1;
        let data = ReconciliationData {
            totals,
            currency: self.currency(),
            stan: self.stan,
            at: Noon.now(),
            terminal: "00000001".to_owned(),
            acceptor: ACCEPTOR.to_owned(),
            batch: self.host.facts().batch,
            settlement_date: None,
        };
        let message = self.host.profile().totals_message(&data).unwrap().unwrap();
        let deadline = Instant::now() + self.host.profile().timers().reply_timeout;
        let answer = reply(self.host.ask(message, deadline).await);
        self.host.profile().in_balance(&answer)
    }

    /// Tells one item of the batch, and that it was all.
    async fn upload(&mut self, stan: u32, amount: u64) {
        let pan = card("4242424242424242").pan;
        let item = UploadItem { stan, amount, is_credit: false, pan: &pan };
        for is_end in [false, true] {
            self.stan += 1;
            let data = UploadData {
                stan: self.stan,
                at: Noon.now(),
                terminal: "00000001".to_owned(),
                acceptor: ACCEPTOR.to_owned(),
                batch: self.host.facts().batch,
            };
            let profile = self.host.profile();
            let message = if is_end {
                profile.upload_end_message(&data, 1)
            } else {
                profile.upload_message(&data, &[item])
            };
            let deadline = Instant::now() + profile.timers().reply_timeout;
            let answer = reply(self.host.ask(message.unwrap().unwrap(), deadline).await);
            assert_eq!(profile.upload_answer(&answer, is_end), UploadAnswer::Taken);
        }
    }
}

// The other side is waited for on this thread, while the link works on its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_bank_written_with_another_library_holds_the_whole_dialogue_with_our_link() {
    for name in SHIPPED_BANKS {
        let mut other = Python::start("bank_pyiso8583.py", &[name]);
        let port = other.line();
        let (parts, _) = parts(&eager(name), Arc::new(TcpConnect::new(format!("127.0.0.1:{port}"))));
        let host = Host::start(parts, Vec::new());
        let mut events = host.events();
        let mut ours = Ours { host: host.clone(), stan: 41 };

        host.until(|state| state == LinkState::Up).await;
        other.expect(&["sign-on", "keys"]);
        while other.line() != "echo" {}

        host.links()[0].exchange_keys().await;
        while host.counters().key_exchanges < 2 {
            tokio::task::yield_now().await;
        }
        let again: &[&str] = if name == "cups-pos" { &["sign-on", "keys"] } else { &["keys"] };
        other.expect(again);

        // Card, amount, expiry, security code and currency arrive whole.
        let sale = ours.data(12_50, None);
        assert_eq!(ours.send(Transaction::Consume, &sale).await, "00", "{name}");
        let about = match name {
            "cups-pos" => "156 000001",
            "iso93-bcd" => "826 633508000042",
            _ => "978 633508000042",
        };
        other.expect(&[&format!("sale 4242424242424242 000000001250 3012 CV03123 {about}")]);

        let undone = ours.data(3_00, None);
        assert_eq!(ours.send(Transaction::Consume, &undone).await, "00", "{name}");
        assert!(other.says().starts_with("sale "));
        let reversal = ours.data(3_00, Some(original(Transaction::Consume, &undone, None)));
        assert_eq!(ours.send(Transaction::Reversal, &reversal).await, "00", "{name}");
        other.expect(&["reversal of 000043 000000000300"]);

        if name == "cups-pos" {
            ours.upload(42, 12_50).await;
            other.expect(&[
                "item 00 000042 00004242424242424242 000000001250",
                "end of upload 00000001207 0001",
            ]);
        }
        let totals = BatchTotals {
            debits: Count { number: 2, amount: 15_50 },
            debit_reversals: Count { number: 1, amount: 3_00 },
            ..BatchTotals::default()
        };
        assert_eq!(ours.totals_agree(totals).await, Some(true), "{name}");
        other.expect(&["totals in balance"]);
        cut_over(name, &mut ours, &mut other, &mut events).await;

        host.drain(Instant::now() + host.profile().timers().reply_timeout).await;
        other.expect(&["sign-off", "closed"]);
        other.ends_well();
        let counters = host.counters();
        assert_eq!(
            (counters.bad_mac, counters.mismatch, counters.undecodable, counters.unsolicited),
            (0, 0, 0, 0)
        );
    }
}

/// The accounting day ends: announced and with a new key in one dialect, by a closed batch in the other.
async fn cut_over(
    name: &str,
    ours: &mut Ours,
    other: &mut Python,
    events: &mut tokio::sync::broadcast::Receiver<LinkEvent>,
) {
    let notices = match name {
        "iso87-ascii" => Some((["answered 201", "answered 101"], "1202")),
        "iso93-bcd" => Some((["answered 821", "answered 811"], "261202")),
        _ => None,
    };
    if let Some((answers, date)) = notices {
        other.expect(&answers);
        let date = Some(date.to_owned());
        while events.recv().await.unwrap() != (LinkEvent::CutOver { settlement_date: date.clone() }) {}
        assert_eq!(ours.host.counters().key_exchanges, 3);
    } else {
        let late = ours.data(7_00, None);
        assert_eq!(ours.send(Transaction::Consume, &late).await, "77");
        other.expect(&["closed batch", "sign-on", "keys"]);
        while ours.host.facts().batch.as_deref() != Some("000002") {
            tokio::task::yield_now().await;
        }
    }
    let first_of_the_day = ours.data(7_00, None);
    assert_eq!(ours.send(Transaction::Consume, &first_of_the_day).await, "00", "{name}");
    assert!(other.says().starts_with("sale "));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_terminal_written_with_another_library_holds_the_whole_dialogue_with_our_bank() {
    for name in SHIPPED_BANKS {
        let bank = bank(&Arc::new(shipped_bank(name).unwrap()), true).await;
        let port = bank.address().unwrap().port().to_string();
        let mut other = Python::start("terminal_pyiso8583.py", &[name, &port]);
        let exchange: &[&str] = if name == "cups-pos" { &["sign-on"] } else { &["keys", "keys"] };
        other.expect(&["sign-on"]);
        assert_eq!(other.line(), "echo");
        other.expect(exchange);
        other.expect(&["sale", "sale", "reversal", "reversal repeat", "totals", "totals"]);
        if name == "cups-pos" {
            other.expect(&["upload", "still differs"]);
        }
        other.expect(&["ready"]);
        bank.cut_over();
        other.go_on();
        let after: &[&str] = if name == "cups-pos" { &["closed batch", "sign-on"] } else { &["cut-over"] };
        other.expect(after);
        other.expect(&["sale", "totals", "sign-off"]);
        other.ends_well();
        let currency = shipped_bank(name).unwrap().currencies()[0];
        assert_eq!(bank.used("4242424242424242", currency), Some(1_950), "{name}");
    }
}
