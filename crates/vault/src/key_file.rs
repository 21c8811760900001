//! The key file: a few lines of text that only its owner may read.
//!
//! ```text
//! lian-vault-keys 1
//! index <64 hexadecimal digits>
//! root 1 <64 hexadecimal digits>
//! root 2 <64 hexadecimal digits>
//! current 2
//! sum <SHA-256 of everything above, 64 hexadecimal digits>
//! ```
//!
//! A file that was cut off or edited is refused by its sum, rather than used with half its keys. It is written beside
//! its place and moved there whole, so that a crash leaves the old file or the new one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use types::Entropy;
use zeroize::Zeroizing;

use crate::keyring::{KeyBytes, Keyring};
use crate::{VaultError, hex};

const HEADING: &str = "lian-vault-keys 1";

/// Far above any honest file: ten thousand root keys.
const MAX_BYTES: u64 = 1 << 20;

/// Reads the key file; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Keyring>, VaultError> {
    let io_error = |doing| move |source| VaultError::Io { doing, path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("open it")(error)),
    };
    // Asked of the open file, not of the path, which could be exchanged in between.
    let about = file.metadata().map_err(io_error("read its permissions"))?;
    check_permissions(path, &about)?;
    if about.len() > MAX_BYTES {
        return Err(broken(path, "too long for a key file"));
    }
    let mut text = Zeroizing::new(String::with_capacity(about.len() as usize + 1));
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(io_error("read it"))?;
    parse(&text).map(Some).map_err(|rule| broken(path, rule))
}

/// Writes a new key file; never replaces one. Returns whether this call created it.
pub fn create(path: &Path, keys: &Keyring, entropy: &dyn Entropy) -> Result<bool, VaultError> {
    let io_error = |doing| move |source| VaultError::Io { doing, path: path.to_owned(), source };
    let draft = Draft::write(path, keys, entropy)?;
    // A hard link fails when the name is taken, where a rename would silently replace somebody's keys.
    match fs::hard_link(&draft.path, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(io_error("put it in its place")(error)),
    }
    drop(draft);
    sync_directory(path)?;
    Ok(true)
}

/// Replaces the key file as a whole.
pub fn replace(path: &Path, keys: &Keyring, entropy: &dyn Entropy) -> Result<(), VaultError> {
    let draft = Draft::write(path, keys, entropy)?;
    fs::rename(&draft.path, path).map_err(|source| VaultError::Io {
        doing: "put it in its place",
        path: path.to_owned(),
        source,
    })?;
    sync_directory(path)
}

/// Keeps other processes from replacing the key file until the answer is dropped. Its directory is locked, since the
/// file itself is another one after each replacement.
pub fn lock(path: &Path) -> Result<Option<File>, VaultError> {
    if !cfg!(unix) {
        return Ok(None);
    }
    let directory = File::open(directory(path));
    directory
        .and_then(|directory| directory.lock().map(|()| Some(directory)))
        .map_err(|source| VaultError::Io { doing: "lock its directory", path: path.to_owned(), source })
}

/// A complete key file under a passing name, removed when dropped.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn write(place: &Path, keys: &Keyring, entropy: &dyn Entropy) -> Result<Self, VaultError> {
        let io_error = |doing| move |source| VaultError::Io { doing, path: place.to_owned(), source };
        let name = place.file_name().ok_or_else(|| broken(place, "the path names no file"))?;
        let name = format!(".{}.{:032x}.new", name.to_string_lossy(), entropy.u128());
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let path = place.with_file_name(name);
        let mut file = options.open(&path).map_err(io_error("create it"))?;
        let draft = Self { path };
        file.write_all(render(keys).as_bytes()).map_err(io_error("write it"))?;
        file.sync_all().map_err(io_error("write it durably"))?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // After a rename there is nothing left under this name, and a leftover draft is as well protected as the file.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn check_permissions(path: &Path, about: &fs::Metadata) -> Result<(), VaultError> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o7777;
    if !about.is_file() {
        Err(broken(path, "not a regular file"))
    } else if mode & 0o077 != 0 {
        Err(VaultError::Permissions { path: path.to_owned(), mode })
    } else {
        Ok(())
    }
}

#[cfg(not(unix))]
fn check_permissions(path: &Path, about: &fs::Metadata) -> Result<(), VaultError> {
    if about.is_file() { Ok(()) } else { Err(broken(path, "not a regular file")) }
}

/// A new name is durable only once its directory is.
fn sync_directory(path: &Path) -> Result<(), VaultError> {
    if !cfg!(unix) {
        return Ok(());
    }
    File::open(directory(path)).and_then(|directory| directory.sync_all()).map_err(|source| VaultError::Io {
        doing: "make its directory durable",
        path: path.to_owned(),
        source,
    })
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn broken(path: &Path, rule: &'static str) -> VaultError {
    VaultError::KeyFile { path: path.to_owned(), rule }
}

fn render(keys: &Keyring) -> Zeroizing<String> {
    // Room for every line at once: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(256 + keys.roots.len() * 96));
    let push = |text: &mut String, name: &str, key: &KeyBytes| {
        let digits = Zeroizing::new(hex::encode(key.as_slice()));
        for part in [name, " ", digits.as_str(), "\n"] {
            text.push_str(part);
        }
    };
    text.push_str(HEADING);
    text.push('\n');
    push(&mut text, "index", &keys.index);
    for (version, root) in &keys.roots {
        push(&mut text, &format!("root {version}"), root);
    }
    text.push_str(&format!("current {}\n", keys.current));
    let sum = sum(&text);
    text.push_str(&format!("sum {sum}\n"));
    text
}

fn sum(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn parse(text: &str) -> Result<Keyring, &'static str> {
    if !text.starts_with(HEADING) {
        return Err("does not start as a key file of version 1");
    }
    let (body, last) = text.rsplit_once("sum ").ok_or("has no sum at its end: it was cut off")?;
    if last.strip_suffix('\n') != Some(sum(body).as_str()) {
        return Err("does not match its sum: it was edited or cut off");
    }
    let mut lines = body.lines();
    if lines.next() != Some(HEADING) {
        return Err("does not start as a key file of version 1");
    }
    let index =
        lines.next().and_then(|line| line.strip_prefix("index ")).and_then(key).ok_or("index is missing")?;
    let mut roots = BTreeMap::new();
    let mut current = None;
    for line in lines {
        match (line.split_once(' '), current) {
            (Some(("root", rest)), None) => {
                let (version, digits) = rest.split_once(' ').ok_or("a root key has no version")?;
                let version: u32 = version.parse().map_err(|_| "the version of a root key is no number")?;
                let key = key(digits).ok_or("a root key is not 64 hexadecimal digits")?;
                if roots.insert(version, key).is_some() {
                    return Err("two root keys have one version");
                }
            }
            (Some(("current", version)), None) => current = version.parse().ok(),
            _ => return Err("holds a line that is not known"),
        }
    }
    match current {
        Some(current) if roots.contains_key(&current) => Ok(Keyring::new(index, roots, current)),
        _ => Err("does not name one of its root keys as current"),
    }
}

fn key(digits: &str) -> Option<KeyBytes> {
    let bytes = hex::decode(digits)?;
    let bytes: &[u8; 32] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*bytes))
}
