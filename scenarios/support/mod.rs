//! The world of the scenarios: the real `lian` as a process of its own, with simulated banks that live here, outside of it,
//! so that killing the gateway kills nobody else.

#![allow(dead_code, reason = "each scenario uses a part of the world")]

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::shipped_bank;
use serde_json::{Value, json};
use types::{Currency, Entropy as _, Secret, SystemClock};
use vault::SystemEntropy;

/// How long a condition is waited for before the scenario fails.
const PATIENCE: Duration = Duration::from_secs(90);

/// A bank of the world.
pub struct WorldBank {
    pub name: &'static str,
    pub bank: Bank,
}

/// The gateway and its surroundings.
pub struct World {
    pub dir: tempfile::TempDir,
    pub banks: Vec<WorldBank>,
    pub http: reqwest::Client,
    pub demo: Value,
    gateway: Mutex<Option<Child>>,
}

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub replayed: bool,
}

impl World {
    /// Banks and gateway, running.
    pub async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(dir.path().join("banks")).expect("a directory for the banks");
        let mut banks = Vec::new();
        for name in hostlink::SHIPPED_BANKS {
            let tmk = [
                0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32,
                0x10,
            ];
            let digits: String = tmk.iter().map(|byte| format!("{byte:02X}")).collect();
            let key_file = dir.path().join(format!("banks/{name}.tmk"));
            std::fs::write(&key_file, digits).expect("a key file");
            std::fs::set_permissions(&key_file, Permissions::from_mode(0o600)).expect("its permissions");
            let bank = Bank::start(BankConfig {
                profile: Arc::new(shipped_bank(name).expect("a shipped bank")),
                tmk: Secret::new(tmk),
                listen: Some(([127, 0, 0, 1], 0).into()),
                log: None,
                clock: Arc::new(SystemClock),
                entropy: Arc::new(SystemEntropy),
                transcript_lines: 0,
            });
            banks.push(WorldBank { name, bank: bank.await.expect("a simulated bank") });
        }
        // The second scenario of a process finds it installed already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let mut world = Self { dir, banks, http, demo: Value::Null, gateway: Mutex::new(None) };
        world.start_gateway();
        world
    }

    /// Starts the gateway on the world's directory and waits until it says that it is ready.
    pub fn start_gateway(&mut self) {
        assert!(self.gateway().is_none(), "the gateway runs already");
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_lian"));
        command.args(["demo", "--port", "0", "--data"]).arg(self.dir.path());
        for bank in &self.banks {
            let address = bank.bank.address().expect("a listening bank");
            command.arg("--bank").arg(format!("{}={address}", bank.name));
        }
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the gateway starts");
        let stdout = child.stdout.take().expect("a pipe");
        *self.gateway() = Some(child);
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Lian is ready"));
        assert!(ready, "the gateway ended before it was ready: {}", self.log());
        // What it prints later goes nowhere, but must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        let text = std::fs::read_to_string(self.dir.path().join("demo.json")).expect("demo.json");
        self.demo = serde_json::from_str(&text).expect("demo.json is JSON");
    }

    fn gateway(&self) -> MutexGuard<'_, Option<Child>> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `kill -9`, under whatever is going on.
    pub fn kill_gateway(&self) {
        let mut gateway = self.gateway().take().expect("a running gateway");
        gateway.kill().expect("the gateway is killed");
        gateway.wait().expect("the gateway is gone");
    }

    /// Ctrl-C, and the exit code.
    pub fn stop_gateway(&self) -> Option<i32> {
        let mut gateway = self.gateway().take().expect("a running gateway");
        let pid = gateway.id().to_string();
        Command::new("kill").args(["-INT", &pid]).status().expect("kill runs");
        gateway.wait().expect("the gateway ends").code()
    }

    pub fn bank(&self, name: &str) -> &Bank {
        &self.banks.iter().find(|bank| bank.name == name).expect("a bank of the world").bank
    }

    /// What the gateway wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("gateway.log")
    }

    /// The token of the first test card with this behaviour and currency.
    pub fn card(&self, behaviour: &str, currency: &str) -> String {
        let cards = self.demo["test_cards"].as_array().expect("test cards");
        let card = cards.iter().find(|card| card["behaviour"] == behaviour && card["currency"] == currency);
        card.unwrap_or_else(|| panic!("no card that does {behaviour} in {currency}"))["payment_method"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.demo["api_url"].as_str().expect("an address"))
    }

    pub fn secret_key(&self) -> &str {
        self.demo["secret_key"].as_str().expect("a secret key")
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.http.get(self.url(path)).bearer_auth(self.secret_key());
        answer(request.send().await.expect("an answer")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.try_post(path, &fresh_key(), body).await.expect("an answer")
    }

    pub async fn post_with_key(&self, path: &str, key: &str, body: &Value) -> Answer {
        self.try_post(path, key, body).await.expect("an answer")
    }

    /// A request whose answer may never come, because the gateway is killed under it.
    pub async fn try_post(&self, path: &str, key: &str, body: &Value) -> Option<Answer> {
        let request = self.http.post(self.url(path)).bearer_auth(self.secret_key());
        let sent = request.header("Idempotency-Key", key).json(body).send().await.ok()?;
        Some(answer(sent).await)
    }

    /// A sale that is approved.
    pub async fn paid(&self, amount: u64, currency: &str) -> Value {
        let answer = self.pay("approve", amount, currency, "automatic").await;
        assert_eq!((answer.status, &answer.body["status"]), (201, &json!("succeeded")), "{}", answer.body);
        answer.body
    }

    pub async fn pay(&self, behaviour: &str, amount: u64, currency: &str, capture_method: &str) -> Answer {
        let body = json!({
            "amount": amount, "currency": currency, "confirm": true, "capture_method": capture_method,
            "payment_method": self.card(behaviour, currency),
        });
        self.post("/v1/payments", &body).await
    }

    /// A sale that is tried again as long as the bank cannot be reached; such a try surely never left.
    pub async fn pay_when_up(&self, behaviour: &str, amount: u64, currency: &str) -> Answer {
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        let started = tokio::time::Instant::now();
        loop {
            tick.tick().await;
            let answer = self.pay(behaviour, amount, currency, "automatic").await;
            if answer.status != 503 {
                return answer;
            }
            assert!(started.elapsed() < PATIENCE, "the link does not come up again: {}", self.log());
        }
    }

    /// Waits until no payment and no refund is on its way any more, and returns all payments.
    pub async fn settled(&self) -> Vec<Value> {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        let started = tokio::time::Instant::now();
        loop {
            tick.tick().await;
            let payments = self.all("/v1/payments").await;
            let refunds = self.all("/v1/refunds").await;
            let payments_hang = payments.iter().filter(|payment| payment["status"] == "processing").count();
            let refunds_hang = refunds
                .iter()
                .filter(|refund| refund["status"] == "pending" || refund["status"] == "processing")
                .count();
            if payments_hang + refunds_hang == 0 {
                return payments;
            }
            let waited = started.elapsed();
            assert!(
                waited < PATIENCE,
                "{payments_hang} payments and {refunds_hang} refunds hang: {}",
                self.log()
            );
        }
    }

    /// Every object of a list.
    pub async fn all(&self, path: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("{path}?limit=100{after}")).await.body;
            let data = page["data"].as_array().unwrap_or_else(|| panic!("a list: {page}")).clone();
            let last = data.last().and_then(|last| last["id"].as_str()).map(str::to_owned);
            all.extend(data);
            match last.filter(|_| page["has_more"] == true) {
                Some(last) => after = format!("&starting_after={last}"),
                None => return all,
            }
        }
    }

    /// The books balance, and say of each bank what the bank says of itself.
    pub async fn books_agree_with_the_banks(&self) {
        let balance = self.get("/v1/test_helpers/trial_balance").await.body;
        assert_eq!(balance["balanced"], true, "{balance}");
        let accounts = balance["accounts"].as_array().expect("accounts");
        for WorldBank { name, bank } in &self.banks {
            let totals = bank.totals();
            for currency in [Currency::CNY, Currency::EUR, Currency::USD, Currency::JPY] {
                let name = format!("bank_clearing/{name}/{currency}");
                let account = accounts.iter().find(|account| account["account"] == *name);
                let counter = |counter: &str| {
                    account.map_or(0, |account| account[counter].as_i64().expect("a counter"))
                };
                let ours = (counter("debits_posted") - counter("credits_posted"), counter("debits_pending"));
                let theirs = totals.get(&currency).map_or((0, 0), |totals| {
                    (
                        totals.net_due.values().sum::<i64>(),
                        i64::try_from(totals.open_holds.amount).expect("an amount"),
                    )
                });
                assert_eq!(ours, theirs, "the books and {name}: posted net and open holds");
            }
        }
    }

    /// `lian verify` on the world's directory, with the gateway stopped.
    pub fn verify(&self) {
        let refused = self.try_verify();
        assert!(refused.is_empty(), "{refused}");
    }

    /// What `lian verify` objects to; nothing when the store holds.
    pub fn try_verify(&self) -> String {
        assert!(self.gateway().is_none(), "verify looks at a store that nobody writes");
        let output = Command::new(env!("CARGO_BIN_EXE_lian"))
            .args(["verify", "--data"])
            .arg(self.dir.path())
            .output()
            .expect("lian verify runs");
        let objections = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), objections.is_empty(), "{objections}");
        objections
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let gateway = self.gateway().take();
        if let Some(mut gateway) = gateway {
            let _ = gateway.kill();
            let _ = gateway.wait();
        }
    }
}

async fn answer(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let replayed = response.headers().contains_key("idempotent-replayed");
    let body = response.json().await.unwrap_or(Value::Null);
    Answer { status, body, replayed }
}

/// A key for one intended operation.
pub fn fresh_key() -> String {
    format!("scenario-{:032x}", SystemEntropy.u128())
}
