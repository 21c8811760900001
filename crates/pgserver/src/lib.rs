//! A private PostgreSQL server, on a free loopback port and a temporary directory, for tests and measurements. It ends with
//! the process that started it, whatever becomes of that process.

mod programs;
mod standby;

use std::fs::Permissions;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use programs::Programs;

/// How long a start may take, its recovery after a crash included.
const START: Duration = Duration::from_secs(60);

/// A server. Dropping it stops it and removes its data.
pub struct Server {
    programs: Programs,
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
    running: Option<Running>,
}

struct Running {
    /// The shell that stops the server when its input ends, which it does when this process ends.
    shell: Child,
    input: Option<ChildStdin>,
}

impl Server {
    /// Makes a cluster below `parent` and starts it. `settings` are given as `name=value`.
    ///
    /// # Errors
    /// PostgreSQL is not there, or does not start; the text says which and why.
    pub fn start(parent: &Path, settings: &[&str]) -> io::Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("lian-postgres-").tempdir_in(parent)?;
        programs.give_away(folder.path())?;
        let data = folder.path().join("data");
        let mut make = programs.command("initdb");
        make.args(["--username=lian", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data);
        let made = make.stdin(Stdio::null()).output()?;
        if !made.status.success() {
            return Err(io::Error::other(format!("initdb: {}", String::from_utf8_lossy(&made.stderr))));
        }
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Self { programs, folder, port: free_port()?, settings, running: None };
        server.start_again()?;
        Ok(server)
    }

    /// Lays files beside its data, as the server demands them: its own and nobody else's to read. Returns where.
    ///
    /// # Errors
    /// They cannot be written or given away.
    pub fn keep(parent: &Path, files: &[(&str, &str)]) -> io::Result<TempDir> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("lian-postgres-files-").tempdir_in(parent)?;
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, Permissions::from_mode(0o600))?;
            programs.give_away(&path)?;
        }
        programs.give_away(folder.path())?;
        Ok(folder)
    }

    /// The URL of a database of this server; `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://lian@127.0.0.1:{}/{database}", self.port)
    }

    /// Makes a database.
    ///
    /// # Errors
    /// There is one of that name.
    pub fn create(&self, database: &str) -> io::Result<()> {
        let mut createdb = self.programs.command("createdb");
        createdb.args(["--maintenance-db", &self.url("postgres"), database]);
        standby::run(&mut createdb).map(drop)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), self.port)
    }

    /// The folder of its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The server's own process; its children end when it does.
    ///
    /// # Errors
    /// It does not run.
    pub fn pid(&self) -> io::Result<u32> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid"))?;
        let line = text.lines().next().unwrap_or_default();
        line.trim().parse().map_err(|_| io::Error::other(format!("no process number: {line}")))
    }

    /// Kills it as a power cut would: no good-bye, no flush, and with it every one of its processes.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill(&mut self) -> io::Result<()> {
        let pid = self.pid()?;
        // Stopped first, so that it starts no further process while its processes are counted.
        Command::new("kill").args(["-STOP", &pid.to_string()]).stderr(Stdio::null()).status()?;
        let children =
            std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children: Vec<&str> = children.split_whitespace().collect();
        // Its processes first, or one of them might just finish a commit that nobody is told of.
        let all = children.iter().map(|child| (*child).to_owned()).chain(std::iter::once(pid.to_string()));
        Command::new("kill").arg("-KILL").args(all).stderr(Stdio::null()).status()?;
        if let Some(mut running) = self.running.take() {
            running.end()?;
        }
        // A process that is still going holds the memory without which the next server does not start.
        let until = Instant::now() + START;
        while children.iter().any(|child| is_alive(child)) {
            if Instant::now() > until {
                return Err(io::Error::other("a process of PostgreSQL outlives its SIGKILL"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Stops its processes where they are, as a disk that hangs does: connections stay open, and nobody is answered.
    ///
    /// # Errors
    /// It does not run.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal_all("-STOP")
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// It does not run.
    pub fn thaw(&self) -> io::Result<()> {
        self.signal_all("-CONT")
    }

    fn signal_all(&self, signal: &str) -> io::Result<()> {
        let pid = self.pid()?;
        // The first one first, so that it starts no further process while its processes are counted.
        Command::new("kill").args([signal, &pid.to_string()]).status()?;
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        // One that has ended meanwhile needs no signal.
        Command::new("kill").arg(signal).args(children.split_whitespace()).stderr(Stdio::null()).status()?;
        Ok(())
    }

    /// Starts it again on the same data and port, and waits until it takes connections.
    ///
    /// # Errors
    /// It does not start; the text has the end of its log.
    pub fn start_again(&mut self) -> io::Result<()> {
        let log = self.folder.path().join("log");
        let mut server = self.programs.command("postgres");
        server.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        server.args(["-c", "unix_socket_directories="]);
        for setting in &self.settings {
            server.args(["-c", setting]);
        }
        self.running = Some(Running::start(&server, &log)?);
        let until = Instant::now() + START;
        while !self.answers() {
            if Instant::now() > until || self.running.as_mut().is_some_and(Running::has_ended) {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                let end: Vec<&str> = log.lines().rev().take(5).collect();
                return Err(io::Error::other(format!("PostgreSQL does not start: {}", end.join(" / "))));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let ready = std::fs::read_to_string(self.data().join("postmaster.pid"))
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|state| state.trim() == "ready"));
        ready && TcpStream::connect_timeout(&self.address(), Duration::from_secs(1)).is_ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            // Nothing can be done about a failure here; the shell sees the end of this process at the latest.
            let _ = running.end();
        }
    }
}

impl Running {
    fn start(server: &Command, log: &Path) -> io::Result<Self> {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(
            "log=$1; shift; \"$@\" </dev/null >>\"$log\" 2>&1 & server=$!
             cat >/dev/null; kill -QUIT $server 2>/dev/null; wait $server",
        );
        shell.arg("sh").arg(log).arg(server.get_program()).args(server.get_args());
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let input = shell.stdin.take();
        Ok(Self { shell, input })
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.shell.try_wait(), Ok(None))
    }

    fn end(&mut self) -> io::Result<()> {
        self.input = None;
        self.shell.wait().map(drop)
    }
}

/// Whether a process is more than an entry that nobody has read yet.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may hold spaces; the state follows its bracket.
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with('Z'))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
