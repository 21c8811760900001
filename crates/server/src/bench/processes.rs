//! The processes of a run: each a child of this one, killed when it is done with.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::cli::BenchEngine;
use crate::fault::{Fault, Tried as _};

/// A known key of a simulator: it protects nothing.
const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";
const MERCHANTS: &str = "100";

/// A running child.
pub struct Process {
    pub name: &'static str,
    child: Child,
    /// What follows its last colon: a port.
    port: u16,
}

impl Process {
    /// Starts `lian` and waits for the line that says where it listens.
    fn start(name: &'static str, dir: &Path, arguments: &[&str]) -> Result<Self, Fault> {
        let log = std::fs::File::create(dir.join(format!("{name}.log"))).tried("cannot write a log")?;
        let mut command = lian()?;
        command.args(arguments).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().tried(format!("cannot start {name}"))?;
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines().map_while(Result::ok));
        let line =
            lines.and_then(|mut lines| lines.find(|line| line.contains("ready") || line.contains("listens")));
        let port = line.and_then(|line| line.rsplit(':').next().and_then(|port| port.trim().parse().ok()));
        match port {
            Some(port) => Ok(Self { name, child, port }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(dir.join(format!("{name}.log"))).unwrap_or_default();
                Err(Fault::plain(format!("{name} does not start: {log}")))
            }
        }
    }

    /// CPU time of all its threads so far.
    pub fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        // The name may hold spaces; what follows it does not. utime and stime are the 14th and 15th of all.
        let after = stat.rsplit(')').next().unwrap_or_default();
        let ticks: f64 =
            after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
        ticks * 10_000.0
    }

    pub fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Files, database and bank of a run.
pub struct Setup {
    dir: PathBuf,
    store_url: String,
    _bank: Process,
    _database: Option<pgserver::Server>,
}

impl Setup {
    pub async fn make(dir: &Path, engine: BenchEngine) -> Result<Self, Fault> {
        let dir = std::path::absolute(dir).tried("the folder of the bench")?;
        let write = |name: &str, text: &str| {
            std::fs::write(dir.join(name), text).tried(format!("cannot write {name}"))
        };
        write("tmk", KEY)?;
        let certified =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).tried("a certificate")?;
        write("cert.pem", &certified.cert.pem())?;
        write("key.pem", &certified.signing_key.serialize_pem())?;
        let database = match engine {
            BenchEngine::Sqlite => None,
            BenchEngine::Postgres => {
                let settings = ["shared_buffers=256MB", "max_wal_size=4GB"];
                Some(pgserver::Server::start(&std::env::temp_dir(), &settings).tried("PostgreSQL")?)
            }
        };
        let store_url =
            database.as_ref().map_or("sqlite:lian.db".to_owned(), |server| server.url("postgres"));
        let bank = Process::start("bank", &dir, &["bank-sim", "--terminal-master-key-file", "tmk"])?;
        write(
            "lian.toml",
            &format!(
                "role = \"pcs\"\ndata = \"node\"\n[store]\nurl = \"{store_url}\"\n[vault]\nkey_file = \"vault.key\"\n[api]\n\
                 listen = \"127.0.0.1:0\"\ntls_certificate = \"cert.pem\"\ntls_key = \"key.pem\"\n[[bank]]\n\
                 name = \"iso87-ascii\"\naddress = \"127.0.0.1:{}\"\nterminal_master_key_file = \"tmk\"\n",
                bank.port
            ),
        )?;
        let arguments = ["merchant", "create", "--config", "lian.toml", "--count", MERCHANTS];
        let created = lian()?.args(arguments).current_dir(&dir).output().tried("cannot create merchants")?;
        if !created.status.success() {
            return Err(Fault::plain(String::from_utf8_lossy(&created.stderr).into_owned()));
        }
        std::fs::write(dir.join("merchants.json"), &created.stdout).tried("cannot write merchants.json")?;
        Ok(Self { dir, store_url, _bank: bank, _database: database })
    }

    pub fn gateway(&self) -> Result<Process, Fault> {
        Process::start("gateway", &self.dir, &["serve", "--config", "lian.toml"])
    }

    pub fn floor(&self) -> Result<Process, Fault> {
        // The floor's bank is a thread of this process, so that its CPU time is nobody's who is measured.
        let bank = super::floor::echo().tried("cannot start the floor's bank")?.to_string();
        let arguments = [
            "bench-floor",
            "--bank",
            &bank,
            "--file",
            "floor.log",
            "--tls-certificate",
            "cert.pem",
            "--tls-key",
            "key.pem",
        ];
        Process::start("floor", &self.dir, &arguments)
    }

    /// One phase of load, by a process of its own.
    pub async fn load(&self, on: &Process, in_flight: usize, long: Duration) -> Result<Value, Fault> {
        let (port, many, milliseconds) =
            (on.port.to_string(), in_flight.to_string(), long.as_millis().to_string());
        let mut command = lian()?;
        command.args(["bench-load", "--merchants", "merchants.json", "--tls-certificate", "cert.pem"]);
        command.args(["--port", &port, "--in-flight", &many, "--milliseconds", &milliseconds]);
        let run = command.current_dir(&self.dir).output().tried("cannot start the load")?;
        if !run.status.success() {
            return Err(Fault::plain(String::from_utf8_lossy(&run.stderr).into_owned()));
        }
        serde_json::from_slice(&run.stdout).tried("the load's report")
    }

    /// Proves the books after the gateway was killed.
    pub fn verify(&self) -> Result<(), Fault> {
        // Proving millions of records over a network takes longer than measuring; the embedded store's is quick.
        let run = lian()?.args(["verify", "--store", &self.store_url]).current_dir(&self.dir).output();
        let run = run.tried("cannot start lian verify")?;
        if run.status.success() {
            return Ok(());
        }
        Err(Fault::plain(format!("the books do not hold: {}", String::from_utf8_lossy(&run.stderr))))
    }
}

fn lian() -> Result<Command, Fault> {
    Ok(Command::new(std::env::current_exe().tried("this program cannot find itself")?))
}
