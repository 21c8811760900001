//! The only holder of keys and stored card numbers: sealed records, card fingerprints, bank working keys and MACs.
//!
//! ```text
//! key file (0600)            root key, one per version        index secret, for life
//!                               │ HKDF-Expand, per purpose       │ HKDF-Expand, per use
//!                            key-encrypting key               card fingerprints, API-key hashes
//!                               │ AES key wrap (RFC 3394)
//!                            data-encrypting key, one per record
//!                               │ AES-256-GCM, bound to purpose, record and owner
//!                            sealed record, kept by the store
//! ```
//!
//! What is never here: a way to seal a security code or a PIN. PCI DSS v4.0.1 requirement 3.3.1 forbids keeping them,
//! encrypted or not, so no function takes one. Encrypted PIN blocks are translated from key to key, and no function
//! returns a PIN; production does even that in a payment HSM (`docs/operating/keys.md`).

pub mod bank;
mod cards;
mod entropy;
mod error;
mod hex;
mod key_file;
mod keyring;
mod pin_keys;
mod seal;
mod vault;

pub use bank::{
    AesKeyLength, AesKsn, BankKey, BankKeyError, BankKeys, DukptUsage, Exportability, FirstBlock,
    KeyBlockError, KeyBlockHeader, KeyBlockKey, KeyBlockVersion, KeyFamily, KeyModes, KeyType, KeyUsage,
    KsnError, MacAlgorithm, MacPadding, OptionalBlock, PinBlockFormat, PinError, PinKeyKind, PinZone,
    SerialNumber, TdesKsn, TerminalPinError, TerminalPinKey, Token, TokenError, TokenKeysError, TokenReason,
    TransportKey, WrappedKey, translate_pin,
};
pub use cards::{Fingerprint, SealedCard};
pub use entropy::SystemEntropy;
pub use error::VaultError;
pub use pin_keys::KeptPinKey;
pub use seal::{Purpose, Record};
pub use vault::Vault;
