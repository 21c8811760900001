//! What can go wrong with keys and sealed records.

use std::io;
use std::path::PathBuf;

/// Why the vault refused. Never holds a byte of a key, of a sealed record or of what it sealed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The key file could not be read or written.
    #[error("key file {}: cannot {doing}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file or its directory.
        path: PathBuf,
        /// Why the operating system refused.
        #[source]
        source: io::Error,
    },
    /// Others than its owner can read or write the key file.
    #[error("key file {} has mode {mode:04o}; only its owner may have access (chmod 600)", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// The permission bits found.
        mode: u32,
    },
    /// The key file is not a key file, or was changed or cut off.
    #[error("key file {}: {rule}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The bytes are not a sealed record, or not of a known form.
    #[error("not a sealed record: {rule}")]
    Form {
        /// The rule that is broken.
        rule: &'static str,
    },
    /// The record was sealed under a key version that this vault does not hold.
    #[error("record is sealed under key version {version}, which this key file does not hold")]
    UnknownKeyVersion {
        /// The version named in the record.
        version: u32,
    },
    /// The record was altered, or belongs to another purpose, record or owner.
    #[error("record was altered, or was sealed for another purpose, record or owner")]
    NotAuthentic,
    /// The cryptographic library refused an operation that cannot fail on sound input.
    #[error("cryptographic operation failed while {doing}")]
    Crypto {
        /// What was being done.
        doing: &'static str,
    },
}

impl VaultError {
    /// A stable code; never renamed, never reused.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "vault_key_file_unavailable",
            Self::Permissions { .. } => "vault_key_file_permissions",
            Self::KeyFile { .. } => "vault_key_file_invalid",
            Self::Form { .. } => "vault_record_invalid",
            Self::UnknownKeyVersion { .. } => "vault_key_version_unknown",
            Self::NotAuthentic => "vault_record_not_authentic",
            Self::Crypto { .. } => "vault_crypto_failed",
        }
    }
}
