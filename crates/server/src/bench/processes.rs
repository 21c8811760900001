//! The processes of a run: each a child of this one, killed when it is done with.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::children::{CHILDREN, Handle};
use super::disk::bytes_of;
use super::usage;
use crate::cli::{BenchEngine, FloorKind};
use crate::demo::data_dir::write_private;
use crate::fault::{Fault, Tried as _};

/// A known key of a simulator: it protects nothing.
const KEY: &str = "0123456789ABCDEFFEDCBA9876543210";
const MERCHANTS: &str = "100";
const STORE: &str = "lian.db";
const GATEWAY: &str = "gateway";
const ACKNOWLEDGED: &str = "acknowledged";

/// A running child.
pub struct Process {
    pub name: &'static str,
    child: Handle,
    /// What follows its last colon: a port.
    port: u16,
    /// Where it tells what it has counted; of the gateway only.
    metrics: Option<u16>,
}

impl Process {
    /// Starts `lian` and waits for the line that says where it listens.
    fn start(name: &'static str, dir: &Path, arguments: &[&str]) -> Result<Self, Fault> {
        let child = start(name, dir, arguments)?;
        let lines = child.stdout().map(|stdout| BufReader::new(stdout).lines().map_while(Result::ok));
        let (mut port, mut metrics) = (None, None);
        for line in lines.into_iter().flatten() {
            if let Some((_, address)) = line.split_once("Metrics are at http://") {
                metrics = address.strip_suffix("/metrics").and_then(port_of);
            } else if line.contains("ready") || line.contains("listens") {
                port = port_of(&line);
                break;
            }
        }
        match port {
            Some(port) => Ok(Self { name, child, port, metrics }),
            None => {
                drop(child);
                let log = std::fs::read_to_string(dir.join(format!("{name}.log"))).unwrap_or_default();
                Err(Fault::plain(format!("{name} does not start: {log}")))
            }
        }
    }

    /// Its number, under which the kernel tells what it uses.
    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// What it has committed to its store so far: units, and the transactions that they shared.
    pub fn written(&self) -> Option<(f64, f64)> {
        let page = metrics(self.metrics?).ok()?;
        let value = |name: &str| {
            let mut lines = page.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            lines.next()?.trim().parse().ok()
        };
        Some((value("lian_store_units_total")?, value("lian_store_commits_total")?))
    }

    /// Ends it without a warning; a word for what dropping it does.
    pub fn kill(self) {
        drop(self);
    }

    pub const fn port(&self) -> u16 {
        self.port
    }
}

fn port_of(line: &str) -> Option<u16> {
    line.rsplit(':').next()?.trim().parse().ok()
}

/// The page that a gateway shows to monitoring.
fn metrics(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

/// A phase of load.
#[derive(Clone, Copy)]
pub struct Load {
    /// Connections, each with one request in flight at most.
    pub in_flight: usize,
    pub long: Duration,
    /// Requests a second that come by chance; none: each waits for the one before it.
    pub rate: Option<f64>,
    /// Whether it writes down what it was told.
    pub keeps_ids: bool,
}

/// A load under way.
pub struct RunningLoad {
    child: Handle,
    on_gateway: bool,
}

/// Files, database and bank of a run.
pub struct Setup {
    dir: PathBuf,
    store_url: String,
    bank: Process,
    database: Option<pgserver::Server>,
    /// Payments that the gateway has made.
    paid: AtomicU64,
}

impl Setup {
    pub async fn make(dir: &Path, engine: BenchEngine) -> Result<Self, Fault> {
        let dir = std::path::absolute(dir).tried("the folder of the bench")?;
        let write = |name: &str, text: &str| {
            std::fs::write(dir.join(name), text).tried(format!("cannot write {name}"))
        };
        write_private(&dir.join("tmk"), KEY.as_bytes())?;
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
        let store_url = database.as_ref().map_or(format!("sqlite:{STORE}"), |server| server.url("postgres"));
        let bank = Process::start("bank", &dir, &["bank-sim", "--terminal-master-key-file", "tmk"])?;
        write(
            "lian.toml",
            &format!(
                "role = \"pcs\"\ndata = \"node\"\n[store]\nurl = \"{store_url}\"\n[vault]\nkey_file = \"vault.key\"\n[api]\n\
                 listen = \"127.0.0.1:0\"\ntls_certificate = \"cert.pem\"\ntls_key = \"key.pem\"\n[metrics]\n\
                 listen = \"127.0.0.1:0\"\n[[bank]]\n\
                 name = \"iso87-ascii\"\naddress = \"127.0.0.1:{}\"\nterminal_master_key_file = \"tmk\"\n",
                bank.port
            ),
        )?;
        let arguments = ["merchant", "create", "--config", "lian.toml", "--count", MERCHANTS];
        let created = done("merchants", start("merchants", &dir, &arguments)?, &dir)?;
        std::fs::write(dir.join("merchants.json"), created).tried("cannot write merchants.json")?;
        Ok(Self { dir, store_url, bank, database, paid: AtomicU64::new(0) })
    }

    pub fn gateway(&self) -> Result<Process, Fault> {
        Process::start(GATEWAY, &self.dir, &["serve", "--config", "lian.toml"])
    }

    /// A floor over a store of its own.
    pub fn floor(&self, kind: FloorKind) -> Result<Process, Fault> {
        // The floor's bank is a thread of this process, so that its CPU time is nobody's who is measured.
        let bank = floor::echo().tried("cannot start the floor's bank")?.to_string();
        let (name, kind_name) = match kind {
            FloorKind::Log => ("log-floor", "log"),
            FloorKind::Sqlite => ("floor", "sqlite"),
            FloorKind::Postgres => ("floor", "postgres"),
            FloorKind::Ordinary => ("ordinary", "ordinary"),
        };
        let store = match &self.database {
            Some(database) if kind != FloorKind::Log => {
                database.create(name).tried("a database for a floor")?;
                database.url(name)
            }
            _ => format!("{name}.db"),
        };
        let mut arguments = vec!["bench-floor", "--kind", kind_name, "--store", &store, "--bank", &bank];
        arguments.extend(["--tls-certificate", "cert.pem", "--tls-key", "key.pem"]);
        Process::start(name, &self.dir, &arguments)
    }

    /// One phase of load, by a process of its own.
    pub fn start_load(&self, on: &Process, load: Load) -> Result<RunningLoad, Fault> {
        let (port, many, milliseconds) =
            (on.port.to_string(), load.in_flight.to_string(), load.long.as_millis().to_string());
        let rate = load.rate.map(|rate| rate.to_string());
        let mut arguments =
            vec!["bench-load", "--merchants", "merchants.json", "--tls-certificate", "cert.pem"];
        arguments.extend(["--port", &port, "--in-flight", &many, "--milliseconds", &milliseconds]);
        if let Some(rate) = &rate {
            arguments.extend(["--rate", rate]);
        }
        if load.keeps_ids {
            arguments.extend(["--acknowledged", ACKNOWLEDGED]);
        }
        let child = start("load", &self.dir, &arguments)?;
        Ok(RunningLoad { child, on_gateway: on.name == GATEWAY })
    }

    /// What a load reports at its end.
    pub fn report(&self, load: RunningLoad) -> Result<Value, Fault> {
        let report: Value =
            serde_json::from_slice(&done("load", load.child, &self.dir)?).tried("the load's report")?;
        if load.on_gateway {
            self.paid.fetch_add(report["answered"].as_u64().unwrap_or(0), Ordering::Relaxed);
        }
        Ok(report)
    }

    /// What the files of the gateway's store take, a payment that it made.
    pub fn stored_bytes_per_payment(&self) -> f64 {
        let bytes = match &self.database {
            // The database `postgres` has had this number since PostgreSQL 15. Its log is the whole server's and left out.
            Some(database) => bytes_of(&database.data().join("base/5"), ""),
            None => bytes_of(&self.dir, STORE),
        };
        bytes as f64 / self.paid.load(Ordering::Relaxed) as f64
    }

    /// Ids of the payments that the last load was told of.
    pub fn acknowledged(&self) -> Result<Vec<String>, Fault> {
        let text = std::fs::read_to_string(self.dir.join(ACKNOWLEDGED)).tried("what was acknowledged")?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// The merchants, as `lian merchant create` prints them.
    pub fn merchants(&self) -> Result<Vec<Value>, Fault> {
        let text = std::fs::read_to_string(self.dir.join("merchants.json")).tried("the merchants")?;
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().tried("the merchants")
    }

    /// CPU time of the bank, and of the database's processes, so far.
    pub fn others_us(&self) -> (f64, f64) {
        (usage::cpu_us(&self.bank.pid()), self.backends().iter().map(|pid| usage::cpu_us(pid)).sum())
    }

    /// Bytes that the database's processes have sent towards a disk so far.
    pub fn database_written_bytes(&self) -> f64 {
        self.backends().iter().map(|pid| usage::written_bytes(pid)).sum()
    }

    /// The database's processes below its first one.
    fn backends(&self) -> Vec<String> {
        let first = self.database.as_ref().and_then(|database| database.pid().ok());
        first.map(|pid| usage::children(&pid.to_string())).unwrap_or_default()
    }

    /// The certificate that the gateway shows.
    pub fn certificate(&self) -> Result<Vec<u8>, Fault> {
        std::fs::read(self.dir.join("cert.pem")).tried("the certificate")
    }

    /// Proves the books after the gateway was killed.
    pub fn verify(&self) -> Result<(), Fault> {
        // Proving millions of records over a network takes longer than measuring; the embedded store's is quick.
        let run = start("verify", &self.dir, &["verify", "--store", &self.store_url])?;
        done("verify", run, &self.dir).map(drop).tried("the books do not hold")
    }
}

/// Starts `lian`; what it says on standard error goes to a file.
fn start(name: &str, dir: &Path, arguments: &[&str]) -> Result<Handle, Fault> {
    let log = std::fs::File::create(dir.join(format!("{name}.log"))).tried("cannot write a log")?;
    let program = std::env::current_exe().tried("this program cannot find itself")?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    CHILDREN.start(&mut command).tried(format!("cannot start {name}"))
}

/// What it prints until it ends, which must be well.
fn done(name: &str, child: Handle, dir: &Path) -> Result<Vec<u8>, Fault> {
    let (status, printed) = child.output().tried(name)?;
    if status.success() {
        return Ok(printed);
    }
    let log = std::fs::read_to_string(dir.join(format!("{name}.log"))).unwrap_or_default();
    Err(Fault::plain(format!("{name} ended with {status}: {log}")))
}
