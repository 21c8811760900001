//! The operator's key: a file for its owner's eyes only. The API keeps no more of it than a hash.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use types::{Entropy as _, Secret};
use vault::SystemEntropy;

use crate::demo::write_private;
use crate::fault::{Fault, Tried as _};

/// What it begins with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "lian_operator_";
const RANDOM: usize = 32;

/// A new key.
fn make() -> Secret<String> {
    let mut random = [0; RANDOM];
    SystemEntropy.fill(&mut random);
    Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// The key in a file.
pub fn read(path: &Path) -> Result<Secret<String>, Fault> {
    let text = std::fs::read_to_string(path).tried(format!("cannot read {}", path.display()))?;
    let key = text.trim();
    if key.len() < PREFIX.len() + RANDOM || key.contains(char::is_whitespace) {
        return Err(Fault::plain(format!("{} holds no operator's key", path.display())));
    }
    Ok(Secret::new(key.to_owned()))
}

/// SHA-256 of the key in a file; the file is made, with a new key, if there is none.
pub fn digest_of(path: &Path) -> Result<[u8; 32], Fault> {
    if !path.exists() {
        write_private(path, format!("{}\n", make().expose()).as_bytes())?;
    }
    Ok(hash(read(path)?.expose()))
}

/// SHA-256 of a key.
fn hash(key: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
    hash
}
