//! Several gateways over one PostgreSQL, and a bank. Each scenario uses its part.
#![allow(dead_code)]

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::shipped_bank;
use serde_json::{Value, json};
use types::{Currency, Entropy as _, Secret, SystemClock};
use vault::SystemEntropy;

/// How long a condition is waited for before the scenario fails.
pub const PATIENCE: Duration = Duration::from_secs(90);
const BANK: &str = "iso87-ascii";
const KEY: [u8; 16] =
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10];

/// A database, a bank, and gateways over them.
pub struct Town {
    pub dir: tempfile::TempDir,
    pub database: pgserver::Server,
    pub bank: Bank,
    http: reqwest::Client,
    pub merchant: Value,
    /// The database as the nodes are told of it.
    pub store_url: String,
    /// How long they give it to answer; none: as long as they do by themselves.
    pub answer_ms: Option<u32>,
}

pub struct Node {
    pub process: Child,
    pub url: String,
    /// Where monitoring looks.
    pub metrics: String,
}

impl Town {
    pub async fn found() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let temporary = std::env::temp_dir();
        let database = tokio::task::spawn_blocking(move || pgserver::Server::start(&temporary, &[]));
        let database = database.await.expect("a thread").expect("PostgreSQL");
        let bank = Bank::start(BankConfig {
            profile: Arc::new(shipped_bank(BANK).expect("a shipped bank")),
            tmk: Secret::new(KEY),
            listen: Some(([127, 0, 0, 1], 0).into()),
            log: None,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            transcript_lines: 0,
        });
        let bank = bank.await.expect("a simulated bank");
        let digits: String = KEY.iter().map(|byte| format!("{byte:02X}")).collect();
        write_private(&dir.path().join("tmk"), &digits);
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let store_url = database.url("postgres");
        let mut town = Self { dir, database, bank, http, merchant: Value::Null, store_url, answer_ms: None };
        for node in ["one", "two"] {
            town.configure(node, 0);
        }
        let created = lian(&["merchant", "create", "--config"], &town.dir.path().join("one.toml"));
        town.merchant = serde_json::from_str(&created).expect("a line of JSON");
        town
    }

    pub fn configure(&self, node: &str, drain_ms: u64) {
        let answer = self.answer_ms.map_or(String::new(), |wait| format!("answer_ms = {wait}\n"));
        let text = format!(
            "role = \"pcs\"\ndata = \"{node}\"\n[store]\nurl = \"{}\"\nshards = 2\n{answer}[vault]\nkey_file = \"vault.key\"\n\
             [api]\nlisten = \"127.0.0.1:0\"\ndrain_ms = {drain_ms}\n[metrics]\nlisten = \"127.0.0.1:0\"\n[[bank]]\nname = \"{BANK}\"\naddress = \"{}\"\n\
             terminal_master_key_file = \"tmk\"\nreply_timeout_ms = 2000\n",
            self.store_url,
            self.bank.address().expect("a listening bank"),
        );
        std::fs::write(self.dir.path().join(format!("{node}.toml")), text).expect("a configuration");
    }

    pub fn start(&self, node: &str) -> Node {
        self.start_by(node, &mut Command::new("env"))
    }

    /// Starts a node by a command that carries out its further arguments.
    pub fn start_by(&self, node: &str, command: &mut Command) -> Node {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("log"));
        command.arg(env!("CARGO_BIN_EXE_lian"));
        command.args(["serve", "--config"]).arg(self.dir.path().join(format!("{node}.toml")));
        command.stdout(Stdio::piped()).stderr(log.expect("a log file"));
        let mut process = command.spawn().expect("the node starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let mut told = |before: &str| lines.find_map(|line| line.strip_prefix(before).map(str::to_owned));
        let (metrics, url) = (told("Metrics are at ").unwrap_or_default(), told("Lian is ready: "));
        let url = url.unwrap_or_else(|| panic!("{node} ended before it was ready: {}", self.log()));
        // What it prints later goes nowhere, but must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Node { process, url, metrics }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// A sale of one euro; none when the node went away under it.
    pub async fn pay(&self, url: &str, key: &str) -> Option<(u16, Value)> {
        self.try_pay(url, key).await.ok()
    }

    /// The same, with the reason.
    pub async fn try_pay(&self, url: &str, key: &str) -> reqwest::Result<(u16, Value)> {
        let body = json!({
            "amount": 100, "currency": "EUR", "confirm": true, "payment_method": self.merchant["payment_methods"][0],
        });
        let request = self.http.post(format!("{url}/v1/payments")).header("Idempotency-Key", key).json(&body);
        let sent = request.bearer_auth(self.secret_key()).send().await?;
        Ok((sent.status().as_u16(), sent.json().await?))
    }

    pub fn secret_key(&self) -> &str {
        self.merchant["secret_key"].as_str().expect("a secret key")
    }

    pub async fn status(&self, url: &str, path: &str) -> Option<u16> {
        Some(self.http.get(format!("{url}{path}")).send().await.ok()?.status().as_u16())
    }

    /// What monitoring sees of a series without labels; none where it is not on the page.
    pub async fn metric(&self, node: &Node, series: &str) -> Option<f64> {
        let page = self.http.get(&node.metrics).send().await.expect("an answer").text().await.expect("text");
        page.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
    }

    /// The newest payment's path.
    pub async fn newest(&self, url: &str) -> String {
        let request = self.http.get(format!("{url}/v1/payments?limit=1")).bearer_auth(self.secret_key());
        let page: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        format!("/v1/payments/{}", page["data"][0]["id"].as_str().expect("a payment"))
    }

    /// How a merchant's reading is answered.
    pub async fn read(&self, url: &str, path: &str) -> u16 {
        let request = self.http.get(format!("{url}{path}")).bearer_auth(self.secret_key());
        request.send().await.expect("an answer").status().as_u16()
    }

    pub async fn payments(&self, url: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let request = self.http.get(format!("{url}/v1/payments?limit=100{after}"));
            let page = request.bearer_auth(self.secret_key()).send().await.expect("an answer");
            let page: Value = page.json().await.expect("JSON");
            let data = page["data"].as_array().unwrap_or_else(|| panic!("a list: {page}"));
            all.extend(data.iter().cloned());
            match data.last().filter(|_| page["has_more"] == true) {
                Some(last) => after = format!("&starting_after={}", last["id"].as_str().expect("an id")),
                None => return all,
            }
        }
    }

    /// Waits until nothing is on its way any more.
    pub async fn settled(&self, url: &str) -> Vec<Value> {
        let mut tick = tokio::time::interval(Duration::from_millis(250));
        let started = tokio::time::Instant::now();
        loop {
            tick.tick().await;
            let payments = self.payments(url).await;
            let hanging = payments.iter().filter(|payment| payment["status"] == "processing").count();
            if hanging == 0 {
                return payments;
            }
            assert!(started.elapsed() < PATIENCE, "{hanging} payments hang: {}", self.log());
        }
    }

    /// What the bank says it owes, against the payments that the gateway says have succeeded.
    pub fn bank_agrees(&self, payments: &[Value]) {
        let paid = payments.iter().filter(|payment| payment["status"] == "succeeded");
        let ours: i64 = paid.map(|payment| payment["amount"].as_i64().expect("an amount")).sum();
        let totals = self.bank.totals();
        let theirs: i64 = totals.get(&Currency::EUR).map_or(0, |totals| totals.net_due.values().sum());
        assert_eq!(ours, theirs, "what succeeded here and what the bank owes");
    }

    pub fn verify(&self) {
        lian(&["verify", "--store"], Path::new(&self.store_url));
    }
}

impl Node {
    pub fn kill(mut self) {
        self.process.kill().expect("the node is killed");
        self.process.wait().expect("the node is gone");
    }

    /// SIGTERM, and the exit code.
    pub fn stop(self) -> Option<i32> {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        self.ended()
    }

    pub fn ended(mut self) -> Option<i32> {
        self.process.wait().expect("the node ends").code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A file that only its owner may read.
pub fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("its permissions");
}

pub fn lian(arguments: &[&str], last: &Path) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_lian")).args(arguments).arg(last).output().expect("lian runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

pub fn fresh_key() -> String {
    format!("scenario-{:032x}", SystemEntropy.u128())
}

/// Files below a folder in which one of these stands.
pub fn files_with(folder: &Path, wanted: &[Vec<u8>]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, wanted));
        } else if let Ok(text) = std::fs::read(&path)
            && wanted.iter().any(|one| text.windows(one.len()).any(|part| part == one.as_slice()))
        {
            found.push(path.display().to_string());
        }
    }
    found
}
