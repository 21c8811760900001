//! What the tests need beside Rust: a browser with its driver, PostgreSQL's programs, the openssl command, SoftHSM, Python
//! with a few packages.
//!
//! What is on the machine is used; what is missing is installed by apt-get, where there is one. Python packages go
//! into a virtual environment under the target directory and are never installed on the machine.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::step;

/// Where the tests find their tools; each is also an environment variable.
pub struct Tools {
    python: PathBuf,
    chromium: PathBuf,
    chromedriver: PathBuf,
}

impl Tools {
    /// Names and values of the environment variables that the tests read.
    pub fn environment(&self) -> [(&'static str, &Path); 3] {
        [
            ("LIAN_TEST_PYTHON", &self.python),
            ("LIAN_TEST_CHROMIUM", &self.chromium),
            ("LIAN_TEST_CHROMEDRIVER", &self.chromedriver),
        ]
    }

    /// Prints lines for a shell, so that `cargo test` alone finds the tools too.
    pub fn print(&self) {
        for (name, value) in self.environment() {
            println!("export {name}='{}'", value.display());
        }
    }
}

/// A program that must be there, the names it goes by, and the Debian package that brings it.
struct Program {
    names: &'static [&'static str],
    package: &'static str,
    /// Names the program in place of the search, when set.
    variable: Option<&'static str>,
}

const CHROMIUM: Program = Program {
    names: &["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
    variable: Some("LIAN_TEST_CHROMIUM"),
};
const CHROMEDRIVER: Program = Program {
    names: &["chromedriver"],
    package: "chromium-driver",
    variable: Some("LIAN_TEST_CHROMEDRIVER"),
};
/// Debian keeps the server's programs off the PATH, a folder for each version; `pgserver` looks there.
const POSTGRES: Program = Program { names: &["initdb"], package: "postgresql", variable: None };
const OPENSSL: Program = Program { names: &["openssl"], package: "openssl", variable: None };
const PYTHON: Program = Program { names: &["python3"], package: "python3", variable: None };

/// Sets up what is missing.
///
/// # Errors
/// Says what is missing and how to bring it.
pub fn run(root: &Path) -> Result<Tools, String> {
    install_missing()?;
    Ok(Tools {
        python: virtual_environment(root)?,
        chromium: CHROMIUM.path()?,
        chromedriver: CHROMEDRIVER.path()?,
    })
}

impl Program {
    fn find(&self) -> Option<PathBuf> {
        if let Some(named) = self.variable.and_then(std::env::var_os) {
            return Some(PathBuf::from(named));
        }
        let path = std::env::var_os("PATH")?;
        let places =
            std::env::split_paths(&path).flat_map(|dir| self.names.iter().map(move |name| dir.join(name)));
        places.into_iter().find(|place| place.is_file())
    }

    fn path(&self) -> Result<PathBuf, String> {
        let place = self
            .find()
            .ok_or_else(|| format!("{} is still missing after its installation", self.names[0]))?;
        if place.is_file() {
            Ok(place)
        } else {
            Err(format!("{}: there is no such program", place.display()))
        }
    }
}

fn install_missing() -> Result<(), String> {
    let mut packages: Vec<&str> = [&CHROMIUM, &CHROMEDRIVER, &OPENSSL, &PYTHON]
        .into_iter()
        .filter(|program| program.find().is_none())
        .map(|program| program.package)
        .collect();
    if !has_postgres() {
        packages.push(POSTGRES.package);
    }
    if !has_softhsm() {
        packages.push("softhsm2");
    }
    // Debian keeps the installer of virtual environments in a package of its own.
    if !succeeds("python3", &["-c", "import venv, ensurepip"]) {
        packages.push("python3-venv");
    }
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let by_hand = format!(
        "the tests need these programs: {list}. Install them, or name the browser and its driver in \
                           LIAN_TEST_CHROMIUM and LIAN_TEST_CHROMEDRIVER"
    );
    if !succeeds("apt-get", &["--version"]) {
        return Err(format!("{by_hand} (there is no apt-get here to do it)."));
    }
    if !is_root() && !succeeds("sudo", &["-n", "true"]) {
        return Err(format!("{by_hand}: sudo apt-get install {list}"));
    }
    step::run("Refreshing the list of packages", &mut apt_get(&["update", "-q"]))?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    step::run(&format!("Installing {list}"), apt_get(&install).args(&packages))
}

fn has_postgres() -> bool {
    let is_bin = |entry: fs::DirEntry| entry.path().join("bin/initdb").is_file();
    let debian = fs::read_dir("/usr/lib/postgresql");
    std::env::var_os("LIAN_POSTGRES_BIN").is_some()
        || debian.is_ok_and(|versions| versions.filter_map(Result::ok).any(is_bin))
        || POSTGRES.find().is_some()
}

/// A library and no program: the places are those that `crates/vault/tests/token.rs` looks at.
fn has_softhsm() -> bool {
    let usual = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
    ];
    std::env::var_os("LIAN_TEST_SOFTHSM").is_some() || usual.iter().any(|path| Path::new(path).is_file())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").stdin(Stdio::null()).output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The Python of a virtual environment that holds exactly what `requirements.txt` says.
fn virtual_environment(root: &Path) -> Result<PathBuf, String> {
    let requirements = root.join("xtask/requirements.txt");
    let wanted = read(&requirements)?;
    let place = target_directory(root).join("test-python");
    let python = place.join("bin/python");
    let stamp = place.join("requirements-installed.txt");
    // The stamp is written last: an installation that broke off is done again.
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) && starts(&python) {
        return Ok(python);
    }
    let create = ["-m", "venv", "--clear"];
    step::run("Making a Python environment", Command::new("python3").args(create).arg(&place))?;
    let install =
        ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-deps", "--requirement"];
    step::run("Installing Python packages", Command::new(&python).args(install).arg(&requirements))?;
    step::run("Checking Python packages", Command::new(&python).args(["-m", "pip", "check"]))?;
    fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))?;
    Ok(python)
}

fn starts(python: &Path) -> bool {
    python.to_str().is_some_and(|python| succeeds(python, &["-c", ""]))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

fn target_directory(root: &Path) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").as_deref().filter(|named| *named != OsStr::new("")) {
        Some(named) => root.join(named),
        None => root.join("target"),
    }
}
