//! Where PostgreSQL's programs are, and who may run them: the server refuses to run as root.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the folder of PostgreSQL's programs in place of the search.
const VARIABLE: &str = "LIAN_POSTGRES_BIN";
/// Where Debian keeps them, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// PostgreSQL's programs.
#[derive(Clone, Debug)]
pub struct Programs {
    folder: PathBuf,
    /// Run as root, they are started for this user.
    user: Option<&'static str>,
}

impl Programs {
    /// Finds them: in the folder that `LIAN_POSTGRES_BIN` names, where Debian keeps them, or on the PATH.
    ///
    /// # Errors
    /// They are not there; the text says what to install.
    pub fn find() -> io::Result<Self> {
        let missing = || {
            io::Error::other(format!(
                "PostgreSQL 15 or newer is needed: install Debian's package postgresql, or name its folder in {VARIABLE}"
            ))
        };
        let named = std::env::var_os(VARIABLE).map(PathBuf::from);
        let folder = named.or_else(newest_of_debian).or_else(on_path).ok_or_else(missing)?;
        if !has_both(&folder) {
            return Err(missing());
        }
        let user = if is_root() { Some("postgres") } else { None };
        Ok(Self { folder, user })
    }

    /// A command that runs one of them, as somebody who may.
    pub fn command(&self, program: &str) -> Command {
        let program = self.folder.join(program);
        let Some(user) = self.user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        let (reuid, regid) = (format!("--reuid={user}"), format!("--regid={user}"));
        command.args([&reuid, &regid, "--clear-groups", "--"]).arg(program);
        // The working directory of the caller may be closed to that user.
        command.current_dir("/");
        command
    }

    /// Makes a folder that user's.
    ///
    /// # Errors
    /// There is no such user, or the folder cannot be given away.
    pub fn give_away(&self, folder: &Path) -> io::Result<()> {
        let Some(user) = self.user else { return Ok(()) };
        let given = Command::new("chown").arg(user).arg(folder).output()?;
        if given.status.success() {
            return Ok(());
        }
        Err(io::Error::other(format!("chown {user}: {}", String::from_utf8_lossy(&given.stderr))))
    }
}

fn has_both(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn newest_of_debian() -> Option<PathBuf> {
    let versions = std::fs::read_dir(DEBIAN).ok()?;
    let numbered = versions.filter_map(|entry| {
        let path = entry.ok()?.path();
        let version: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((version, path.join("bin")))
    });
    numbered.filter(|(_, folder)| has_both(folder)).max().map(|(_, folder)| folder)
}

fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| has_both(folder))
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
