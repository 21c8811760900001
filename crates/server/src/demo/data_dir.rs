//! The demo's directory: what is in it, and that only one demo uses it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Tried as _};

/// `DIR/demo.json`: everything that a person or a program needs to use the demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DemoFile {
    /// The API's address.
    pub api_url: String,
    /// The demo merchant's secret key.
    pub secret_key: String,
    /// A card terminal of the demo merchant.
    #[serde(default)]
    pub terminal: String,
    /// The wallet's address.
    pub wallet_url: String,
    /// The demo shop.
    pub shop_url: String,
    /// The demo merchant.
    pub merchant: String,
    /// A customer of the demo merchant.
    pub customer: String,
    /// The banks.
    pub banks: Vec<BankEntry>,
    /// Cards to pay with.
    pub test_cards: Vec<TestCard>,
}

/// A bank of the demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BankEntry {
    /// Its name in the configuration.
    pub name: String,
    /// Its dialect.
    pub dialect: String,
    /// Where it listens.
    pub address: String,
}

/// A card of the demo.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TestCard {
    /// What `POST /v1/payments` takes.
    pub payment_method: String,
    /// The currency it is billed in.
    pub currency: String,
    /// Its brand.
    pub brand: String,
    /// Its last four digits.
    pub last4: String,
    /// What its bank does.
    pub behaviour: String,
    /// The number to type into the checkout page; a simulator's card, worth nothing anywhere else.
    pub number: String,
    /// Its expiry date, as typed.
    pub expiry: String,
    /// Its security code.
    pub security_code: String,
}

/// The directory, owned by this process until it ends.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens or makes the directory.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        use std::os::unix::fs::DirBuilderExt as _;
        // Books and sealed keys are their owner's alone.
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path.join("banks"));
        made.tried(format!("cannot make the directory {}", path.display()))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.tried(format!("cannot open {}", lock_path.display()))?;
        if lock.try_lock().is_err() {
            let message = format!(
                "another lian is running on {}; stop it first, or take another --data",
                path.display()
            );
            return Err(Fault::plain(message));
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The demo file of an earlier start.
    pub fn read_demo(&self) -> Result<Option<DemoFile>, Fault> {
        read_demo(&self.path)
    }

    /// Writes the demo file: whole or not at all, and for its owner's eyes only.
    pub fn write_demo(&self, demo: &DemoFile) -> Result<(), Fault> {
        let text = serde_json::to_string_pretty(demo).tried("cannot write demo.json")?;
        let path = self.join("demo.json");
        write_private(&path, text.as_bytes())
    }
}

/// `DIR/demo.json`, if there is one.
pub fn read_demo(data: &Path) -> Result<Option<DemoFile>, Fault> {
    let path = data.join("demo.json");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).tried(format!("{} is damaged", path.display()))?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Fault::new(format!("cannot read {}", path.display()), error)),
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file =
            OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().tried(format!("cannot write {}", path.display()))
}
