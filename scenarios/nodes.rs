//! Several `lian serve` over one PostgreSQL: any of them takes any request, one that is killed leaves nothing behind, and
//! so does a database that is killed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use banksim::{Bank, BankConfig};
use hostlink::shipped_bank;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use types::{Currency, Entropy as _, Secret, SystemClock};
use vault::SystemEntropy;

/// How long a condition is waited for before the scenario fails.
const PATIENCE: Duration = Duration::from_secs(90);
const BANK: &str = "iso87-ascii";
const KEY: [u8; 16] =
    [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10];

/// A database, a bank, and gateways over them.
struct Town {
    dir: tempfile::TempDir,
    database: pgserver::Server,
    bank: Bank,
    http: reqwest::Client,
    merchant: Value,
}

struct Node {
    process: Child,
    url: String,
}

impl Town {
    async fn found() -> Self {
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
        std::fs::write(dir.path().join("tmk"), digits).expect("a key file");
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let mut town = Self { dir, database, bank, http, merchant: Value::Null };
        for node in ["one", "two"] {
            town.configure(node, 0);
        }
        let created = lian(&["merchant", "create", "--config"], &town.dir.path().join("one.toml"));
        town.merchant = serde_json::from_str(&created).expect("a line of JSON");
        town
    }

    fn configure(&self, node: &str, drain_ms: u64) {
        let text = format!(
            "role = \"pcs\"\ndata = \"{node}\"\n[store]\nurl = \"{}\"\nshards = 2\n[vault]\nkey_file = \"vault.key\"\n\
             [api]\nlisten = \"127.0.0.1:0\"\ndrain_ms = {drain_ms}\n[[bank]]\nname = \"{BANK}\"\naddress = \"{}\"\n\
             terminal_master_key_file = \"tmk\"\nreply_timeout_ms = 2000\n",
            self.database.url("postgres"),
            self.bank.address().expect("a listening bank"),
        );
        std::fs::write(self.dir.path().join(format!("{node}.toml")), text).expect("a configuration");
    }

    fn start(&self, node: &str) -> Node {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.dir.path().join("log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_lian"));
        command.args(["serve", "--config"]).arg(self.dir.path().join(format!("{node}.toml")));
        command.stdout(Stdio::piped()).stderr(log.expect("a log file"));
        let mut process = command.spawn().expect("the node starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
        let url = lines.find_map(|line| line.strip_prefix("Lian is ready: ").map(str::to_owned));
        let url = url.unwrap_or_else(|| panic!("{node} ended before it was ready: {}", self.log()));
        // What it prints later goes nowhere, but must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Node { process, url }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// A sale of one euro; none when the node went away under it.
    async fn pay(&self, url: &str, key: &str) -> Option<(u16, Value)> {
        let body = json!({
            "amount": 100, "currency": "EUR", "confirm": true, "payment_method": self.merchant["payment_methods"][0],
        });
        let request = self.http.post(format!("{url}/v1/payments")).header("Idempotency-Key", key).json(&body);
        let sent = request.bearer_auth(self.secret_key()).send().await.ok()?;
        Some((sent.status().as_u16(), sent.json().await.ok()?))
    }

    fn secret_key(&self) -> &str {
        self.merchant["secret_key"].as_str().expect("a secret key")
    }

    async fn status(&self, url: &str, path: &str) -> Option<u16> {
        Some(self.http.get(format!("{url}{path}")).send().await.ok()?.status().as_u16())
    }

    async fn payments(&self, url: &str) -> Vec<Value> {
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
    async fn settled(&self, url: &str) -> Vec<Value> {
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
    fn bank_agrees(&self, payments: &[Value]) {
        let paid = payments.iter().filter(|payment| payment["status"] == "succeeded");
        let ours: i64 = paid.map(|payment| payment["amount"].as_i64().expect("an amount")).sum();
        let totals = self.bank.totals();
        let theirs: i64 = totals.get(&Currency::EUR).map_or(0, |totals| totals.net_due.values().sum());
        assert_eq!(ours, theirs, "what succeeded here and what the bank owes");
    }

    fn verify(&self) {
        lian(&["verify", "--store"], Path::new(&self.database.url("postgres")));
    }
}

impl Node {
    fn kill(mut self) {
        self.process.kill().expect("the node is killed");
        self.process.wait().expect("the node is gone");
    }

    /// SIGTERM, and the exit code.
    fn stop(self) -> Option<i32> {
        let pid = self.process.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        self.ended()
    }

    fn ended(mut self) -> Option<i32> {
        self.process.wait().expect("the node ends").code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lian(arguments: &[&str], last: &Path) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_lian")).args(arguments).arg(last).output().expect("lian runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn fresh_key() -> String {
    format!("scenario-{:032x}", SystemEntropy.u128())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_nodes_is_killed_and_the_other_ends_what_it_began() {
    let town = Arc::new(Town::found().await);
    let (one, two) = (town.start("one"), town.start("two"));

    // The same key at both nodes in the same moment: one payment.
    for _ in 0..20 {
        let key = fresh_key();
        let (here, there) = tokio::join!(town.pay(&one.url, &key), town.pay(&two.url, &key));
        let (again_here, again_there) = (town.pay(&one.url, &key).await, town.pay(&two.url, &key).await);
        let id = again_here.as_ref().map(|(_, body)| body["id"].clone());
        assert!(id.as_ref().is_some_and(Value::is_string), "{again_here:?}");
        assert_eq!(again_there.map(|(_, body)| body["id"].clone()), id);
        for (status, body) in [here, there].into_iter().flatten() {
            assert!(status == 409 || Some(&body["id"]) == id.as_ref(), "{status} {body}");
        }
    }

    let mut paying = JoinSet::new();
    for number in 0..400 {
        let (town, url) =
            (Arc::clone(&town), if number % 2 == 0 { one.url.clone() } else { two.url.clone() });
        paying.spawn(async move { town.pay(&url, &fresh_key()).await });
    }
    let (mut acknowledged, mut refused, mut lost_sight) = (Vec::new(), 0, 0);
    let mut one = Some(one);
    while let Some(paid) = paying.join_next().await {
        match paid.expect("a task") {
            Some((201, body)) => acknowledged.push(body),
            Some((503, _)) => refused += 1,
            Some((status, body)) => panic!("{status} {body}"),
            None => lost_sight += 1,
        }
        if acknowledged.len() == 60
            && let Some(node) = one.take()
        {
            node.kill();
        }
    }
    assert!(lost_sight > 0, "the kill has caught nothing: the scenario proves nothing");
    let payments = town.settled(&two.url).await;
    let reversed =
        payments.iter().filter(|payment| payment["cancellation_reason"] == "timeout_reversed").count();
    println!(
        "{} acknowledged, {refused} refused, {lost_sight} without an answer, {reversed} reversed by the survivor",
        acknowledged.len()
    );
    for told in &acknowledged {
        let now = payments.iter().find(|payment| payment["id"] == told["id"]);
        assert_eq!(now.map(|now| &now["status"]), Some(&told["status"]), "acknowledged, and not so any more");
    }
    town.bank_agrees(&payments);
    assert_eq!(two.stop(), Some(0), "{}", town.log());
    town.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_is_a_clear_no_and_everything_goes_on_by_itself() {
    let mut town = Town::found().await;
    let node = town.start("one");
    assert_eq!(town.pay(&node.url, &fresh_key()).await.map(|(status, _)| status), Some(201));
    assert_eq!(town.status(&node.url, "/readyz").await, Some(200));

    tokio::task::block_in_place(|| town.database.kill()).expect("PostgreSQL is killed");
    let key = fresh_key();
    let (status, body) = town.pay(&node.url, &key).await.expect("an answer");
    assert_eq!(status, 503, "{body}");
    assert_eq!(town.status(&node.url, "/livez").await, Some(200));

    tokio::task::block_in_place(|| town.database.start_again()).expect("PostgreSQL starts");
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let started = tokio::time::Instant::now();
    while town.status(&node.url, "/readyz").await != Some(200) {
        tick.tick().await;
        assert!(started.elapsed() < PATIENCE, "not ready again: {}", town.log());
    }
    // The same key, as a client would: nothing of the first try was written.
    let (status, body) = town.pay(&node.url, &key).await.expect("an answer");
    assert_eq!(status, 201, "{body}");
    let payments = town.settled(&node.url).await;
    assert_eq!(payments.len(), 2);
    town.bank_agrees(&payments);
    assert_eq!(node.stop(), Some(0), "{}", town.log());
    town.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_to_stop_says_so_first_and_serves_until_it_is_gone() {
    let town = Town::found().await;
    // Long enough for a slow machine to ask in between.
    town.configure("one", 5_000);
    let node = town.start("one");
    assert_eq!(town.status(&node.url, "/readyz").await, Some(200));
    let pid = node.process.id().to_string();
    Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        match town.status(&node.url, "/readyz").await {
            Some(200) => {}
            other => break assert_eq!(other, Some(503), "it says no before it is gone"),
        }
    }
    assert_eq!(town.status(&node.url, "/livez").await, Some(200));
    // What a proxy still sends is not lost.
    assert_eq!(town.pay(&node.url, &fresh_key()).await.map(|(status, _)| status), Some(201));
    assert_eq!(node.ended(), Some(0), "{}", town.log());
    town.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_vault_is_refused() {
    let town = Town::found().await;
    let path = town.dir.path().join("two.toml");
    let text = std::fs::read_to_string(&path).expect("a configuration").replace("vault.key", "other.key");
    std::fs::write(&path, text).expect("a configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lian"));
    let refused = command.args(["serve", "--config"]).arg(&path).output().expect("lian runs");
    assert!(!refused.status.success());
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("other.key is missing"), "{told}");
}
