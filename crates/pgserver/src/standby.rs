//! A second server that follows a first one, synchronously, and takes its place.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Programs, START, Server, free_port};

impl Server {
    /// Makes a standby below `parent` from this server's data, starts it, and makes this server wait for it with each commit:
    /// from now on what is acknowledged is on both.
    ///
    /// # Errors
    /// One of PostgreSQL's programs fails; the text is what it says.
    pub fn synchronous_standby(&self, parent: &Path) -> io::Result<Self> {
        let programs = Programs::find()?;
        let folder = tempfile::Builder::new().prefix("lian-standby-").tempdir_in(parent)?;
        programs.give_away(folder.path())?;
        let mut copy = programs.command("pg_basebackup");
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "--pgdata"])
            .arg(folder.path().join("data"));
        run(copy.args(["--dbname", &self.url("postgres")]))?;
        let (port, settings) = (free_port()?, self.settings.clone());
        let mut standby = Self { programs, folder, port, settings, running: None };
        standby.start_again()?;
        self.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.ask("SELECT pg_reload_conf()")?;
        self.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'", "1")?;
        Ok(standby)
    }

    /// Makes a standby a server of its own, and waits until it takes writes.
    ///
    /// # Errors
    /// It is no standby, or does not become a server in time.
    pub fn promote(&self) -> io::Result<()> {
        run(self.programs.command("pg_ctl").args(["promote", "-w", "-D"]).arg(self.data()))?;
        self.until("SELECT pg_is_in_recovery()", "f")
    }

    /// The one value that a statement gives, as text.
    fn ask(&self, sql: &str) -> io::Result<String> {
        let mut psql = self.programs.command("psql");
        run(psql.args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--dbname",
            &self.url("postgres"),
            "--command",
            sql,
        ]))
    }

    fn until(&self, sql: &str, wanted: &str) -> io::Result<()> {
        let until = Instant::now() + START;
        loop {
            let found = self.ask(sql)?;
            if found == wanted {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(io::Error::other(format!("{sql} is {found} and not {wanted}")));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

/// Runs a program to its end and returns what it says.
pub(super) fn run(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
